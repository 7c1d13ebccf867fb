"""Who answered whom, and how soon."""

import math

import pytest

from voxrun.trace.spans import Span
from voxrun.trace.turns import Turn, silence_after, turns_of

Times = list[tuple[float, float]]


def spans(times: Times) -> list[Span]:
    return [Span(*each) for each in times]


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ([], [], []),
        ([], [(1, 2), (3, 4)], [(None, (1, 2))]),
        ([(1, 2)], [], [((1, 2), None)]),
        ([(3, 4)], [(1, 2), (5, 6)], [(None, (1, 2)), ((3, 4), (5, 6))]),
        ([(1, 2), (3, 4)], [(5, 6)], [((1, 4), (5, 6))]),  # nobody answered in the pause
        ([(1, 2), (7, 8)], [(3, 4), (5, 6), (9, 10)], [((1, 2), (3, 4)), ((7, 8), (9, 10))]),
        ([(2, 5)], [(1, 3), (6, 7)], [(None, (1, 3)), ((2, 5), (6, 7))]),  # the caller broke in
        ([(2, 3)], [(1, 9)], [(None, (1, 9)), ((2, 3), None)]),  # and was not listened to
        ([(1, 2)], [(2, 3)], [((1, 2), (2, 3))]),
    ],
)
def test_turns(
    said: Times, heard: Times, expected: list[tuple[tuple[float, float] | None, tuple[float, float] | None]]
) -> None:
    assert [(turn.caller, turn.answer) for turn in turns_of(spans(said), spans(heard))] == expected


def test_the_time_to_answer_is_infinite_without_an_answer() -> None:
    assert Turn(Span(1, 2), Span(2.5, 3)).timeToAnswer == 0.5
    assert Turn(Span(1, 2), None).timeToAnswer == math.inf
    assert Turn(None, Span(1, 2)).timeToAnswer == math.inf


def test_silence_after_an_interruption() -> None:
    heard = spans([(1, 3), (4, 5)])
    assert [silence_after(time, heard) for time in (0.5, 2.5, 3.0, 4.25)] == [0, 0.5, 0, 0.75]
