"""`CallEvents`: what happens to a call, and the payloads (VoxEngine reference, CallEvents)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """What every call event carries."""

    name: str
    call: "Call"
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedEvent(CallEvent):
    """The call is answered; audio flows from now on."""

    headers: Mapping[str, str]
    customData: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectedEvent(CallEvent):
    """The call has ended: exactly one of this and `Failed` fires for a call.

    `internalCode` is a SIP-like status (200 ordinary end, 408 not answered in 60 s, or the code of reject),
    `duration` the connected time in whole seconds.
    """

    internalCode: int
    reason: str
    duration: int
    direction: str
    headers: Mapping[str, str]
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedEvent(CallEvent):
    """An outgoing call ended before it was ever connected."""

    code: int
    reason: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackStartedEvent(CallEvent):
    """The first frame of what `say` or `startPlayback` plays; `duration` in seconds."""

    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlaybackFinishedEvent(CallEvent):
    """What `say` or `startPlayback` plays was played, or `error` says why not."""

    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStartedEvent(CallEvent):
    """The first frame was taken; `url` is the file's."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStoppedEvent(CallEvent):
    """The file is complete, which is after the call's end; `duration` in seconds."""

    url: str
    duration: float
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordErrorEvent(CallEvent):
    """The file could not be written any further; what was written before is kept."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneReceivedEvent(CallEvent):
    """The caller pressed a key, of which `tone` is the digit: 0-9, *, #, A-D. `type` 1: it came as RFC 4733 has it."""

    tone: str
    type: int = 1


class CallEvents(metaclass=Constants):
    """Events of a call: `call.addEventListener(CallEvents.Connected, handler)`."""

    Connected: Final = EventName[ConnectedEvent]("Call.Connected")
    AudioStarted: Final = EventName[CallEvent]("Call.AudioStarted")
    Disconnected: Final = EventName[DisconnectedEvent]("Call.Disconnected")
    Failed: Final = EventName[FailedEvent]("Call.Failed")
    PlaybackReady: Final = EventName[CallEvent]("Call.PlaybackReady")
    PlaybackStarted: Final = EventName[PlaybackStartedEvent]("Call.PlaybackStarted")
    PlaybackFinished: Final = EventName[CallPlaybackFinishedEvent]("Call.PlaybackFinished")
    RecordStarted: Final = EventName[RecordStartedEvent]("Call.RecordStarted")
    RecordStopped: Final = EventName[RecordStoppedEvent]("Call.RecordStopped")
    ToneReceived: Final = EventName[ToneReceivedEvent]("Call.ToneReceived")
    FirstAudioPacketReceived: Final = EventName[CallEvent]("Call.FirstAudioPacketReceived")
    RtpStopped: Final = EventName[CallEvent]("Call.RtpStopped")
    RtpResumed: Final = EventName[CallEvent]("Call.RtpResumed")
    RecordError: Final = EventName[RecordErrorEvent]("Call.RecordError")
