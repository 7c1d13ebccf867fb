"""G.711 mu-law: 16-bit samples to one byte each and back, by table."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import Samples

_BIAS = 132  # makes every segment start at a power of two
_LOUDEST = 32635  # the last magnitude that stays within the eighth segment when biased


@cache  # made when first needed: most agents speak PCM, and making it takes 3 MiB for a moment
def _encoding() -> NDArray[np.uint8]:
    """The code of every 16-bit sample, indexed by the sample read as unsigned."""
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    biased = np.minimum(np.abs(samples), _LOUDEST) + _BIAS
    segments = np.frexp(biased)[1] - 8
    intervals = biased >> (segments + 3) & 0x0F
    signs = np.where(samples < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(signs | segments << 4 | intervals) & 0xFF).astype(np.uint8)
    return codes


def _decoding() -> Samples:
    """The sample of every code."""
    codes = ~np.arange(256) & 0xFF
    magnitudes = (((codes & 0x0F) << 3) + _BIAS << (codes >> 4 & 0x07)) - _BIAS
    return np.where(codes & 0x80, -magnitudes, magnitudes).astype(np.int16)


_DECODING = _decoding()


def encode_ulaw(samples: Samples) -> bytes:
    """One mu-law byte per sample; silence is 0xFF (ITU-T G.711, table 2a/2b).

    Magnitudes above 32635 take the loudest code; a magnitude on a decision value takes the louder one.
    """
    return _encoding().take(samples.view(np.uint16)).tobytes()


def decode_ulaw(data: bytes | memoryview) -> Samples:
    """One sample per mu-law byte, at most 32124 either way; a fresh array (ITU-T G.711, table 2a/2b)."""
    return _DECODING.take(np.frombuffer(data, np.uint8))
