"""`Recorder`: writes the mix of all that is sent to it into one file, in stereo by party if wanted."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from voxrun.audio.fade import fade_in
from voxrun.audio.frame import Samples, silence
from voxrun.audio.mix import mix
from voxrun.events.recorder import (
    RecorderErrorEvent,
    RecorderEvents,
    RecorderStartedEvent,
    RecorderStoppedEvent,
)
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inboxes
from voxrun.media.recording import Begun, Complete, Failed, Recording, Stage, Take
from voxrun.media.seam import Seam
from voxrun.media.target import EventTarget

RATE = 16_000
"""Hz."""

HD_RATE = 48_000
"""Hz, with `hd_audio`."""


class Recorder(EventTarget):
    """Records from the first tick on which somebody sends to it until `stop` or the end of the session.

    Time in the file is call time: nobody sending is silence, and what comes before the file is open is not recorded.
    In stereo the first who ever sends is on the left, all others are on the right.
    """

    namespaces: ClassVar[tuple[type, ...]] = (RecorderEvents,)
    _noun = "recorder"
    mixes = True

    def __init__(self, host: UnitHost, take: Take, *, rate: int = RATE, stereo: bool = False) -> None:
        super().__init__(host, host.new_id("recorder"))
        host.graph.add(self)
        self._url = take.url
        self._rate = rate
        self._stereo = stereo
        self._inboxes = Inboxes(rate)
        self._first: Source | None = None
        self._seams = (Seam(), Seam())  # of the left and the right
        self._muted = False
        self._was_muted = False  # in the tick before
        self._recording = Recording(host, self.id(), take, self._report)

    def mute(self, doMute: bool) -> None:
        """Record silence for as long as muted. The sound fades out, and in again."""
        self._muted = doMute

    def stop(self) -> None:
        """Complete the file; `RecorderEvents.Stopped` follows once it is."""
        self._host.graph.remove(self)
        self._recording.stop()

    def inlet(self, source: Source) -> Inlet | None:
        """Live while the file is open."""
        if not self._recording.is_open:
            return None
        if self._first is None:
            graph = self._host.graph
            self._first = min(graph.senders(self), key=lambda sender: graph.listeners(sender)[self])
        return self._inboxes.inlet(source)

    def detach(self, source: Source) -> None:
        """Forget the sender."""
        self._inboxes.cut(source)

    def consume(self) -> None:
        """Mix what came in this tick into the file."""
        if not self._recording.is_open or not (self._recording.frames or self._inboxes):
            return
        came = self._inboxes.take()
        first, second = self._seams
        if self._stereo:
            left = self._mixed(first, (frame for source, frame in came.items() if source is self._first))
            right = self._mixed(second, (frame for source, frame in came.items() if source is not self._first))
            self._recording.put(np.column_stack((left, right)))
        else:
            self._recording.put(self._mixed(first, came.values()))
        self._was_muted = self._muted

    def _mixed(self, seam: Seam, frames: Iterable[Samples]) -> Samples:
        present = [] if self._muted else list(frames)
        frame = mix(present) if present else silence(self._rate)
        if self._muted and not self._was_muted:
            seam.cut()
        elif self._was_muted and not self._muted:
            frame = fade_in(frame)
        return seam.join(frame)

    def _report(self, stage: Stage) -> None:
        match stage:
            case Begun():
                self._fire_event(RecorderEvents.Started, RecorderStartedEvent, url=self._url)
            case Complete(duration):
                self._fire_event(RecorderEvents.Stopped, RecorderStoppedEvent, url=self._url, duration=duration)
            case Failed(error):
                self._fire_event(RecorderEvents.RecorderError, RecorderErrorEvent, error=error)
