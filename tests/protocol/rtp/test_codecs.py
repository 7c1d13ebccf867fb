"""The codecs as RTP has them."""

import subprocess
import sys

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import frame_size
from voxrun.errors import ConfigurationError
from voxrun.protocol.rtp.codecs import CODECS, Codec, codec_named

DELAYS = {"G722": 22, "opus": 120}
"""Samples that two filter banks take, and that the encoder looks ahead."""


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_a_tone_comes_through(codec: Codec) -> None:
    sound = tone(codec.audio_rate, 1.0)
    size = frame_size(codec.audio_rate)
    encode, decode = codec.new_encoder(), codec.new_decoder()
    payloads = [encode(sound[at : at + size]) for at in range(0, len(sound), size)]
    assert {codec.units(payload) for payload in payloads} == {codec.clock_rate // 50}
    heard = np.concatenate([decode(payload) for payload in payloads])
    assert heard.dtype == np.int16
    assert len(heard) == len(sound)
    delay = DELAYS.get(codec.name, 0)
    error = heard[delay + 5 * size :].astype(float) - sound[5 * size : len(sound) - delay]
    assert np.std(error) < 0.02 * np.std(sound)


def test_two_streams_of_g722_do_not_meet() -> None:
    codec = CODECS["G722"]
    loud, quiet = codec.new_encoder(), codec.new_encoder()
    loud(tone(16000, 0.02))
    assert quiet(np.zeros(320, np.int16)) == codec.new_encoder()(np.zeros(320, np.int16))


def test_names_are_found_in_any_case() -> None:
    assert codec_named("pcmu") is CODECS["PCMU"]
    assert codec_named("l16/8000") is CODECS["L16/8000"]


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="'GSM'; known are PCMU, PCMA, G722"):
        codec_named("GSM")


def test_no_library_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, voxrun.cli, voxrun.api; print(*{'av', 'G722', 'pylibsrtp', 'numpy.random'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
