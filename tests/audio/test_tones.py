import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.level import dbfs
from voxrun.audio.tones import FULL_SCALE_DBM0, Burst, Tone, render

RATE = 16_000


@pytest.mark.parametrize("dbm0", [3.0, 0.0, -19.0, -40.0])
def test_the_level_is_that_of_g711(dbm0: float) -> None:
    samples = render(Burst(math.inf, (Tone(425, dbm0),)), RATE, RATE, RATE)
    assert dbfs(samples) == pytest.approx(dbm0 - FULL_SCALE_DBM0 - 3.01, abs=0.02)


def test_two_tones_are_at_their_frequencies_and_nowhere_else() -> None:
    samples = render(Burst(math.inf, (Tone(480, -19), Tone(620, -19))), RATE, RATE, RATE)
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    assert sorted(np.argsort(spectrum)[-2:]) == [480, 620]
    others = np.delete(spectrum, [480, 620])
    assert 20 * np.log10(others.max() / spectrum.max()) < -60


def test_tones_too_loud_together_are_held_at_full_scale() -> None:
    samples = render(Burst(math.inf, (Tone(400, 3), Tone(450, 3))), RATE, 0, RATE)
    assert (samples.max(), samples.min()) == (32767, -32768)


def test_a_burst_begins_and_ends_without_a_click() -> None:
    samples = render(Burst(0.1, (Tone(425, 0),)), RATE, 0, RATE // 10).astype(int)
    inside = np.abs(np.diff(samples[200:-200])).max()
    assert np.abs(np.diff(samples, prepend=0, append=0)).max() <= inside


def test_an_endless_tone_is_as_pure_after_a_day() -> None:
    day = 24 * 3600 * RATE
    burst = Burst(math.inf, (Tone(425, -10),))
    assert np.abs(render(burst, RATE, day, 320).astype(int) - render(burst, RATE, RATE, 320)).max() <= 1


def test_a_pause_is_silence() -> None:
    assert not render(Burst(1.0), RATE, 0, 320).any()


@given(st.lists(st.integers(0, 700), max_size=8), st.sampled_from([0.03, 0.2, math.inf]))
def test_any_cut_into_pieces_gives_the_same(pieces: list[int], seconds: float) -> None:
    burst = Burst(seconds, (Tone(425.5, -10), Tone(1000, -20)))
    starts = np.cumsum([0, *pieces])
    cut = [render(burst, RATE, int(start), count) for start, count in zip(starts, pieces, strict=False)]
    assert np.array_equal(np.concatenate([*cut, np.zeros(0, np.int16)]), render(burst, RATE, 0, sum(pieces)))
