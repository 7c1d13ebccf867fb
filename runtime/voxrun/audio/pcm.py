"""PCM as most services send it: 16-bit samples in little-endian bytes, and back."""

import numpy as np

from voxrun.audio.frame import Samples

_LITTLE_ENDIAN = np.dtype("<i2")


def encode_pcm(samples: Samples) -> bytes:
    """Two little-endian bytes per sample."""
    return samples.astype(_LITTLE_ENDIAN, copy=False).tobytes()


def decode_pcm(data: bytes | memoryview) -> Samples:
    """One sample per two little-endian bytes, read-only as those are; half a sample at the end is left out."""
    return np.frombuffer(data, _LITTLE_ENDIAN, len(data) // 2).astype(np.int16, copy=False)
