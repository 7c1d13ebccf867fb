"""`serve`: a small HTTP/1.1 and WebSocket server on one port; each connection carries one request."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import msgspec
import trio

from voxrun.errors import RemoteError
from voxrun.protocol.websocket_handshake import joined
from voxrun.transports.network import Network
from voxrun.transports.socket_stream import SocketStream
from voxrun.transports.turnstile import Turnstile, Visit
from voxrun.transports.websocket import RECEIVE_LIMIT, WebSocket, accept_websocket

HEAD_LIMIT = 16 * 1024
"""Bytes of a request's head. To read one of many small fields takes time that the calls of this process do not get."""

HEAD_SECONDS = 10.0
"""How long a request's head may take to arrive."""

_LINGER_SECONDS = 1.0
_RECEIVE_BUFFER = 64 * 1024
_CONTINUE = h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[])


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `path` is decoded; header names are in lower case.

    A header in several lines is one, with commas between; of a name that the query has several times the last counts.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str = ""
    """Path and query as they were sent."""
    body: bytes = b""
    """Empty where the server reads none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A plain response, after which the connection is closed."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    """Empty where there is no content."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further ones."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Make the connection a WebSocket and let `talk` have it; it is closed when `talk` returns."""

    talk: Callable[[WebSocket], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handover:
    """Let `take` have the connection as it came, with what was read of it, instead of an answer."""

    take: Callable[[trio.abc.Stream, bytes], Awaitable[None]]


Handler: TypeAlias = Callable[[Request], Awaitable[Reply | Upgrade | Handover]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a client may ask for. `turnstile` counts whom it turns away."""

    body: int = 0
    """Bytes of a request's body that are read; a longer one is refused. 0: none is read, however long."""
    message: int = RECEIVE_LIMIT
    """Bytes of one WebSocket message."""
    turnstile: Turnstile = field(default_factory=Turnstile)


async def serve(
    network: Network,
    host: str,
    port: int,
    handler: Handler,
    *,
    limits: Limits | None = None,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled; start it with `nursery.start`, which returns the bound port.

    A client that breaks the protocol or vanishes only ends its own connection, and so does a RemoteError from the
    handler or `talk`, or an OSError, as when no file descriptor is left; any other exception from these is a bug and
    ends the serving. Raises ConfigurationError if the address can't be listened on.
    """
    await network.serve(host, port, partial(attend, handler, limits or Limits()), task_status=task_status)


async def attend(handler: Handler, limits: Limits, stream: trio.abc.Stream, received: bytes = b"") -> None:
    """Answer one connection as `serve` does; somebody else has `received` what came of it so far."""
    its_own_loss = suppress(RemoteError, trio.BrokenResourceError)
    with its_own_loss, limits.turnstile.passing(_peer_of(stream)) as visit:
        if visit is None:
            return
        try:
            await _converse(handler, limits, visit, stream, bytearray(received))
        except OSError:  # this machine has nothing left for it
            limits.turnstile.refused("system")


def _peer_of(stream: trio.abc.Stream) -> str:
    """The address that it comes from; empty inside this process. RemoteError when it has gone again."""
    try:
        return str(stream.socket.getpeername()[0]) if isinstance(stream, SocketStream) else ""
    except OSError as error:
        raise RemoteError("the client has gone again") from error


async def _converse(
    handler: Handler, limits: Limits, visit: Visit, stream: trio.abc.Stream, received: bytearray
) -> None:
    try:
        with trio.fail_after(HEAD_SECONDS):
            request = await _read_request(stream, received, limits)
    except trio.TooSlowError:
        limits.turnstile.refused("slow")
        await _reply(stream, problem(HTTPStatus.REQUEST_TIMEOUT))
        return
    except (h11.RemoteProtocolError, ValueError) as error:
        limits.turnstile.refused("malformed")
        status = HTTPStatus(getattr(error, "error_status_hint", HTTPStatus.BAD_REQUEST))
        await _reply(stream, problem(status))
        return
    visit.has_spoken()
    answer = await handler(request)
    if isinstance(answer, Upgrade) and request.headers.get("upgrade", "").lower() != "websocket":
        limits.turnstile.refused("handshake")
        answer = problem(HTTPStatus.UPGRADE_REQUIRED)
    if isinstance(answer, Reply):
        await _reply(stream, answer, with_body=request.method != "HEAD")
        return
    if isinstance(answer, Handover):
        await answer.take(stream, bytes(received))
        return
    accepting = accept_websocket(stream, request.target, received=bytes(received), receive_limit=limits.message)
    async with AsyncExitStack() as open_one:
        try:
            websocket = await open_one.enter_async_context(accepting)
        except RemoteError:
            limits.turnstile.refused("handshake")
            raise
        await answer.talk(websocket)


async def _read_request(stream: trio.abc.Stream, received: bytearray, limits: Limits) -> Request:
    """The request; `received` has what was read of it, and gets the rest and what may come after it."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    if received:
        parser.receive_data(bytes(received))
    head = await _next_event(stream, received, parser)
    if not isinstance(head, h11.Request):
        raise RemoteError("the client hung up without a request")
    request = _parse(head)
    if not limits.body:
        return request
    if parser.they_are_waiting_for_100_continue:
        await stream.send_all(parser.send(_CONTINUE) or b"")
    body = bytearray()
    while isinstance(event := await _next_event(stream, received, parser), h11.Data):
        body += event.data
        if len(body) > limits.body or len(received) > limits.body + HEAD_LIMIT:  # what parts its chunks may be long
            raise h11.RemoteProtocolError("the body is too long", error_status_hint=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        await trio.lowlevel.checkpoint()  # calls go on while a body of many small chunks is read
    return replace(request, body=bytes(body))


async def _next_event(stream: trio.abc.Stream, received: bytearray, parser: h11.Connection) -> object:
    while (event := parser.next_event()) is h11.NEED_DATA:
        data = bytes(await stream.receive_some(_RECEIVE_BUFFER))
        received += data
        parser.receive_data(data)
    return event


def _parse(head: h11.Request) -> Request:
    """Raises ValueError for a target that is no path or a host that is no name."""
    text = head.target.decode("ascii")
    target = urlsplit(text)
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in joined(head.headers).items()}
    headers.get("host", "").encode("ascii")
    return Request(head.method.decode("ascii"), unquote(target.path), dict(parse_qsl(target.query)), headers, text)


def problem(code: int, detail: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """What is wrong with a request (RFC 9457)."""
    status = HTTPStatus(code)
    detail = detail or status.description
    said = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Reply(status, msgspec.json.encode(said), "application/problem+json", headers)


async def _reply(stream: trio.abc.Stream, reply: Reply, *, with_body: bool = True) -> None:
    """Send `reply` and wait for the client to hang up: closing with unread data would take the reply back."""
    known = {status.value: status.phrase for status in HTTPStatus}
    content_type = (("Content-Type", reply.content_type),) if reply.content_type else ()
    length = () if reply.status == HTTPStatus.NO_CONTENT else (("Content-Length", str(len(reply.body))),)
    lines = [*reply.headers, *content_type, *length, ("Connection", "close")]
    head = f"HTTP/1.1 {int(reply.status)} {known.get(reply.status, '')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines) + "\r\n"
    await stream.send_all(head.encode("latin-1") + (reply.body if with_body else b""))
    with trio.move_on_after(_LINGER_SECONDS):
        while await stream.receive_some(_RECEIVE_BUFFER):
            pass
