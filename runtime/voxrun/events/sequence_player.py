"""`SequencePlayerEvents`: what happens to a player of several segments, and the payloads (VoxEngine reference)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.sequence_player import SequencePlayer


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlayerEvent:
    """What every event of a sequence player carries."""

    name: str
    sequencePlayer: "SequencePlayer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlayerStartedEvent(SequencePlayerEvent):
    """The first frame is being played; `duration` of all segments in seconds."""

    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlaybackFinishedEvent(SequencePlayerEvent):
    """Everything was played, or `error` says why not."""

    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlayerErrorEvent(SequencePlayerEvent):
    """A segment could not be had, or not be read any further."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlaybackMarkerReachedEvent(SequencePlayerEvent):
    """The play has come to a marker; `offset` is as it was given to `addMarker`, in ms."""

    offset: int


class SequencePlayerEvents(metaclass=Constants):
    """Events of a sequence player: Created, PlaybackReady, Started, then PlaybackFinished or Stopped."""

    Created: Final = EventName[SequencePlayerEvent]("SequencePlayer.Created")
    PlaybackReady: Final = EventName[SequencePlayerEvent]("SequencePlayer.PlaybackReady")
    Started: Final = EventName[SequencePlayerStartedEvent]("SequencePlayer.Started")
    Stopped: Final = EventName[SequencePlayerEvent]("SequencePlayer.Stopped")
    PlaybackFinished: Final = EventName[SequencePlaybackFinishedEvent]("SequencePlayer.PlaybackFinished")
    Error: Final = EventName[SequencePlayerErrorEvent]("SequencePlayer.Error")
    PlaybackMarkerReached: Final = EventName[SequencePlaybackMarkerReachedEvent]("SequencePlayer.PlaybackMarkerReached")
