"""`Hearing`: one caller's audio in, whole utterances out; the recogniser works in a worker thread."""

from collections import deque
from collections.abc import Callable

import numpy as np
import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.localagent.ears import RATE, Heard, Recogniser, SpeechEnded, SpeechStarted, Turns

BACKLOG = 1500
"""Pieces (30 s of frames) that may wait for the recogniser; more are dropped and counted."""

_FRAME_BYTES = 2 * frame_size(RATE)


class Hearing:
    """Cuts audio into frames and turns. `on_start` is called when the caller begins to talk, at once."""

    def __init__(self, phrases: tuple[str, ...], on_start: Callable[[], None]) -> None:
        self.dropped = 0
        self._phrases = phrases
        self._on_start = on_start
        self._turns = Turns()
        self._rest = b""
        self._pieces: deque[Samples | None] = deque()  # None is the end of an utterance
        self._news = trio.Event()

    @property
    def score(self) -> float:
        """How likely it is that the caller talks now, 0 to 1."""
        return self._turns.score

    def hear(self, audio: bytes) -> int:
        """Take more audio, int16 at 16 kHz in pieces of any size; returns how many frames were complete."""
        self._rest += audio
        frames = len(self._rest) // _FRAME_BYTES
        for start in range(0, frames * _FRAME_BYTES, _FRAME_BYTES):
            self._hear_frame(np.frombuffer(self._rest[start : start + _FRAME_BYTES], "<i2").astype(np.int16))
        self._rest = self._rest[frames * _FRAME_BYTES :]
        return frames

    async def listen(self, on_utterance: Callable[[Heard], None]) -> None:
        """Recognise utterances until cancelled."""
        recogniser = await trio.to_thread.run_sync(Recogniser, self._phrases)
        while True:
            while not self._pieces:
                self._news = trio.Event()
                await self._news.wait()
            piece = self._pieces.popleft()
            if piece is None:
                on_utterance(await trio.to_thread.run_sync(recogniser.result))
            else:
                await trio.to_thread.run_sync(recogniser.feed, piece)

    def _hear_frame(self, frame: Samples) -> None:
        event = self._turns.feed(frame)
        if isinstance(event, SpeechStarted):
            self._put(event.audio)
            self._on_start()
        elif isinstance(event, SpeechEnded):
            self._put(None)
        elif self._turns.speaking:
            self._put(frame)

    def _put(self, piece: Samples | None) -> None:
        if piece is not None and len(self._pieces) >= BACKLOG:
            self.dropped += 1
            return
        self._pieces.append(piece)
        self._news.set()
