"""`Player`: plays a file, speech, tones, or anything else that can be read ahead, into the routes from it."""

from typing import ClassVar

from voxrun.events.player import (
    PlaybackFinishedEvent,
    PlaybackMarkerReachedEvent,
    PlayerErrorEvent,
    PlayerEvent,
    PlayerEvents,
    PlayerStartedEvent,
)
from voxrun.media.host import UnitHost
from voxrun.media.playback import (
    Buffering,
    Finished,
    MarkerReached,
    Moment,
    OpenSource,
    Playback,
    Ready,
    Started,
    marker_offset,
)
from voxrun.media.unit import MediaSource


class Player(MediaSource):
    """Plays as soon as it is loaded, unless `on_pause`; what it plays while nobody listens is lost.

    When `open_source` or reading on fails, `PlayerEvents.Error` and `PlaybackFinished` carry why.
    """

    namespaces: ClassVar[tuple[type, ...]] = (PlayerEvents,)
    _noun = "player"

    def __init__(self, host: UnitHost, open_source: OpenSource, *, loop: bool = False, on_pause: bool = False) -> None:
        super().__init__(host, "player")
        self._fire_event(PlayerEvents.Created, PlayerEvent)
        self._playback = Playback(host, self, open_source, self._report, loop=loop, on_pause=on_pause)

    def pause(self) -> None:
        """Stand still; `resume` goes on from the same place."""
        self._playback.pause()

    def resume(self) -> None:
        """Go on, or begin when the player was created on pause."""
        self._playback.resume()

    def stop(self) -> None:
        """End the playback for good; `PlayerEvents.Stopped` follows."""
        if self._playback.stop():
            self._fire_event(PlayerEvents.Stopped, PlayerEvent)

    def addMarker(self, offset: int) -> None:
        """Have `PlayerEvents.PlaybackMarkerReached` fire at `offset` ms; a negative one counts from the end.

        In a loop it fires in each round. One that has passed, or lies behind the end, does not fire.
        """
        self._playback.mark(marker_offset(offset), offset)

    def produce(self) -> None:
        """Send the next frame on."""
        self._playback.produce()

    def _report(self, moment: Moment) -> None:
        match moment:
            case Ready():
                self._fire_event(PlayerEvents.PlaybackReady, PlayerEvent)
            case Started(duration):
                self._fire_event(PlayerEvents.Started, PlayerStartedEvent, duration=duration)
            case Buffering():
                self._fire_event(PlayerEvents.PlaybackBuffering, PlayerEvent)
            case MarkerReached(offset):
                self._fire_event(PlayerEvents.PlaybackMarkerReached, PlaybackMarkerReachedEvent, offset=offset)
            case Finished(error):
                if error is not None:
                    self._fire_event(PlayerEvents.Error, PlayerErrorEvent, error=error)
                self._fire_event(PlayerEvents.PlaybackFinished, PlaybackFinishedEvent, error=error)
