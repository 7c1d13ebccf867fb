"""Samples in network byte order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.l16 import decode_l16, encode_l16


def test_golden_bytes() -> None:
    samples = np.array([0, 1, -2, 32767, -32768], np.int16)
    assert encode_l16(samples).hex() == "00000001fffe7fff8000"


@given(st.binary(max_size=500))
def test_whole_samples_are_read_and_half_ones_left_out(data: bytes) -> None:
    samples = decode_l16(memoryview(data))
    assert samples.dtype == np.int16
    assert samples.flags.writeable
    assert encode_l16(samples) == data[: len(data) // 2 * 2]
