"""What handlers of `AppEvents.HttpRequest` return, as the reply to who asked; who may visit a session."""

import json
import os
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing
from tests.serving.hosted import hosted, written

from voxrun.errors import ConfigurationError
from voxrun.serving.host_desk import HostDesk
from voxrun.serving.metrics import Metrics
from voxrun.session.http_request import REPLY_SECONDS, HttpAsk, HttpReply
from voxrun.transports.server import Reply, Upgrade

DONE = HttpReply(204)
FAILED = HttpReply(500)
TURNS = """
import trio

async def after(seconds, value):
    await trio.sleep(seconds)
    return value

async def fail_later(event):
    await trio.sleep(1)
    1 / 0

def listen(handler):
    VoxEngine.addEventListener(AppEvents.HttpRequest, handler)

"""


async def asked(folder: Path, body: str, *contents: str) -> tuple[list[HttpReply | None], list[str], float]:
    """The replies of one session to these contents at once, its warnings, and the seconds until the last reply."""
    replies: list[HttpReply | None] = [None] * len(contents)
    async with hosted(written(folder, "first.py", TURNS + body)) as host:
        desk = HostDesk(host, Metrics(host), lambda: None)
        info = await desk.start("", "")
        session = host.sessions[info.id].session
        began = trio.current_time()

        async def ask(index: int) -> None:
            replies[index] = await desk.request(info.id, HttpAsk("POST", "/", contents[index], {}))

        async with trio.open_nursery() as nursery:
            for index in range(len(contents)):
                nursery.start_soon(ask, index)
        records = [json.loads(line) for line in session.trace_log.lines()]
        warnings = [record["message"] for record in records if record["kind"] == "warning"]
        return replies, warnings, trio.current_time() - began


def replied(folder: Path, body: str, *contents: str) -> tuple[list[HttpReply | None], list[str], float]:
    """The same, in virtual time."""
    return trio.run(asked, folder, body, *contents, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ("'said'", HttpReply(200, "said", "text/plain")),
        ("''", HttpReply(200, "", "text/plain")),
        ("7", HttpReply(200, "7", "application/json")),
        ("0.5", HttpReply(200, "0.5", "application/json")),
        ("False", HttpReply(200, "false", "application/json")),
        ("{'open': [True, None, 'é']}", HttpReply(200, '{"open":[true,null,"é"]}', "application/json")),
        ("event.headers", HttpReply(200, "[]", "application/json")),
        ("{'name': event.name}", HttpReply(200, '{"name":"Application.HttpRequest"}', "application/json")),
        ("'half \\ud800'", HttpReply(200, "half ?", "text/plain")),
        ("None", DONE),
    ],
)
def test_what_a_handler_returns_is_the_reply(tmp_path: Path, value: str, reply: HttpReply) -> None:
    replies, warnings, seconds = replied(tmp_path, f"listen(lambda event: {value})", "")
    assert replies == [reply]
    assert warnings == []
    assert seconds < 0.1


@pytest.mark.parametrize("value", ["object()", "[{1: object()}]", "{(1, 2): 3}", "'half \\ud800'.split()", "again"])
def test_what_has_no_form_in_json_is_warned_of(tmp_path: Path, value: str) -> None:
    replies, (warning,), _ = replied(tmp_path, f"again = []\nagain.append(again)\nlisten(lambda event: {value})", "")
    assert replies == [DONE]
    assert "Application.HttpRequest returned can't be the reply, which is text or JSON" in warning


def test_the_first_handler_that_returns_something_replies(tmp_path: Path) -> None:
    body = """
listen(lambda event: None)
listen(lambda event: after(2, "slow"))
listen(lambda event: after(1, "quick"))
listen(lambda event: after(3, None))
"""
    replies, _, seconds = replied(tmp_path, body, "")
    assert replies == [HttpReply(200, "quick", "text/plain")]
    assert seconds == pytest.approx(1, abs=0.05)


def test_the_reply_is_empty_once_all_handlers_returned_nothing(tmp_path: Path) -> None:
    body = "listen(lambda event: after(2, None))\nlisten(lambda event: after(1, None))"
    replies, _, seconds = replied(tmp_path, body, "")
    assert replies == [DONE]
    assert seconds == pytest.approx(2, abs=0.05)
    assert replied(tmp_path, "", "")[0] == [DONE]


def test_a_handler_that_takes_long_is_not_waited_for(tmp_path: Path) -> None:
    body = "listen(lambda event: after(float(event.content), event.content))"
    replies, _, seconds = replied(tmp_path, body, "60", "2", "1")
    assert replies == [HttpReply(202), HttpReply(200, "2", "text/plain"), HttpReply(200, "1", "text/plain")]
    assert seconds == pytest.approx(REPLY_SECONDS, abs=0.05)


@pytest.mark.parametrize(
    ("end", "reply"),
    [("VoxEngine.terminate()", DONE), ("1 / 0", FAILED)],
)
def test_whoever_asks_a_session_that_ends_is_not_kept(tmp_path: Path, end: str, reply: HttpReply) -> None:
    body = f"""
@VoxEngine.on(AppEvents.HttpRequest)
async def hear(event):
    if event.content == "end":
        {end}
    await trio.sleep(60)
"""
    replies, _, seconds = replied(tmp_path, body, "wait", "end", "late")
    assert replies == [DONE, reply, DONE]
    assert seconds < 0.1


@pytest.mark.parametrize(
    "handler",
    [
        "lambda event: 1 / 0",
        "lambda event: (yield 1)",
        "lambda event: after(1, 2, 3)",
        "lambda event: after('soon', None)",
        "fail_later",
        "'no function'",
    ],
)
def test_a_handler_that_fails_is_an_error_to_who_asked(tmp_path: Path, handler: str) -> None:
    assert replied(tmp_path, f"listen({handler})", "")[0] == [FAILED]


def test_a_scenario_whose_file_has_a_name_that_is_no_utf_8_is_shown_and_begun_like_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with hosted(written(tmp_path, os.fsdecode(b"caf\xe9.py"), "")) as host:
            desk = HostDesk(host, Metrics(host), lambda: None)
            shown = json.loads(msgspec.json.encode(await desk.start("", "")))["scenario"]
            assert shown == r"caf\udce9.py"
            assert (await desk.start(shown, "")).scenario == shown
            with pytest.raises(ConfigurationError, match=r"there are caf\\udce9\.py$"):
                await desk.start("tea.py", "")

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


ALLOW = "VoxEngine.allowWebSocketConnections()\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (ALLOW, 101),
        (f"VoxEngine.addEventListener(AppEvents.Started, lambda e: {ALLOW.strip()})\n", 101),
        ("", 403),
        (f"{ALLOW}1 / 0\n", 403),
        (f"{ALLOW}VoxEngine.terminate()\n", 403),
        (f"VoxEngine.addEventListener(AppEvents.Started, lambda e: 1 / 0)\n{ALLOW}", 403),
    ],
)
def test_who_visits_a_session_that_just_begins_waits_for_its_scenario(tmp_path: Path, body: str, status: int) -> None:
    async def main() -> Reply | Upgrade | None:
        async with hosted(written(tmp_path, "first.py", body)) as host:
            desk = HostDesk(host, Metrics(host), lambda: None)
            info = await desk.start("", "")
            with trio.fail_after(1):
                return await desk.visit(info.id)

    answer = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert (answer.status if isinstance(answer, Reply) else 101) == status
