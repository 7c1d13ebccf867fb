"""`ToneSource`: the tones of a ToneScript."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from voxrun.audio.frame import Samples
from voxrun.audio.tones import Burst, render

RATE = 16_000
"""Hz."""


class Script(Protocol):
    """What can be heard as tones."""

    @property
    def seconds(self) -> float:
        """How long, or infinity."""

    def bursts(self) -> Iterator[Burst]:
        """What is heard."""


class ToneSource:
    """An `AudioSource` of the bursts of `script`; its `duration` is 0 when they are endless."""

    def __init__(self, script: Script) -> None:
        self.rate = RATE
        self.duration = round(script.seconds * RATE) / RATE if math.isfinite(script.seconds) else 0.0
        self._script = script
        self.rewind()

    async def opened(self) -> "ToneSource":
        """This source, from its beginning."""
        return self

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end."""
        pieces = [np.zeros(0, np.int16)]
        missing = count
        while missing and self._burst is not None:
            left = math.inf if math.isinf(self._burst.seconds) else self._size - self._position
            piece = render(self._burst, self.rate, self._position, int(min(missing, left)))
            pieces.append(piece)
            self._position += len(piece)
            missing -= len(piece)
            if left <= len(piece):
                self._next()
        return np.concatenate(pieces)

    def rewind(self) -> None:
        """Go back to the first sample."""
        self._bursts = self._script.bursts()
        self._ends = 0.0  # seconds: rounded once for each border, lest many short bursts drift
        self._begin = 0
        self._size = 0
        self._next()

    def close(self) -> None:
        """There is nothing to let go of."""

    def _next(self) -> None:
        self._burst = next(self._bursts, None)
        self._begin += self._size
        self._position = 0
        if self._burst is not None and math.isfinite(self._burst.seconds):
            self._ends += self._burst.seconds
            self._size = round(self._ends * self.rate) - self._begin
