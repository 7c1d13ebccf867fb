"""`Recorder`: writes the mix of all that is sent to it into one mono file."""

from collections.abc import Callable
from typing import ClassVar

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.audio.mix import mix
from voxrun.errors import DeviceError
from voxrun.events.recorder import (
    RecorderErrorEvent,
    RecorderEvents,
    RecorderStartedEvent,
    RecorderStoppedEvent,
)
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.playout import Playout
from voxrun.media.target import EventTarget
from voxrun.media.write_behind import SampleWriter, WriteBehind

RATE = 16_000
"""Hz."""

INLET_SECONDS = 0.2


class Recorder(EventTarget):
    """Records from the first tick on which somebody sends to it until `stop` or the end of the session.

    Time in the file is call time: nobody sending is silence. `open_writer` opens the file and may block; what comes
    before it is open is not recorded.
    """

    namespaces: ClassVar[tuple[type, ...]] = (RecorderEvents,)
    mixes = True

    def __init__(self, host: UnitHost, url: str, open_writer: Callable[[], SampleWriter]) -> None:
        super().__init__(host, host.new_id("recorder"))
        host.graph.add(self)
        self._url = url
        self._open_writer = open_writer
        self._inboxes: dict[Source, Playout] = {}
        self._muted = False
        self._frames = 0
        self._last_position = 0
        self._file: WriteBehind | None = None
        self._stopping = False
        host.spawn(self._write)

    def mute(self, doMute: bool) -> None:
        """Record silence for as long as muted."""
        self._muted = doMute

    def stop(self) -> None:
        """Complete the file; `RecorderEvents.Stopped` follows once it is."""
        self._stopping = True
        self._host.graph.remove(self)
        if self._file is not None:
            self._file.stop()

    def inlet(self, source: Source) -> Inlet | None:
        """Live while the file is open: one buffer for each sender, so that senders out of step don't lose a frame."""
        if self._file is None:
            return None
        inbox = self._inboxes.setdefault(source, Playout(RATE, INLET_SECONDS))
        return Inlet(RATE, inbox.put)

    def detach(self, source: Source) -> None:
        """Forget the sender."""
        self._inboxes.pop(source, None)

    def consume(self) -> None:
        """Mix what came in this tick into the file."""
        if self._file is None or not (self._frames or self._inboxes):
            return
        position = self._host.graph.position
        if not self._frames:
            event = RecorderEvents.Started
            self._host.emit(self, event, RecorderStartedEvent(name=event, recorder=self, url=self._url))
        else:
            for _ in range(position - self._last_position - 1):
                self._put(silence(RATE))
        self._last_position = position
        came = [inbox.take(frame_size(RATE)) for inbox in self._inboxes.values()]
        frames = [frame for frame in came if frame is not None]
        self._put(silence(RATE) if self._muted or not frames else mix(frames))

    def _put(self, frame: Samples) -> None:
        if self._file is not None:
            self._file.put(frame)
            self._frames += 1

    async def _write(self) -> None:
        try:
            writer = await self._host.offload(self._open_writer)
        except OSError as error:
            self._fail(error)
            return
        self._file = WriteBehind(self._host, writer, self._fail)
        self._host.graph.changed()
        if self._stopping:
            self._file.stop()
        try:
            await self._file.drain()
        finally:
            self._host.trace("losses", of=self.id(), frames_not_written=self._file.dropped)
        event = RecorderEvents.Stopped
        duration = (self._frames - self._file.dropped) * FRAME_SECONDS
        self._host.emit(self, event, RecorderStoppedEvent(name=event, recorder=self, url=self._url, duration=duration))

    def _fail(self, error: OSError) -> None:
        kept = "; what was recorded before is kept" if self._frames else ""
        message = f"{self._url} can't be written: {error.strerror}{kept}"
        self._host.broke(DeviceError(message))
        event = RecorderEvents.RecorderError
        self._host.emit(self, event, RecorderErrorEvent(name=event, recorder=self, error=message))
