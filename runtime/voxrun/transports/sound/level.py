"""`Level`: keeps what waits in a ring where it should be, whatever the clocks on its two sides do."""

import math

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.audio.pace import Pace
from voxrun.transports.sound.reserve import Reserve
from voxrun.transports.sound.ring import Ring

SETTLING_TICKS = 25
"""A device takes or gives in bursts at first; what that left too much is cut out after half a second."""

_TOO_MUCH_SECONDS = 0.001
_JUMPED_SECONDS = 0.01  # by so much more after the machine stood still: that is cut out likewise


class Level:
    """For a ring at `rate` (Hz); `reserve` may outlive it."""

    def __init__(self, ring: Ring, rate: int, reserve: Reserve) -> None:
        self._ring = ring
        self._rate = rate
        self._reserve = reserve
        self._pace = Pace()
        self._settling = 0
        self._least_error = math.inf
        self._error_before = math.inf

    @property
    def speed(self) -> float:
        """How fast the ring is to be drained, compared to the clocks."""
        return self._pace.speed

    def start(self, share: int) -> None:
        """Let the ring flow with the tick's `share` (samples) in it, and the reserve."""
        self._ring.start(share + int(self._reserve.seconds * self._rate))
        self._error_before = math.inf
        self._settle()

    def observe(self) -> None:
        """Once in each tick in which it flows."""
        self._reserve.rest(FRAME_SECONDS)
        error = self._ring.lowest() / self._rate - self._reserve.seconds
        # A block that came too late for one tick is there at the next, and the reserve is there for the one.
        lasting, self._error_before = max(error, self._error_before), error
        if not self._settling:
            self._pace.observe(lasting, FRAME_SECONDS)
            if error > _JUMPED_SECONDS:
                self._settle()
            return
        self._least_error = min(self._least_error, error)
        self._settling -= 1
        if not self._settling and self._least_error > _TOO_MUCH_SECONDS:
            self._ring.skip(int(self._least_error * self._rate))

    def _settle(self) -> None:
        self._settling = SETTLING_TICKS
        self._least_error = math.inf
