"""Fades: the 5 ms in which a sound comes or goes without a click, a quarter of a frame, and one sound into another."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import Samples


@cache
def ramp(size: int) -> NDArray[np.float32]:
    """Weights that rise from 0 to 1 as half a cosine within the first quarter of `size` samples, and stay there."""
    rising = size // 4
    phases = np.minimum(np.arange(1, size + 1) / (rising + 1), 1)
    weights: NDArray[np.float32] = ((1 - np.cos(np.pi * phases)) / 2).astype(np.float32)
    weights.flags.writeable = False
    return weights


def fade_in(frame: Samples) -> Samples:
    """A fresh frame in which the sound comes up from nothing."""
    faded: Samples = np.rint(frame * ramp(len(frame))).astype(np.int16)
    return faded


def fade_from(last: int, frame: Samples) -> Samples:
    """A fresh `frame` over the end of another sound: its `last` sample, held and faded out; saturates."""
    total = frame + np.rint(last * (1 - ramp(len(frame))))
    return np.clip(total, -32768, 32767).astype(np.int16)


def crossfade(old: Samples, new: Samples) -> Samples:
    """`old` turning into `new` over their common length."""
    weight = (np.arange(len(old), dtype=np.float32) + 0.5) / max(len(old), 1)
    return np.rint(old + (new - old.astype(np.float32)) * weight).astype(np.int16)
