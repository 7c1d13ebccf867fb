"""`CallPlayback`: what `call.say` and `call.startPlayback` play to the call."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from voxrun.events.call import CallEvent, CallEvents, CallPlaybackFinishedEvent, PlaybackStartedEvent
from voxrun.events.name import EventName
from voxrun.media.host import UnitHost
from voxrun.media.playback import Finished, Moment, OpenSource, Playback, Ready, Started
from voxrun.media.unit import MediaSource

if TYPE_CHECKING:
    from voxrun.media.call import Call

E = TypeVar("E")


class CallPlayback(MediaSource):
    """Replaces what the call hears, at once; the events are the call's."""

    def __init__(self, host: UnitHost, call: "Call", open_source: OpenSource, *, loop: bool) -> None:
        super().__init__(host, "playback")
        self._call = call
        self._playback = Playback(host, self, open_source, self._report, loop=loop)
        self.sendMediaTo(call)

    def produce(self) -> None:
        """Send the next frame on."""
        self._playback.produce()

    def stop(self) -> None:
        """End it, without an event."""
        self._playback.stop()

    def _report(self, moment: Moment) -> None:
        match moment:
            case Ready():
                self._fire_event(CallEvents.PlaybackReady, CallEvent)
            case Started(duration):
                self._fire_event(CallEvents.PlaybackStarted, PlaybackStartedEvent, duration=duration)
            case Finished(error):
                self._fire_event(CallEvents.PlaybackFinished, CallPlaybackFinishedEvent, error=error)

    def _fire_event(self, event: EventName[E], payload: Callable[..., E], **values: object) -> None:
        self._host.emit(self._call, event, payload(name=event, call=self._call, id=self._call.id(), **values))
