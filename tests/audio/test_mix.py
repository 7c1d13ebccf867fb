"""Mixing is a saturating sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import silence
from voxrun.audio.mix import mix

FRAMES = st.integers(2, 6).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(-32768, 32767), min_size=count, max_size=count), min_size=40, max_size=40
    )
)


@given(FRAMES)
def test_each_sample_is_the_sum_held_at_full_scale(columns: list[list[int]]) -> None:
    frames = list(np.array(columns, np.int16).T)
    before = [frame.copy() for frame in frames]
    mixed = mix(frames)
    assert mixed.dtype == np.int16
    assert mixed.tolist() == [max(-32768, min(32767, sum(column))) for column in columns]
    assert all(np.array_equal(frame, kept) for frame, kept in zip(frames, before, strict=True))


def test_one_frame_is_itself() -> None:
    assert mix([silence(8000)]) is silence(8000)


def test_two_silences_are_fresh_silence() -> None:
    mixed = mix([silence(8000), silence(8000)])
    assert mixed.flags.writeable
    assert not mixed.any()


@pytest.mark.parametrize("frames", [[], [silence(8000), silence(16000)]])
def test_no_frame_or_unequal_ones_are_refused(
    frames: list[np.ndarray[tuple[int], np.dtype[np.int16]]],
) -> None:
    with pytest.raises(ValueError, match=r"not enough values|could not be broadcast"):
        mix(frames)
