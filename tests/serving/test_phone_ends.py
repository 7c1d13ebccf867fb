"""How the connection of a call ended, and who ended it, as an operator sees it."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from tests.kit import tone
from tests.serving.phone_caller import TwilioCall, calling, served

from voxrun.cli.serve_log import Log, SessionLog
from voxrun.serving.host import HostSettings
from voxrun.serving.phone import MESSAGE_LIMIT
from voxrun.serving.routes import Routes
from voxrun.trace.story import tell
from voxrun.trace.timeline import timeline
from voxrun.trace.words import visible
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork

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
    path.write_text(SHORT)

    async def main() -> None:
        settings = HostSettings(routes=Routes(path), trace=tmp_path, idle_seconds=0.1)
        async with served(settings, network=network()) as place:
            place.host.observers.append(SessionLog(Log(3)))
            with trio.move_on_after(0.4 if leave is _vanish else 10):  # cancelled, it drops the connection
                async with calling(place) as call:
                    call.start()
                    await trio.sleep(0.2)
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
