"""`CallRecorder`: what `call.record` makes: a file of both sides of a call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from voxrun.audio.mix import mix
from voxrun.events.call import CallEvents, RecordErrorEvent, RecordStartedEvent, RecordStoppedEvent
from voxrun.events.name import EventName
from voxrun.media.host import UnitHost
from voxrun.media.recording import Begun, Complete, Failed, Recording, Stage, Take

if TYPE_CHECKING:
    from voxrun.media.call import Call

E = TypeVar("E")


class CallRecorder:
    """Records from the connection of the call to its end; in stereo what the call says is left, what it hears right.

    The events are the call's.
    """

    def __init__(self, host: UnitHost, call: "Call", take: Take, *, stereo: bool) -> None:
        self._host = host
        self._call = call
        self._url = take.url
        self._stereo = stereo
        self.has_failed = False
        """Whether the file can't be written any further."""
        host.graph.add(self)
        self._recording = Recording(host, f"{call.id()}'s recording", take, self._report)

    def stop(self) -> None:
        """Complete the file; `CallEvents.RecordStopped` follows once it is."""
        self._host.graph.remove(self)
        self._recording.stop()

    def consume(self) -> None:
        """Take what the call said and heard in this tick; the call, being older, has consumed before."""
        if self._call.state() == "CONNECTED" and self._recording.is_open:
            both = (self._call.said, self._call.heard)
            self._recording.put(np.column_stack(both) if self._stereo else mix(both))

    def _report(self, stage: Stage) -> None:
        match stage:
            case Begun():
                self._fire_event(CallEvents.RecordStarted, RecordStartedEvent, url=self._url)
            case Complete(duration):
                self._fire_event(CallEvents.RecordStopped, RecordStoppedEvent, url=self._url, duration=duration)
            case Failed(error):
                self.has_failed = True
                self._fire_event(CallEvents.RecordError, RecordErrorEvent, error=error)

    def _fire_event(self, event: EventName[E], payload: Callable[..., E], **values: object) -> None:
        self._host.emit(self._call, event, payload(name=event, call=self._call, id=self._call.id(), **values))
