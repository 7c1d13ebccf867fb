"""A session cancelled at any moment leaves nothing behind, and complete files."""

import json
import os
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import trio
import trio.testing
from tests.kit import ScriptedLeg, hum, inline, tone

from voxrun.media.recorded_leg import RecordedLeg
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_library import SoundLibrary
from voxrun.transports.wav import WavWriter

SCENARIO = """
import trio
from voxrun import *

recorder = VoxEngine.createRecorder(name="{folder}/recorder.wav")

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.answer()
    await call.waitFor(CallEvents.Connected)
    player = VoxEngine.createURLPlayer("{folder}/prompt.wav", loop=True)
    player.sendMediaTo(call)
    call.sendMediaTo(recorder)
    beat = setInterval(lambda: Logger.write("beat"), 100)
    await player.waitFor(PlayerEvents.Started)
    await trio.sleep(0.3)
    player.stop()
    recorder.stop()
    await recorder.waitFor(RecorderEvents.Stopped)
    call.hangup()

@VoxEngine.on(AppEvents.Terminating)
async def ending(event):
    await trio.sleep(0.1)
"""


class CountedTicker(Ticker):
    """A ticker that knows who has not left it."""

    def __init__(self) -> None:
        super().__init__()
        self.members: list[Callable[[int], None]] = []

    def add(self, tick: Callable[[int], None]) -> None:
        self.members.append(tick)
        super().add(tick)

    def remove(self, tick: Callable[[int], None]) -> None:
        self.members.remove(tick)
        super().remove(tick)


class CancelAtStep(trio.abc.Instrument):
    """Cancels a scope before the given step of the scheduler's, and counts them all."""

    def __init__(self, scope: trio.CancelScope, at: int) -> None:
        self.steps = 0
        self._scope = scope
        self._at = at

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.steps += 1
        if self.steps == self._at:
            self._scope.cancel(reason="the test wants it")


class Stage:
    """One run of the scenario in a folder of its own, cancelled at a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        soundfile.write(folder / "prompt.wav", tone(16_000, 0.5), 16_000)
        self.scenario = folder / "scenario.py"
        self.scenario.write_text(SCENARIO.format(folder=folder))
        self.ticker = CountedTicker()
        self.leg = ScriptedLeg(says=np.arange(16_000, dtype=np.int16))
        self.tasks_left = -1
        self.kinds: list[str] = []  # of the trace's records

    def run(self, at: int) -> int:
        """Returns how many steps it took."""
        return trio.run(self._main, at, clock=trio.testing.MockClock(autojump_threshold=0))

    async def _main(self, at: int) -> int:
        network = MemoryNetwork()
        services = Services(
            secrets=Secrets({}, {}), network=network, offload=inline, sounds=SoundLibrary(network, inline, hum)
        )
        writer = WavWriter(self.folder / "call.wav", rate=16_000, channels=2)
        session = Session(self.scenario, services, self.ticker, idle_seconds=0.1)
        session.watch(lambda line: self.kinds.append(json.loads(line)["kind"]))
        before = trio.lowlevel.current_statistics().tasks_living
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.ticker.run)
            with trio.CancelScope() as scope:
                instrument = CancelAtStep(scope, at)
                trio.lowlevel.add_instrument(instrument)
                await session.run(RecordedLeg(self.leg, writer, "call.wav"))
            self.tasks_left = trio.lowlevel.current_statistics().tasks_living - before - 1  # the ticker
            nursery.cancel_scope.cancel()
        writer.close()  # as whoever opened it does, lest the call was never answered
        return instrument.steps

    def open_files(self) -> list[str]:
        """What of this folder the process still holds open; nothing where the system doesn't tell."""
        if not os.path.isdir("/proc/self/fd"):
            return []
        links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        return [os.readlink(link) for link in links if os.path.exists(link) and str(self.folder) in os.readlink(link)]

    def frames_in(self, name: str) -> int:
        with wave.open(str(self.folder / name), "rb") as file:
            data = file.readframes(file.getnframes() + 1)
            assert len(data) == file.getnframes() * file.getnchannels() * 2
            return file.getnframes() // 320


def check(stage: Stage) -> None:
    assert stage.tasks_left == 0
    assert stage.ticker.members == []
    assert "error" not in stage.kinds
    assert stage.open_files() == []
    assert [name for name in sys.modules if name.startswith("voxrun_scenario_")] == []
    # Every frame that was heard is in the file; before the first of them the file may not have been taken yet.
    heard = len(stage.leg.heard)
    assert stage.frames_in("call.wav") in (heard, heard - 1)
    if (stage.folder / "recorder.wav").exists():
        assert stage.frames_in("recorder.wav") <= heard


def test_a_run_to_its_end_leaves_nothing_behind(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.run(at=0)
    check(stage)
    assert len(stage.leg.heard) >= 15
    assert stage.frames_in("recorder.wav") >= 15


def test_a_cancel_at_any_step_leaves_nothing_behind(tmp_path: Path) -> None:
    steps = Stage(tmp_path).run(at=0)
    assert steps > 100
    for at in range(1, steps + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        stage = Stage(folder)
        stage.run(at)
        check(stage)
