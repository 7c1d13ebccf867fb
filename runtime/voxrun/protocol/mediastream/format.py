"""`StreamFormat`: how a stream's audio is encoded, both ways."""

from dataclasses import dataclass, field

import numpy as np

from voxrun.audio.frame import SESSION_RATES, Samples
from voxrun.audio.pcm import decode_pcm, encode_pcm
from voxrun.protocol.rtp.codecs import CODECS, Decode, Encode

_OF_RTP = {"ulaw": "PCMU", "alaw": "PCMA", "g722": "G722", "opus": "OPUS"}

ONLY_RATES = {encoding: CODECS[_OF_RTP[encoding]].audio_rate for encoding in ("g722", "opus")}
"""Hz of the samples, for encodings that are announced with another rate."""

_NOTHING = np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """Of one stream: some codecs remember what went before.

    `encoding` is ulaw, alaw (both 8 kHz), g722 (16 kHz), opus (48 kHz) or pcm (16 bits, little-endian); `rate` is one
    of a session's, in Hz. ConfigurationError when the codec's library is missing, ValueError for what is no format.
    """

    encoding: str
    rate: int
    encode: Encode = field(init=False, repr=False, compare=False)
    """20 ms of samples to bytes."""
    decode: Decode = field(init=False, repr=False, compare=False)
    """Bytes to samples; none for what no encoder can have made, which is then missing like what was lost."""

    def __post_init__(self) -> None:
        codec = CODECS.get(_OF_RTP.get(self.encoding, ""))
        rates = SESSION_RATES if self.encoding == "pcm" else (codec.audio_rate,) if codec else ()
        if self.rate not in rates:
            raise ValueError(f"no stream has the format {self.encoding!r} at {self.rate} Hz")
        encode = codec.new_encoder() if codec else encode_pcm
        decode = codec.new_decoder() if codec else decode_pcm
        object.__setattr__(self, "encode", encode)
        object.__setattr__(self, "decode", _harmless(decode) if self.encoding == "opus" else decode)


def _harmless(decode: Decode) -> Decode:
    def decode_or_drop(data: bytes) -> Samples:
        try:
            return decode(data)
        except ValueError:
            return _NOTHING

    return decode_or_drop
