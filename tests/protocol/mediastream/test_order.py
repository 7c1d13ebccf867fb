"""Numbered pieces: in order whatever comes first, and never long behind one that does not come."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.mediastream.order import MOST_BEHIND, MOST_WAITING, Order


def heard(order: Order, numbers: Iterable[int]) -> list[int]:
    """What is heard when these come, as its user asks for it."""
    told: list[int] = []
    for number in numbers:
        if number == order.next:
            order.next += 1
            told.append(number)
        else:
            told += [int(piece) for piece in order.put(number, b"%d" % number)]
    return told


@given(st.lists(st.floats(0, MOST_WAITING, exclude_max=True), max_size=50))
def test_who_is_overtaken_by_less_than_may_wait_comes_in_turn(delays: list[float]) -> None:
    order = Order()
    numbers = range(1, len(delays) + 1)
    assert heard(order, sorted(numbers, key=lambda number: number + delays[number - 1])) == list(numbers)
    assert order.late == 0


def test_one_that_is_lost_is_waited_for_until_so_many_came_after_it() -> None:
    order = Order()
    assert heard(order, [1, 3, 4]) == [1]
    assert heard(order, [5]) == [3, 4, 5]
    assert heard(order, [2, 4, 6]) == [6]
    assert heard(order, [6, 7]) == [7]
    assert order.late == 3


@given(st.sets(st.integers(1, 60), max_size=30))
def test_lost_ones_keep_nobody_back(lost: set[int]) -> None:
    order = Order()
    came = [number for number in range(1, 61) if number not in lost]
    told = heard(order, [*came, 61, 62, 63])
    assert told == [*came, 61, 62, 63]
    assert order.late == 0


def test_a_count_that_begins_again_is_followed() -> None:
    order = Order()
    assert heard(order, [*range(1, 200), 201]) == list(range(1, 200))
    assert heard(order, [1]) == [1]
    assert heard(order, range(2, 203)) == list(range(2, 203))
    assert order.late == 0
    assert heard(order, [1, 2, 3]) == [1, 2, 3]
    assert heard(order, [500, 1, 4, 5]) == [4, 5]
    assert order.late == 1
    assert heard(order, [MOST_BEHIND * 9, 6, 7]) == [6, 7]


@given(st.lists(st.integers()))
def test_numbers_of_any_kind_do_no_harm_for_long(numbers: list[int]) -> None:
    order = Order()
    told = heard(order, numbers)
    assert len(told) + order.late <= len(numbers)
    known = max((number for number in numbers if abs(number) < 1 << 40), default=0)
    after = range(known + 1, known + 2 * MOST_BEHIND)
    assert heard(order, after)[-1] == after[-1]
