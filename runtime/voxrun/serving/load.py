"""`Load`: whether this process still keeps up with its clock."""

import math
from collections import deque

import trio

from voxrun.media.ticker import Ticker

PROBE_SECONDS = 0.1
"""How often the loop's lag is measured."""

WINDOW_SECONDS = 2.0
"""For how long a bad moment keeps new calls away."""

MOST_LAG = 0.06
"""Seconds that the loop may lag before new calls are refused: three frames."""

MOST_LATE = 5
"""Ticks that may be late within the window: more than a frame late each."""


class Load:
    """The worst of the last two seconds."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._probes: deque[tuple[float, int]] = deque(maxlen=round(WINDOW_SECONDS / PROBE_SECONDS))

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            due = trio.current_time() + PROBE_SECONDS
            await trio.sleep_until(due)
            self._probes.append((trio.current_time() - due, self._ticker.late + self._ticker.skipped))

    @property
    def lag(self) -> float:
        """Seconds by which the loop was late, at most."""
        return max((lag for lag, _ in self._probes), default=0.0)

    @property
    def late(self) -> int:
        """Ticks that were late or skipped."""
        return self._probes[-1][1] - self._probes[0][1] if self._probes else 0

    @property
    def is_overloaded(self) -> bool:
        """Whether another call would hurt those that run."""
        return self.lag > MOST_LAG or self.late > MOST_LATE

    @property
    def words(self) -> str:
        """What is wrong."""
        return f"the loop lags by {math.ceil(self.lag * 1000)} ms, {self.late} ticks were late"
