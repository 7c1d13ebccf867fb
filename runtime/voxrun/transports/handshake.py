"""`HandshakeStream`: the stream under a WebSocket, which speaks up when the handshake fails."""

import math
import re
from contextlib import suppress

import trio

from voxrun.errors import RemoteError
from voxrun.protocol.websocket_handshake import HEAD_LIMIT, failure, refusal
from voxrun.transports.websocket import REFUSAL_SECONDS

_REFUSAL = re.compile(rb"HTTP/1\.[01] (?!101)(\d{3})(?s:.*?\r\n\r\n(.*))?")
"""An answer's status, and what follows its head if that is complete."""


class HandshakeStream(trio.abc.Stream):
    """The stream as trio-websocket sees it: it replays what was read before, and it speaks up when a handshake fails.

    Without it, a peer that hangs up or answers wrongly during the handshake would leave the library waiting for ever.
    """

    def __init__(self, stream: trio.abc.Stream, peer: str, received: bytes = b"") -> None:
        self.peer = peer
        self.is_answered = False
        """Whether the answer to the handshake is complete, so that the end of the stream is the connection's."""
        self.is_open = False
        """Whether the library took that answer as a good one."""
        self.ended = trio.Event()
        """Set once the peer has hung up or the stream was closed."""
        self._stream = stream
        self._replay = received
        self._answer = bytearray()
        self._deadline = math.inf  # of the answer, once it is a refusal

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._replay:
            replayed, self._replay = self._replay, b""
            return replayed
        if self.is_answered:
            return await self._stream.receive_some(max_bytes)
        data: bytes | bytearray = b""
        with trio.move_on_at(self._deadline), suppress(trio.BrokenResourceError):
            data = await self._stream.receive_some(max_bytes)
        if self.is_answered:  # a server's handshake ends while its reader waits for more
            return data
        self._answer += data
        if not data or len(self._answer) > HEAD_LIMIT:
            raise self._failure("broke off the WebSocket handshake")
        if self._deadline == math.inf and _REFUSAL.match(self._answer):
            self._deadline = trio.current_time() + REFUSAL_SECONDS
        self.is_answered = re.match(rb"HTTP/1\.[01] 101(?s:.*)\r\n\r\n", self._answer) is not None
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError:
            if self.is_answered:
                raise
            raise self._failure("broke off the WebSocket handshake") from None

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
        if not self.is_open:
            raise self._failure("made a mistake in the WebSocket handshake")

    def _failure(self, what: str) -> RemoteError:
        """A refusal whose body ends with the connection never ends for the library, so it is recognised here."""
        refused = _REFUSAL.match(self._answer)
        if refused:
            return refusal(self.peer, int(refused[1]), refused[2] or b"")
        return failure(self.peer, what)
