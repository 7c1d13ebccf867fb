"""`RecorderEvents`: what happens to a recorder, and the payloads (VoxEngine reference, RecorderEvents)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderEvent:
    """What every recorder event carries."""

    name: str
    recorder: "Recorder"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStartedEvent(RecorderEvent):
    """The first frame was taken; `url` is the file's."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderStoppedEvent(RecorderEvent):
    """The file is complete; `duration` in seconds."""

    url: str
    duration: float
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderErrorEvent(RecorderEvent):
    """The file could not be written any further; what was written before is kept."""

    error: str


class RecorderEvents(metaclass=Constants):
    """Events of a recorder."""

    Started: Final = EventName[RecorderStartedEvent]("Recorder.Started")
    Stopped: Final = EventName[RecorderStoppedEvent]("Recorder.Stopped")
    RecorderError: Final = EventName[RecorderErrorEvent]("Recorder.Error")
