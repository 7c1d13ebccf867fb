"""One period more, one period less."""

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import Samples
from voxrun.audio.period import lengthen, shorten

RATES = (8000, 16000, 24000, 48000)


def jump(samples: Samples) -> int:
    """The largest step between neighbours."""
    return int(np.abs(np.diff(samples.astype(np.int32))).max())


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [100.0, 160.0, 250.0, 400.0, 800.0])
def test_a_tone_stays_a_tone(rate: int, hertz: float) -> None:
    sound = tone(rate, 0.1, hertz)
    size = rate // 50
    before, piece, after = sound[:size], sound[size : 2 * size], sound[2 * size :]
    shorter, longer = shorten(piece, rate), lengthen(before, piece, rate)
    assert size // 2 <= len(shorter.samples) <= size - rate // 400
    assert size + rate // 400 <= len(longer.samples) <= size + size // 2
    for stretched in (shorter, longer):
        assert stretched.likeness > 0.99
        assert jump(np.concatenate((before, stretched.samples, after))) <= 1.1 * jump(sound)


def test_noise_is_not_like_itself() -> None:
    noise = np.random.default_rng(1).integers(-9000, 9000, 320).astype(np.int16)
    assert shorten(noise[160:], 8000).likeness < 0.5
    assert lengthen(noise[:160], noise[160:], 8000).likeness < 0.5


@pytest.mark.parametrize("level", [0, 32767, -32768])
def test_a_constant_stays_constant(level: int) -> None:
    piece = np.full(160, level, np.int16)
    assert set(shorten(piece, 8000).samples.tolist()) == {level}
    assert set(lengthen(piece, piece, 8000).samples.tolist()) == {level}
