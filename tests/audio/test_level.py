"""Levels of signals whose level is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import SESSION_RATES, Samples, frame_size, silence
from voxrun.audio.level import FLOOR_DBFS, dbfs


def sine(rate: int, peak: float) -> Samples:
    return np.rint(peak * np.sin(2 * np.pi * 1000 * np.arange(frame_size(rate)) / rate)).astype(np.int16)


@pytest.mark.parametrize("rate", SESSION_RATES)
def test_sines(rate: int) -> None:
    assert dbfs(sine(rate, 32767)) == pytest.approx(-3.01, abs=0.01)
    assert dbfs(sine(rate, 3276.7)) == pytest.approx(-23.01, abs=0.01)


@pytest.mark.parametrize(("value", "level"), [(-32768, 0.0), (32767, 0.0), (16384, -6.02), (1, -90.31)])
def test_constants(value: int, level: float) -> None:
    assert dbfs(np.full(160, value, np.int16)) == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize("rate", SESSION_RATES)
def test_silence_is_the_floor(rate: int) -> None:
    assert dbfs(silence(rate)) == FLOOR_DBFS


def test_nothing_is_below_the_floor() -> None:
    faint = np.zeros(960, np.int16)
    faint[0] = 1
    assert dbfs(faint) == FLOOR_DBFS
    assert dbfs(np.empty(0, np.int16)) == FLOOR_DBFS


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=960))
def test_it_is_the_root_mean_square(values: list[int]) -> None:
    mean_square = sum(value * value for value in values) / len(values) / 32768**2
    expected = 10 * math.log10(mean_square) if mean_square else FLOOR_DBFS
    assert dbfs(np.array(values, np.int16)) == pytest.approx(max(FLOOR_DBFS, expected), abs=0.001)
