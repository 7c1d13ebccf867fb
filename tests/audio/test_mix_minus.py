"""The sums of a room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.frame import Samples, silence
from voxrun.audio.mix_minus import MixMinus

RATE = 16_000


def random_frames(seed: int, count: int, amplitude: int) -> list[Samples]:
    generator = np.random.default_rng(seed)
    return [generator.integers(-amplitude, amplitude + 1, 320).astype(np.int16) for _ in range(count)]


def room(parts: list[Samples]) -> list[Samples]:
    """What is heard by a mere listener, and by each speaker, of signals as long as each other."""
    mix = MixMinus(RATE)
    frames = zip(*(np.split(part, len(part) // 320) for part in parts), strict=True)
    sums = [[everything, *others] for everything, others in (mix.mix(frame) for frame in frames)]
    return [np.concatenate(heard) for heard in zip(*sums, strict=True)]


@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_sums_that_fit_are_exact(seed: int, count: int) -> None:
    frames = random_frames(seed, count, 32_767 // count)
    everything, others = MixMinus(RATE).mix(frames)
    assert np.array_equal(everything, np.sum(frames, axis=0))
    assert len(others) == count
    for frame, heard in zip(frames, others, strict=True):
        assert np.array_equal(heard, everything - frame)
        assert heard.dtype == np.int16


@given(st.integers(0, 2**32 - 1), st.integers(2, 50))
def test_sums_never_wrap(seed: int, count: int) -> None:
    mix = MixMinus(RATE)
    for _ in range(3):
        frames = random_frames(seed, count, 32_767)
        everything, others = mix.mix(frames)
        total = np.sum(frames, axis=0, dtype=np.int64)
        for heard, wanted in ((everything, total), *((h, total - f) for h, f in zip(others, frames, strict=True))):
            assert (heard.astype(int) * wanted >= 0).all()


def test_nobody_is_silence_and_one_alone_is_heard_as_is() -> None:
    mix = MixMinus(RATE)
    assert mix.mix([]) == (silence(RATE), ())
    frame = np.full(320, -32_768, np.int16)
    everything, (own,) = mix.mix([frame])
    assert everything is frame
    assert own is silence(RATE)
    assert mix.mix([])[0] is silence(RATE)


def test_who_speaks_with_several_voices_hears_none_of_them() -> None:
    first, second, other = random_frames(1, 3, 10_000)
    both = first.astype(np.int32) + second
    everything, (mine, theirs) = MixMinus(RATE).mix([both, other])
    assert [it.dtype for it in (everything, mine, theirs)] == [np.int16] * 3
    assert np.array_equal(everything, both + other)
    assert np.array_equal(mine, other)
    assert np.array_equal(theirs, both)


def test_several_voices_of_one_are_too_loud_together() -> None:
    first, second = (frame.astype(np.int32) for frame in random_frames(1, 2, 32_767))
    everything, (nothing,) = MixMinus(RATE).mix([first + second])
    assert everything.dtype == np.int16
    assert (everything.astype(int) * (first + second) >= 0).all()
    assert not nothing.any()


def test_what_is_given_is_not_changed() -> None:
    frames = random_frames(1, 5, 32_767)
    before = [frame.copy() for frame in frames]
    MixMinus(RATE).mix(frames)
    assert all(map(np.array_equal, frames, before))


def test_a_loud_room_is_turned_down_and_not_distorted() -> None:
    hertz = (300.0, 500.0, 700.0, 1100.0)
    heard = room([tone(RATE, 1.0, each, 30_000) for each in hertz])
    for index, signal in enumerate(heard):
        steady = signal[RATE // 2 :].astype(float)  # half a second later, a whole number of all periods
        assert np.abs(steady).max() <= 32_767
        assert np.abs(steady).max() > 15_000
        spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
        own = np.zeros(len(spectrum), bool)
        for each in hertz:
            own[int(each / 2) - 4 : int(each / 2) + 5] = True
        assert spectrum[own].sum() > spectrum[~own].sum() * 1e4, index


def test_the_volume_comes_back_slowly_and_without_a_jump() -> None:
    steady, loud = tone(RATE, 3.0, 400.0, 20_000), tone(RATE, 3.0, 400.0, 30_000)
    loud[RATE:] = 0
    everything = room([steady, loud])[0].astype(int)
    assert np.abs(np.diff(everything)).max() <= 50_000 * np.sin(2 * np.pi * 400 / RATE)
    assert np.abs(everything[RATE + 320 : RATE + 640]).max() < 16_000
    assert np.array_equal(everything[2 * RATE :], steady[2 * RATE :])


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_one_left_alone_is_still_turned_up_slowly(rate: int) -> None:
    mix = MixMinus(rate)
    frame = tone(rate, 0.02, 400.0, 30_000)
    mix.mix([frame, frame])
    levels = [np.abs(mix.mix([frame])[0]).max() for _ in range(40)]
    assert levels[0] < 18_000
    assert levels == sorted(levels)
    assert levels[-1] == np.abs(frame).max()
