import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.kit import tone

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import SESSION_RATES, Samples, frame_size
from voxrun.audio.resample import RATES

ODD_RATES = (4000, 6000, 11_025, 11_127, 12_000, 22_255, 32_000, 37_800, 64_000, 88_200, 96_000, 176_400, 192_000)


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


def sine(rate: int, hertz: float) -> NDArray[np.float64]:
    return np.asarray(10_000 * np.sin(2 * np.pi * hertz / rate * np.arange(rate * 13 // 10)))


@pytest.mark.parametrize("source", ODD_RATES)
@pytest.mark.parametrize("target", SESSION_RATES)
@pytest.mark.parametrize("hertz", [100, 440, 1500])
def test_at_an_odd_rate_too_in_blocks_of_half_a_second(source: int, target: int, hertz: int) -> None:
    samples = np.rint(sine(source, hertz)).astype(np.int16)
    conversion, size = Conversion(source, target), source // 2
    blocks = [samples[begin : begin + size] for begin in range(0, len(samples), size)]
    got = np.concatenate([conversion.convert(block, is_last=block is blocks[-1]) for block in blocks])
    assert len(got) == round(len(samples) * target / source)
    # The delay is no whole number of samples: half a one at most is left of it.
    half_a_sample = 10_000 * np.pi * hertz / target
    inside = slice(target // 50, -target // 50)
    assert np.abs(got - sine(target, hertz)[: len(got)])[inside].max() < half_a_sample + 20


@pytest.mark.parametrize(
    ("source", "target"), [(it, rate) for it in ODD_RATES for rate in SESSION_RATES if it > 1.2 * rate]
)
def test_what_the_lower_rate_cannot_carry_is_gone(source: int, target: int) -> None:
    for hertz in np.linspace(0.57 * target, source / 2 - 50, 7):
        got = Conversion(source, target).convert(np.rint(sine(source, float(hertz))).astype(np.int16), is_last=True)
        level = np.sqrt(np.mean(np.square(got[target // 50 : -target // 50].astype(float)))) / (10_000 / np.sqrt(2))
        assert 20 * np.log10(level + 1e-9) < -50, hertz


@given(st.integers(0, 3000), st.integers(1, 5))
def test_any_blocks_give_the_same_and_no_sample_too_many(size: int, frames: int) -> None:
    samples = np.random.default_rng(1).integers(-9000, 9000, size, np.int16)
    got = converted(samples, 22_050, 24_000, frames)
    assert len(got) == round(size * 24_000 / 22_050)
    assert np.array_equal(got, converted(samples, 22_050, 24_000, 100))


def test_equal_rates_change_nothing() -> None:
    samples = tone(16_000, 0.33)
    assert converted(samples, 16_000, 16_000, 3).tolist() == samples.tolist()
