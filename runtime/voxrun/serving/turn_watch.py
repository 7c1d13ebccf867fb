"""`TurnWatch`: the turns and interruptions of a call that still goes on, found in its levels as they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voxrun.trace.spans import Span
from voxrun.trace.story import PAUSE_SECONDS, SILENCE, STEP, Voice
from voxrun.trace.turns import Turn, silence_after, turns_of

KEPT_SECONDS = 30.0
"""How far back it looks: longer than anybody waits for an answer."""

_KEPT = round(KEPT_SECONDS / STEP)


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller broke in at `time`, and heard the agent for `seconds` more."""

    time: float
    seconds: float


@dataclass(slots=True)
class TurnWatch:
    """Times are seconds since the session began, levels are dBFS for each 20 ms: int8 of shape (n,)."""

    _begin: float = 0.0
    _said: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    _heard: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    _over: float = -1.0
    """Turns whose caller ended before this were told of, or are too old to be."""
    _interruptions: list[float] = field(default_factory=list)

    def interrupt(self, time: float) -> None:
        """The agent was interrupted."""
        self._interruptions.append(time)

    def take(self, began: float, said: NDArray[np.int8], heard: NDArray[np.int8]) -> Iterator[Turn | BargeIn]:
        """The next levels; yields each answered turn once, and each interruption once it has led to silence."""
        place = max(round((began - self._begin) / STEP), 0)
        if not len(self._said) or place - len(self._said) > _KEPT:
            self._begin, self._said, self._heard = began, said, heard
        else:  # the clock may have skipped ticks, or made some good
            self._said, self._heard = _put(self._said, place, said), _put(self._heard, place, heard)
        over = max(len(self._said) - _KEPT, 0)
        self._begin, self._said, self._heard = self._begin + over * STEP, self._said[over:], self._heard[over:]
        if over:  # a sound that began before may pause just here, and what follows would look like an answer
            self._over = max(self._over, self._begin + PAUSE_SECONDS)
        return self._found(PAUSE_SECONDS)  # as later sounds may turn out to be parts of longer ones

    def finish(self) -> Iterator[Turn | BargeIn]:
        """The call is over: yields what was still to be settled. Who spoke to the very end was not silenced."""
        return self._found(STEP / 2)

    def _found(self, pause: float) -> Iterator[Turn | BargeIn]:
        heard = Voice(self._begin, self._heard)
        sounds = heard.sounds()
        settled = heard.end - pause
        for turn in turns_of(Voice(self._begin, self._said).sounds(), sounds):
            if turn.caller and turn.answer and turn.caller.end > self._over and turn.answer.begin <= settled:
                self._over = turn.answer.begin + STEP / 2  # a sum rounds otherwise from another begin
                yield turn
        yield from self._silenced(sounds, settled)

    def _silenced(self, sounds: Sequence[Span], settled: float) -> Iterator[BargeIn]:
        waiting = []
        for time in (it for it in self._interruptions if it >= self._begin):
            seconds = silence_after(time, sounds)
            if time + seconds <= settled:
                yield BargeIn(time, seconds)
            else:
                waiting.append(time)
        self._interruptions = waiting


def _put(levels: NDArray[np.int8], place: int, piece: NDArray[np.int8]) -> NDArray[np.int8]:
    """`levels` with `piece` from `place` on, and silence in between."""
    return np.concatenate((levels[:place], np.full(max(place - len(levels), 0), SILENCE, np.int8), piece))
