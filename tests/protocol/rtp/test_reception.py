"""Sequence numbers, loss and jitter as RFC 3550's appendix A has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.rtp.reception import Loss, Reception


def receive(*sequences: int) -> Reception:
    reception = Reception(sequences[0])
    for sequence in sequences:
        reception.number(sequence)
    return reception


def test_numbers_go_on_over_the_wrap() -> None:
    reception = Reception(65534)
    assert [reception.number(n) for n in (65534, 65535, 0, 1)] == [65534, 65535, 65536, 65537]


def test_stragglers_get_their_own_numbers() -> None:
    reception = Reception(65535)
    assert [reception.number(n) for n in (65535, 1, 0, 2)] == [65535, 65537, 65536, 65538]


@pytest.mark.parametrize("again", [(5,), (4,), (6,)])
def test_a_duplicate_is_none_and_counted(again: tuple[int]) -> None:
    reception = receive(4, 5, 6)
    assert reception.number(*again) is None
    assert reception.received == 4


@pytest.mark.parametrize(
    ("sequence", "number"), [(1000 + 2999, 3999), (1000 - 99, 901), (1000 + 3000, None), (900, None)]
)
def test_the_bounds_of_dropout_and_misorder(sequence: int, number: int | None) -> None:
    reception = receive(1000)
    assert reception.number(sequence) == number
    assert reception.misplaced == (number is None)


def test_two_misplaced_in_a_row_are_a_restart() -> None:
    reception = receive(1000, 1001)
    assert reception.number(30000) is None
    assert reception.number(30001) == 30001
    assert reception.restarts == 1
    assert reception.number(30002) == 30002


def test_two_misplaced_with_one_between_are_none() -> None:
    reception = receive(1000)
    assert [reception.number(n) for n in (30000, 1001, 30001)] == [None, 1001, None]
    assert reception.restarts == 0


def test_loss_since_the_last_report_and_in_all() -> None:
    reception = receive(0, 1, 2, 4)
    assert reception.loss() == Loss(256 * 1 // 5, 1)
    for sequence in (5, 6, 7, 8):
        reception.number(sequence)
    assert reception.loss() == Loss(0, 1)
    assert reception.loss() == Loss(0, 1)


def test_duplicates_make_the_loss_negative() -> None:
    assert receive(0, 1, 1, 1).loss() == Loss(0, -2)


def test_the_cumulative_loss_is_held_at_24_bits() -> None:
    reception = receive(0)
    for round_number in range(3000):
        reception.number(round_number * 2999 % 65536)
    assert reception.loss().cumulative == (1 << 23) - 1


def test_jitter_is_a_sixteenth_of_each_change() -> None:
    reception = Reception(0)
    for timestamp, arrival in ((0, 1.0), (160, 1.02), (320, 1.05)):
        reception.timed(timestamp, arrival, 8000)
    assert reception.jitter == pytest.approx(80 / 16)


def test_jitter_knows_nothing_of_the_timestamps_wrap() -> None:
    reception = Reception(0)
    for timestamp, arrival in (((1 << 32) - 160, 1.0), (0, 1.02), (160, 1.04)):
        reception.timed(timestamp, arrival, 8000)
    assert reception.jitter == pytest.approx(0, abs=1e-6)


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=300))
def test_no_number_is_given_twice_between_restarts(sequences: list[int]) -> None:
    reception = Reception(sequences[0])
    seen: set[tuple[int, int]] = set()
    for sequence in sequences:
        number = reception.number(sequence)
        if number is not None:
            assert number % 65536 == sequence
            assert (reception.restarts, number) not in seen
            seen.add((reception.restarts, number))
