"""`Conversion`: a stream in large blocks at another rate, neither later nor longer than it was."""

import numpy as np

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import DELAY_SECONDS, Resampler


class Conversion:
    """Of one stream; equal rates change nothing."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz; raises ValueError unless both are of `resample.RATES`."""
        self._source_rate = source_rate
        self._target_rate = target_rate
        self._resampler = Resampler(source_rate, target_rate)
        self._taken = 0
        self._given = -round(DELAY_SECONDS * target_rate)  # what the filter holds back is no sound yet

    def convert(self, samples: Samples, *, is_last: bool) -> Samples:
        """The next block, mono int16 of shape (n,): whole frames of 20 ms, but for the last, which may be empty."""
        if self._source_rate == self._target_rate:
            return samples
        size = frame_size(self._source_rate)
        frames = np.zeros((-(-len(samples) // size) + is_last, size), np.int16)  # one more for what was held back
        frames.reshape(-1)[: len(samples)] = samples
        converted = np.concatenate([self._resampler.process(frame) for frame in frames])
        self._taken += len(samples)
        begin = max(0, -self._given)
        end = round(self._taken * self._target_rate / self._source_rate) - self._given if is_last else len(converted)
        self._given += min(end, len(converted))
        return converted[begin:end]
