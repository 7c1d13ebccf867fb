"""`WebSocketEvents`: what happens to a WebSocket of the scenario's own, and the payloads (reference: WebSocket)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.name import EventName
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.providers.websocket import WebSocket


class WebSocketReadyState(enum.StrEnum):
    """What `readyState` says."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class WebSocketCloseCode(enum.IntEnum):
    """Why a connection ended (RFC 6455, section 7.4)."""

    CLOSE_NORMAL = 1000
    CLOSE_GOING_AWAY = 1001
    CLOSE_PROTOCOL_ERROR = 1002
    CLOSE_UNSUPPORTED = 1003
    CLOSED_NO_STATUS = 1005
    CLOSE_ABNORMAL = 1006
    CLOSE_UNSUPPORTED_PAYLOAD = 1007
    CLOSE_POLICY_VIOLATION = 1008
    CLOSE_TOO_LARGE = 1009
    CLOSE_MANDATORY_EXTENSION = 1010
    CLOSE_SERVER_ERROR = 1011
    CLOSE_SERVICE_RESTART = 1012
    CLOSE_TRY_AGAIN_LATER = 1013
    CLOSE_BAD_GATEWAY = 1014
    CLOSE_TLS_FAIL = 1015


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketEvent:
    """What every event of a WebSocket carries."""

    name: str
    websocket: "WebSocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketCreatedEvent(WebSocketEvent):
    """It is there and begins to connect. Statistics are in the trace, and have no URL."""

    statisticsUrl: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketMessageEvent(WebSocketEvent):
    """The peer sent a text that is no media."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketErrorEvent(WebSocketEvent):
    """The connection did not come about, or was lost; `error` says why. `CLOSE` follows."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketClosedEvent(WebSocketEvent):
    """The end: the code and reason of whoever closed first, 1006 where nobody did."""

    code: int
    reason: str
    wasClean: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketStreamStartedEvent(WebSocketEvent):
    """A stream of the peer's begins to play out (not: to arrive), or goes on after a second without audio."""

    tag: str | None
    encoding: str
    customParameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketMediaInfo:
    """`duration` is how much audio was played, in seconds."""

    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketStreamEndedEvent(WebSocketEvent):
    """A stream that the peer stopped was played to its end, or one second has passed since the last of its audio."""

    tag: str | None
    mediaInfo: WebSocketMediaInfo


class WebSocketEvents(metaclass=Constants):
    """Events of a WebSocket of the scenario's own."""

    CREATED: Final = EventName[WebSocketCreatedEvent]("WebSocket.Created")
    OPEN: Final = EventName[WebSocketEvent]("WebSocket.Open")
    MESSAGE: Final = EventName[WebSocketMessageEvent]("WebSocket.Message")
    ERROR: Final = EventName[WebSocketErrorEvent]("WebSocket.Error")
    CLOSE: Final = EventName[WebSocketClosedEvent]("WebSocket.Close")
    MEDIA_STARTED: Final = EventName[WebSocketStreamStartedEvent]("WebSocket.MediaEventStarted")
    MEDIA_ENDED: Final = EventName[WebSocketStreamEndedEvent]("WebSocket.MediaEventEnded")
