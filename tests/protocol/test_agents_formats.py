"""The seven audio formats, and what is said of any other."""

import pytest

from voxrun.errors import RemoteError
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat, parse_format


@pytest.mark.parametrize(
    ("name", "encoding", "rate"),
    [
        ("pcm_8000", "pcm", 8000),
        ("pcm_16000", "pcm", 16000),
        ("pcm_22050", "pcm", 22050),
        ("pcm_24000", "pcm", 24000),
        ("pcm_44100", "pcm", 44100),
        ("pcm_48000", "pcm", 48000),
        ("ulaw_8000", "ulaw", 8000),
    ],
)
def test_each_name_means_an_encoding_and_a_rate(name: str, encoding: str, rate: int) -> None:
    parsed = parse_format(name)
    assert (parsed.name, parsed.encoding, parsed.rate) == (name, encoding, rate)


def test_there_are_seven() -> None:
    assert len(FORMATS) == 7
    assert parse_format("ulaw_8000") == AudioFormat("ulaw_8000", "ulaw", 8000)


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(RemoteError, match=r"unknown audio format 'opus_48000'; known are pcm_8000, .*ulaw_8000"):
        parse_format("opus_48000")


def test_a_hostile_name_is_cut_and_escaped() -> None:
    with pytest.raises(RemoteError) as caught:
        parse_format("\x1b[2J\u202e" + "x" * 10_000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250
