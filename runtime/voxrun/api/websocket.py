"""What `VoxEngine` has for WebSockets: to servers of the scenario's own, and from others (reference: VoxEngine)."""

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, Unpack, overload

from voxrun.dsl.bounds import Url
from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.media.parameters import merged, several, text_of
from voxrun.providers.websocket import Keeping, WebSocket
from voxrun.session.current import current_session
from voxrun.session.request_secrets import protect_request
from voxrun.shown import shown
from voxrun.transports.address import Address
from voxrun.transports.websocket import WebSocket as Connection
from voxrun.transports.websocket import handshake_fields, open_websocket

if TYPE_CHECKING:
    from voxrun.session.session import Session

__all__ = [
    "WebSocketHeader",
    "WebSocketParameters",
    "allowWebSocketConnections",
    "createWebSocket",
    "disableStatisticsForIncomingWebsockets",
    "disableTraceForIncomingWebsockets",
    "enableStatisticsForIncomingWebsockets",
    "enableTraceForIncomingWebsockets",
]

_PROTOCOL = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 6455 section 4.1, item 10


class WebSocketHeader(TypedDict):
    """A header of the connection's request."""

    name: str
    value: str


class WebSocketParameters(TypedDict, total=False):
    """How to connect: `protocols` are the subprotocols to offer, "chat" if not given.

    The trace keeps texts in any case: with `trace` every message in full, audio included, with `privacy` no content,
    and with `statistics` the connection's counters.
    """

    protocols: str | Sequence[str]
    headers: Sequence[WebSocketHeader]
    statistics: bool
    trace: bool
    privacy: bool


@overload
def createWebSocket(url: str, parameters: WebSocketParameters, /) -> WebSocket: ...
@overload
def createWebSocket(url: str, /, **keywords: Unpack[WebSocketParameters]) -> WebSocket: ...
def createWebSocket(
    url: Annotated[str, Url(("wss", "ws"))], parameters: WebSocketParameters | None = None, /, **keywords: Any
) -> WebSocket:
    """Connect to a ws or wss address. `WebSocketEvents.OPEN` follows, or `ERROR` and `CLOSE`.

    ScenarioError for what can't be asked for.
    """
    session = current_session()
    protect_request(url, parameters, keywords)
    given = merged("createWebSocket", WebSocketParameters, parameters, keywords)
    headers = tuple(map(_header, several(given.get("headers") or ())))
    if session.services.is_sandboxed:
        raise ScenarioError("--sandbox allows no WebSockets of a scenario's own: leave it out")
    try:
        Address.parse(text_of("createWebSocket", url), plain="ws", secure="wss")
        handshake_fields(headers)
    except ConfigurationError as error:
        raise ScenarioError(f"createWebSocket: {error}") from error
    opening = open_websocket(
        session.services.network, url, headers=headers, subprotocols=_protocols(given.get("protocols", "chat"))
    )
    keeping = Keeping(
        statistics=bool(given.get("statistics")), trace=bool(given.get("trace")), privacy=bool(given.get("privacy"))
    )
    return WebSocket(session, opening, keeping, url)


def allowWebSocketConnections() -> None:
    """Let others connect to the session's `accessURL`, with ws in the place of http: `AppEvents.WebSocket` follows.

    At a time there may be as many as the session has calls, and 3 more; `AppEvents.NewWebSocketFailed` tells of others.
    """
    session = current_session()
    if not session.access_url:
        session.warn("nobody can connect to this session, which has no control URL: `voxrun serve --control` gives one")
    session.incoming.make = partial(_incoming, session)


def enableTraceForIncomingWebsockets() -> None:
    """Have the trace keep every message in full, audio included, of those that connect from now on."""
    current_session().incoming.keeps_trace = True


def disableTraceForIncomingWebsockets() -> None:
    """Have it keep their texts only, as it does at first."""
    current_session().incoming.keeps_trace = False


def enableStatisticsForIncomingWebsockets() -> None:
    """Have the trace keep the counters of those that connect from now on."""
    current_session().incoming.keeps_statistics = True


def disableStatisticsForIncomingWebsockets() -> None:
    """Have it keep none of these, as it does at first."""
    current_session().incoming.keeps_statistics = False


def _incoming(session: "Session", opening: AbstractAsyncContextManager[Connection]) -> WebSocket:
    incoming = session.incoming
    keeping = Keeping(statistics=incoming.keeps_statistics, trace=incoming.keeps_trace)
    return WebSocket(session, opening, keeping)


def _header(given: Any) -> tuple[str, str]:
    try:
        name, value = given["name"], given["value"]
    except (TypeError, LookupError):
        name = value = None
    if not isinstance(name, str) or not isinstance(value, str):
        raise ScenarioError("createWebSocket needs headers with a name and a value, both texts, and one has not")
    return name, value


def _protocols(given: Any) -> tuple[str, ...]:
    protocols = () if given is None else several(given)
    for protocol in protocols:
        if not isinstance(protocol, str) or not _PROTOCOL.fullmatch(protocol):
            raise ScenarioError(f"createWebSocket can't offer the subprotocol {shown(protocol)}")
    return protocols
