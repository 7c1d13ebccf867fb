"""`Hearing`: one caller's audio in, whole utterances out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import Resampler
from voxrun.localagent.ears import RATE, WINDOW, Heard, SpeechEnded, SpeechStarted, Turns
from voxrun.protocol.elevenlabs.formats import AudioFormat

LONGEST_FRAMES = 750
"""Frames (15 s) kept of one utterance; more are dropped and counted."""

UTTERANCES = 8
"""How many may wait for the recogniser; more are dropped, their frames counted."""

Recognise = Callable[[list[Samples]], Awaitable[Heard]]


@dataclass(frozen=True, slots=True, eq=False)
class _Pause:
    """The caller is silent; `utterance` is what they said before, and perhaps it was all."""

    utterance: list[Samples]
    until_they_go_on: trio.CancelScope = field(default_factory=trio.CancelScope)
    lasts: trio.Event = field(default_factory=trio.Event)
    """Set when it was all."""


class Hearing:
    """Cuts audio into frames and utterances.

    `on_start` is called at once when the caller begins to talk. Each pause has the utterance so far recognised, so that
    when they don't go on it is known what they said.
    """

    def __init__(self, audio_format: AudioFormat, on_start: Callable[[], None]) -> None:
        self.dropped = 0
        self._on_start = on_start
        self._decode = audio_format.decode
        self._frame_bytes = frame_size(audio_format.rate) * audio_format.sample_bytes
        self._resampler = Resampler(audio_format.rate, RATE)
        self._turns = Turns()
        self._rest = b""
        self._utterance: list[Samples] = []
        self._pause: _Pause | None = None
        self._pauses, self._waiting = trio.open_memory_channel[_Pause](UTTERANCES)

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

    async def listen(
        self, recognise: Recognise, on_guess: Callable[[Heard], None], on_utterance: Callable[[Heard], None]
    ) -> None:
        """Have utterances recognised, one after the other, until cancelled.

        `on_guess` gets what they seem to be after a pause of 200 ms, `on_utterance` what they were when it lasts.
        """
        async for pause in self._waiting:
            with pause.until_they_go_on:
                heard = await recognise(pause.utterance)
                if not pause.lasts.is_set():
                    on_guess(heard)
                await pause.lasts.wait()
                on_utterance(heard)

    def _hear_frame(self, frame: Samples) -> None:
        event = self._turns.feed(frame)
        if isinstance(event, SpeechStarted):
            self._utterance = list(event.audio.reshape(-1, frame_size(RATE)))
            self._on_start()
        elif isinstance(event, SpeechEnded):
            self._finish()
        elif self._turns.speaking:
            self._keep(frame)

    def _keep(self, frame: Samples) -> None:
        if len(self._utterance) < LONGEST_FRAMES:
            self._utterance.append(frame)
        else:
            self.dropped += 1
        if self._turns.score > 0:
            self._go_on()
        elif self._pause is None:
            silence = self._utterance[-WINDOW:]  # the ears expect as much as there is when the pause lasts
            self._pause = self._have_recognised([*self._utterance, *silence, *silence][:LONGEST_FRAMES])

    def _go_on(self) -> None:
        if self._pause is not None:
            self._pause.until_they_go_on.cancel(reason="the caller goes on")
            self._pause = None

    def _finish(self) -> None:
        pause, self._pause = self._pause or self._have_recognised(self._utterance), None
        if pause is None:
            self.dropped += len(self._utterance)
        else:
            pause.lasts.set()

    def _have_recognised(self, utterance: list[Samples]) -> _Pause | None:
        """None when too many wait."""
        pause = _Pause(utterance)
        try:
            self._pauses.send_nowait(pause)
        except trio.WouldBlock:
            return None
        return pause
