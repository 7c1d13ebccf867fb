"""Pure tones: sines that begin and end softly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voxrun.audio.frame import Samples

FULL_SCALE_DBM0 = 3.17
"""The level of a sine that just fits into 16 bits: G.711's mu-law clips there."""

_RAMP_SECONDS = 0.002
_FULL_SCALE = 32767


@dataclass(frozen=True, slots=True)
class Tone:
    """A sine of `hertz` at a level in dBm0."""

    hertz: float
    dbm0: float

    @property
    def amplitude(self) -> float:
        """The peak, in sample values."""
        return float(_FULL_SCALE * 10 ** ((self.dbm0 - FULL_SCALE_DBM0) / 20))


@dataclass(frozen=True, slots=True)
class Burst:
    """Tones heard together for `seconds`, which may be infinite; without tones it is a pause."""

    seconds: float
    tones: Sequence[Tone] = ()


def render(burst: Burst, rate: int, start: int, count: int) -> Samples:
    """`count` samples of the burst from sample `start` on, at `rate` Hz: mono int16, shape (n,), held at full scale.

    It rises from nothing within 2 ms, and falls so at its end, if there is one. Any cut into pieces gives the same.
    """
    if not burst.tones:
        return np.zeros(count, np.int16)
    position = np.arange(start, start + count)
    total = np.zeros(count)
    for tone in burst.tones:
        # The phase is taken modulo one turn before it is a float: an endless tone stays a pure one.
        total += tone.amplitude * np.sin(2 * np.pi * np.mod(position * tone.hertz / rate, 1.0))
    ramp = rate * _RAMP_SECONDS
    total *= np.clip(position / ramp, 0.0, 1.0)
    if math.isfinite(burst.seconds):
        total *= np.clip((round(burst.seconds * rate) - position) / ramp, 0.0, 1.0)
    samples: Samples = np.clip(np.rint(total), -_FULL_SCALE - 1, _FULL_SCALE).astype(np.int16)
    return samples
