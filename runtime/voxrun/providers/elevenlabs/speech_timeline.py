"""`SpeechTimeline`: which character is heard when, on the timeline of a player's own audio."""

from collections import deque
from dataclasses import dataclass

from voxrun.protocol.elevenlabs.tts_messages import Alignment

KEPT_CHARACTERS = 20_000
"""About twenty minutes of speech; of more the oldest are forgotten, and counted."""


@dataclass(frozen=True, slots=True)
class SpokenCharacter:
    """One character of the text. Times are in ms of what the player plays; pauses and gaps don't count."""

    char: str
    startMs: float
    durationMs: float


class SpeechTimeline:
    """Grows with each piece of speech; what is cleared before it was played never was."""

    def __init__(self, rate: int) -> None:
        self.forgotten = 0
        self._rate = rate
        self._samples = 0
        self._characters: deque[SpokenCharacter] = deque()

    def add(self, samples: int, alignment: Alignment | None) -> None:
        """Append `samples` of speech, and the characters in it, whose times are relative to its begin."""
        if alignment is not None:
            begin = self._end_ms()
            for char, start, duration in zip(alignment.chars, alignment.start_times, alignment.durations, strict=True):
                self._characters.append(SpokenCharacter(char, begin + start, duration))
        self._samples += samples
        while len(self._characters) > KEPT_CHARACTERS:
            self._characters.popleft()
            self.forgotten += 1

    def cut(self, samples: int) -> None:
        """Take the last `samples` off, with the characters that begin in them."""
        self._samples -= samples
        end = self._end_ms()
        while self._characters and self._characters[-1].startMs >= end:
            self._characters.pop()

    def characters(self) -> list[SpokenCharacter]:
        """All that is known."""
        return list(self._characters)

    def _end_ms(self) -> float:
        return self._samples * 1000 / self._rate
