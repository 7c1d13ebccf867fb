"""`serve_speech`: the local agent's text-to-speech (`stream-input`) on one connection.

It does what the service does as far as its voice can. The alignment spreads the characters of a sentence evenly over
its speech, and the normalized one is the same; of the voice's settings only `speed` is heard.
"""

from collections.abc import Awaitable, Callable, Set
from functools import partial
from itertools import pairwise
from typing import cast

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import Resampler
from voxrun.errors import RemoteError
from voxrun.events.message import Message
from voxrun.localagent.speech_settings import SpeechSettings, speech_settings
from voxrun.localagent.voice import RATE, Voice
from voxrun.localagent.waiting_text import LIMIT, WaitingText
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.tts_messages import OPENING_TEXT, Alignment
from voxrun.protocol.elevenlabs.tts_server import (
    ConnectionInitialized,
    State,
    TextFinished,
    TextReceived,
    TTSServerProtocol,
    TTSServiceEvent,
)
from voxrun.transports.server import Request
from voxrun.transports.websocket import WebSocket

OPENING_SECONDS = 20.0
"""How long the first message may take to come."""

CHUNK_SECONDS = 0.25
"""Audio in one message."""

SPEED_UP = 10
"""How much faster than real time the audio is sent."""

PAUSE_SECONDS = 0.3
"""Silence after a sentence, as long as espeak's own between two."""

_SENTENCE_MARKS = (".", "!", "?", "…")

Offload = Callable[..., Awaitable[object]]
"""Does blocking work, as `Services.offload`."""


async def serve_speech(api_keys: Set[str], offload: Offload, request: Request, socket: WebSocket) -> None:
    """Speak on `socket` what comes, until the connection ends.

    The client needs one of `api_keys`, or any if there are none.
    """
    await _Connection(api_keys, offload, request, socket).run()


class _Connection:
    """One client."""

    def __init__(self, api_keys: Set[str], offload: Offload, request: Request, socket: WebSocket) -> None:
        self._api_keys = api_keys
        self._offload = offload
        self._request = request
        self._socket = socket
        self._protocol = TTSServerProtocol()
        self._waiting = WaitingText()
        self._news = trio.Event()
        self._patience = OPENING_SECONDS
        self._hearing = trio.CancelScope(deadline=trio.current_time() + OPENING_SECONDS)
        self._speaking = trio.CancelScope()
        self._nursery: trio.Nursery

    async def run(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._expire)
            await self._socket.pump(self._receive)
            self._nursery.cancel_scope.cancel(reason="the connection is closed")

    def _receive(self, text: str | bytes) -> None:
        for event in self._protocol.receive(text):
            self._act_on(event)
        self._hearing.deadline = trio.current_time() + self._patience
        self._news.set()

    def _act_on(self, event: TTSServiceEvent) -> None:
        match event:
            case ClientBroke(reason):
                self._refuse(reason, "invalid_message")
            case ConnectionInitialized(data):
                self._begin(data)
            case TextReceived(text, try_trigger, flush) if flush or text != OPENING_TEXT:
                if not self._waiting.add(text, try_trigger=try_trigger, flush=flush):
                    self._refuse(f"more than {LIMIT} characters wait to be spoken", "max_character_limit_exceeded")
            case TextFinished():
                self._waiting.add("", flush=True)

    def _begin(self, initialization: Message) -> None:
        try:
            settings = speech_settings(self._request, initialization, self._api_keys)
        except RemoteError as error:
            self._refuse(str(error), error.reason)
            return
        self._patience = settings.inactivity_seconds
        self._waiting = WaitingText(settings.schedule, at_once=settings.at_once)
        self._nursery.start_soon(self._speak, settings)

    def _refuse(self, message: str, error: str) -> None:
        self._socket.send(self._protocol.error(message, error))
        self._socket.close(1008, message)
        self._speaking.cancel(reason=error)

    async def _expire(self) -> None:
        """Task: give up a client that has not said anything, not even a space, for too long."""
        with self._hearing:
            await trio.sleep_forever()
        if self._protocol.state in (State.OPEN, State.LISTENING):
            silence = f"within the timeout of {self._patience:g} seconds"
            message = f"Have not received a new text input {silence}: send one, a space, or an empty one when done"
            self._refuse(message, "input_timeout_exceeded")

    async def _speak(self, settings: SpeechSettings) -> None:
        """Task: say what is due, to the end of the text."""
        render = partial(_render, settings, Resampler(RATE, settings.output.rate))
        with self._speaking:
            while True:
                self._news = trio.Event()
                while text := self._waiting.take():
                    await self._say(text, render, settings)
                if self._protocol.state is State.FINISHING:
                    break
                await self._news.wait()
            self._socket.send(self._protocol.final())
            self._socket.close(1000)

    async def _say(self, text: str, render: Callable[[str], Samples], settings: SpeechSettings) -> None:
        if text.isspace():
            return
        speech = cast(Samples, await self._offload(render, text))
        await trio.lowlevel.checkpoint_if_cancelled()  # a thread returns its result when it's too late, too
        output = settings.output
        size = round(CHUNK_SECONDS * output.rate)
        for start in range(0, len(speech), size):
            chunk = speech[start : start + size]
            end = start + len(chunk)
            alignment = evenly_aligned(text, len(speech), output.rate, start, end) if settings.is_aligned else None
            self._socket.send(self._protocol.audio(output.encode(chunk), alignment, alignment))
            await trio.sleep(CHUNK_SECONDS / SPEED_UP)


def _render(settings: SpeechSettings, resampler: Resampler, text: str) -> Samples:
    """`text` as speech at the output's rate, with a pause if it is a sentence; blocking work."""
    speech = Voice(settings.voice, settings.rate_wpm).say(text)
    if text.rstrip().endswith(_SENTENCE_MARKS):
        speech = np.concatenate([speech, np.zeros(round(PAUSE_SECONDS * RATE), np.int16)])
    return np.concatenate([resampler.process(frame) for frame in speech.reshape(-1, frame_size(RATE))])


def evenly_aligned(text: str, samples: int, rate: int, start: int, end: int) -> Alignment | None:
    """The characters of `text`, spread evenly over so many samples, that begin in those from `start` to `end`.

    None if there is none. Times are whole ms from `start` on.
    """
    first, last = (-(-sample * len(text) // samples) for sample in (start, end))
    if first == last:
        return None
    onsets = [round((number * samples / len(text) - start) * 1000 / rate) for number in range(first, last + 1)]
    durations = [later - earlier for earlier, later in pairwise(onsets)]
    return Alignment(list(text[first:last]), list(onsets[:-1]), list(durations))
