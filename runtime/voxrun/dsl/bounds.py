"""`Bound`: what a value must be beyond its kind, as annotations of the API say it: `Annotated[float, Seconds(90)]`."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Bound(Protocol):
    """Looks at what a scenario has written out."""

    def fault(self, given: str | float) -> str:
        """What `given`, which may be no more than the beginning of a text, should have been; empty if it may be so."""


@dataclass(frozen=True, slots=True)
class Url:
    """A text that is an address of one of these schemes."""

    schemes: tuple[str, ...]

    def fault(self, given: str | float) -> str:
        """A beginning may be too short to say."""
        text = str(given).strip().lower()
        starts = [f"{scheme}://" for scheme in self.schemes]
        if not isinstance(given, str) or any(text.startswith(start) or start.startswith(text) for start in starts):
            return ""
        return f"an address that begins with {' or '.join(starts)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these words, in capitals or not."""

    words: tuple[str, ...]

    def fault(self, given: str | float) -> str:
        """A beginning may be that of one of them."""
        if not isinstance(given, str) or any(word.upper().startswith(given.upper()) for word in self.words):
            return ""
        return f"one of {', '.join(self.words)}"


@dataclass(frozen=True, slots=True)
class Seconds:
    """A time in seconds, more than none and at most so many."""

    most: float

    def fault(self, given: str | float) -> str:
        """Numbers only."""
        is_wrong = isinstance(given, int | float) and not 0 < given <= self.most
        return f"a plain number of seconds, more than 0 and at most {self.most:g}" if is_wrong else ""
