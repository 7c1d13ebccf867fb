"""`Pace`: how fast a buffer between two clocks is to be drained, so that it neither runs dry nor grows."""

import math

WINDOW_SECONDS = 1.0
"""The lowest level in this time counts: what comes in blocks makes the level jump up and down."""

TOO_LOW_SECONDS = 0.0015
TOO_HIGH_SECONDS = 0.0025
"""How far off it may be."""

_CLOSE_SECONDS = 0.0005
_PER_SECOND = 0.9  # what is corrected of an error: clocks that differ by 0.0003, the most they do, leave one of 0.3 ms
_MOST = 0.005  # the pitch moves by a twelfth of a semitone, which nobody notices


class Pace:
    """The speed is 1, and a steady sound stays steady, until the level is too far off; then it is led back slowly."""

    def __init__(self) -> None:
        self.speed = 1.0
        """Above 1 the buffer is drained faster."""
        self._corrects = False
        self._lowest = math.inf
        self._watched = 0.0

    def observe(self, error: float, seconds: float) -> None:
        """For `seconds` the buffer held at least `error` (s of audio) more than it should; less if negative."""
        moved = (1.0 - self.speed) * seconds  # by what is corrected, which would otherwise be corrected twice
        self._lowest = min(self._lowest + moved, error)
        self._watched += seconds
        if self._watched < WINDOW_SECONDS:
            return
        error = self._lowest
        self._corrects = not -TOO_LOW_SECONDS <= error <= TOO_HIGH_SECONDS or (
            self._corrects and abs(error) > _CLOSE_SECONDS
        )
        self.speed = 1.0 + max(-_MOST, min(_PER_SECOND * error, _MOST)) if self._corrects else 1.0
        self._lowest = math.inf
        self._watched = 0.0
