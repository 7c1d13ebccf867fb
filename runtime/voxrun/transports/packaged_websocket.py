"""`PackagedWebSocket`: a WebSocket by trio-websocket, over any stream. The only file that knows that library."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
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

from voxrun.errors import RemoteError
from voxrun.protocol.websocket_handshake import refusal, unquoted
from voxrun.transports.address import Address
from voxrun.transports.collapsed import collapsed
from voxrun.transports.handshake import HandshakeStream
from voxrun.transports.websocket import (
    CLOSE_SECONDS,
    OUTBOX_LIMIT,
    PONG_SECONDS,
    TURN_SIZE,
    UNREAD_MESSAGES,
    UNREAD_SIZE,
    Closed,
    WebSocket,
)

_BATCH = 16  # messages sent at once: few enough not to hold up the tick when many connections come unstuck
_RECEIVE_BUFFER = 16 * 1024  # a TLS record; the library's own 4 KiB cost a wake each, and more leaves the heap in holes

# What the library's reader lets out when the peer breaks the protocol, or pings while we close.
_READER_ERRORS = (ProtocolError, h11.ProtocolError, UnicodeError, ConnectionClosed)


class PackagedWebSocket(WebSocket):
    """`send` puts messages into an outbox; one task owned by the context manager does the sending."""

    def __init__(self, connection: WebSocketConnection, inbox: "_Inbox", stream: HandshakeStream) -> None:
        super().__init__()
        self._connection = connection
        self._inbox = inbox
        self._stream = stream
        self._outbox: deque[str | bytes] = deque()
        self._outbox_size = 0
        self._closed_by_us: Closed | None = None
        self._written = trio.Event()

    def send(self, message: str | bytes) -> None:
        """Put `message` into the outbox."""
        size = len(message)
        if self._closing or self._connection.closed or self._outbox_size + size > OUTBOX_LIMIT:
            self.dropped += 1
            return
        self._outbox.append(message)
        self._outbox_size += size
        self._news.unpark()

    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        """See `WebSocket.pump`; the library answers pings by itself."""

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
        with trio.move_on_after(CLOSE_SECONDS):
            if not ours:
                await self._stream.ended.wait()
            elif not self._flushing.cancelled_caught:  # nothing may follow half a message
                await self._connection.aclose(code, reason)
        await trio.aclose_forcefully(self._stream)
        if ours:
            self._closed_by_us = Closed(code, reason, self._was_clean())
        self._written.set()

    async def _ask(self) -> None:
        with trio.move_on_after(PONG_SECONDS):
            with suppress(ConnectionClosed):
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
async def asking(
    stream: trio.abc.Stream,
    address: Address,
    subprotocols: Sequence[str],
    fields: list[tuple[bytes, bytes]],
    limit: int,
) -> AsyncIterator[WebSocket]:
    """The client's side. RemoteError when the peer refuses, or speaks no WebSocket."""

    async def shake_hands(nursery: trio.Nursery, stream: HandshakeStream) -> WebSocketConnection:
        return await wrap_client_stream(
            nursery,
            cast("trio.SocketStream", stream),  # any stream will do
            address.authority,
            address.target,
            subprotocols=subprotocols,
            extra_headers=fields,
            max_message_size=limit,
            receive_buffer_size=_RECEIVE_BUFFER,
        )

    async with _running(HandshakeStream(stream, str(address)), shake_hands) as websocket:
        yield websocket


@asynccontextmanager
async def answering(stream: trio.abc.Stream, received: bytes, limit: int) -> AsyncIterator[WebSocket]:
    """The server's side. RemoteError when the client breaks the handshake."""

    async def shake_hands(nursery: trio.Nursery, stream: HandshakeStream) -> WebSocketConnection:
        request = await wrap_server_stream(
            nursery,
            stream,
            max_message_size=limit,
            receive_buffer_size=_RECEIVE_BUFFER,
        )
        stream.is_answered = stream.is_open = True
        return await request.accept(subprotocol=next(iter(request.proposed_subprotocols), None))

    async with _running(HandshakeStream(stream, "the client", received), shake_hands) as websocket:
        yield websocket


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
        self._unread_size = sum(map(len, self._unread))
        connection._send_channel = cast("trio.MemorySendChannel[str | bytes]", self)
        if connection.closed:
            self.over.set()

    async def deliver(self, on_message: Callable[[str | bytes], None]) -> None:
        """Call `on_message` for every message until the connection ends; what it raises comes out of here."""
        taken = 0
        while self._unread:
            message = self._unread.popleft()
            self._unread_size -= len(message)
            on_message(message)
            taken += len(message)
            if taken >= TURN_SIZE and self._unread:
                taken = 0
                await trio.lowlevel.checkpoint()
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
        self._unread_size += len(message)
        if len(self._unread) >= UNREAD_MESSAGES or self._unread_size >= UNREAD_SIZE:
            await self._room.wait()

    async def aclose(self) -> None:
        """What the library calls at the end of the connection."""
        self.over.set()


_ShakeHands: TypeAlias = Callable[[trio.Nursery, HandshakeStream], Awaitable[WebSocketConnection]]


@asynccontextmanager
async def _running(stream: HandshakeStream, shake_hands: _ShakeHands) -> AsyncIterator[WebSocket]:
    """The WebSocket over `stream` with its tasks; whatever happens, they and the stream are gone afterwards."""
    try:
        with collapsed():
            async with trio.open_nursery() as nursery:
                connection, inbox = await nursery.start(_read, stream, shake_hands)
                websocket = PackagedWebSocket(connection, inbox, stream)
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
        with collapsed():
            async with trio.open_nursery() as nursery:
                connection = await shake_hands(nursery, stream)
                stream.is_answered = stream.is_open = True
                inbox = _Inbox(connection)
                task_status.started((connection, inbox))
    except ConnectionRejected as refused:
        raise refusal(stream.peer, refused.status_code, refused.body or b"") from None
    except _READER_ERRORS as error:
        if inbox is None:
            raise RemoteError(
                f"{stream.peer} does not speak WebSocket ({unquoted(error)}): check the address"
            ) from None
    if inbox:
        inbox.over.set()
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while await stream.receive_some(_RECEIVE_BUFFER):
            pass
    stream.ended.set()
