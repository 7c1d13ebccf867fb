"""`cancelEverywhere`: a simulation that is broken off at each of its steps, to see that nothing is left behind."""

import os
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import soundfile
import trio

from voxrun.testing.running import run
from voxrun.testing.simulated_call import SimulatedCall
from voxrun.testing.stage import Simulation, Stage

_DESCRIPTORS = Path("/proc/self/fd")


class _Steps(trio.abc.Instrument):
    """Counts the scheduler's steps, and cancels the session before one of them."""

    def __init__(self, stage: Stage, at: int) -> None:
        self.count = 0
        self._stage = stage
        self._at = at

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """One more."""
        self.count += 1
        if self.count == self._at:
            self._stage.scope.cancel(reason="cancelEverywhere")


def cancelEverywhere(
    wanted: Simulation, check: Callable[[SimulatedCall], None] | None = None, *, every: int = 1, first: int = 1
) -> int:
    """Run to the end once, then again and again, cancelled at step `first`, `first + every`, …; returns how many.

    AssertionError, with the step, when a task, module, connection or open file is left, or when a sound file is not
    complete. `check` may have questions of its own. Files are below `wanted.files`, a folder for each run.
    """
    assert wanted.files is not None, "cancelEverywhere needs the folder that files go to: files=tmp_path"
    steps = _run(wanted, wanted.files / "whole", 0, check)
    moments = range(first, steps + 1, every)
    for at in moments:
        _run(wanted, wanted.files / str(at), at, check)
    return len(moments)


def _run(wanted: Simulation, folder: Path, at: int, check: Callable[[SimulatedCall], None] | None) -> int:
    stage = Stage(replace(wanted, files=folder))
    counted = _Steps(stage, at)
    call = run(stage, counted)
    where = f"cancelled at step {at}" if at else "run to its end"
    assert not call.leftovers, f"{where}: {', '.join(call.leftovers)}"
    assert not _open_below(folder), f"{where}: still open: {', '.join(_open_below(folder))}"
    for file in call.files:
        _assert_complete(file, where)
    if check is not None:
        check(call)
    return counted.count


def _open_below(folder: Path) -> list[str]:
    """Which files there are still open; none where the system doesn't tell."""
    links = list(_DESCRIPTORS.iterdir()) if _DESCRIPTORS.is_dir() else []
    targets = [os.readlink(link) for link in links if link.exists()]
    return [target for target in targets if target.startswith(f"{folder.resolve()}/")]


def _assert_complete(file: Path, where: str) -> None:
    if file.suffix == ".jsonl":
        assert file.read_bytes()[-1:] in (b"", b"\n"), f"{where}: {file.name} ends in the middle of a line"
        return
    try:
        wanted, there = _bytes_of_wav(file) if file.suffix == ".wav" else _samples_of(file)
    except (soundfile.LibsndfileError, wave.Error, EOFError) as error:
        raise AssertionError(f"{where}: {file.name} is damaged: {error}") from error
    assert there == wanted, f"{where}: {file.name} says that it is {wanted} long, but is {there}"


def _bytes_of_wav(file: Path) -> tuple[int, int]:
    """What the header says, and what there is: libsndfile would not tell the difference."""
    with wave.open(str(file), "rb") as sound:
        unsaid = int.from_bytes(file.read_bytes()[4:8], "little") + 8 - file.stat().st_size
        wanted = sound.getnframes() * sound.getnchannels() * sound.getsampwidth()
        return wanted, len(sound.readframes(sound.getnframes() + 1)) - unsaid


def _samples_of(file: Path) -> tuple[int, int]:
    with soundfile.SoundFile(file) as sound:
        return sound.frames, len(sound.read(dtype="int16"))
