"""`ComfortNoise`: what is heard while the far end has nothing to say but how loud its room is (RFC 3389)."""

import numpy as np

from voxrun.audio.frame import Samples

_OVERLOAD = 32768.0  # RMS of 0 dBov: a full-scale square wave
_LEVEL = 0x7F
_SEED = 3389  # one noise is as good as another, and the same call is to sound the same every time


class ComfortNoise:
    """White noise at the level that was described last. What may follow the level, the spectrum, is not followed."""

    def __init__(self) -> None:
        self._rms = 0.0
        self._random: np.random.Generator | None = None  # few calls need one, and its module takes memory

    def describe(self, payload: bytes) -> None:
        """Take a packet's payload, of which the first byte is the level in -dBov; silence when it is empty."""
        self._rms = _OVERLOAD * 10 ** (-(payload[0] & _LEVEL) / 20) if payload else 0.0

    def next(self, size: int) -> Samples:
        """So many samples: a fresh array."""
        if self._rms < 0.5:
            return np.zeros(size, np.int16)
        if self._random is None:
            self._random = np.random.default_rng(_SEED)
        noise = self._random.normal(0.0, self._rms, size)
        return np.rint(np.clip(noise, -32768, 32767)).astype(np.int16)
