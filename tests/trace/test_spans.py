"""Stretches of time."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.trace.spans import Span, spans_of


def test_a_span_knows_its_length_and_what_lies_in_it() -> None:
    span = Span(1.0, 2.5)
    assert span.seconds == 1.5
    assert (1.0 in span, 2.4 in span, 2.5 in span, 0.9 in span) == (True, True, False, False)
    assert str(span) == "1.00-2.50 s"


@pytest.mark.parametrize(
    ("loud", "gap", "expected"),
    [
        ([], 0.0, []),
        ([0, 0, 0], 0.0, []),
        ([1], 0.0, [(5.0, 5.5)]),
        ([0, 1, 1, 0, 1], 0.0, [(5.5, 6.5), (7.0, 7.5)]),
        ([0, 1, 1, 0, 1], 0.6, [(5.5, 7.5)]),
        ([1, 0, 0, 1], 1.0, [(5.0, 5.5), (6.5, 7.0)]),
    ],
)
def test_spans_are_where_it_is_loud(loud: list[int], gap: float, expected: list[tuple[float, float]]) -> None:
    assert [tuple(span) for span in spans_of(np.array(loud, bool), 2.0, 5.0, gap)] == expected


@given(st.lists(st.booleans()), st.floats(0, 3))
def test_spans_cover_all_that_is_loud_and_are_a_gap_apart(loud: list[bool], gap: float) -> None:
    spans = spans_of(np.array(loud, bool), 1.0, 0.0, gap)
    assert all(any(number in span for span in spans) for number, is_loud in enumerate(loud) if is_loud)
    assert all(loud[round(span.begin)] and loud[round(span.end) - 1] for span in spans)
    assert all(later.begin - span.end >= max(gap, 1) for span, later in pairwise(spans))
