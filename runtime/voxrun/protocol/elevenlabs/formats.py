"""The seven audio formats of the service, all mono: signed 16-bit little-endian PCM, and G.711 mu-law."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.audio.pcm import decode_pcm, encode_pcm
from voxrun.errors import RemoteError

_CODECS = {"pcm": (encode_pcm, decode_pcm), "ulaw": (encode_ulaw, decode_ulaw)}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One audio format: its wire name, its encoding and its rate in Hz."""

    name: str
    encoding: Literal["pcm", "ulaw"]
    rate: int
    encode: Callable[[Samples], bytes] = field(init=False, repr=False, compare=False)
    decode: Callable[[bytes | memoryview], Samples] = field(init=False, repr=False, compare=False)
    """Half a sample at the end is left out. The array may be read-only."""

    def __post_init__(self) -> None:
        encode, decode = _CODECS[self.encoding]
        object.__setattr__(self, "encode", encode)
        object.__setattr__(self, "decode", decode)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return 1 if self.encoding == "ulaw" else 2


FORMATS = {
    audio_format.name: audio_format
    for audio_format in (
        AudioFormat("pcm_8000", "pcm", 8000),
        AudioFormat("pcm_16000", "pcm", 16000),
        AudioFormat("pcm_22050", "pcm", 22050),
        AudioFormat("pcm_24000", "pcm", 24000),
        AudioFormat("pcm_44100", "pcm", 44100),
        AudioFormat("pcm_48000", "pcm", 48000),
        AudioFormat("ulaw_8000", "ulaw", 8000),
    )
}


def parse_format(name: str) -> AudioFormat:
    """The format of that wire name (contract: AudioFormat). RemoteError if the contract has no such."""
    try:
        return FORMATS[name]
    except KeyError:
        raise RemoteError(f"unknown audio format {name[:40]!a}; known are {', '.join(FORMATS)}") from None
