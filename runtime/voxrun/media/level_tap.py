"""`LevelTap`: how loud both directions of a call are, told every five seconds."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.audio.level import FLOOR_DBFS

_TICKS = 250
"""How many ticks are told at once: five seconds, as a record of the trace takes more memory than its levels. A multiple
of `_HELD_TICKS`."""

_HELD_TICKS = 10
"""Frames are held so long and then measured together: half the CPU of one by one, and still little memory."""

Peaks = NDArray[np.int8]
"""dBFS, one for each 20 ms: shape (ticks,)."""


class LevelTap:
    """Takes one frame of each direction on every tick; `tell` gets when the first was, and both directions' peaks."""

    __slots__ = ("_began", "_heard", "_measured", "_next", "_now", "_peaks", "_said", "_tell", "_zero")

    def __init__(self, now: Callable[[], float], tell: Callable[[float, Peaks, Peaks], None]) -> None:
        self._now = now
        self._tell = tell
        self._began = 0.0
        self._zero = math.inf  # the time of tick 0, by the one that was least late: after a stall some are
        self._next = -1  # the tick after the last one taken
        self._said: list[Samples] = []
        self._heard: list[Samples] = []
        self._peaks = np.zeros((2, _TICKS), np.uint16)
        self._measured = 0

    def take(self, position: int, said: Samples, heard: Samples) -> None:
        """The frames of the tick `position`: as long as all others, and not to be changed any more."""
        if position != self._next:
            self.flush()
            self._zero = min(self._zero, self._now() - position * FRAME_SECONDS)
            self._began = self._zero + position * FRAME_SECONDS
        self._next = position + 1
        self._said.append(said)
        self._heard.append(heard)
        if len(self._said) == _HELD_TICKS:
            self._measure()
            if self._measured == _TICKS:
                self.flush()
                self._next = -1

    def flush(self) -> None:
        """Tell what was not told yet."""
        self._measure()
        if self._measured:
            peaks = self._peaks[:, : self._measured]
            levels = np.rint(20 * np.log10(np.maximum(peaks, 1) / 32768))
            levels[peaks == 0] = FLOOR_DBFS
            said, heard = levels.astype(np.int8)
            self._measured = 0
            self._tell(self._began, said, heard)

    def _measure(self) -> None:
        count = len(self._said)
        if count:
            frames = np.abs(np.concatenate((*self._said, *self._heard))).view(np.uint16)  # |-32768| has sixteen bits
            into = self._peaks[:, self._measured : self._measured + count]
            np.maximum.reduce(frames.reshape(2, count, -1), 2, out=into)
            self._measured += count
            self._said.clear()
            self._heard.clear()
