"""`SocketWebSocket`: a WebSocket of our own, which a frame passes without a task, a lock or a checkpoint.

`SocketTraffic` does the reading and writing of all connections. One has a task of its own only for what its socket does
not take at once, and for its end.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context

import outcome
import trio

from voxrun.errors import RemoteError
from voxrun.protocol.websocket import (
    NO_CODE,
    Breach,
    CloseCame,
    ControlEvent,
    PingCame,
    PongCame,
    WebSocketProtocol,
)
from voxrun.protocol.websocket_handshake import ClientHandshake, ServerHandshake
from voxrun.transports.address import Address
from voxrun.transports.collapsed import collapsed
from voxrun.transports.socket_stream import SocketStream
from voxrun.transports.socket_traffic import SocketTraffic
from voxrun.transports.websocket import (
    CLOSE_SECONDS,
    OUTBOX_LIMIT,
    PONG_SECONDS,
    REFUSAL_SECONDS,
    TURN_SIZE,
    UNREAD_MESSAGES,
    UNREAD_SIZE,
    Closed,
    WebSocket,
)

_LOST = Closed(1006, "", was_clean=False)


class SocketWebSocket(WebSocket):
    """A connection whose handshake is done."""

    def __init__(self, stream: SocketStream, protocol: WebSocketProtocol) -> None:
        super().__init__()
        self._stream = stream
        self._descriptor = stream.socket.fileno()
        self._traffic = SocketTraffic.join()
        self._protocol = protocol
        self._outbox: deque[tuple[bytes | memoryview, int | None]] = deque()  # frames, the size of the message in each
        self._outbox_size = 0
        self._is_due = False  # the outbox will be sent soon
        self._is_stuck = False  # the socket took no more
        self._unread: deque[str | bytes] = deque()
        self._unread_size = 0
        self._on_message: Callable[[str | bytes], None] | None = None
        self._context = copy_context()  # later that of whoever pumps
        self._failure: outcome.Error | None = None
        self._closed: Closed | None = None
        self._over = trio.Event()  # no more messages come
        self._hung_up = trio.Event()  # nor anything else
        self._written = trio.Event()  # the end is brought about
        self._answered = trio.Event()

    def send(self, message: str | bytes) -> None:
        """Put the frame of `message` into the outbox, which is sent soon."""
        size = len(message)
        if self._closing or self._closed or self._outbox_size + size > OUTBOX_LIMIT:
            self.dropped += 1
            return
        try:
            frame = self._protocol.message(message)
        except UnicodeEncodeError:  # half a surrogate pair: no such text can be sent
            self.dropped += 1
            return
        self._put(frame, size)

    async def pump(self, on_message: Callable[[str | bytes], None]) -> Closed:
        """See `WebSocket.pump`."""
        self._context, self._on_message = copy_context(), on_message
        try:
            await self._catch_up(on_message)
            self.listen()
            await self._over.wait()
        finally:
            self._on_message = None
        if self._failure:
            self._failure.unwrap()
        if self._closing:
            await self._written.wait()
        return self._closed or _LOST

    # Out.

    def _put(self, frame: bytes, size: int | None) -> None:
        """Send a frame soon; `size` is that of the message in it, None for what is no message."""
        if size is None and self._outbox_size > OUTBOX_LIMIT:  # pongs for a peer that does not read have an end
            return
        self._outbox.append((frame, size))
        self._outbox_size += len(frame)
        if not (self._is_due or self._is_stuck):
            self._is_due = True
            self._traffic.write_soon(self._send_outbox)

    def _send_outbox(self) -> None:
        """Send what the socket takes. When it does not take all, `_write` goes on."""
        outbox = self._outbox
        try:
            while outbox:
                frame, size = outbox[0]
                sent = self._stream.send_now(frame)
                self._outbox_size -= sent
                if sent < len(frame):
                    outbox[0] = (memoryview(frame)[sent:], size)
                    break
                outbox.popleft()
                if size is not None:
                    self.messages_out += 1
                    self.bytes_out += size
        except (trio.BrokenResourceError, trio.ClosedResourceError):  # whoever reads finds out why
            self._drop_outbox()
        self._is_due = False
        self._is_stuck = bool(outbox)
        if outbox:
            self._news.unpark()

    async def _write(self) -> None:
        """Task: send what the socket did not take at once, until `close` or the end; then bring that end about."""
        with self._flushing:
            while not self._closed and (self._outbox or not self._closing):
                await (self._send_all() if self._is_stuck or self._closing else self._news.park())
        with trio.move_on_after(CLOSE_SECONDS):
            await (self._hear_them_out() if self._closed else self._say_goodbye(*(self._closing or (NO_CODE, ""))))
        self._drop_outbox()
        self._traffic.forget(self._descriptor, self)
        await trio.aclose_forcefully(self._stream)
        self._hung_up.set()
        self._over.set()
        self._written.set()

    async def _send_all(self) -> None:
        self._send_outbox()
        while self._outbox:
            await self._stream.wait_send_all_might_not_block()
            self._send_outbox()

    async def _say_goodbye(self, code: int, reason: str) -> None:
        self._closed = Closed(code, reason, was_clean=False)
        if not self._outbox:  # nothing may follow half a frame
            self._put(self._protocol.close(code, reason), None)
            await self._send_all()
            await self._over.wait()

    async def _hear_them_out(self) -> None:
        """Closing a socket with unread data would take back our last frame."""
        await self._send_all()
        await self._hung_up.wait()

    def _drop_outbox(self) -> None:
        self.dropped += sum(size is not None for _, size in self._outbox)
        self._outbox.clear()
        self._outbox_size = 0

    async def _ask(self) -> None:
        if self._closed:
            return
        self._answered = trio.Event()
        self._put(self._protocol.ping(), None)
        with trio.move_on_after(PONG_SECONDS):
            await self._answered.wait()
            return
        self._end(Closed(1006, f"the peer did not answer a ping within {PONG_SECONDS:.0f} s", was_clean=False))
        self._hung_up.set()

    # In.

    def listen(self) -> None:
        """Have what comes read."""
        if not self._hung_up.is_set():
            self._traffic.watch(self._descriptor, self)

    def receive(self) -> bytes | None:
        """See `Reader`. Nothing is what the peer's end looks like."""
        try:
            return self._stream.receive_now(self._traffic.buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    def take(self, data: bytes) -> None:
        """See `Reader`."""
        if data:
            self._context.run(self._act_on, data)
        else:
            self._hang_up()

    def fail(self, failure: outcome.Error) -> None:
        """See `Reader`: whoever pumps gets to know."""
        self._failure = failure
        self._over.set()

    def _act_on(self, data: bytes) -> None:
        ping = None
        for event in self._protocol.receive(data):
            if isinstance(event, (str, bytes)):
                self._take_message(event)
            elif isinstance(event, PingCame):
                ping = event
            else:
                self._heed(event)
        if ping is not None and not self._closed:  # of several the newest only (RFC 6455 section 5.5.3)
            self._put(self._protocol.pong(ping.payload), None)

    def _heed(self, event: ControlEvent) -> None:
        match event:
            case PongCame():
                self._answered.set()
            case CloseCame(code, reason):
                self._take_leave(code, reason)
            case Breach(code, reason):
                self._end_for(code, reason, was_clean=False)

    def _take_message(self, message: str | bytes) -> None:
        if self._on_message and not self._unread:
            self.messages_in += 1
            self.bytes_in += len(message)
            self._on_message(message)
            return
        self._unread.append(message)
        self._unread_size += len(message)
        if len(self._unread) >= UNREAD_MESSAGES or self._unread_size >= UNREAD_SIZE:
            self._traffic.forget(self._descriptor, self)

    async def _catch_up(self, on_message: Callable[[str | bytes], None]) -> None:
        """Take what came before anybody listened, and what comes meanwhile; others have their turns in between."""
        taken = 0
        while self._unread:
            message = self._unread.popleft()
            self._unread_size -= len(message)
            self.messages_in += 1
            self.bytes_in += len(message)
            on_message(message)
            taken += len(message)
            if taken >= TURN_SIZE and self._unread:
                taken = 0
                await trio.lowlevel.checkpoint()

    def _take_leave(self, code: int, reason: str) -> None:
        """The peer's closing frame: its answer to ours, or to be answered."""
        if self._closed:
            self._closed = Closed(self._closed.code, self._closed.reason, was_clean=True)
        self._end_for(code, reason, was_clean=True)
        if not self._protocol.is_client:
            self._hung_up.set()  # it is the server that hangs up first (RFC 6455 section 7.1.1)

    def _end_for(self, code: int, reason: str, *, was_clean: bool) -> None:
        if not self._closed:
            self._put(self._protocol.close(code, reason), None)
        self._end(Closed(code, reason, was_clean))

    def _hang_up(self) -> None:
        self._traffic.forget(self._descriptor, self)
        self._hung_up.set()
        self._end(_LOST)

    def _end(self, closed: Closed) -> None:
        """No more messages, for this reason unless there was another before."""
        self._closed = self._closed or closed
        self._over.set()
        self._news.unpark()


@asynccontextmanager
async def asking(
    stream: trio.abc.Stream,
    address: Address,
    subprotocols: Sequence[str],
    fields: list[tuple[bytes, bytes]],
    limit: int,
) -> AsyncIterator[WebSocket]:
    """The client's side. RemoteError when the peer refuses, or speaks no WebSocket."""
    async with _closing(stream) as direct:
        handshake = ClientHandshake(str(address), address.authority, address.target, subprotocols, fields)
        with suppress(trio.BrokenResourceError):  # what there is to read says more
            await direct.send_all(handshake.request)
        rest = await _answered(direct, handshake)
        async with _running(direct, WebSocketProtocol(is_client=True, limit=limit), rest) as websocket:
            yield websocket


@asynccontextmanager
async def answering(stream: trio.abc.Stream, received: bytes, limit: int) -> AsyncIterator[WebSocket]:
    """The server's side. RemoteError when the client breaks the handshake."""
    async with _closing(stream) as direct:
        handshake = ServerHandshake()
        rest = handshake.receive(received) if received else None
        while rest is None:
            rest = handshake.receive(await _receive(direct))
        try:
            await direct.send_all(handshake.answer)
        except trio.BrokenResourceError:
            raise RemoteError("the client broke off the WebSocket handshake") from None
        if handshake.mistake:
            raise RemoteError(f"the client made a mistake in the WebSocket handshake: {handshake.mistake}")
        async with _running(direct, WebSocketProtocol(is_client=False, limit=limit), rest) as websocket:
            yield websocket


@asynccontextmanager
async def _closing(stream: trio.abc.Stream) -> AsyncIterator[SocketStream]:
    assert isinstance(stream, SocketStream)
    try:
        yield stream
    finally:
        await trio.aclose_forcefully(stream)


async def _answered(stream: SocketStream, handshake: ClientHandshake) -> bytes:
    """What came after the answer. RemoteError as of `ClientHandshake`; a refusal may end with the patience for it."""
    deadline = math.inf
    while True:
        data = b""
        with trio.move_on_at(deadline):
            data = await _receive(stream)
        rest = handshake.receive(data)
        if rest is not None:
            return rest
        if handshake.is_refused:
            deadline = min(deadline, trio.current_time() + REFUSAL_SECONDS)


async def _receive(stream: SocketStream) -> bytes:
    try:
        return await stream.receive_some()
    except trio.BrokenResourceError:
        return b""


@asynccontextmanager
async def _running(stream: SocketStream, protocol: WebSocketProtocol, rest: bytes) -> AsyncIterator[WebSocket]:
    """The WebSocket over `stream` with its tasks; `rest` came along with the handshake."""
    websocket = SocketWebSocket(stream, protocol)
    try:
        with collapsed():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(websocket._write)
                nursery.start_soon(websocket._keep_alive)
                websocket.listen()
                websocket._act_on(rest)
                yield websocket
                websocket.close()
                await websocket._written.wait()
                nursery.cancel_scope.cancel()
    finally:
        websocket._traffic.forget(websocket._descriptor, websocket)
        websocket._traffic.leave()
