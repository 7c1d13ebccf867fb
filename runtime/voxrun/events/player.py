"""`PlayerEvents`: what happens to a player, and the payloads (VoxEngine reference, PlayerEvents)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.player import Player
    from voxrun.providers.elevenlabs.realtime_tts_player import RealtimeTTSPlayer


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerEvent:
    """What every player event carries."""

    name: str
    player: "Player | RealtimeTTSPlayer"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerStartedEvent(PlayerEvent):
    """The first frame is being played; `duration` in seconds."""

    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackFinishedEvent(PlayerEvent):
    """Everything was played, or `error` says why not."""

    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerErrorEvent(PlayerEvent):
    """The audio could not be read any further."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackMarkerReachedEvent(PlayerEvent):
    """The play has come to a marker; `offset` is as it was given to `addMarker`, in ms."""

    offset: int


class PlayerEvents(metaclass=Constants):
    """Events of a player, in their order: Created, PlaybackReady, Started, then PlaybackFinished or Stopped.

    In between come PlaybackMarkerReached, and PlaybackBuffering when the audio does not come in time.
    """

    Created: Final = EventName[PlayerEvent]("Player.Created")
    PlaybackReady: Final = EventName[PlayerEvent]("Player.PlaybackReady")
    Started: Final = EventName[PlayerStartedEvent]("Player.Started")
    Stopped: Final = EventName[PlayerEvent]("Player.Stopped")
    PlaybackFinished: Final = EventName[PlaybackFinishedEvent]("Player.PlaybackFinished")
    Error: Final = EventName[PlayerErrorEvent]("Player.Error")
    PlaybackMarkerReached: Final = EventName[PlaybackMarkerReachedEvent]("Player.PlaybackMarkerReached")
    PlaybackBuffering: Final = EventName[PlayerEvent]("Player.Buffering")
