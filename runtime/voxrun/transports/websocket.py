"""`WebSocket`: one conversation in messages over a stream (RFC 6455), and the two ways to open one.

Over a `SocketStream`, that is over TCP on Linux, which has epoll, it is `SocketWebSocket`, our own; over any other
stream trio-websocket does the work. `_implementation` chooses; both pass the same tests.
"""

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import trio

from voxrun.errors import ConfigurationError, LocalProtocolError, RemoteError
from voxrun.protocol.websocket import may_be_sent
from voxrun.transports.address import Address
from voxrun.transports.http import OUR_FIELDS, encode_headers
from voxrun.transports.network import Network
from voxrun.transports.socket_stream import SocketStream

RECEIVE_LIMIT = 16 * 1024 * 1024
"""Bytes of one incoming message (trio-websocket: characters, in text); a larger one ends the connection, code 1009."""

OUTBOX_LIMIT = 4 * 1024 * 1024
"""Bytes that may wait to be sent (trio-websocket: characters, in text); what does not fit is dropped and counted."""

OPENING_SECONDS = 10.0
"""How long connecting and the handshake may take."""

REFUSAL_SECONDS = 1.0
"""How long, within that, what follows the head of a refusal may take: it only says more."""

KEEP_ALIVE_SECONDS = 20.0
"""After this long without a message the peer is asked whether it is still there."""

PONG_SECONDS = 10.0
"""How long it may take to answer; after that the connection counts as lost, code 1006."""

CLOSE_SECONDS = 1.0
"""How long closing may wait, first for the outbox to be sent, then for the peer."""

UNREAD_MESSAGES = 1024
"""So many may come before `pump` runs; after that the peer is held back, and with it its pings."""

UNREAD_SIZE = 64 * 1024 * 1024
"""So is it after so many bytes in them (trio-websocket: characters, in text): four of the largest."""

TURN_SIZE = 64 * 1024
"""Of those, after so many others have their turn."""


@dataclass(frozen=True, slots=True)
class Closed:
    """How a WebSocket ended: the code and reason of whoever closed it first (RFC 6455 section 7.4).

    1006 is a connection lost without a closing frame, 1009 a message above the receive limit. It `was_clean` if both
    sides sent their closing frame.
    """

    code: int
    reason: str
    was_clean: bool

    @property
    def is_ordinary(self) -> bool:
        """Nothing is wrong: the peer was done, is going away, or gave no code (RFC 6455 section 7.4.1)."""
        return self.code in (1000, 1001, 1005)

    def error(self, what: str) -> RemoteError:
        """That `what`, a connection, ended so."""
        reason = f": {self.reason}" if self.reason else ""
        return RemoteError(f"{what} ended with code {self.code}{reason}", code=self.code, reason=self.reason)


class WebSocket(ABC):
    """An open WebSocket, made by `open_websocket` and `accept_websocket`.

    `send` and `close` are plain calls for synchronous code. Message sizes are in bytes, or in characters for text.
    """

    def __init__(self) -> None:
        self.url = ""
        self.messages_in = 0
        self.bytes_in = 0
        self.messages_out = 0
        self.bytes_out = 0
        self.dropped = 0
        self._closing: tuple[int, str] | None = None
        self._flushing = trio.CancelScope()
        self._news = trio.lowlevel.ParkingLot()  # where the task that sends waits for something to do

    @abstractmethod
    def send(self, message: str | bytes) -> None:
        """Send `message` now or, after others, soon.

        If too much waits to be sent, or the connection is closed or closing, it is counted as dropped.
        """

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Ask for the end: what waits is sent, then the closing handshake made, each within a second.

        The first call counts. Of `reason` the first 123 bytes are sent (RFC 6455 section 5.5). Raises
        LocalProtocolError for a code that must not be sent (section 7.4).
        """
        if not may_be_sent(code):
            raise LocalProtocolError(f"{code} is no WebSocket closing code: use 1000, or 3000 to 4999")
        if self._closing:
            return
        self._closing = (code, reason.encode("utf-8", "replace").decode())
        self._flushing.deadline = trio.current_time() + CLOSE_SECONDS
        self._news.unpark()

    @abstractmethod
    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        """Call `on_message` for every message until the connection ends, and say how it ended.

        `on_message` must not block; what it raises comes out of here. Pings are answered without it.
        """

    async def _keep_alive(self) -> None:
        """Task: notice a peer that is gone without a word, as after a cut cable."""
        while True:
            messages = self.messages_in
            await trio.sleep(KEEP_ALIVE_SECONDS)
            if self.messages_in == messages:
                await self._ask()

    @abstractmethod
    async def _ask(self) -> None:
        """Ping the peer; the connection is lost when no answer comes. Nothing when it is over already."""


def handshake_fields(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """What `headers` add to the request for a WebSocket. ConfigurationError for what can't be sent."""
    fields = encode_headers(headers)
    if any(name.lower() == b"host" for name, _ in fields):
        raise ConfigurationError("a WebSocket's header 'Host' is that of its address: leave it out")
    return [field for field in fields if field[0].lower() not in OUR_FIELDS]


@asynccontextmanager
async def open_websocket(
    network: Network,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[WebSocket]:
    """Connect to a ws:// or wss:// `url` and yield the WebSocket once the handshake is done, with nothing sent.

    Leaving the block closes it; an exception or cancellation that leaves the block drops the connection at once.
    Raises RemoteError if the peer can't be reached, does not answer in time, or refuses: then with the HTTP status as
    its code and the start of the body as its reason. Raises ConfigurationError for a URL or header that can't be sent.
    """
    address = Address.parse(url, plain="ws", secure="wss")
    fields = handshake_fields(headers)
    with trio.CancelScope(deadline=trio.current_time() + OPENING_SECONDS) as opening:
        stream = await network.connect(address.host, address.port, tls=address.tls)
        asking = _implementation(stream).asking(stream, address, subprotocols, fields, RECEIVE_LIMIT)
        async with asking as websocket:
            websocket.url = url
            opening.deadline = math.inf
            yield websocket
    if opening.cancelled_caught:
        raise RemoteError(
            f"{address} did not answer the WebSocket handshake within {OPENING_SECONDS:g} s: check the address, "
            "and try again"
        )


@asynccontextmanager
async def accept_websocket(
    stream: trio.abc.Stream,
    target: str,
    *,
    received: bytes = b"",
    receive_limit: int = RECEIVE_LIMIT,
) -> AsyncIterator[WebSocket]:
    """Answer a client's handshake on `stream` and yield the WebSocket; it ends as `open_websocket`'s does.

    `target` becomes its `url`; `received` is what was already read from the stream. Of the subprotocols offered, the
    first is chosen. Raises RemoteError if the client breaks the handshake, after telling it so.
    """
    with trio.CancelScope(deadline=trio.current_time() + OPENING_SECONDS) as opening:
        async with _implementation(stream).answering(stream, received, receive_limit) as websocket:
            websocket.url = target
            opening.deadline = math.inf
            yield websocket
    if opening.cancelled_caught:
        raise RemoteError(f"the client did not finish the WebSocket handshake within {OPENING_SECONDS:g} s")


class _Implementation(Protocol):
    """What both modules have: each yields an open WebSocket, and ends it as `open_websocket` says."""

    def asking(
        self,
        stream: trio.abc.Stream,
        address: Address,
        subprotocols: Sequence[str],
        fields: list[tuple[bytes, bytes]],
        limit: int,
    ) -> AbstractAsyncContextManager[WebSocket]: ...

    def answering(
        self, stream: trio.abc.Stream, received: bytes, limit: int
    ) -> AbstractAsyncContextManager[WebSocket]: ...


def _implementation(stream: trio.abc.Stream) -> _Implementation:
    """Which of the two does the work, by what the stream can do."""
    if isinstance(stream, SocketStream) and sys.platform == "linux":
        from voxrun.transports import socket_websocket  # noqa: PLC0415 - a run needs only one of the two

        return socket_websocket
    from voxrun.transports import packaged_websocket  # noqa: PLC0415 - a run needs only one of the two

    return packaged_websocket
