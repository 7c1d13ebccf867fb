"""Opus: how long packets are, whatever another encoder makes of them, and junk."""

import contextlib
import sys
from pathlib import Path
from random import Random

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.errors import ConfigurationError
from voxrun.protocol.rtp import opus
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.packet import parse_packet

RATE = opus.RATE


def packets(samples: np.ndarray, **options: str) -> list[bytes]:
    """What libopus makes of samples of the shape (channels, n)."""
    layout = "stereo" if len(samples) == 2 else "mono"
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format, context.bit_rate = RATE, layout, "s16", 64_000
    context.options = options
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T).reshape(1, -1), format="s16", layout=layout)
    frame.sample_rate = RATE
    context.open()
    size = context.frame_size
    fifo = av.AudioFifo()
    fifo.write(frame)
    return [bytes(packet) for piece in fifo.read_many(size) for packet in context.encode(piece)]


@pytest.mark.parametrize(
    ("payload", "milliseconds"),
    [
        ("00", 10),
        ("18", 60),
        ("60", 10),
        ("78", 20),
        ("80", 2.5),
        ("f8", 20),
        ("f9", 40),
        ("fa0100", 40),
        ("fb03", 60),
        ("1b02", 120),
        ("fb00", 0),
        ("fb", 0),
        ("", 0),
    ],
)
def test_a_packet_says_how_long_it_is(payload: str, milliseconds: float) -> None:
    assert opus.units(bytes.fromhex(payload)) == milliseconds * RATE / 1000


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("milliseconds", ["2.5", "5", "10", "20", "40", "60", "120"])
def test_packets_of_any_length_and_of_two_channels_are_heard(channels: int, milliseconds: str) -> None:
    sound = tone(RATE, 2.4)
    decode = opus.new_decoder()
    made = packets(np.tile(sound, (channels, 1)), frame_duration=milliseconds, application="audio")
    assert {opus.units(packet) for packet in made} == {round(float(milliseconds) * RATE / 1000)}
    heard = np.concatenate([decode(packet) for packet in made])
    assert len(heard) == len(sound)
    best = max(float(np.corrcoef(heard[RATE + lag : -RATE], sound[RATE : -RATE - lag])[0, 1]) for lag in range(1, 400))
    assert best > 0.99


def test_ffmpeg_is_understood() -> None:
    packet = parse_packet((Path(__file__).parent / "packets" / "opus_by_ffmpeg.bin").read_bytes())
    assert packet is not None
    assert (packet.payload_type, len(packet.payload)) == (CODECS["OPUS"].payload_type, 181)
    heard = opus.new_decoder()(packet.payload)
    assert len(heard) == opus.units(packet.payload) == 960
    assert heard.any()


@given(st.binary(max_size=300))
def test_junk_is_refused_or_lasts_as_long_as_it_says(payload: bytes) -> None:
    try:
        assert len(opus.new_decoder()(payload)) == opus.units(payload)
    except ValueError as error:
        assert "Opus" in str(error)  # noqa: PT017 - both are right


def test_after_junk_speech_goes_on() -> None:
    random, encode, decode = Random(1), opus.new_encoder(), opus.new_decoder()
    sound = tone(RATE, 1.0)
    heard = []
    for frame in sound.reshape(-1, 960):
        with contextlib.suppress(ValueError):
            decode(random.randbytes(random.randrange(10)))
        heard.append(decode(encode(frame)))
    assert np.abs(np.concatenate(heard[-20:])).max() > 5000


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for make in (opus.new_encoder, opus.new_decoder):
        with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[opus\]'"):
            make()
