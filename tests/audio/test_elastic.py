"""Resampling at a speed that changes: tones stay tones, and no sample jumps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.elastic import ElasticResampler
from voxrun.audio.frame import Samples

RATES = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]


def signal_to_noise(samples: Samples, rate: float, hertz: float) -> float:
    """How well they fit a sine, in dB."""
    phase = 2 * np.pi * hertz / rate * np.arange(samples.size)
    sines = np.column_stack((np.sin(phase), np.cos(phase)))
    heard = samples.astype(np.float64)
    fit = sines @ np.linalg.lstsq(sines, heard)[0]
    return float(10 * np.log10(np.sum(fit**2) / np.sum((heard - fit) ** 2)))


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("target", [8000, 48_000])
def test_a_tone_comes_through_any_pair_of_rates(source: int, target: int) -> None:
    heard = ElasticResampler(source, target).process(tone(source, 0.5))
    assert abs(len(heard) / target - 0.5) < 0.003
    assert signal_to_noise(heard[target // 10 :], target, 440.0) > 60


@pytest.mark.parametrize("speed", [0.995, 0.9997, 1.0003, 1.005])
def test_speed_is_a_change_of_pitch_and_length(speed: float) -> None:
    resampler = ElasticResampler(48_000, 48_000)
    resampler.speed = speed
    heard = resampler.process(tone(48_000, 1.0))
    assert len(heard) == pytest.approx(48_000 / speed, abs=20)
    assert signal_to_noise(heard[1000:], 48_000, 440.0 * speed) > 60


def test_what_a_lower_rate_cannot_hold_is_gone() -> None:
    heard = ElasticResampler(48_000, 8000).process(tone(48_000, 0.5, 5500.0))
    assert np.max(np.abs(heard[400:].astype(int))) < 30


def test_equal_rates_pass_samples_unchanged() -> None:
    said = np.random.default_rng(2).integers(-32768, 32767, 4800).astype(np.int16)
    resampler = ElasticResampler(48_000, 48_000)
    heard = np.concatenate([resampler.process(piece) for piece in np.split(said, 10)])
    assert np.array_equal(heard[16:], said[: len(heard) - 16])
    assert not heard[:16].any()


@settings(max_examples=50)
@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.integers(1, 2000), st.floats(0.995, 1.005)), min_size=1, max_size=20),
)
def test_it_needs_what_it_says_and_pieces_make_no_jump(rate: int, asked: list[tuple[int, float]]) -> None:
    said = tone(rate, 4.5, 200.0)
    resampler = ElasticResampler(rate, 16_000)
    heard = []
    for count, speed in asked:
        resampler.speed = speed
        needed = resampler.needed(count)
        piece, said = said[:needed], said[needed:]
        heard.append(resampler.process(piece, count))
        assert len(heard[-1]) == count
    sound = np.concatenate(heard)[100:].astype(int)
    steepest = 10_000 * 2 * np.pi * 200 / 16_000
    assert np.max(np.abs(np.diff(sound)), initial=0) < 1.01 * steepest + 3
