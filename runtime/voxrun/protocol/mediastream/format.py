"""`StreamFormat`: how a stream's audio is encoded, both ways."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voxrun.audio.frame import SESSION_RATES, Samples
from voxrun.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw


def encode_pcm(samples: Samples) -> bytes:
    """Two little-endian bytes per sample."""
    return samples.astype("<i2", copy=False).tobytes()


def decode_pcm(data: bytes | memoryview) -> Samples:
    """One sample per two little-endian bytes; half a sample at the end is left out."""
    return np.frombuffer(data, "<i2", len(data) // 2).astype(np.int16, copy=False)


_CODECS: dict[str, tuple[Callable[[Samples], bytes], Callable[[bytes], Samples]]] = {
    "ulaw": (encode_ulaw, decode_ulaw),
    "alaw": (encode_alaw, decode_alaw),
    "pcm": (encode_pcm, decode_pcm),
}


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """`encoding` is ulaw, alaw (both 8 kHz) or pcm (16 bits, little-endian); `rate` is one of a session's, in Hz."""

    encoding: str
    rate: int

    def __post_init__(self) -> None:
        rates = SESSION_RATES if self.encoding == "pcm" else (8000,)
        if self.encoding not in _CODECS or self.rate not in rates:
            raise ValueError(f"no stream has the format {self.encoding!r} at {self.rate} Hz")

    @property
    def encode(self) -> Callable[[Samples], bytes]:
        """Samples to bytes."""
        return _CODECS[self.encoding][0]

    @property
    def decode(self) -> Callable[[bytes], Samples]:
        """Bytes to samples; any bytes are some."""
        return _CODECS[self.encoding][1]
