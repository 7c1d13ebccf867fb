"""What a `.vox` scenario does in its session costs the others no more than a tick."""

import gc
import itertools
import time
from pathlib import Path

import pytest
import trio
from tests.kit import ScriptedLeg, hum, inline

from voxrun.api.vox import vox_language
from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_library import SoundLibrary

ENDLESS = "fn f() { setTimeout(f, 0) }\nf()"
"""Does little in each tick, so it may go on: how much depends on the machine."""

STORMS = [
    "while true { }",
    'let s = "x"\nwhile true { s = s + s }',
    "let l = []\nlet i = 0\nwhile i < 40 { l = [l, l]; i += 1 }\nlog l",
    "const l = [1]\nfor x in l { l.push(x) }",
    ENDLESS,
    "let i = 0\nwhile i < 100 { every 100ms { let n = 0; while n < 5000 { n += 1 } }; i += 1 }",
    "let i = 0\nwhile i < 400 { on call CallEvents.Disconnected { let n = 0; while n < 500 { n += 1 } }; i += 1 }\n"
    "call.hangup()",
]
"""What a session may try."""

STORM_SECONDS = 1.0
"""How long that one goes on here; all others end by themselves, with an error."""

ATTEMPTS = 5
"""Other programs only ever lengthen a gap: one attempt without them says what a storm does."""


class Listener(ScriptedLeg):
    """A caller who takes the time of each frame, and that of the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, float]] = []

    def write(self, frame: Samples) -> None:
        """Note when it came."""
        self.times.append((time.perf_counter(), time.thread_time()))


def services() -> Services:
    network = MemoryNetwork()
    return Services(
        secrets=Secrets({}, {}),
        network=network,
        offload=inline,
        sounds=SoundLibrary(network, inline, hum),
        language=vox_language,
    )


@pytest.fixture(autouse=True)
def no_collection_of_the_test_runner() -> None:
    """A full one would walk all that pytest has, and take longer than a tick; `voxrun` freezes what it starts with."""
    gc.collect()
    gc.freeze()


def longest_gap(calm: Path, storm: Path, most_seconds: float) -> float:
    """The longest time between two frames of a call, while the other session storms.

    Gaps in which we had less than a tick of the CPU are other programs' doing.
    """
    listener = Listener()

    async def main() -> None:
        ticker = Ticker()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            nursery.start_soon(Session(calm, services(), ticker).run, listener)
            await trio.sleep(0.1)
            with trio.move_on_after(most_seconds):
                outcome = await Session(storm, services(), ticker).run(ScriptedLeg())
                assert outcome.error is not None
            await trio.sleep(0.1)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert len(listener.times) > 4
    return max(
        (
            after - before
            for (before, cpu_before), (after, cpu_after) in itertools.pairwise(listener.times)
            if cpu_after - cpu_before > FRAME_SECONDS
        ),
        default=0.0,
    )


@pytest.mark.parametrize("statements", STORMS)
def test_a_storm_delays_another_call_by_no_more_than_a_tick(tmp_path: Path, statements: str) -> None:
    calm, storm = tmp_path / "calm.vox", tmp_path / "storm.vox"
    calm.write_text("on AppEvents.CallAlerting as { call } { call.answer(); call -> call }")
    storm.write_text(f"on AppEvents.CallAlerting as {{ call }} {{\ncall.answer()\n{statements}\n}}")
    most = STORM_SECONDS if statements == ENDLESS else float("inf")
    assert any(longest_gap(calm, storm, most) < 2 * FRAME_SECONDS for _ in range(ATTEMPTS))
