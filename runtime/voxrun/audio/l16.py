"""L16: 16-bit samples in network byte order and back (RFC 3551, section 4.5.11)."""

import numpy as np

from voxrun.audio.frame import Samples


def encode_l16(samples: Samples) -> bytes:
    """Two big-endian bytes per sample."""
    return samples.astype(">i2").tobytes()


def decode_l16(data: bytes | memoryview) -> Samples:
    """One sample per two big-endian bytes; half a sample at the end is left out. A fresh array."""
    return np.frombuffer(data, ">i2", len(data) // 2).astype(np.int16)
