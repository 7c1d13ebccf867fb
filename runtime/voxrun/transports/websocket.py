"""`WebSocket`: one conversation in messages over a stream (RFC 6455). The only file that knows trio-websocket."""

import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias, cast

import h11
import outcome
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
    wrap_server_stream,
)
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, TextMessage
from wsproto.utilities import ProtocolError

from voxrun.errors import LocalProtocolError, RemoteError
from voxrun.transports.address import Address
from voxrun.transports.handshake import HandshakeStream
from voxrun.transports.http import encode_headers
from voxrun.transports.network import Network

RECEIVE_LIMIT = 16 * 1024 * 1024
"""Bytes (characters, in text) of one incoming message; a larger one ends the connection with code 1009."""

OUTBOX_LIMIT = 4 * 1024 * 1024
"""Bytes (characters, in text) that may wait to be sent; what does not fit is dropped and counted."""

KEEP_ALIVE_SECONDS = 20.0
"""After this long without a message the peer is asked whether it is still there."""

PONG_SECONDS = 10.0
"""How long it may take to answer; after that the connection counts as lost, code 1006."""

_BATCH = 16  # messages sent at once: few enough not to hold up the tick when many connections come unstuck
_UNREAD_MESSAGES = 1024  # until `pump` runs; after that the peer is held back, and with it its pings
_RECEIVE_BUFFER = 128 * 1024  # the library's own 4 KiB cost a wake each
_CLOSE_SECONDS = 1.0

# What the library's reader lets out when the peer breaks the protocol, or pings while we close.
_READER_ERRORS = (ProtocolError, h11.ProtocolError, UnicodeError, ConnectionClosed)

_ids = count(1)


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


class WebSocket:
    """An open WebSocket, made by `open_websocket` and `accept_websocket`.

    `send` and `close` are plain calls for synchronous code; one task owned by the context manager does the sending.
    Message sizes are in bytes, or in characters for text.
    """

    def __init__(self, connection: WebSocketConnection, inbox: "_Inbox", stream: HandshakeStream, url: str) -> None:
        self.id = f"websocket-{next(_ids)}"
        self.url = url
        self.messages_in = 0
        self.bytes_in = 0
        self.messages_out = 0
        self.bytes_out = 0
        self.dropped = 0
        self._connection = connection
        self._inbox = inbox
        self._stream = stream
        self._outbox: deque[str | bytes] = deque()
        self._outbox_size = 0
        self._news = trio.lowlevel.ParkingLot()
        self._closing: tuple[int, str] | None = None
        self._flushing = trio.CancelScope()
        self._closed_by_us: Closed | None = None
        self._written = trio.Event()

    def send(self, message: str | bytes) -> None:
        """Put `message` into the outbox. If that is full, or the connection closed or closing, count it as dropped."""
        size = len(message)
        if self._closing or self._connection.closed or self._outbox_size + size > OUTBOX_LIMIT:
            self.dropped += 1
            return
        self._outbox.append(message)
        self._outbox_size += size
        self._news.unpark()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Ask for the end: the outbox is sent, then the closing handshake made, each within a second.

        The first call counts. Raises LocalProtocolError for a code that must not be sent (RFC 6455 section 7.4).
        """
        if not (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) and not 3000 <= code <= 4999:
            raise LocalProtocolError(f"{code} is no WebSocket closing code: use 1000, or 3000 to 4999")
        if self._closing:
            return
        self._closing = (code, reason.encode("utf-8", "replace").decode())
        self._flushing.deadline = trio.current_time() + _CLOSE_SECONDS
        self._news.unpark()

    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        """Call `on_message` for every message until the connection ends, and say how it ended.

        `on_message` must not block; what it raises comes out of here. The library answers pings by itself.
        """

        def receive(message: str | bytes) -> None:
            self.messages_in += 1
            self.bytes_in += len(message)
            on_message(message)

        await self._inbox.deliver(receive)
        if self._closing:
            await self._written.wait()
        return self._closed_by_us or self._closed_by_peer()

    def _closed_by_peer(self) -> Closed:
        reason = self._connection.closed
        return Closed(int(reason.code), reason.reason or "", self._was_clean()) if reason else Closed(1006, "", False)

    def _was_clean(self) -> bool:
        # The library's own state does not tell a lost connection from an answered closing frame.
        return self._connection._wsproto.state is ConnectionState.CLOSED

    async def _write(self) -> None:
        """Task: send what is in the outbox until `close` or the end of the connection, then bring that end about."""
        with self._flushing:
            await self._flush()
        code, reason = self._closing or (1006, "")
        ours = self._connection.closed is None
        with trio.move_on_after(_CLOSE_SECONDS):
            if not ours:
                await self._stream.ended.wait()
            elif not self._flushing.cancelled_caught:  # nothing may follow half a message
                await self._connection.aclose(code, reason)
        await trio.aclose_forcefully(self._stream)
        if ours:
            self._closed_by_us = Closed(code, reason, self._was_clean())
        self._written.set()

    async def _keep_alive(self) -> None:
        """Task: notice a peer that is gone without a word, as after a cut cable."""
        with suppress(ConnectionClosed):
            while True:
                messages = self.messages_in
                await trio.sleep(KEEP_ALIVE_SECONDS)
                if self.messages_in == messages:
                    await self._ask()

    async def _ask(self) -> None:
        with trio.move_on_after(PONG_SECONDS):
            await self._connection.ping()
            return
        self._closed_by_us = Closed(1006, f"the peer did not answer a ping within {PONG_SECONDS:.0f} s", False)
        await trio.aclose_forcefully(self._stream)

    async def _flush(self) -> None:
        while self._outbox or not self._closing:
            if not self._outbox:
                await self._news.park()
                continue
            batch = [self._outbox.popleft() for _ in range(min(len(self._outbox), _BATCH))]
            self._outbox_size -= sum(map(len, batch))
            try:
                await self._send_batch(batch)
            except (ProtocolError, trio.BrokenResourceError, trio.ClosedResourceError):
                self.dropped += len(batch) + len(self._outbox)
                await self._stream.ended.wait()  # the reader finds out why
                return
            self.messages_out += len(batch)
            self.bytes_out += sum(map(len, batch))

    async def _send_batch(self, batch: list[str | bytes]) -> None:
        """Send all of `batch` at once, for the library's `send_message` costs three checkpoints; drop what can't be."""
        lock = self._connection._stream_lock  # the library's reader answers pings under it
        try:
            lock.acquire_nowait()
        except trio.WouldBlock:
            await lock.acquire()
        try:
            await self._stream.send_all(self._encode(batch))
        finally:
            lock.release()

    def _encode(self, batch: list[str | bytes]) -> bytes:
        frames = []
        for message in tuple(batch):
            event = TextMessage(message) if isinstance(message, str) else BytesMessage(message)
            try:
                frames.append(self._connection._wsproto.send(event))
            except UnicodeEncodeError:  # half a surrogate pair: no such text can be sent
                batch.remove(message)
                self.dropped += 1
        return b"".join(frames)


@asynccontextmanager
async def open_websocket(
    network: Network,
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    subprotocols: Sequence[str] = (),
    timeout: float = 10.0,
    receive_limit: int = RECEIVE_LIMIT,
) -> AsyncIterator[WebSocket]:
    """Connect to a ws:// or wss:// `url` and yield the WebSocket once the handshake is done, with nothing sent.

    Leaving the block closes it; an exception or cancellation that leaves the block drops the connection at once.
    Raises RemoteError if the peer can't be reached, is silent for `timeout` seconds, or refuses: then with the HTTP
    status as its code and the start of the body as its reason. Raises ConfigurationError for a URL or header that can't
    be sent.
    """
    address = Address.parse(url, plain="ws", secure="wss")
    fields = encode_headers(headers)

    async def shake_hands(nursery: trio.Nursery, stream: HandshakeStream) -> WebSocketConnection:
        return await wrap_client_stream(
            nursery,
            cast("trio.SocketStream", stream),  # any stream will do
            address.authority,
            address.target,
            subprotocols=subprotocols,
            extra_headers=fields,
            max_message_size=receive_limit,
            receive_buffer_size=_RECEIVE_BUFFER,
        )

    with trio.CancelScope(deadline=trio.current_time() + timeout) as opening:
        connected = await network.connect(address.host, address.port, tls=address.tls)
        async with _running(HandshakeStream(connected, str(address)), shake_hands, url) as websocket:
            opening.deadline = math.inf
            yield websocket
    if opening.cancelled_caught:
        raise RemoteError(
            f"{address} did not answer the WebSocket handshake within {timeout:g} s: check the address, and try again"
        )


@asynccontextmanager
async def accept_websocket(
    stream: trio.abc.Stream,
    target: str,
    *,
    received: bytes = b"",
    timeout: float = 10.0,
    receive_limit: int = RECEIVE_LIMIT,
) -> AsyncIterator[WebSocket]:
    """Answer a client's handshake on `stream` and yield the WebSocket; it ends as `open_websocket`'s does.

    `target` becomes its `url`; `received` is what was already read from the stream. Of the subprotocols offered, the
    first is chosen. Raises RemoteError if the client breaks the handshake, after telling it so.
    """

    async def shake_hands(nursery: trio.Nursery, stream: HandshakeStream) -> WebSocketConnection:
        request = await wrap_server_stream(
            nursery,
            stream,
            max_message_size=receive_limit,
            receive_buffer_size=_RECEIVE_BUFFER,
        )
        stream.is_answered = stream.is_open = True
        return await request.accept(subprotocol=next(iter(request.proposed_subprotocols), None))

    with trio.CancelScope(deadline=trio.current_time() + timeout) as opening:
        async with _running(HandshakeStream(stream, "the client", received), shake_hands, target) as websocket:
            opening.deadline = math.inf
            yield websocket
    if opening.cancelled_caught:
        raise RemoteError(f"the client did not finish the WebSocket handshake within {timeout:g} s")


class _Inbox:
    """Takes the place of the library's channel, so that its reader hands messages straight to `pump`'s callback.

    The channel and a task at its other end would be two of the five turns of the scheduler that a message costs.
    """

    def __init__(self, connection: WebSocketConnection) -> None:
        self.over = trio.Event()
        """Set once no more messages will come."""
        self._unread: deque[str | bytes] = deque()
        self._room = trio.Event()
        self._on_message: Callable[[str | bytes], None] | None = None
        self._failure: outcome.Error | None = None
        with suppress(trio.WouldBlock, trio.EndOfChannel):  # what came along with the handshake
            while True:
                self._unread.append(connection._recv_channel.receive_nowait())
        connection._send_channel = cast("trio.MemorySendChannel[str | bytes]", self)
        if connection.closed:
            self.over.set()

    async def deliver(self, on_message: Callable[[str | bytes], None]) -> None:
        """Call `on_message` for every message until the connection ends; what it raises comes out of here."""
        while self._unread:
            on_message(self._unread.popleft())
        self._on_message = on_message
        self._room.set()
        try:
            await self.over.wait()
        finally:
            self._on_message = None
            self._room = trio.Event()
        if self._failure:
            self._failure.unwrap()

    async def send(self, message: str | bytes) -> None:
        """What the reader calls."""
        if self._on_message:
            result = outcome.capture(self._on_message, message)  # raised here, it would end the reader or get lost
            if isinstance(result, outcome.Error):
                self._failure = result
                self._on_message = None
                self.over.set()
            return
        self._unread.append(message)
        if len(self._unread) >= _UNREAD_MESSAGES:
            await self._room.wait()

    async def aclose(self) -> None:
        """What the library calls at the end of the connection."""
        self.over.set()


_ShakeHands: TypeAlias = Callable[[trio.Nursery, HandshakeStream], Awaitable[WebSocketConnection]]


@asynccontextmanager
async def _running(stream: HandshakeStream, shake_hands: _ShakeHands, url: str) -> AsyncIterator[WebSocket]:
    """The WebSocket over `stream` with its tasks; whatever happens, they and the stream are gone afterwards."""
    try:
        with _collapsed():
            async with trio.open_nursery() as nursery:
                connection, inbox = await nursery.start(_read, stream, shake_hands)
                websocket = WebSocket(connection, inbox, stream, url)
                nursery.start_soon(websocket._write)
                nursery.start_soon(websocket._keep_alive)
                yield websocket
                websocket.close()
                await websocket._written.wait()
                nursery.cancel_scope.cancel()
    finally:
        stream.is_open = True  # it may be closed without complaint now
        await trio.aclose_forcefully(stream)


async def _read(
    stream: HandshakeStream,
    shake_hands: _ShakeHands,
    *,
    task_status: trio.TaskStatus[tuple[WebSocketConnection, "_Inbox"]],
) -> None:
    """Task: the library's reader, in a nursery of its own so that its failure only ends the connection.

    What the peer still sends after that is read off: closing a socket with unread data takes back our last frame.
    """
    inbox = None
    try:
        with _collapsed():
            async with trio.open_nursery() as nursery:
                connection = await shake_hands(nursery, stream)
                stream.is_answered = stream.is_open = True
                inbox = _Inbox(connection)
                task_status.started((connection, inbox))
    except ConnectionRejected as refused:
        raise stream.refusal(refused.status_code, refused.body or b"") from None
    except _READER_ERRORS as error:
        if inbox is None:
            raise RemoteError(f"{stream.peer} does not speak WebSocket ({error}): check the address") from error
    if inbox:
        inbox.over.set()
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while await stream.receive_some(_RECEIVE_BUFFER):
            pass
    stream.ended.set()


@contextmanager
def _collapsed() -> Iterator[None]:
    """Let the single error of an exception group out as itself; cancellations beside an error don't count."""
    try:
        yield
    except BaseExceptionGroup as group:
        errors = [leaf for leaf in _leaves(group) if not isinstance(leaf, trio.Cancelled)] or [next(_leaves(group))]
        if len(errors) > 1:
            raise
        error = errors[0]
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context  # raising it here would make it the consequence of its own group


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
