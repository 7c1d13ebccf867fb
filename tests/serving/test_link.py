"""A worker's desk, asked over the link: what one side's desk says, the other hears; and what becomes of the deaf."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from unittest.mock import ANY

import msgspec
import pytest
import trio
import trio.testing
from tests.serving.hosted import hosted, written

from voxrun.errors import ConfigurationError
from voxrun.events.app import AppEvents
from voxrun.serving import link as module
from voxrun.serving.desk import Refused, Sessions
from voxrun.serving.host import Host
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.link import ANSWER_SECONDS, SOON_SECONDS, Asking, answer
from voxrun.serving.metrics import Metrics
from voxrun.session.http_request import HttpAsk, HttpReply

pytestmark = pytest.mark.usefixtures("unhurried")

HEARS = """
@VoxEngine.on(AppEvents.HttpRequest)
def hear(event):
    Logger.write(f"heard {event.method} {event.path} {event.content} {event.headers[0].value}")
    return {"heard": event.content}
"""


@asynccontextmanager
async def linked(folder: Path, body: str = HEARS, *, max_calls: int = 100) -> AsyncIterator[tuple[Host, Asking]]:
    """A host, and its desk from afar."""
    async with hosted(written(folder, "first.py", body), max_calls=max_calls) as host, trio.open_nursery() as nursery:
        near, far = trio.testing.memory_stream_pair()
        desk = HostDesk(host, Metrics(host), lambda: setattr(host, "draining", True), worker=3)
        asking = Asking(near, 3)
        nursery.start_soon(answer, desk, far)
        nursery.start_soon(asking.listen)
        await asking.ready.wait()
        yield host, asking
        nursery.cancel_scope.cancel()


def test_everything_that_a_desk_is_asked_goes_over_the_link(tmp_path: Path) -> None:
    async def main() -> None:
        async with linked(tmp_path) as (host, desk):
            info = await desk.start("first.py", "x" * 100_000)
            assert desk.starting == 0
            running = host.sessions[info.id]
            assert running.session.custom_data == "x" * 100_000
            assert info.worker == 3
            (again,) = (await desk.sessions()).sessions
            assert await desk.show(info.id) == msgspec.structs.replace(again, seconds=ANY)
            assert (again.id, again.since) == (info.id, info.since)
            await trio.testing.wait_all_tasks_blocked()
            reply = await desk.request(info.id, HttpAsk("POST", "/there", "caf\u00e9", {"x": "y"}))
            assert reply == HttpReply(200, '{"heard":"caf\u00e9"}', "application/json")
            await trio.testing.wait_all_tasks_blocked()
            lines = await desk.trace(info.id)
            assert lines is not None
            assert any("heard POST /there caf\u00e9 y" in line for line in lines)
            assert "voxrun_sessions 1.0" in await desk.metrics()
            assert await desk.hang_up(info.id)
            await running.over.wait()
            assert await desk.show(info.id) is None
            assert await desk.trace(info.id) is None
            assert not await desk.hang_up(info.id)
            assert await desk.request(info.id, HttpAsk("GET", "/", "", {})) is None
            await desk.drain()
            assert host.draining

    trio.run(main)


def test_refusals_are_the_same_from_afar(tmp_path: Path) -> None:
    async def main() -> None:
        async with linked(tmp_path, max_calls=1) as (_, desk):
            with pytest.raises(ConfigurationError, match=r"there are first\.py"):
                await desk.start("other.py", "")
            await desk.start("", "")
            with pytest.raises(Refused, match="as many as may") as refused:
                await desk.start("", "")
            assert refused.value.reason == "busy"

    trio.run(main)


def test_who_does_not_answer_is_given_up_sooner_where_others_do() -> None:
    async def main() -> None:
        near, far = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            desk = Asking(near, 1)
            nursery.start_soon(desk.listen)
            for question, seconds in ((desk.sessions, SOON_SECONDS), (partial(desk.show, "x"), ANSWER_SECONDS)):
                began = trio.current_time()
                with pytest.raises(Refused, match="worker 1 does not answer"):
                    await question()
                assert trio.current_time() - began == pytest.approx(seconds)
            nursery.start_soon(_close_soon, far)
            began = trio.current_time()
            with pytest.raises(Refused, match="does not answer"):
                await desk.trace("x")
            assert trio.current_time() - began == pytest.approx(1)
            with pytest.raises(Refused, match="does not answer"):
                await desk.start("", "")
            assert desk.starting == 0

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_who_does_not_even_listen_is_given_up_for_good() -> None:
    async def main() -> None:
        near, _ = trio.testing.lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            desk = Asking(near, 1)
            nursery.start_soon(desk.listen)
            for seconds in (ANSWER_SECONDS, 0.0):
                began = trio.current_time()
                with pytest.raises(Refused, match="does not answer"):
                    await desk.metrics()
                assert trio.current_time() - began == pytest.approx(seconds)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def _close_soon(stream: trio.abc.Stream) -> None:
    await trio.sleep(1)
    await stream.aclose()


def test_no_session_begins_that_another_worker_was_asked_for_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SOON_SECONDS", 0.01)

    async def main() -> None:
        async with hosted(written(tmp_path, "first.py", "")) as host, trio.open_nursery() as nursery:
            near, far = trio.testing.memory_stream_pair()
            asking = Asking(near, 1)
            with pytest.raises(Refused, match="does not answer"):
                await asking.start("", "")
            nursery.start_soon(answer, HostDesk(host, Metrics(host), lambda: None), far)
            nursery.start_soon(asking.listen)
            assert await asking.show("x") is None
            assert not host.sessions
            monkeypatch.setattr(module, "SOON_SECONDS", 60.0)
            assert (await asking.start("", "")).id in host.sessions
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_answers_find_their_questions_whatever_their_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with linked(tmp_path) as (_, desk):
            answers: list[bool] = []

            async def ask() -> None:
                answers.append("voxrun_sessions" in await desk.metrics() and await desk.sessions() == Sessions([]))

            async with trio.open_nursery() as nursery:
                for _ in range(50):
                    nursery.start_soon(ask)
            assert answers == [True] * 50

    trio.run(main)


async def _slow(event: object) -> None:
    await trio.sleep(60)


def test_who_takes_long_to_answer_one_question_answers_the_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with linked(tmp_path, "") as (host, desk):
            info = await desk.start("first.py", "")
            host.sessions[info.id].session.app.addEventListener(AppEvents.HttpRequest, _slow)
            began = trio.current_time()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(desk.request, info.id, HttpAsk("POST", "/", "", {}))
                await trio.sleep(1)
                assert [it.id for it in (await desk.sessions()).sessions] == [info.id]
                assert trio.current_time() - began < 2
                nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
