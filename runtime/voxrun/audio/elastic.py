"""`ElasticResampler`: from any rate to any other, at a speed that may change at any moment.

Audio between two clocks needs it: they never agree on how long a second is. Each output sample is the curve through
the input (a sinc under a Kaiser window) at its own place between two input samples, so that no speed makes a jump.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import Samples

_HALF_WIDTH = 16  # samples at the lower rate on either side: flat to 0.44 of it, 60 dB down from 0.56
_KAISER_BETA = 6.0
_PHASES = 1024  # places between two input samples: rounding to them is noise at -70 dB for 8 kHz, -95 dB for 440 Hz


@cache
def _kernel(half: int, cutoff: float) -> NDArray[np.float32]:
    """What the `2 * half` inputs around a place weigh in it, for each place: shape (_PHASES + 1, 2 * half)."""
    places = np.arange(_PHASES + 1)[:, np.newaxis] / _PHASES
    distances = np.arange(1 - half, half + 1) - places
    inside = np.sqrt(np.maximum(1 - (distances / half) ** 2, 0))
    weights = cutoff * np.sinc(cutoff * distances) * np.i0(_KAISER_BETA * inside) / np.i0(_KAISER_BETA)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


class ElasticResampler:
    """One stream. What comes out is half the kernel late: 16 samples of the lower rate, 0.33 ms at 48 kHz.

    At equal rates and speed 1 samples pass unchanged, until another speed has moved them.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz."""
        self.speed = 1.0
        """How much faster than the clock the input is used up: above 1 less comes out."""
        self._ratio = source_rate / target_rate
        cutoff = min(1.0, 1 / self._ratio)
        self._half = math.ceil(_HALF_WIDTH / cutoff)
        self.delay = self._half / source_rate
        """Seconds that a sound comes out later than it went in."""
        self._weights = _kernel(self._half, cutoff)
        self._memory: Samples = np.zeros(2 * self._half - 1, np.int16)
        self._place = float(self._half - 1)  # of the next output, in samples from the memory's first

    def needed(self, count: int) -> int:
        """How many more input samples it takes until `count` come out."""
        last = self._place + self._ratio * self.speed * (count - 1)
        return max(0, math.floor(last) + self._half + 1 - len(self._memory))

    def process(self, samples: Samples, at_most: int | None = None) -> Samples:
        """All that comes out with `samples` added to the input; what `at_most` leaves comes next time."""
        self._memory = np.concatenate((self._memory, samples))
        step = self._ratio * self.speed
        ready = math.ceil((len(self._memory) - self._half - self._place) / step)
        count = max(0, ready if at_most is None else min(ready, at_most))
        if not count:
            return self._memory[:0]
        output = self._at(np.asarray(self._place + step * np.arange(count), np.float64))
        place = self._place + step * count
        used = max(0, min(int(place) - self._half + 1, len(self._memory)))
        self._memory = self._memory[used:]
        self._place = place - used
        return output

    def _at(self, places: NDArray[np.float64]) -> Samples:
        """The curve at `places`."""
        whole = places.astype(np.intp)
        phases = np.rint((places - whole) * _PHASES).astype(np.intp)
        if self._ratio == 1 and not phases.any():
            return self._memory[whole]
        windows = np.lib.stride_tricks.sliding_window_view(self._memory, 2 * self._half)
        values = np.einsum("ij,ij->i", windows[whole - self._half + 1].astype(np.float32), self._weights[phases])
        return np.asarray(np.clip(np.rint(values), -32768, 32767), np.int16)
