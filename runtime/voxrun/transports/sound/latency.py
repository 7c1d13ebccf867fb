"""`Latency`: what a device itself may hold: more while it often runs dry or over, less again after a quiet time."""

from collections import deque

LEAST_SECONDS = 0.01

MOST_SECONDS = 0.06

STRAINED_BY = 4
"""Glitches within the window. One is no rate, and a device's start has two or three."""

WINDOW_SECONDS = 60.0

_GROWTH = 2.0

_PATIENCE_SECONDS, _MOST_PATIENCE_SECONDS = 60.0, 960.0
"""Without a glitch, until less is tried, which interrupts for some 10 ms. It doubles whenever that was too little."""


class Latency:
    """Belongs to the device's thread, but for `seconds`; its clock is the audio that passes."""

    def __init__(self) -> None:
        self.seconds = LEAST_SECONDS
        self._now = 0.0
        self._glitches: deque[float] = deque(maxlen=STRAINED_BY)  # when the latest happened
        self._patience = _PATIENCE_SECONDS
        self._quiet = 0.0  # seconds since the last glitch or change

    def observe(self, seconds: float, *, glitched: bool) -> bool:
        """So much audio has passed, with a glitch at its end or without; whether `seconds` has changed."""
        before = self.seconds
        self._now += seconds
        self._quiet += seconds
        if glitched:
            self._glitch()
        elif self._quiet > self._patience:
            self._change(1 / _GROWTH)
        return self.seconds != before

    def _glitch(self) -> None:
        self._quiet = 0.0
        self._glitches.append(self._now)
        if len(self._glitches) == STRAINED_BY and self._now - self._glitches[0] <= WINDOW_SECONDS:
            self._patience = min(2 * self._patience, _MOST_PATIENCE_SECONDS)
            self._change(_GROWTH)

    def _change(self, factor: float) -> None:
        self.seconds = max(LEAST_SECONDS, min(self.seconds * factor, MOST_SECONDS))
        self._glitches.clear()
        self._quiet = 0.0
