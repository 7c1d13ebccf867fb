"""Where a sound repeats itself: its pitch period, and making it shorter or longer by one period without a click."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.fade import crossfade
from voxrun.audio.frame import Samples

Curve = NDArray[np.float32]

_SHORTEST_MS, _LONGEST_MS = 2.5, 10.0  # 400 to 100 Hz; deeper voices repeat within two periods of such a length
_COMPARED_MS = 10.0


class Stretched(NamedTuple):
    """A piece of sound with a period more or less, and how like each other what was joined is: -1 to 1."""

    samples: Samples
    likeness: float


def likenesses(target: Curve, candidates: Curve) -> Curve:
    """The normalised correlation of `target` with each equally long piece of `candidates`, from its first sample on."""
    size = len(target)
    products = np.correlate(candidates, target, "valid")
    sums = np.concatenate((np.zeros(1), np.cumsum(np.square(candidates, dtype=np.float64))))
    energies = (sums[size:] - sums[:-size]) * float(np.dot(target, target))
    return np.asarray(products / np.sqrt(np.maximum(energies, 1.0)), np.float32)


def shorten(samples: Samples, rate: int) -> Stretched:
    """At least 20 ms of sound without one of its periods of 2.5 to 10 ms, cut at its beginning."""
    shortest, longest, compared = _sizes(rate)
    sound = samples[: longest + compared].astype(np.float32)
    likeness = likenesses(sound[:compared], sound[shortest:])
    best = int(np.argmax(likeness))
    period = shortest + best
    joint = crossfade(samples[:period], samples[period : 2 * period])
    return Stretched(np.concatenate((joint, samples[2 * period :])), float(likeness[best]))


def lengthen(before: Samples, samples: Samples, rate: int) -> Stretched:
    """At least 10 ms of sound with the last period of the 10 ms or more `before` it once more at its beginning."""
    shortest, longest, compared = _sizes(rate)
    sound = np.concatenate((before[-longest:], samples[:compared])).astype(np.float32)
    likeness = likenesses(sound[longest:], sound[: longest - shortest + compared])[::-1]
    best = int(np.argmax(likeness))
    period = shortest + best
    joint = crossfade(samples[:period], before[-period:])
    return Stretched(np.concatenate((joint, samples)), float(likeness[best]))


def _sizes(rate: int) -> tuple[int, int, int]:
    return round(_SHORTEST_MS * rate / 1000), round(_LONGEST_MS * rate / 1000), round(_COMPARED_MS * rate / 1000)
