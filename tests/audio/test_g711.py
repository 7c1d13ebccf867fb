"""Both laws against the decision values of ITU-T G.711, tables 1a/1b and 2a/2b."""

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import silence
from voxrun.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw

ALL_CODES = bytes(range(256))

# One interval of 1, fifteen of 2, then sixteen each of 4, 8 ... 256, in the standard's 14-bit scale.
INTERVALS = [1] + [2] * 15 + [4 << segment for segment in range(7) for _ in range(16)]
DECISION_VALUES = [sum(INTERVALS[:n]) for n in range(128)]
OUTPUT_VALUES = [0] + [DECISION_VALUES[n] + INTERVALS[n] // 2 for n in range(1, 128)]


def code_by_table(sample: int) -> int:
    value_number = bisect_right(DECISION_VALUES, abs(sample) / 4) - 1
    return (0x7F if sample < 0 else 0xFF) - value_number


def sample_by_table(code: int) -> int:
    magnitude = 4 * OUTPUT_VALUES[0x7F - (code & 0x7F)]
    return magnitude if code & 0x80 else -magnitude


def test_the_table_is_the_standards() -> None:
    assert [DECISION_VALUES[n] for n in range(16, 128, 16)] == [31, 95, 223, 479, 991, 2015, 4063]
    assert sum(INTERVALS) == 8159
    assert OUTPUT_VALUES[-1] == 8031


def test_every_code_decodes_to_its_output_value() -> None:
    assert decode_ulaw(ALL_CODES).tolist() == [sample_by_table(code) for code in range(256)]


def test_every_sample_encodes_by_the_decision_values() -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    assert encode_ulaw(samples) == bytes(code_by_table(sample) for sample in samples.tolist())


@pytest.mark.parametrize(
    ("sample", "code", "decoded"),
    [
        (0, 0xFF, 0),
        (-1, 0x7F, 0),
        (3, 0xFF, 0),
        (4, 0xFE, 8),
        (-4, 0x7E, -8),
        (124, 0xEF, 132),
        (1000, 0xCE, 988),
        (-1000, 0x4E, -988),
        (32767, 0x80, 32124),
        (-32768, 0x00, -32124),
    ],
)
def test_golden_bytes(sample: int, code: int, decoded: int) -> None:
    assert encode_ulaw(np.array([sample], np.int16)) == bytes([code])
    assert decode_ulaw(bytes([code])).tolist() == [decoded]


def test_decoding_and_encoding_again_keeps_every_code_but_negative_zero() -> None:
    assert encode_ulaw(decode_ulaw(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


def test_silence_is_ff() -> None:
    assert encode_ulaw(silence(8000)) == b"\xff" * 160


@given(st.binary(max_size=500))
def test_decoding_a_view_gives_fresh_samples(data: bytes) -> None:
    samples = decode_ulaw(memoryview(data))
    assert samples.dtype == np.int16
    assert samples.tolist() == [sample_by_table(code) for code in data]
    samples[:] = 1
    assert decode_ulaw(data).tolist() == [sample_by_table(code) for code in data]


# A-law's own: thirty-two intervals of 2 in the standard's 13-bit scale, then sixteen each of 4, 8 ... 128.
ALAW_INTERVALS = [2] * 32 + [4 << segment for segment in range(6) for _ in range(16)]
ALAW_DECISION_VALUES = [sum(ALAW_INTERVALS[:n]) for n in range(128)]


def alaw_code_by_table(sample: int) -> int:
    magnitude = sample if sample >= 0 else -1 - sample  # a value on the border goes to the interval nearer to zero
    value_number = bisect_right(ALAW_DECISION_VALUES, magnitude / 8) - 1
    return ((0x80 if sample >= 0 else 0) | value_number) ^ 0x55


def alaw_sample_by_table(code: int) -> int:
    value_number = (code ^ 0x55) & 0x7F
    magnitude = 8 * (ALAW_DECISION_VALUES[value_number] + ALAW_INTERVALS[value_number] // 2)
    return magnitude if code & 0x80 else -magnitude


def test_the_alaw_table_is_the_standards() -> None:
    assert [ALAW_DECISION_VALUES[n] for n in range(16, 128, 16)] == [32, 64, 128, 256, 512, 1024, 2048]
    assert sum(ALAW_INTERVALS) == 4096


def test_every_alaw_code_decodes_to_its_output_value() -> None:
    assert decode_alaw(ALL_CODES).tolist() == [alaw_sample_by_table(code) for code in range(256)]


def test_every_sample_encodes_by_alaws_decision_values() -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    assert encode_alaw(samples) == bytes(alaw_code_by_table(sample) for sample in samples.tolist())


def test_decoding_and_encoding_again_keeps_every_alaw_code() -> None:
    assert encode_alaw(decode_alaw(ALL_CODES)) == ALL_CODES


def test_alaw_silence_is_d5() -> None:
    assert encode_alaw(silence(8000)) == b"\xd5" * 160
    assert decode_alaw(b"\xd5\x55").tolist() == [8, -8]
