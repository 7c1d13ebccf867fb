"""`Span`: a stretch of time, and where there is sound in an array."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """From `begin` to `end`, in seconds."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin

    def __contains__(self, time: object) -> bool:
        """Whether a time lies in it; its end does not."""
        return isinstance(time, int | float) and self.begin <= time < self.end

    def __str__(self) -> str:
        return f"{self.begin:.2f}-{self.end:.2f} s"


def spans_of(loud: NDArray[np.bool_], per_second: float, begin: float, gap: float) -> tuple[Span, ...]:
    """Where `loud`, of shape (n,), is true; `begin` is the time of its first element.

    What is less than `gap` seconds apart is one span.
    """
    places = np.flatnonzero(loud)
    if not len(places):
        return ()
    breaks = np.flatnonzero(np.diff(places) - 1 >= max(gap * per_second, 1))
    firsts = places[np.concatenate(([0], breaks + 1))]
    lasts = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    return tuple(
        Span(begin + float(first) / per_second, begin + float(last) / per_second)
        for first, last in zip(firsts, lasts, strict=True)
    )
