"""Samples in little-endian bytes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.pcm import decode_pcm, encode_pcm


def test_golden_bytes() -> None:
    samples = np.array([0, 1, -2, 32767, -32768], np.int16)
    assert encode_pcm(samples).hex() == "00000100feffff7f0080"


@given(st.binary(max_size=500))
def test_whole_samples_are_read_and_half_ones_left_out(data: bytes) -> None:
    samples = decode_pcm(memoryview(data))
    assert samples.dtype == np.int16
    assert encode_pcm(samples) == data[: len(data) // 2 * 2]
