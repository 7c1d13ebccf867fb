"""How the connection of a call ended, and who ended it, as an operator sees it."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time, tone
from tests.serving.phone_caller import ECHO, TwilioCall, calling, served

from voxrun.cli.serve_log import Log, SessionLog
from voxrun.serving.host import HostSettings
from voxrun.serving.phone import MESSAGE_LIMIT, Phone
from voxrun.serving.routes import Routes
from voxrun.trace.story import tell
from voxrun.trace.timeline import timeline
from voxrun.trace.words import visible
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork
from voxrun.transports.server import Request, Upgrade
from voxrun.transports.turnstile import OwnGuests, Turnstile
from voxrun.transports.websocket import Closed, WebSocket

pytestmark = pytest.mark.usefixtures("unhurried")

SHORT = """from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    setTimeout(event.call.hangup, 600)
"""


async def _stop(call: TwilioCall) -> None:
    call.hang_up()


async def _close(call: TwilioCall) -> None:
    call.socket.close(1001, "\x1b[31maway")


async def _break(call: TwilioCall) -> None:
    call.start()


async def _flood(call: TwilioCall) -> None:
    call.socket.send("x" * (MESSAGE_LIMIT + 1))


async def _vanish(call: TwilioCall) -> None:
    await trio.sleep_forever()


async def _stay(call: TwilioCall) -> None:
    await call.say(tone(8000, 1.0))


@pytest.mark.parametrize("network", [MemoryNetwork, TcpNetwork])
@pytest.mark.parametrize(
    ("leave", "how"),
    [
        (_stop, "twilio stopped the stream"),
        (_close, "twilio closed the connection: 1001 \x1b[31maway"),
        (_break, "we closed the connection: 1002 a stream starts once"),
        (_flood, "we closed the connection: 1009"),
        (_stay, "we closed the connection"),
        (_vanish, "the connection was lost"),
    ],
)
def test_how_the_connection_ended_is_in_the_trace_and_in_the_log(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    leave: Callable[[TwilioCall], Awaitable[None]],
    how: str,
    network: Callable[[], Network],
) -> None:
    path = tmp_path / "short.py"
    path.write_text(SHORT if leave is _stay else SHORT.replace("600", "60_000"))

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), trace=tmp_path, idle_seconds=0.1)
        async with served(settings, network=network()) as place:
            place.host.observers.append(SessionLog(Log(3)))
            with trio.move_on_after(10) as scope:  # cancelled, it drops the connection
                async with calling(place) as call:
                    call.start()
                    await trio.sleep(0.2)
                    scope.deadline -= 9.6 if leave is _vanish else 0
                    await leave(call)
                    await call.over()
            await place.over(1)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0) if network is MemoryNetwork else None)
    (trace,) = tmp_path.glob("*.jsonl")
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    (told,) = [record["what"] for record in records if record["kind"] == "connection"]
    assert told.startswith(how)
    assert visible(told) in timeline(tell(records))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split()[1:3] == ["worker", "3:"]
    assert last.endswith(f"no call for 0.1 s; {visible(told)}")


def test_the_connection_ends_when_we_hang_up_and_not_with_the_session_only(tmp_path: Path) -> None:
    path = tmp_path / "short.py"
    path.write_text(SHORT)

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), idle_seconds=60.0)
        async with served(settings) as place, calling(place) as call:
            call.start()
            assert (await call.over()).is_ordinary
            assert len(place.host.sessions) == 1

    in_virtual_time(main)


@pytest.mark.parametrize("network", [MemoryNetwork, TcpNetwork])
@pytest.mark.parametrize("answer", ["event.call.answer(); event.call.sendMediaTo(event.call)", "pass"])
def test_nothing_comes_after_the_end_of_the_trace(tmp_path: Path, network: Callable[[], Network], answer: str) -> None:
    path = tmp_path / "short.py"
    path.write_text(SHORT.replace("event.call.answer()", answer).replace("600", "60_000"))

    async def main() -> None:
        async with served(path, network=network()) as place, calling(place) as call:
            call.start()
            await call.say(tone(8000, 0.3))
            (running,) = place.host.sessions.values()
            running.session.interrupt("ended from outside")
            await call.say(tone(8000, 0.1))
            call.hang_up()
            await call.over()
            await trio.sleep(0.1)
            assert json.loads(running.session.trace_log.lines()[-1])["kind"] == "end"

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0) if network is MemoryNetwork else None)


@pytest.mark.parametrize(("handler", "least"), [("event.call.reject(486)", 0.0), ("pass", 60.0)])
def test_the_connection_of_a_call_that_is_not_taken_ends_with_the_call(
    tmp_path: Path, handler: str, least: float
) -> None:
    path = tmp_path / "busy.py"
    path.write_text(SHORT.replace("event.call.answer()", handler).replace("setTimeout(event.call.hangup, 600)", "pass"))

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), idle_seconds=60.0)
        async with served(settings) as place, calling(place) as call:
            began = trio.current_time()
            call.start()
            assert (await call.over()).is_ordinary
            assert least <= trio.current_time() - began < least + 0.1
            (running,) = place.host.sessions.values()
            assert running.parted == "we closed the connection"

    in_virtual_time(main)


async def slowly(work: Callable[..., object], *args: object) -> object:
    """As a slow disk does it."""
    await trio.sleep(1.0)
    return work(*args)


@pytest.mark.parametrize("stops_first", [False, True])
def test_a_caller_who_leaves_before_the_scenario_has_begun_leaves_no_session_behind(
    tmp_path: Path, *, stops_first: bool
) -> None:
    path = tmp_path / "nobody_answers.py"
    path.write_text("")

    async def main() -> None:
        async with (
            served(HostSettings(routes=Routes(path), trace=tmp_path), offload=slowly) as place,
            calling(place) as call,
        ):
            call.start()
            await trio.sleep(0.5)
            if stops_first:
                call.hang_up()
                await trio.sleep(1.0)
            call.socket.close()
            with trio.fail_after(30):
                await place.over(1)

    in_virtual_time(main)


def test_who_leaves_while_the_trace_of_a_session_is_written_does_not_come_behind_its_end(tmp_path: Path) -> None:
    path = tmp_path / "over.py"
    path.write_text(SHORT.replace("event.call.answer()", "VoxEngine.terminate()"))

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), trace=tmp_path)
        async with served(settings, offload=slowly) as place, calling(place) as call:
            call.start()
            await trio.sleep(1.5)
            call.socket.close()
            await place.over(1)

    in_virtual_time(main)
    (written,) = tmp_path.glob("*.jsonl")
    assert json.loads(written.read_text().splitlines()[-1])["kind"] == "end"


def test_who_has_left_takes_no_place_any_more_though_the_session_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "short.py"
    path.write_text(SHORT)
    left = trio.Event()

    class Guests(OwnGuests):
        def go(self, peer: str) -> None:
            super().go(peer)
            left.set()

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), idle_seconds=60.0)
        async with served(settings, network=TcpNetwork(), turnstile=Turnstile(guests=Guests())) as place:
            async with calling(place) as call:
                call.start()
                await call.say(tone(8000, 0.2))
            with trio.fail_after(20):
                await left.wait()
            assert len(place.host.sessions) == 1

    trio.run(main)


class _LateSocket(WebSocket):
    """Its stream starts in the moment in which nobody waits for that any more."""

    def send(self, message: str | bytes) -> None:
        """To nobody."""

    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        """See `WebSocket.pump`."""
        try:
            await trio.sleep_forever()
        finally:
            on_message('{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}')

    async def _ask(self) -> None:
        """Of nobody."""


def test_a_stream_that_starts_in_the_moment_it_is_given_up_leaves_no_session_behind(tmp_path: Path) -> None:
    async def main() -> None:
        scenario = tmp_path / "echo.py"
        scenario.write_text(ECHO)
        async with served(scenario) as place:
            answer = await Phone(place.host, place.doors).handle(Request("GET", "/media/l16", {}, {}))
            assert isinstance(answer, Upgrade)
            await answer.talk(_LateSocket())
            await trio.sleep(60)
            assert place.refusals == {"slow": 1}
            assert not place.host.sessions

    in_virtual_time(main)
