"""`WaitingText`: text on its way to a voice, and the rules by which it becomes due to be spoken."""

import re
from collections.abc import Sequence

SCHEDULE = (120.0, 160.0, 250.0, 290.0)
"""Characters that have to wait for the first speech, the second, …; the last number goes for all that follow."""

TRIGGER_LENGTH = 50
"""Characters that have to wait for a message to trigger speech out of turn."""

LONGEST_PIECE = 300
"""Characters that are spoken at once: some twenty seconds. No word is waited for any longer."""

LIMIT = 40_000
"""Characters that may wait."""

_SENTENCE_END = re.compile(r"[.!?…]\W?\s+")  # with a closing quote or bracket, perhaps


class WaitingText:
    """Takes text in pieces of any size, and gives it back in sentences, or parts of long ones.

    Whole sentences become due, or whole words if there is no such sentence; so each piece should end with a space.
    """

    def __init__(self, schedule: Sequence[float] = SCHEDULE, *, at_once: bool = False) -> None:
        """`schedule` as SCHEDULE, not empty; with `at_once` there is none, and words need not wait for sentences."""
        self._schedule = schedule
        self._at_once = at_once
        self._generation = 0
        self._text = ""
        self._due = 0  # of its characters

    def add(self, text: str, *, try_trigger: bool = False, flush: bool = False) -> bool:
        """Take more text; `flush` makes all of it due. False when it is too much, and then none of it is taken."""
        if len(self._text) + len(text) > LIMIT:
            return False
        self._text += text
        waiting = len(self._text) - self._due
        if flush:
            self._due = len(self._text)
        elif self._at_once:
            self._due += _end_of_words(self._text[self._due :])
        elif waiting >= self._threshold() or (try_trigger and waiting >= TRIGGER_LENGTH):
            self._generation += 1
            undue = self._text[self._due :]
            self._due += _end_of_sentences(undue) or _end_of_words(undue)
        return True

    def take(self) -> str:
        """The next piece that is due, white space around it included; nothing when none is."""
        due = self._text[: min(self._due, LONGEST_PIECE)]
        sentence = _SENTENCE_END.search(due)
        whole = len(due) if len(due) == self._due else _end_of_words(due)
        end = sentence.end() if sentence else whole
        piece, self._text = self._text[:end], self._text[end:]
        self._due -= end
        return piece

    def _threshold(self) -> float:
        return self._schedule[min(self._generation, len(self._schedule) - 1)]


def _end_of_sentences(text: str) -> int:
    """Where the last whole sentence ends; 0 when there is none."""
    return max((sentence.end() for sentence in _SENTENCE_END.finditer(text)), default=0)


def _end_of_words(text: str) -> int:
    """Where the last whole word ends; when there is none, 0, or the end of what is too long to wait for."""
    if not text or text[-1].isspace():
        return len(text)
    *words, last = text.rsplit(None, 1)
    if words:
        return len(text) - len(last)
    return len(text) if len(text) >= LONGEST_PIECE else 0
