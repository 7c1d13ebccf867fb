"""`WebSocketPeer`: the server's end of a WebSocket of the scenario's own, in a simulated call."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.errors import ConfigurationError
from voxrun.protocol.voxengine_media import (
    AudioCame,
    OutgoingStream,
    PeerMedia,
    StreamStarted,
    TextCame,
    WebSocketAudioEncoding,
)
from voxrun.testing.given import JSON, Only, check
from voxrun.testing.sounds import Render, Sound, voice
from voxrun.testing.track import Track
from voxrun.transports.server import Request
from voxrun.transports.websocket import Closed, WebSocket

_ENCODING = Only(f"one of {', '.join(WebSocketAudioEncoding)}", lambda it: it in list(WebSocketAudioEncoding))

LAST_WORDS_SECONDS = 1.0
"""How long a test's function may go on when the connection is closed."""


class WebSocketPeer:
    """What the function of a test is given: it reads texts with `async for`, and sends texts and sounds.

    The connection is closed when the function returns.
    """

    def __init__(self, request: Request, socket: WebSocket, render: Render, now: Callable[[], float]) -> None:
        self.request = request
        """How the scenario asked for the connection."""
        self.messages: list[str] = []
        """All that came, media included."""
        self.started: dict[str, StreamStarted] = {}
        """The newest stream of each tag, which has `encoding`, `rate` and `parameters`; without a tag it is ""."""
        self.closed: Closed | None = None
        """How the connection ended."""
        self.over = trio.Event()
        """The function of the test has returned, or was cancelled a second after the connection was closed."""
        self._socket = socket
        self._render = render
        self._now = now
        self._media = PeerMedia()
        self._heard: dict[str, list[Samples]] = {}
        self._begins: dict[str, float] = {}
        self._put, self._texts = trio.open_memory_channel[str](math.inf)

    def send(self, message: str | bytes | Mapping[str, Any]) -> None:
        """Send a text, or the JSON of an object. ConfigurationError for what is neither."""
        if not isinstance(message, str | bytes):
            check("message", message, JSON)
            message = json.dumps(message)
        self._socket.send(message)

    def say(
        self,
        sound: Sound | str | Path,
        tag: str = "",
        encoding: str = "PCM16",
        parameters: Mapping[str, object] | None = None,
    ) -> None:
        """Send a whole stream, all at once: its start, the sound or what is in a file, its stop.

        ConfigurationError for what is no sound or no encoding.
        """
        check("encoding", encoding, _ENCODING)
        stream = OutgoingStream(WebSocketAudioEncoding(encoding), tag, parameters)
        samples, size = self._render(voice(sound), stream.format.rate), frame_size(stream.format.rate)
        padded = np.concatenate([samples, np.zeros(-len(samples) % size, np.int16)])
        self.send(stream.start())
        for begin in range(0, len(padded), size):
            self.send(stream.media(padded[begin : begin + size]))
        self.send(stream.stop())

    def heard(self, tag: str = "") -> Track:
        """What came of the newest stream of a tag. AssertionError when none has begun."""
        if tag not in self.started:
            begun = ", ".join(map(repr, self.started)) or "none at all"
            raise AssertionError(f"the scenario has begun no stream of the tag {tag!r}; there is {begun}")
        rate = self.started[tag].rate
        return Track(np.concatenate([np.zeros(0, np.int16), *self._heard[tag]]), rate, self._begins.get(tag, 0.0))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        self._socket.close(code, reason)

    def __aiter__(self) -> "WebSocketPeer":
        return self

    async def __anext__(self) -> str:
        """The next text that is no media; at the end of the connection there is none any more."""
        try:
            return await self._texts.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    async def run(self, talk: "Talk") -> None:
        """Let `talk` have the connection until one of both ends."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, nursery.cancel_scope)
                await self._talk(talk)
                self.close()
        finally:
            self.over.set()

    async def _talk(self, talk: "Talk") -> None:
        """AssertionError, from the test's own line, when that waits for a text that does not come any more."""
        talking = talk(self)
        if not isawaitable(talking):
            what = f"a function that is not async: there it takes `async def talk(peer)`, not {talk!r}"
            raise ConfigurationError(f"web= has for the WebSocket at {self.request.path} {what}")
        try:
            await talking
        except StopAsyncIteration as error:
            message = f"the connection has ended, and no further text has come: {self.closed}"
            raise AssertionError(message).with_traceback(error.__traceback__) from None

    async def _listen(self, scope: trio.CancelScope) -> None:
        self.closed = await self._socket.pump(self._receive)
        self._put.close()
        scope.deadline = trio.current_time() + LAST_WORDS_SECONDS

    def _receive(self, message: str | bytes) -> None:
        self.messages.append(str(message))
        match self._media.receive(message):
            case TextCame(text):
                self._put.send_nowait(text)
            case StreamStarted(tag) as started:
                self.started[tag], self._heard[tag] = started, []
                self._begins.pop(tag, None)
            case AudioCame(tag, samples):
                self._begins.setdefault(tag, self._now())
                self._heard[tag].append(samples)


Talk: TypeAlias = Callable[[WebSocketPeer], Awaitable[None]]
"""What a test does as a server's end of a WebSocket."""
