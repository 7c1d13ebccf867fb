"""A caller of the local agent for tests: our side of the protocol, with a voice of its own, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import trio
from tests.kit import in_virtual_time, inline

from voxrun.audio.frame import Samples
from voxrun.events.message import Message
from voxrun.localagent.ears import Recogniser
from voxrun.localagent.server import CONVERSATION_PATH, serve_agent
from voxrun.localagent.speech_server import Offload
from voxrun.localagent.voice import RATE, Voice
from voxrun.protocol.elevenlabs.agents_client import (
    AgentsClientProtocol,
    AgentsEvent,
    AudioReceived,
    MessageReceived,
    SendNow,
)
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

HOST = "agent.test"
PORT = 8765
URL = f"ws://{HOST}:{PORT}{CONVERSATION_PATH}?agent_id=a"

HOURS = "What are your opening hours today?"
BOOK = "Can I book an appointment?"
ADDRESS = "Where can I find you?"
GOODBYE = "No thank you, goodbye."
NONSENSE = "My brother plays the guitar in a band."


@cache
def spoken_by_caller(text: str) -> Samples:
    """`text` in the caller's voice, which is not the agent's."""
    return Voice("en-us+m3", rate_wpm=160).say(text)


def write_script(folder: Path, options: str = "", *, says: str = "Bye.", turn: str = "") -> Path:
    """A small script whose one turn expects goodbye; `options` are TOML for its head, `turn` for that turn."""
    path = folder / "script.toml"
    path.write_text(
        f'greeting = "Hello"\nnot_understood = "Sorry?"\ntool_failed = "Oh."\n{options}\n'
        f'[[turn]]\nexpects = ["Goodbye"]\nsays = "{says}"\n{turn}\n',
        encoding="utf-8",
    )
    return path


@dataclass
class Caller:
    """One connection: sends audio all the time as the SDKs do, and keeps what comes, with its time."""

    socket: WebSocket
    piece_bytes: int = 640
    pong_seconds: float = 0.0
    protocol: AgentsClientProtocol = field(default_factory=AgentsClientProtocol)
    received: list[tuple[float, AgentsEvent]] = field(default_factory=list)
    closed: Closed | None = None
    _to_say: bytes = b""
    _news: trio.Event = field(default_factory=trio.Event)

    def say(self, text: str) -> None:
        """Begin to say that with the next piece of audio."""
        self._to_say += spoken_by_caller(text).astype("<i2").tobytes()

    def send(self, frames: list[str]) -> None:
        """Send what the protocol made."""
        for frame in frames:
            self.socket.send(frame)

    def answer(self, result: str, *, is_error: bool = False, call: int = 0) -> None:
        """Answer a tool call."""
        call_id = self.of_type("client_tool_call")[call].payload.tool_call_id
        self.send(self.protocol.client_tool_result({"tool_call_id": call_id, "result": result, "is_error": is_error}))

    def of_type(self, kind: str) -> list[Message]:
        """All messages of that type."""
        return [event.data for _, event in self.received if isinstance(event, MessageReceived) and event.type == kind]

    def times_of(self, kind: str) -> list[float]:
        """When they came."""
        return [at for at, event in self.received if isinstance(event, MessageReceived) and event.type == kind]

    @property
    def responses(self) -> list[str]:
        """What the agent said, as text."""
        return [message.payload.agent_response for message in self.of_type("agent_response")]

    @property
    def transcripts(self) -> list[str]:
        """What the agent understood."""
        return [m.payload.user_transcript for m in self.of_type("user_transcript")]

    def audio_of(self, event_id: int) -> list[tuple[float, Samples]]:
        """The pieces of one turn's speech, and when each came."""
        return [
            (at, np.frombuffer(event.audio, "<i2"))
            for at, event in self.received
            if isinstance(event, AudioReceived) and event.event_id == event_id
        ]

    async def until(self, kind: str, count: int = 1) -> Message:
        """Wait for the so-manieth message of that type."""
        with trio.fail_after(60):
            while len(self.of_type(kind)) < count:
                self._news = trio.Event()
                await self._news.wait()
        return self.of_type(kind)[count - 1]

    async def until_closed(self) -> None:
        """Wait for the end."""
        with trio.fail_after(60):
            while self.closed is None:
                self._news = trio.Event()
                await self._news.wait()

    async def talk(self) -> None:
        """Task: send what there is to say, else silence, piece by piece."""
        while True:
            piece, self._to_say = self._to_say[: self.piece_bytes], self._to_say[self.piece_bytes :]
            self.send(self.protocol.audio(piece.ljust(self.piece_bytes, b"\0")))
            await trio.sleep(self.piece_bytes / 2 / RATE)

    async def listen(self) -> None:
        """Task: keep what comes, until the end."""
        async with trio.open_nursery() as nursery:
            self.closed = await self.socket.pump(partial(self._receive, nursery))
            self._news.set()
            nursery.cancel_scope.cancel()

    def _receive(self, nursery: trio.Nursery, text: str | bytes) -> None:
        for event in self.protocol.receive(text):
            if isinstance(event, SendNow):
                nursery.start_soon(self._send_later, event.text)
            self.received.append((trio.current_time(), event))
        self._news.set()

    async def _send_later(self, text: str) -> None:
        await trio.sleep(self.pong_seconds)
        self.socket.send(text)


def kinds_of(caller: Caller) -> list[str]:
    """The types of all messages that came, audio included, in order."""
    return [
        "audio" if isinstance(event, AudioReceived) else event.type
        for _, event in caller.received
        if isinstance(event, AudioReceived | MessageReceived)
    ]


@asynccontextmanager
async def calling(
    network: Network, *, initiation: dict[str, Any] | None = None, talks: bool = True, **options: Any
) -> AsyncIterator[Caller]:
    """A conversation that has begun, with the caller's microphone open if it `talks`."""
    async with open_websocket(network, URL) as socket, trio.open_nursery() as nursery:
        caller = Caller(socket, **options)
        nursery.start_soon(caller.listen)
        caller.send(caller.protocol.initiate(initiation))
        if talks:
            nursery.start_soon(caller.talk)
        yield caller
        nursery.cancel_scope.cancel()


@lru_cache(maxsize=3)
def _ears(phrases: tuple[str, ...]) -> list[Recogniser]:
    """The last recogniser of these phrases, if there was one."""
    return []


async def at_once(work: Callable[..., object], *args: Any) -> object:
    """Blocking work, done where it is asked for. To load a recogniser takes longer than most conversations here, so
    one that has heard nothing yet is taken again."""
    if work is not Recogniser:
        return await inline(work, *args)
    ears = _ears(tuple(args[0]))
    if not ears or ears[0]._decoder.n_frames() > 1:  # what it heard has a slight influence on what it hears next
        ears[:] = [Recogniser(args[0])]
    return ears[0]


def with_agent(
    main: Callable[[Network], Awaitable[None]], script: Path | None = None, offload: Offload = at_once
) -> None:
    """Run `main` beside an agent in virtual time; afterwards only the agent's own tasks may be left."""

    async def run() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            serving = partial(serve_agent, offload=offload)
            await nursery.start(serving, network, HOST, PORT, str(script or ""))
            tasks = trio.lowlevel.current_statistics().tasks_living
            await main(network)
            await trio.sleep(15)  # every time-out of a conversation is over
            assert trio.lowlevel.current_statistics().tasks_living == tasks
            nursery.cancel_scope.cancel()

    in_virtual_time(run)


async def slowly(work: Callable[..., object], *args: object) -> object:
    """Blocking work as a busy machine's thread does it: it takes a while, and no cancel stops it."""
    with trio.CancelScope(shield=True):
        await trio.sleep(0.01 if work is next else 0.5)  # recognition comes in some fifty pieces
    return work(*args)


def converse(
    main: Callable[[Caller], Awaitable[None]],
    script: Path | None = None,
    *,
    offload: Offload = at_once,
    **options: Any,
) -> Caller:
    """Run `main` as one caller of the agent, in virtual time; returns the caller for a look at all that came."""
    callers: list[Caller] = []

    async def call(network: Network) -> None:
        async with calling(network, **options) as caller:
            callers.append(caller)
            await main(caller)

    with_agent(call, script, offload)
    return callers[0]
