"""How audio becomes payloads: the codecs by name, with their payload types and clocks (RFC 3551, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from voxrun.audio.frame import FRAME_MS, Samples
from voxrun.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from voxrun.audio.l16 import decode_l16, encode_l16
from voxrun.errors import ConfigurationError
from voxrun.protocol.rtp import opus

Encode: TypeAlias = Callable[[Samples], bytes]
Decode: TypeAlias = Callable[[bytes], Samples]
"""Gives a sample rate's worth for each tick that the payload lasts; ValueError for what no encoder can have made."""

PTIMES_MS = (10, 20, 30, 40, 60)
"""How much audio a packet may hold."""

COMFORT_NOISE = 13
"""The payload type of RFC 3389 at 8000 Hz. It says that nobody speaks and is never decoded as audio."""

TELEPHONE_EVENT = 101
"""The payload type of tones (RFC 4733): dynamic, and the one that they usually have."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec. A stream takes an encoder and a decoder of its own: some remember what went before."""

    name: str
    """As in SDP's rtpmap."""
    payload_type: int
    clock_rate: int
    """Hz of the RTP timestamps."""
    audio_rate: int
    """Hz of the samples."""
    units: Callable[[bytes], int]
    """How long a payload lasts, in ticks of the RTP clock; 0 for one that is none."""
    new_encoder: Callable[[], Encode]
    """Takes a packet's samples at a time. ConfigurationError when a library is missing."""
    new_decoder: Callable[[], Decode]
    ptimes: tuple[int, ...] = PTIMES_MS
    """Those of PTIMES_MS that it is sent in."""
    channels: int = 1
    """As rtpmap says them, whatever they are."""
    remembers: bool = False
    """Whether a packet is decoded by what came before it: the first one after a lost one begins wrong."""


def _g722_encoder() -> Encode:
    from G722 import G722  # noqa: PLC0415 - memory that a run without it need not pay

    encode = G722(16000, 64000).encode
    return lambda samples: bytes(encode(samples))


def _g722_decoder() -> Decode:
    from G722 import G722  # noqa: PLC0415 - memory that a run without it need not pay

    decode = G722(16000, 64000).decode
    return lambda payload: np.asarray(decode(payload), np.int16)


def _l16(payload_type: int, rate: int) -> Codec:
    return Codec(
        "L16", payload_type, rate, rate, lambda payload: len(payload) // 2, lambda: encode_l16, lambda: decode_l16
    )


CODECS = {
    "PCMU": Codec("PCMU", 0, 8000, 8000, len, lambda: encode_ulaw, lambda: decode_ulaw),
    "PCMA": Codec("PCMA", 8, 8000, 8000, len, lambda: encode_alaw, lambda: decode_alaw),
    # Its clock says 8000 for 16 kHz audio: an error of an old RFC that all must keep (RFC 3551, section 4.5.2).
    "G722": Codec("G722", 9, 8000, 16000, len, _g722_encoder, _g722_decoder, remembers=True),
    "L16": _l16(96, 16000),
    "L16/8000": _l16(97, 8000),
    "L16/24000": _l16(98, 24000),
    "L16/48000": _l16(99, 48000),
    # Always said to be stereo at 48 kHz, whatever it is (RFC 7587, section 7).
    "OPUS": Codec(
        "opus",
        100,
        opus.RATE,
        opus.RATE,
        opus.units,
        opus.new_encoder,
        opus.new_decoder,
        ptimes=(FRAME_MS,),
        channels=2,
        remembers=True,
    ),
}
"""By the name a person types. L16 and Opus have dynamic payload types, which both ends must agree on."""


def codec_named(name: str) -> Codec:
    """The codec of that name, in any case; ConfigurationError naming the known ones when there is none."""
    try:
        return CODECS[name.upper()]
    except KeyError:
        raise ConfigurationError(f"no codec is called {name[:40]!a}; known are {', '.join(CODECS)}") from None
