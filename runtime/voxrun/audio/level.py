"""How loud samples are."""

import math

import numpy as np

from voxrun.audio.frame import Samples

FLOOR_DBFS = -96.0
"""The level of digital silence, and of anything quieter than 16 bits can say."""

_FULL_SCALE = 32768.0


def dbfs(samples: Samples) -> float:
    """RMS level in dBFS, from FLOOR_DBFS to 0: a full-scale square wave is 0, a full-scale sine -3.01."""
    scaled = samples.astype(np.float32)
    energy = float(np.dot(scaled, scaled))
    if not energy:
        return FLOOR_DBFS
    return max(FLOOR_DBFS, 10 * math.log10(energy / samples.size / _FULL_SCALE**2))
