"""Samples that are nowhere like themselves: a lost, doubled or shifted frame can't go unseen."""

import numpy as np

from voxrun.audio.frame import Samples


def noise(seconds: float, seed: int = 1, rate: int = 16_000, amplitude: int = 10_000) -> Samples:
    """White noise, the same for one seed: a longer one begins with a shorter one."""
    generator = np.random.default_rng(seed)
    return generator.integers(-amplitude, amplitude, round(rate * seconds), np.int16)
