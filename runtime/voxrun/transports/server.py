"""`serve`: a small HTTP/1.1 and WebSocket server on one port; each connection carries one request."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import trio

from voxrun.errors import RemoteError
from voxrun.transports.network import Network
from voxrun.transports.websocket import WebSocket, accept_websocket

HEAD_LIMIT = 64 * 1024
"""Bytes a request's head may have."""

HEAD_SECONDS = 10.0
"""How long it may take to arrive."""

_LINGER_SECONDS = 1.0
_RECEIVE_BUFFER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. `path` is decoded; header names are in lower case; of repeated ones the last counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A plain response, after which the connection is closed."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Make the connection a WebSocket and let `talk` have it; it is closed when `talk` returns."""

    talk: Callable[[WebSocket], Awaitable[None]]


Handler: TypeAlias = Callable[[Request], Awaitable[Reply | Upgrade]]


async def serve(
    network: Network,
    host: str,
    port: int,
    handler: Handler,
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer requests until cancelled; start it with `nursery.start`, which returns the bound port.

    A client that breaks the protocol or vanishes only ends its own connection, and so does a RemoteError from the
    handler or `talk`; any other exception from these is a bug and ends the serving. Raises ConfigurationError if the
    address can't be listened on.
    """
    await network.serve(host, port, partial(_attend, handler), task_status=task_status)


async def _attend(handler: Handler, stream: trio.abc.Stream) -> None:
    with suppress(RemoteError, trio.BrokenResourceError):  # that client's own loss
        await _converse(handler, stream)


async def _converse(handler: Handler, stream: trio.abc.Stream) -> None:
    received = bytearray()
    try:
        with trio.fail_after(HEAD_SECONDS):
            head = await _read_head(stream, received)
        request = _parse(head)
    except trio.TooSlowError:
        await _reply(stream, Reply(HTTPStatus.REQUEST_TIMEOUT))
        return
    except (h11.RemoteProtocolError, ValueError) as error:
        status = getattr(error, "error_status_hint", HTTPStatus.BAD_REQUEST)
        await _reply(stream, Reply(status))
        return
    answer = await handler(request)
    if isinstance(answer, Upgrade) and request.headers.get("upgrade", "").lower() != "websocket":
        answer = Reply(HTTPStatus.UPGRADE_REQUIRED)
    if isinstance(answer, Reply):
        await _reply(stream, answer, with_body=request.method != "HEAD")
        return
    async with accept_websocket(stream, head.target.decode("ascii"), received=bytes(received)) as websocket:
        await answer.talk(websocket)


async def _read_head(stream: trio.abc.Stream, received: bytearray) -> h11.Request:
    """The request's head; `received` gets everything read for it, which may be more."""
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    while True:
        event = parser.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            raise RemoteError("the client hung up without a request")
        data = bytes(await stream.receive_some(_RECEIVE_BUFFER))
        received += data
        parser.receive_data(data)


def _parse(head: h11.Request) -> Request:
    """Raises ValueError for a target that is no path or a host that is no name."""
    target = urlsplit(head.target.decode("ascii"))
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    headers.get("host", "").encode("ascii")
    return Request(head.method.decode("ascii"), unquote(target.path), dict(parse_qsl(target.query)), headers)


async def _reply(stream: trio.abc.Stream, reply: Reply, *, with_body: bool = True) -> None:
    """Send `reply` and wait for the client to hang up: closing with unread data would take the reply back."""
    known = {status.value: status.phrase for status in HTTPStatus}
    head = (
        f"HTTP/1.1 {int(reply.status)} {known.get(reply.status, '')}\r\n"
        f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n"
    )
    await stream.send_all(head.encode("ascii") + (reply.body if with_body else b""))
    with trio.move_on_after(_LINGER_SECONDS):
        while await stream.receive_some(_RECEIVE_BUFFER):
            pass
