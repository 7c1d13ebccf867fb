"""`Recording`: an audio file that grows by a frame a tick, in call time, with a transcript beside it if wanted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError, DeviceError, ScenarioError
from voxrun.media.host import UnitHost
from voxrun.media.transcript import Transcript
from voxrun.media.write_behind import SampleWriter, WriteBehind

FORMATS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class Begun:
    """The first frame was taken."""


@dataclass(frozen=True, slots=True)
class Complete:
    """The file is complete; `duration` in seconds."""

    duration: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The file can't be written any further; what was written before is kept."""

    error: str


Stage: TypeAlias = Begun | Complete | Failed


@dataclass(frozen=True, slots=True)
class Take:
    """What a recording writes: `open_writer` opens the file and may block; `url` is what scenarios call it."""

    url: str
    open_writer: Callable[[], SampleWriter]
    transcript: Transcript | None = None


class Recording:
    """Takes frames, shape (n,) or (n, channels), from when its file is open; ticks that were skipped are silence.

    `name` is what the trace calls it; `report` is told of each stage.
    """

    def __init__(self, host: UnitHost, name: str, take: Take, report: Callable[[Stage], None]) -> None:
        self._host = host
        self._broke = host.breaker()
        self._name = name
        self._take = take
        self._report = report
        self._file: WriteBehind[Samples] | None = None
        self._last_position = 0
        self._stopping = False
        self.frames = 0
        """Taken so far."""
        host.spawn(self._write)

    @property
    def is_open(self) -> bool:
        """Whether frames can be taken."""
        return self._file is not None

    def put(self, frame: Samples) -> None:
        """Take the frame of this tick."""
        if self._file is None:
            return
        position = self._host.graph.position
        if self.frames:
            for _ in range(position - self._last_position - 1):
                self._file.put(np.zeros_like(frame))
                self.frames += 1
        else:
            if self._take.transcript is not None:
                self._take.transcript.begin()
            self._report(Begun())
        self._last_position = position
        self._file.put(frame)
        self.frames += 1

    def stop(self) -> None:
        """Complete the file. As it is held open until then, that counts as a unit, where there is room for one."""
        if not (self._stopping or self._host.graph.is_full):
            self._host.graph.add(self)
        self._stopping = True
        if self._file is not None:
            self._file.stop()

    async def _write(self) -> None:
        try:
            await self._write_file()
        finally:
            self._stopping = True
            self._host.graph.remove(self)

    async def _write_file(self) -> None:
        try:
            writer = await self._host.offload(self._take.open_writer)
        except OSError as error:
            self._fail(error)
            return
        if self._take.transcript is not None:
            self._take.transcript.open()
        self._file = WriteBehind(self._host, writer, self._fail)
        self._host.graph.changed()
        if self._stopping:
            self._file.stop()
        try:
            await self._file.drain()
        finally:
            self._host.trace("losses", of=self._name, frames_not_written=self._file.dropped)
            if self._take.transcript is not None:
                self._take.transcript.stop()
        self._report(Complete(writer.seconds))

    def _fail(self, error: OSError) -> None:
        kept = "; what was recorded before is kept" if self.frames else ""
        message = f"{self._take.url} can't be written: {error.strerror}{kept}"
        self._broke(DeviceError(message))
        self._report(Failed(message))


def new_take(host: UnitHost, name: str | None, *, rate: int, channels: int, transcribe: bool) -> Take:
    """A recording in the file `name`, relative to the current folder; without one, `recording-1.wav` and so on.

    `transcribe` puts a transcript beside it, called the same but for its end, `.transcript.jsonl`.
    ScenarioError when the name's end is of no format that can be written, ConfigurationError when there is no folder.
    """
    path = Path(name or f"{host.takes}{host.new_id('recording')}")
    try:
        path = path.absolute()
    except FileNotFoundError:
        raise ConfigurationError(
            f"'{path}' can't be recorded: the folder in which voxrun was started is gone; give `name` as a whole path"
        ) from None
    if not path.suffix or not name:
        path = path.with_name(f"{path.name}.wav")
    if "\0" in str(path):
        raise ScenarioError(f"{name!r} can't be recorded: no file can have that name")
    if path.suffix.lower() not in FORMATS:
        raise ScenarioError(f"'{path.name}' can't be recorded: the name of the file ends with {', '.join(FORMATS)}")
    sounds = host.sounds
    beside = path.with_suffix(".transcript.jsonl")
    return Take(
        path.as_uri(),
        lambda: sounds.create(path, rate, channels),
        Transcript(host, beside.as_uri(), lambda: sounds.create_text(beside)) if transcribe else None,
    )
