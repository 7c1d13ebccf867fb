"""The official `elevenlabs` SDK, with its threads and with asyncio, talks to `voxrun agent` over TCP in real time."""

import asyncio
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
from tests.localagent.caller import ADDRESS, BOOK, GOODBYE, HOURS, spoken_by_caller

from voxrun.localagent.script import load_script
from voxrun.localagent.voice import RATE

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader", "elevenlabs"):
    pytest.importorskip(library, reason="needs the extras local-agent and dev")
with warnings.catch_warnings():  # a type annotation of the SDK names a class that its WebSocket library is giving up
    for message in ("websockets.legacy is deprecated", "websockets.WebSocketClientProtocol is deprecated"):
        warnings.filterwarnings("ignore", message, DeprecationWarning)
    from elevenlabs.client import ElevenLabs
    from elevenlabs.conversational_ai.conversation import (
        AsyncAudioInterface,
        AsyncConversation,
        AudioInterface,
        ClientTools,
        Conversation,
    )

pytestmark = pytest.mark.slow

PIECE_SECONDS = 0.25
PIECE_BYTES = round(PIECE_SECONDS * RATE) * 2
"""What the SDK recommends to send at a time, int16."""

PATIENCE = 30.0

SCRIPT = load_script()

Do = Callable[..., Any]
"""Calls a method of the SDK's conversation: its name and arguments."""


@dataclass
class Caller:
    """Who uses the SDK: all that its callbacks told, and a sound card whose microphone is always open."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _to_say: bytes = b""
    _to_play: bytes = b""
    _playing: bool = False

    def note(self, kind: str, *values: Any) -> None:
        """Keep what a callback got."""
        with self._news:
            self.told.append((kind, values[0] if len(values) == 1 else values))
            self._news.notify_all()

    def of(self, kind: str) -> list[Any]:
        """All that was told of that kind."""
        with self._news:
            return [value for told, value in self.told if told == kind]

    def until(self, kind: str, count: int = 1) -> Any:
        """Wait for the so-manieth of that kind, as long as the conversation lasts."""
        with self._news:
            self._news.wait_for(lambda: len(self.of(kind)) >= count or self.of("disconnect"), PATIENCE)
            came = self.of(kind)
        assert len(came) >= count, [(told, value) for told, value in self.told if told != "heard"]
        return came[count - 1]

    def say(self, text: str) -> None:
        """Begin to say that with the next piece."""
        with self._news:
            self._to_say += spoken_by_caller(text).astype("<i2").tobytes()

    def play(self, audio: bytes) -> None:
        """Queue the agent's speech."""
        with self._news:
            self._to_play += audio

    def stop_playing(self) -> None:
        """Drop what was not played yet: the SDK's `interrupt`."""
        with self._news:
            self.note("interrupted", len(self._to_play))
            self._to_play = b""

    def next_piece(self) -> bytes:
        """Play 250 ms and return what the microphone took meanwhile."""
        with self._news:
            heard, self._to_play = self._to_play[:PIECE_BYTES], self._to_play[PIECE_BYTES:]
            if heard:
                self.note("heard", heard)
            elif self._playing:
                self.note("played", len(self.of("heard")))
            self._playing = bool(heard)
            said, self._to_say = self._to_say[:PIECE_BYTES], self._to_say[PIECE_BYTES:]
        return said.ljust(PIECE_BYTES, b"\0")

    def opening_hours(self, parameters: dict[str, Any]) -> str:
        """A client tool that knows about today only."""
        self.note("tool", parameters)
        return {"today": "Nine to five"}[parameters["day"]]

    @property
    def callbacks(self) -> dict[str, Any]:
        """What the SDK calls, by the parameter's name."""
        kinds = ("agent_response", "agent_response_correction", "user_transcript", "latency_measurement", "disconnect")
        return {f"callback_{kind}": partial(self.note, kind) for kind in kinds}


class Phone(AudioInterface):
    """The caller's sound card as the SDK's threads want it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._stopped = threading.Event()

    def start(self, input_callback: Callable[[bytes], None]) -> None:
        threading.Thread(target=self._talk, args=(input_callback,)).start()

    def stop(self) -> None:
        self._stopped.set()

    def output(self, audio: bytes) -> None:
        self._caller.play(audio)

    def interrupt(self) -> None:
        self._caller.stop_playing()

    def _talk(self, send: Callable[[bytes], None]) -> None:
        while not self._stopped.wait(PIECE_SECONDS):
            send(self._caller.next_piece())


class AsyncPhone(AsyncAudioInterface):
    """The same for asyncio."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._stopped = asyncio.Event()

    async def start(self, input_callback: Callable[[bytes], Awaitable[None]]) -> None:
        self._talking = asyncio.create_task(self._talk(input_callback))

    async def stop(self) -> None:
        self._stopped.set()

    async def output(self, audio: bytes) -> None:
        self._caller.play(audio)

    async def interrupt(self) -> None:
        self._caller.stop_playing()

    async def _talk(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        while not self._stopped.is_set():
            await send(self._caller.next_piece())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), PIECE_SECONDS)


@dataclass(frozen=True)
class Call:
    """A conversation to hold, and who holds it."""

    base_url: str
    signed: bool
    """Whether the SDK asks for a signed URL first."""
    spoken: bool = True
    """Whether it has a sound card; else it only types."""
    caller: Caller = field(default_factory=Caller)

    @property
    def options(self) -> dict[str, Any]:
        """Of both kinds of conversation."""
        client = ElevenLabs(api_key="any", base_url=self.base_url)
        return {"client": client, "agent_id": "agent_receptionist", "requires_auth": self.signed}


Talk = Callable[[Caller, Do], None]


def with_threads(call: Call, talk: Talk) -> None:
    """Hold it with `Conversation`."""
    caller = call.caller
    tools = ClientTools()
    tools.register("opening_hours", caller.opening_hours)
    phone = Phone(caller) if call.spoken else None
    conversation: Any = Conversation(**call.options, **caller.callbacks, audio_interface=phone, client_tools=tools)
    conversation.start_session()
    try:
        talk(caller, lambda method, *args: getattr(conversation, method)(*args))
    finally:
        conversation.end_session()
        conversation.wait_for_session_end()


def with_asyncio(call: Call, talk: Talk) -> None:
    """Hold it with `AsyncConversation`; what to talk has a thread of its own."""
    asyncio.run(_with_asyncio(call, talk))


async def _with_asyncio(call: Call, talk: Talk) -> None:
    loop = asyncio.get_running_loop()
    caller = call.caller
    tools = ClientTools(loop)
    tools.register("opening_hours", asynchronous(caller.opening_hours), is_async=True)
    callbacks: dict[str, Any] = {name: asynchronous(callback) for name, callback in caller.callbacks.items()}
    phone = AsyncPhone(caller) if call.spoken else None
    conversation: Any = AsyncConversation(**call.options, **callbacks, audio_interface=phone, client_tools=tools)

    def do(method: str, *args: object) -> Any:
        return asyncio.run_coroutine_threadsafe(getattr(conversation, method)(*args), loop).result(PATIENCE)

    await conversation.start_session()
    try:
        await asyncio.to_thread(talk, caller, do)
    finally:
        await conversation.end_session()
        await conversation.wait_for_session_end()


def asynchronous(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """The same for `await`."""

    async def call(*args: Any) -> Any:
        return function(*args)

    return call


KINDS = pytest.mark.parametrize("hold", [with_threads, with_asyncio])


@pytest.fixture(scope="module")
def agent() -> Iterator[str]:
    """The base URL of an agent in a process of its own, which must not complain."""
    command = [sys.executable, "-W", "error", "-m", "voxrun", "agent", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            address = re.fullmatch(r"the local agent listens on (http://127\.0\.0\.1:\d+)\n", line)
            assert address is not None, line
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("no_proxy", "127.0.0.1")  # the SDK would go through the proxy of the environment
                yield address[1]
        finally:
            process.terminate()
            out, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, errors) == (0, "", "")


def converse(caller: Caller, do: Do) -> None:
    """Be greeted, ask, have a tool run, interrupt, and type."""
    assert caller.until("agent_response") == SCRIPT.greeting
    heard = caller.until("played")
    speech = np.frombuffer(b"".join(caller.of("heard")), "<i2")
    assert 2.5 < speech.size / RATE < 5
    assert np.sqrt(np.mean(np.square(speech, dtype=np.float64))) > 1000

    caller.say(HOURS)
    assert caller.until("user_transcript") == HOURS
    assert caller.until("tool") == {"day": "today", "tool_call_id": ANY}
    answer = caller.until("agent_response", 2)
    assert answer.startswith("Nine to five: those are our opening hours today.")

    do("send_contextual_update", "The caller is in a hurry.")
    do("register_user_activity")
    caller.until("heard", heard + 6)
    assert caller.of("interrupted") == []

    caller.say(ADDRESS)
    original, corrected = caller.until("agent_response_correction")
    (unheard,) = caller.of("interrupted")
    assert unheard > PIECE_BYTES
    beginning = corrected.removesuffix("…")
    assert original == answer
    assert answer.startswith(beginning)
    assert 0 < len(beginning) < len(answer)
    assert caller.until("user_transcript", 2) == ADDRESS
    assert caller.until("agent_response", 3).startswith("We are at twelve River Street")

    do("send_user_message", BOOK)
    assert caller.until("agent_response", 4).startswith("You are booked for ten o'clock")
    assert 0 < caller.until("latency_measurement") < 1000


def converse_and_leave(caller: Caller, do: Do) -> None:
    """The caller hangs up."""
    converse(caller, do)
    do("end_session")
    assert do("wait_for_session_end").startswith("conv_")
    assert [(end.reason, end.close_code) for end in caller.of("disconnect")] == [("user", None)]


def converse_until_left(caller: Caller, do: Do) -> None:
    """The agent hangs up."""
    converse(caller, do)
    caller.until("played", len(caller.of("played")) + 1)
    caller.say(GOODBYE)
    assert caller.until("user_transcript", 3) == GOODBYE
    caller.until("disconnect")
    assert caller.of("agent_response")[4:] == ["Thank you for calling Riverside Dental. Goodbye!"]
    assert do("wait_for_session_end").startswith("conv_")
    assert [(end.reason, end.close_code) for end in caller.of("disconnect")] == [("agent", 1000)]


@KINDS
def test_a_spoken_conversation(agent: str, hold: Callable[[Call, Talk], None]) -> None:
    """Two at the same time: one has a signed URL and hangs up, the other waits for the agent to."""
    with ThreadPoolExecutor() as pool:
        leaving = pool.submit(hold, Call(agent, signed=True), converse_and_leave)
        left = pool.submit(hold, Call(agent, signed=False), converse_until_left)
    leaving.result()
    left.result()


def chat(caller: Caller, do: Do) -> None:
    """Only type; the tool fails for tomorrow."""
    assert caller.until("agent_response") == SCRIPT.greeting
    do("send_user_message", "Are you open tomorrow?")
    assert caller.until("tool")["day"] == "tomorrow"
    assert caller.until("agent_response", 2) == SCRIPT.tool_failed
    do("send_user_message", GOODBYE)
    assert caller.until("disconnect").reason == "agent"
    assert caller.of("heard") == caller.of("user_transcript") == []


@KINDS
def test_a_typed_conversation(agent: str, hold: Callable[[Call, Talk], None]) -> None:
    hold(Call(agent, signed=False, spoken=False), chat)
