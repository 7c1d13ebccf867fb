"""G.711, both laws: 16-bit samples to one byte each and back, by table."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import Samples

_BIAS = 132  # makes every segment start at a power of two
_LOUDEST = 32635  # the last magnitude that stays within the eighth segment when biased
_EVEN_BITS = 0x55  # A-law inverts them on the wire, so that silence has edges


def _all_samples() -> NDArray[np.int32]:
    """Every 16-bit sample, indexed by the sample read as unsigned."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


@cache  # made when first needed: most agents speak PCM, and making it takes 3 MiB for a moment
def _ulaw_encoding() -> NDArray[np.uint8]:
    """The code of every sample, indexed by the sample: negative ones count from the end."""
    samples = _all_samples()
    biased = np.minimum(np.abs(samples), _LOUDEST) + _BIAS
    segments = np.frexp(biased)[1] - 8
    intervals = biased >> (segments + 3) & 0x0F
    signs = np.where(samples < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(signs | segments << 4 | intervals) & 0xFF).astype(np.uint8)
    return codes


@cache
def _alaw_encoding() -> NDArray[np.uint8]:
    """The code of every sample, indexed by the sample: negative ones count from the end."""
    samples = _all_samples()
    magnitudes = np.where(samples < 0, ~samples, samples) >> 3
    segments = np.maximum(np.frexp(magnitudes)[1] - 5, 0)
    intervals = magnitudes >> np.maximum(segments, 1) & 0x0F
    signs = np.where(samples < 0, 0, 0x80)
    return np.asarray((signs | segments << 4 | intervals) ^ _EVEN_BITS, np.uint8)


@cache
def _ulaw_decoding() -> Samples:
    """The sample of every code."""
    codes = ~np.arange(256) & 0xFF
    magnitudes = (((codes & 0x0F) << 3) + _BIAS << (codes >> 4 & 0x07)) - _BIAS
    return np.where(codes & 0x80, -magnitudes, magnitudes).astype(np.int16)


@cache
def _alaw_decoding() -> Samples:
    """The sample of every code."""
    codes = np.arange(256) ^ _EVEN_BITS
    segments = codes >> 4 & 0x07
    magnitudes = ((codes & 0x0F) << 4) + np.where(segments > 0, 0x108, 0x08) << np.maximum(segments - 1, 0)
    return np.asarray(np.where(codes & 0x80, magnitudes, -magnitudes), np.int16)


def encode_ulaw(samples: Samples) -> bytes:
    """One mu-law byte per sample; silence is 0xFF (ITU-T G.711, table 2a/2b).

    Magnitudes above 32635 take the loudest code; a magnitude on a decision value takes the louder one.
    """
    return _ulaw_encoding().take(samples).tobytes()


def decode_ulaw(data: bytes | memoryview) -> Samples:
    """One sample per mu-law byte, at most 32124 either way; a fresh array (ITU-T G.711, table 2a/2b)."""
    return _ulaw_decoding().take(np.frombuffer(data, np.uint8))


def encode_alaw(samples: Samples) -> bytes:
    """One A-law byte per sample; silence is 0xD5 (ITU-T G.711, table 1a/1b)."""
    return _alaw_encoding().take(samples).tobytes()


def decode_alaw(data: bytes | memoryview) -> Samples:
    """One sample per A-law byte, at most 32256 either way; a fresh array (ITU-T G.711, table 1a/1b)."""
    return _alaw_decoding().take(np.frombuffer(data, np.uint8))
