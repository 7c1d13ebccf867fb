"""Streaming resampling: one 20 ms frame in, one 20 ms frame out, 1.5 ms late.

The filter is a sinc under a Kaiser window, cut off at half the lower rate R: flat to R/2 - 600 Hz and 58 dB
down from R/2 + 600 Hz, which for 8 kHz is 3.4 and 4.6 kHz. Each output sample is that continuous curve
evaluated at its distances to the inputs around it (a polyphase filter; for a factor of two a half-band one).
A frame divides into blocks after which these distances repeat, so that a whole frame is one matrix product:
(blocks, inputs) @ (inputs, outputs).
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from voxrun.audio.frame import Samples, frame_size, silence

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""Hz. The rates a frame holds a whole number of samples at and that resample into each other."""

DELAY_SECONDS = 0.0015
"""How much later than its input a sound comes out, whatever the rates: half the filter's length."""

_KAISER_BETA = 5.65  # trades ripple for the width of the transition: this one just fits in 1200 Hz
_MOST_BLOCKS = 20  # blocks of 1 ms; smaller ones would mostly gather history


class _Design(NamedTuple):
    """What every resampler of one pair of rates shares."""

    history: int
    """Input samples of the past that the filter still sees."""
    step: int
    """Input samples from one block to the next."""
    coefficients: NDArray[np.float32]
    """What a block's inputs weigh in its outputs, shape (inputs, outputs)."""
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    """Full scale for each sample of a frame: arrays of one shape are compared twice as fast as one with a number."""


def _impulse_response(seconds: NDArray[np.float64], cutoff_rate: int) -> NDArray[np.float64]:
    """The filter around its centre: 1 at 0, 0 from DELAY_SECONDS on either side."""
    inside = np.maximum(1 - (seconds / DELAY_SECONDS) ** 2, 0)
    kaiser = np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
    kaiser[inside < 1e-9] = 0  # not 0: an input right at the edge is out, however its distance was rounded
    return np.asarray(np.sinc(cutoff_rate * seconds) * kaiser)


@cache
def _design(source_rate: int, target_rate: int) -> _Design:
    sources, targets = frame_size(source_rate), frame_size(target_rate)
    repeats = math.gcd(sources, targets)
    blocks = max(count for count in range(1, _MOST_BLOCKS + 1) if repeats % count == 0)
    history = math.ceil(2 * DELAY_SECONDS * source_rate)
    inputs = np.arange(history + sources // blocks)
    outputs = np.arange(targets // blocks)
    distances = outputs / target_rate - (inputs[:, np.newaxis] - history) / source_rate - DELAY_SECONDS
    lower_rate = min(source_rate, target_rate)
    gain = lower_rate / source_rate
    coefficients = gain * _impulse_response(distances, lower_rate)
    lowest, highest = (np.full(targets, value, np.float32) for value in (-32768, 32767))
    return _Design(history, sources // blocks, coefficients.astype(np.float32), lowest, highest)


class Resampler:
    """One stream on its way from one rate to another. Frames must come in order and without gaps."""

    __slots__ = (
        "_blocks",
        "_design",
        "_is_empty",
        "_newest",
        "_oldest",
        "_output",
        "_recent",
        "_source_silence",
        "_target_silence",
        "_windows",
    )

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz; raises ValueError unless both are of RATES."""
        if source_rate not in RATES or target_rate not in RATES:
            raise ValueError(f"can't resample {source_rate} Hz to {target_rate} Hz: the rates are {RATES}")
        self._design = _design(source_rate, target_rate)
        history, step, coefficients, _, _ = self._design
        memory = np.zeros(history + frame_size(source_rate), np.float32)
        # Views of it are made once. What a frame takes, what the filter sees before it, and what it will see of it:
        self._newest, self._oldest, self._recent = memory[history:], memory[:history], memory[-history:]
        # What each block sees, shape (blocks, inputs): a view costs half of gathering by indices.
        self._windows = sliding_window_view(memory, len(coefficients))[::step]
        self._output = np.empty(frame_size(target_rate), np.float32)
        self._blocks = self._output.reshape(len(self._windows), -1)
        self._is_empty = True
        self._source_silence = silence(source_rate)
        self._target_silence = silence(target_rate)

    def process(self, frame: Samples) -> Samples:
        """The next 20 ms at the target rate, rounded and held at full scale.

        The result is fresh, but for two cases: equal rates return the frame itself, without delay, and the
        shared `silence(source_rate)` gives the shared `silence(target_rate)` once the filter is empty.
        Raises ValueError when the frame isn't 20 ms long.
        """
        if self._source_silence is self._target_silence:
            return frame
        is_silence = frame is self._source_silence
        if is_silence and self._is_empty:
            return self._target_silence
        self._is_empty = is_silence
        return self._filter(frame)

    def _filter(self, frame: Samples) -> Samples:
        _, _, coefficients, lowest, highest = self._design
        output = self._output
        self._newest[:] = frame
        self._windows.copy().dot(coefficients, self._blocks)
        self._oldest[:] = self._recent
        np.rint(output, out=output)
        np.maximum(output, lowest, out=output)
        np.minimum(output, highest, out=output)
        return output.astype(np.int16)
