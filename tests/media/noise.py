"""Samples that are nowhere like themselves: a lost, doubled or shifted frame can't go unseen."""

import numpy as np

from voxrun.audio.fade import fade_from, fade_in
from voxrun.audio.frame import Samples

FADE = 80
"""How many samples a fade takes, at 16 kHz."""


def noise(seconds: float, seed: int = 1, rate: int = 16_000, amplitude: int = 10_000) -> Samples:
    """White noise, the same for one seed: a longer one begins with a shorter one."""
    generator = np.random.default_rng(seed)
    return generator.integers(-amplitude, amplitude, round(rate * seconds), np.int16)


def joined_late(samples: Samples) -> Samples:
    """What is heard of a stream that was going on when its listener came: 16 kHz, from the border of a frame."""
    return np.concatenate((fade_in(samples[:320]), samples[320:]))


def cut_off(samples: Samples, ticks: int) -> Samples:
    """What is heard of a stream that is cut, and in so many ticks after that: 16 kHz, to the border of a frame."""
    after = np.zeros(ticks * 320, np.int16)
    if ticks and len(samples) and len(samples) % 320 == 0:
        after[:320] = fade_from(int(samples[-1]), after[:320])
    return np.concatenate((samples, after))
