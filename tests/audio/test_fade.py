"""Fades of 5 ms, whatever the rate, and of one sound into another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.fade import crossfade, fade_from, fade_in, ramp
from voxrun.audio.frame import SESSION_RATES, frame_size, silence


@pytest.mark.parametrize("rate", SESSION_RATES)
def test_the_ramp_rises_for_5_ms_and_stays(rate: int) -> None:
    weights = ramp(frame_size(rate))
    rising = rate // 200
    assert 0 < weights[0] < 0.01
    assert (np.diff(weights[: rising + 1]) > 0).all()
    assert (weights[rising:] == 1).all()
    assert weights[rising - 1] < 1


@pytest.mark.parametrize("rate", SESSION_RATES)
def test_a_sound_that_fades_in_begins_at_nothing_and_is_itself_after_5_ms(rate: int) -> None:
    frame = tone(rate, 0.02, 440, 30_000)[::-1]
    faded = fade_in(frame)
    assert abs(int(faded[0])) < 300
    assert np.array_equal(faded[rate // 200 :], frame[rate // 200 :])
    assert not np.shares_memory(faded, frame)


def test_what_was_cut_goes_on_as_its_last_sample_and_is_gone_after_5_ms() -> None:
    faded = fade_from(-20_000, silence(16_000))
    assert faded[0] == pytest.approx(-20_000, rel=0.01)
    assert (np.diff(faded[:81]) > 0).all()
    assert not faded[80:].any()
    assert np.abs(np.diff(faded)).max() < 20_000 * np.pi / 2 / 80


def test_fades_are_held_at_full_scale() -> None:
    assert fade_from(32_767, np.full(320, 32_767, np.int16))[0] == 32_767
    assert fade_from(-32_768, np.full(320, -32_768, np.int16))[0] == -32_768
    assert fade_from(32_767, np.full(320, -32_768, np.int16))[0] == pytest.approx(0, abs=50)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_a_crossfade_stays_between_its_ends(old: list[int]) -> None:
    new = old[::-1]
    faded = crossfade(np.array(old, np.int16), np.array(new, np.int16))
    for value, one, other in zip(faded.tolist(), old, new, strict=True):
        assert min(one, other) <= value <= max(one, other)
