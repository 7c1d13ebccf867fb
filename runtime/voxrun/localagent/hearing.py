"""`Hearing`: one caller's audio in, whole utterances out."""

from collections.abc import Awaitable, Callable

import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import Resampler
from voxrun.localagent.ears import RATE, Heard, SpeechEnded, SpeechStarted, Turns
from voxrun.protocol.elevenlabs.formats import AudioFormat

LONGEST_FRAMES = 1500
"""Frames (30 s) kept of one utterance; more are dropped and counted."""

UTTERANCES = 8
"""How many may wait for the recogniser; more are dropped, their frames counted."""

Recognise = Callable[[list[Samples]], Awaitable[Heard]]


class Hearing:
    """Cuts audio into frames and utterances.

    `on_start` is called at once when the caller begins to talk, `on_pause` with the utterance so far when they have
    been silent for 200 ms: perhaps it was all, and what they said can be guessed.
    """

    def __init__(
        self, audio_format: AudioFormat, on_start: Callable[[], None], on_pause: Callable[[list[Samples]], None]
    ) -> None:
        self.dropped = 0
        self._on_start = on_start
        self._on_pause = on_pause
        self._decode = audio_format.decode
        self._frame_bytes = frame_size(audio_format.rate) * audio_format.sample_bytes
        self._resampler = Resampler(audio_format.rate, RATE)
        self._turns = Turns()
        self._paused = False
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
        """Take more audio in the input format, in pieces of any size; returns how many frames it completed."""
        self._rest += audio
        count = len(self._rest) // self._frame_bytes
        whole = memoryview(self._rest)[: count * self._frame_bytes]
        for start in range(0, len(whole), self._frame_bytes):
            self._hear_frame(self._resampler.process(self._decode(whole[start : start + self._frame_bytes])))
        self._rest = self._rest[len(whole) :]
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
        self._notice_pause()

    def _notice_pause(self) -> None:
        silent = self._turns.score == 0
        if silent and not self._paused and self._turns.speaking:
            self._on_pause(list(self._utterance))
        self._paused = silent

    def _finish(self) -> None:
        try:
            self._whole.send_nowait(self._utterance)
        except trio.WouldBlock:
            self.dropped += len(self._utterance)
