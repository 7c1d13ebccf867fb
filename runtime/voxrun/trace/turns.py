"""`Turn`: what the caller said and how soon it was answered, found in when the two of them made a sound."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from voxrun.trace.spans import Span


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation: the caller speaks, then hears an answer.

    `caller` is None for what the caller hears before having said anything; `answer` is None when none came before the
    caller's next words, or the end.
    """

    caller: Span | None
    answer: Span | None

    @property
    def timeToAnswer(self) -> float:
        """Seconds from the end of the caller's speech to the first sound of the answer; infinite without one."""
        if self.caller is None or self.answer is None:
            return math.inf
        return self.answer.begin - self.caller.end


def turns_of(said: Sequence[Span], heard: Sequence[Span]) -> tuple[Turn, ...]:
    """The turns in what the caller said and heard. What is said in several goes before an answer is one turn.

    A sound that goes on when the caller ends is no answer: the answer begins afterwards.
    """
    turns = [Turn(None, heard[0])] if heard and (not said or heard[0].begin < said[0].begin) else []
    began: float | None = None
    for number, span in enumerate(said):
        began = span.begin if began is None else began
        until = said[number + 1].begin if number + 1 < len(said) else math.inf
        answer = next((sound for sound in heard if span.end <= sound.begin < until), None)
        if answer is not None or until == math.inf:
            turns.append(Turn(Span(began, span.end), answer))
            began = None
    return tuple(turns)


def silence_after(time: float, heard: Sequence[Span]) -> float:
    """Seconds from `time`, when the caller broke in, to the end of the sound that goes on then; 0 when none does."""
    return next((sound.end - time for sound in heard if time in sound), 0.0)
