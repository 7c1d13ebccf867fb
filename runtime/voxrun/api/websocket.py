"""What `VoxEngine` has for WebSockets to servers of the scenario's own (reference: createWebSocket)."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict, Unpack, overload

from voxrun.api.secret_headers import protect_headers
from voxrun.dsl.bounds import Url
from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.media.parameters import merged, text_of
from voxrun.providers.websocket import WebSocket, WebSocketRequest
from voxrun.session.current import current_session
from voxrun.shown import shown
from voxrun.transports.address import Address
from voxrun.transports.websocket import handshake_fields

__all__ = ["WebSocketHeader", "WebSocketParameters", "createWebSocket"]

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
    protect_headers(parameters, keywords)
    given = merged("createWebSocket", WebSocketParameters, parameters, keywords)
    headers = tuple(_header(one) for one in given.get("headers") or ())
    if session.services.is_sandboxed:
        raise ScenarioError("--sandbox allows no WebSockets of a scenario's own: leave it out")
    try:
        Address.parse(text_of("createWebSocket", url), plain="ws", secure="wss")
        handshake_fields(headers)
    except ConfigurationError as error:
        raise ScenarioError(f"createWebSocket: {error}") from error
    request = WebSocketRequest(
        url=url,
        protocols=_protocols(given.get("protocols", "chat")),
        headers=headers,
        statistics=bool(given.get("statistics")),
        trace=bool(given.get("trace")),
        privacy=bool(given.get("privacy")),
    )
    return WebSocket(session, session.services.network, request)


def _header(given: Any) -> tuple[str, str]:
    try:
        name, value = given["name"], given["value"]
    except (TypeError, LookupError):
        name = value = None
    if not isinstance(name, str) or not isinstance(value, str):
        raise ScenarioError("createWebSocket needs headers with a name and a value, both texts, and one has not")
    return name, value


def _protocols(given: Any) -> tuple[str, ...]:
    protocols = (given,) if isinstance(given, str) else tuple(given or ())
    for protocol in protocols:
        if not isinstance(protocol, str) or not _PROTOCOL.fullmatch(protocol):
            raise ScenarioError(f"createWebSocket can't offer the subprotocol {shown(protocol)}")
    return protocols
