"""`CallEvents`: what happens to a call, and the payloads (VoxEngine reference, CallEvents)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName

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


class CallEvents:
    """Events of a call: `call.addEventListener(CallEvents.Connected, handler)`."""

    Connected: Final = EventName[ConnectedEvent]("Call.Connected")
    AudioStarted: Final = EventName[CallEvent]("Call.AudioStarted")
    Disconnected: Final = EventName[DisconnectedEvent]("Call.Disconnected")
    Failed: Final = EventName[FailedEvent]("Call.Failed")
