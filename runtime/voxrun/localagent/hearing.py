"""`Hearing`: one caller's audio in, whole utterances out."""

from collections.abc import Awaitable, Callable

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.localagent.ears import RATE, Heard, SpeechEnded, SpeechStarted, Turns

LONGEST_FRAMES = 1500
"""Frames (30 s) kept of one utterance; more are dropped and counted."""

UTTERANCES = 8
"""How many may wait for the recogniser; more are dropped, their frames counted."""

Recognise = Callable[[list[Samples]], Awaitable[Heard]]

_FRAME_BYTES = 2 * frame_size(RATE)


class Hearing:
    """Cuts audio into frames and utterances. `on_start` is called at once when the caller begins to talk."""

    def __init__(self, on_start: Callable[[], None]) -> None:
        self.dropped = 0
        self._on_start = on_start
        self._turns = Turns()
        self._rest = b""
        self._utterance: list[Samples] = []
        self._whole, self._waiting = trio.open_memory_channel[list[Samples]](UTTERANCES)

    @property
    def speaking(self) -> bool:
        """Whether the caller talks, or has only paused."""
        return self._turns.speaking

    @property
    def score(self) -> float:
        """How likely it is that the caller talks now, 0 to 1."""
        return self._turns.score

    def hear(self, audio: bytes) -> int:
        """Take more audio, int16 at 16 kHz in pieces of any size; returns how many frames it completed."""
        self._rest += audio
        count = len(self._rest) // _FRAME_BYTES
        frames = np.frombuffer(self._rest, "<i2", count * frame_size(RATE)).reshape(-1, frame_size(RATE))
        self._rest = self._rest[count * _FRAME_BYTES :]
        for frame in frames:
            self._hear_frame(frame)
        return count

    async def listen(self, recognise: Recognise, on_utterance: Callable[[Heard], None]) -> None:
        """Have utterances recognised, one after the other, until cancelled."""
        async for utterance in self._waiting:
            on_utterance(await recognise(utterance))

    def _hear_frame(self, frame: Samples) -> None:
        event = self._turns.feed(frame)
        if isinstance(event, SpeechStarted):
            self._utterance = list(event.audio.reshape(-1, frame_size(RATE)))
            self._on_start()
        elif isinstance(event, SpeechEnded):
            self._finish()
        elif self._turns.speaking and len(self._utterance) < LONGEST_FRAMES:
            self._utterance.append(frame)
        elif self._turns.speaking:
            self.dropped += 1

    def _finish(self) -> None:
        try:
            self._whole.send_nowait(self._utterance)
        except trio.WouldBlock:
            self.dropped += len(self._utterance)
