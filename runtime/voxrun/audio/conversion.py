"""`Conversion`: a stream in large blocks at another rate, neither later nor longer than it was."""

import numpy as np

from voxrun.audio.elastic import ElasticResampler
from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import DELAY_SECONDS, RATES, Resampler


class Conversion:
    """Of one stream; equal rates change nothing."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz, from 4 kHz on."""
        self._source_rate = source_rate
        self._target_rate = target_rate
        self._resampler: Resampler | ElasticResampler
        if source_rate in RATES and target_rate in RATES:
            self._resampler, delay = Resampler(source_rate, target_rate), DELAY_SECONDS
        else:
            self._resampler = ElasticResampler(source_rate, target_rate)
            delay = self._resampler.delay
        self._taken = 0
        self._given = -round(delay * target_rate)  # what the filter holds back is no sound yet

    def convert(self, samples: Samples, *, is_last: bool) -> Samples:
        """The next block, mono int16 of shape (n,); the last may be empty.

        Of a rate of `resample.RATES` it takes whole frames of 20 ms, but for the last.
        """
        if self._source_rate == self._target_rate:
            return samples
        size = frame_size(self._source_rate)
        self._taken += len(samples)
        if is_last:  # whole frames, and one more for what was held back
            samples = np.concatenate((samples, np.zeros(size + -len(samples) % size, np.int16)))
        frames = [samples[begin : begin + size] for begin in range(0, len(samples), size)]
        converted = np.concatenate([self._resampler.process(frame) for frame in frames])
        begin = max(0, -self._given)
        end = round(self._taken * self._target_rate / self._source_rate) - self._given if is_last else len(converted)
        self._given += min(end, len(converted))
        return converted[begin:end]
