"""`AppEvents`: what happens to the session itself, and the payloads (VoxEngine reference, AppEvents)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.media.call import Call
    from voxrun.providers.websocket import WebSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedEvent:
    """The scenario's top-level code has run."""

    name: str
    sessionId: str
    accessURL: str = ""
    accessSecureURL: str = ""
    accountId: int = 0
    applicationId: int = 0
    logURL: str = ""
    conference_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAlertingEvent:
    """A call is ringing: answer, reject or just ring."""

    name: str
    call: "Call"
    callerid: str
    destination: str
    displayName: str
    toURI: str
    fromURI: str
    headers: Mapping[str, str]
    customData: str
    scheme: str = "audio"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHeader:
    """A header of a request: `key` is its name, in lower case."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestEvent:
    """Somebody asked for the session's control URL, `accessURL` of `AppEvents.Started`.

    `path` is as it was asked for, without the host and what follows a `?`; `content` is the body. What a handler
    returns is the reply: text as it is, anything else as JSON; nothing is an empty one.
    """

    reply: ClassVar[str | bytes | float | bool | Sequence[object] | Mapping[str, object] | None]
    """What a handler may return."""

    name: str
    method: str
    path: str
    content: str
    headers: Sequence[HttpHeader]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebSocketEvent:
    """Somebody has connected to the session's control URL: a `WebSocket` like those of `createWebSocket`."""

    name: str
    websocket: "WebSocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebSocketFailedEvent:
    """Somebody could not connect to the session's control URL, as there are too many already."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminatingEvent:
    """The session is about to end: timers are gone, and only `Terminated` will fire; units are still there.

    `systemError` is the message of the error that ended it, or empty.
    """

    name: str
    systemError: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminatedEvent:
    """The very last event."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundDeviceEvent:
    """A `kind` of `device` ("microphone" or "speaker") is in use now: the first one, or one after another was lost."""

    name: str
    kind: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundDeviceLostEvent(SoundDeviceEvent):
    """It can't be used any more, for this `reason`; as soon as one can, `SoundDeviceOpened` fires."""

    reason: str


class AppEvents(metaclass=Constants):
    """Events of the session: `VoxEngine.addEventListener(AppEvents.Started, handler)`."""

    Started: Final = EventName[StartedEvent]("Application.Started")
    CallAlerting: Final = EventName[CallAlertingEvent]("Application.CallAlerting")
    HttpRequest: Final = EventName[HttpRequestEvent]("Application.HttpRequest")
    WebSocket: Final = EventName[NewWebSocketEvent]("AppEvents.NewWebSocketConnection")
    NewWebSocketFailed: Final = EventName[NewWebSocketFailedEvent]("Application.OnNewWebSocketFailed")
    Terminating: Final = EventName[TerminatingEvent]("Application.Terminating")
    Terminated: Final = EventName[TerminatedEvent]("Application.Terminated")
    SoundDeviceOpened: Final = EventName[SoundDeviceEvent]("Application.SoundDeviceOpened")
    SoundDeviceLost: Final = EventName[SoundDeviceLostEvent]("Application.SoundDeviceLost")
