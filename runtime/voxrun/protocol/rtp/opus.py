"""Opus as RTP has it: a 48 kHz clock, and packets that say themselves how long they last (RFC 6716, RFC 7587).

The codec is libopus, through the extra `[opus]`. Lost packets are concealed like those of any codec: what libopus could
do for them (its own concealment, in-band FEC) can't be reached through PyAV.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import numpy as np

from voxrun.audio.frame import FRAME_MS, Samples
from voxrun.errors import ConfigurationError

RATE = 48000
"""Hz of the clock and of the samples, whatever bandwidth is coded."""

BIT_RATE = 64000
"""Bits a second: more than RFC 7587, section 3.1.1, asks for speech (28 to 40 kbit/s), so that the waveform is kept."""

_LAYOUT = "mono"  # libopus mixes what comes in stereo down to it
_TICKS_OF_FRAME = (
    *(3 * (480, 960, 1920, 2880)),  # SILK: 10 to 60 ms
    *(2 * (480, 960)),  # hybrid
    *(4 * (120, 240, 480, 960)),  # CELT: 2.5 to 20 ms
)
"""How long a frame of each configuration is (RFC 6716, table 2)."""


def units(payload: bytes) -> int:
    """How many ticks a packet lasts, from its first two bytes (RFC 6716, section 3.1 and 3.2.5); 0 for none."""
    if not payload:
        return 0
    frame, code = _TICKS_OF_FRAME[payload[0] >> 3], payload[0] & 3
    if code < 3:
        return frame * (2 if code else 1)
    return frame * (payload[1] & 0x3F) if len(payload) > 1 else 0


def new_encoder() -> Callable[[Samples], bytes]:
    """Makes a packet of each 20 ms. ConfigurationError without the extra."""
    av = _library()
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format, context.bit_rate = RATE, _LAYOUT, "s16", BIT_RATE
    # At this rate all its modes code alike; this one looks 2.5 ms ahead instead of 6.5, and "voip" would filter.
    context.options = {"application": "lowdelay", "frame_duration": str(FRAME_MS)}

    def encode(samples: Samples) -> bytes:
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout=_LAYOUT)
        frame.sample_rate = RATE
        (packet,) = context.encode(frame)
        return bytes(packet)

    return encode


def new_decoder() -> Callable[[bytes], Samples]:
    """Decodes packets of any length, mono or stereo. ConfigurationError without the extra."""
    av = _library()
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout = RATE, _LAYOUT

    def decode(payload: bytes) -> Samples:
        if not units(payload):
            raise ValueError("this is not Opus")  # and an empty packet would end the stream
        try:
            pieces = [frame.to_ndarray()[0] for frame in context.decode(av.Packet(payload))]
        except av.FFmpegError as error:
            raise ValueError("this is not Opus") from error
        samples = np.concatenate([np.zeros(0, np.int16), *pieces])
        if len(samples) != units(payload):
            raise ValueError(f"{len(samples)} samples came of an Opus packet of {units(payload)}")
        return samples

    return decode


def _library() -> ModuleType:
    try:
        return import_module("av")
    except ImportError as error:
        raise ConfigurationError(
            f"Opus needs av, which isn't installed here ({error}).\nInstall it with: pip install 'voxrun[opus]'"
        ) from error
