"""`Ear`: tells when somebody begins and ends to be heard, by the level alone."""

from collections.abc import Callable

from voxrun.audio.frame import Samples, silence

THRESHOLD = 200
"""Sample values above this are heard: about -44 dBFS."""


class Ear:
    """`started` is told when a sound began; `stopped` when it ended, once `quiet` seconds of silence followed."""

    def __init__(self, rate: int, quiet: float, started: Callable[[float], None], stopped: Callable[[float], None]):
        self.is_hearing = False
        self._silence = silence(rate)
        self._rate = rate
        self._quiet = quiet
        self._started = started
        self._stopped = stopped
        self._last = 0.0

    def hear(self, samples: Samples, begin: float) -> None:
        """What came next; `begin` is when, in seconds."""
        end = begin + len(samples) / self._rate
        if samples is not self._silence and samples.max(initial=0) > THRESHOLD:
            self._last = end
            if not self.is_hearing:
                self.is_hearing = True
                self._started(begin)
        elif self.is_hearing and end - self._last > self._quiet - 1e-6:
            self.is_hearing = False
            self._stopped(self._last)
