"""`EchoDetector`: notices in what a microphone hears the same sound that was played before."""

import numpy as np

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.audio.level import dbfs

PLAYED_SECONDS = 3.0
HEARD_SECONDS = 2.0
"""What is looked for, in all that was played up to the difference earlier."""

AUDIBLE_DBFS = -55.0
"""An echo below this is no speech to whoever listens."""

LIKENESS = 0.4
"""Correlation from which on it is the same sound; different speech stays below 0.25, a room's echo is above 0.5."""

_RATE = 4000  # Hz: where speech has its energy, and where the room delays all of it alike


class EchoDetector:
    """Looks each second, and is sure when it was the same twice in a row."""

    def __init__(self, rate: int) -> None:
        self._factor = rate // _RATE
        self._played = np.zeros(int(_RATE * PLAYED_SECONDS), np.int16)
        self._heard = np.zeros(int(_RATE * HEARD_SECONDS), np.int16)
        self._ticks = 0
        self._alike = 0

    def observe(self, played: Samples, heard: Samples) -> bool:
        """Take 20 ms of either; True in the tick in which it becomes certain."""
        self._played = np.concatenate((self._played[len(played) // self._factor :], self._decimated(played)))
        self._heard = np.concatenate((self._heard[len(heard) // self._factor :], self._decimated(heard)))
        self._ticks += 1
        if self._ticks * FRAME_SECONDS % 1:
            return False
        self._alike = self._alike + 1 if self._is_alike() else 0
        return self._alike == 2

    def _decimated(self, frame: Samples) -> Samples:
        return np.asarray(frame.reshape(-1, self._factor).mean(axis=1), np.int16)

    def _is_alike(self) -> bool:
        heard = self._heard.astype(np.float64)
        if dbfs(self._heard) < AUDIBLE_DBFS or dbfs(self._played) < AUDIBLE_DBFS:
            return False
        size = 2 ** int(np.ceil(np.log2(len(self._played) + len(heard))))
        spectrum = np.fft.rfft(self._played, size) * np.conj(np.fft.rfft(heard, size))
        shifts = len(self._played) - len(heard) + 1
        products = np.abs(np.fft.irfft(spectrum, size)[:shifts])
        sums = np.concatenate(([0.0], np.cumsum(self._played.astype(np.float64) ** 2)))
        energies = sums[len(heard) :] - sums[: -len(heard)]
        lengths = np.sqrt(np.maximum(energies, 1.0) * float(np.dot(heard, heard)))
        return bool(np.max(products / lengths) > LIKENESS)
