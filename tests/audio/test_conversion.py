import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import RATES


def converted(samples: Samples, source: int, target: int, frames: int) -> Samples:
    """In blocks of so many frames."""
    size = frame_size(source) * frames
    conversion = Conversion(source, target)
    blocks = [samples[begin : begin + size] for begin in range(0, len(samples) + 1, size)]
    pieces = [conversion.convert(block, is_last=False) for block in blocks[:-1]]
    return np.concatenate([*pieces, conversion.convert(blocks[-1], is_last=True)])


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", RATES)
def test_a_sound_is_when_and_as_long_as_it_was(source: int, target: int) -> None:
    got, wanted = converted(tone(source, 1.3), source, target, 25), tone(target, 1.3)
    assert len(got) == len(wanted)
    inside = slice(target // 100, -target // 100)
    # Of 10000: the delay is no whole number of samples at 22050 Hz.
    assert np.abs(got.astype(int) - wanted)[inside].max() < 100


@given(st.integers(0, 3000), st.integers(1, 5))
def test_any_blocks_give_the_same_and_no_sample_too_many(size: int, frames: int) -> None:
    samples = np.random.default_rng(1).integers(-9000, 9000, size, np.int16)
    got = converted(samples, 22_050, 24_000, frames)
    assert len(got) == round(size * 24_000 / 22_050)
    assert np.array_equal(got, converted(samples, 22_050, 24_000, 100))


def test_equal_rates_change_nothing() -> None:
    samples = tone(16_000, 0.33)
    assert converted(samples, 16_000, 16_000, 3).tolist() == samples.tolist()
