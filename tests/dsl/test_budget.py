"""What a session may use, and when there is more."""

from collections.abc import Callable
from typing import Any

import pytest

from voxrun.dsl import values
from voxrun.dsl.budget import DEPTH, MEMORY, SPARE, STEPS, TEXT_LIMIT, Budget, ExhaustedError
from voxrun.dsl.census import Census
from voxrun.dsl.members import METHODS
from voxrun.dsl.values import Box


class Clock:
    """Ticks by hand."""

    def __init__(self) -> None:
        self.ticks = 0
        self.kept = 0

    def tick(self) -> int:
        """How many there were."""
        return self.ticks

    def census(self) -> tuple[int, int]:
        """What is kept, and that it took a look at one value."""
        return self.kept, 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(clock.tick, clock.census)


def test_within_a_tick_there_is_no_more(budget: Budget) -> None:
    budget.spend(STEPS)
    for _ in range(3):
        with pytest.raises(ExhaustedError, match="takes too long"):
            budget.spend(1)


def test_with_the_next_tick_there_is_as_much_again(budget: Budget, clock: Clock) -> None:
    for _ in range(5):
        budget.spend(STEPS)
        clock.ticks += 1
    clock.ticks += 100
    budget.spend(1)
    with pytest.raises(ExhaustedError):
        budget.spend(STEPS)


def test_what_took_far_too_long_is_not_forgiven_by_a_tick(budget: Budget, clock: Clock) -> None:
    clock.ticks += 1
    with pytest.raises(ExhaustedError):
        budget.spend(3 * STEPS)


def test_a_text_has_a_greatest_length(budget: Budget) -> None:
    assert budget.keep("x" * TEXT_LIMIT)
    with pytest.raises(ExhaustedError, match="at most 1000000"):
        budget.keep("x" * (TEXT_LIMIT + 1))


def test_what_is_kept_no_more_makes_room(budget: Budget, clock: Clock) -> None:
    for _ in range(20):
        budget.grow(MEMORY // 2)
    clock.kept = MEMORY - SPARE + 1
    with pytest.raises(ExhaustedError, match="keeps too much"):
        budget.grow(MEMORY + 1)


def test_calls_have_a_greatest_depth(budget: Budget) -> None:
    for _ in range(DEPTH):
        budget.enter()
    with pytest.raises(ExhaustedError, match="100 calls inside one another"):
        budget.enter()


def test_a_census_counts_each_thing_once_and_follows_all_ways() -> None:
    long = "x" * 10_000
    box = Box("boxed")
    box.value = long + "1"
    inner: list[Any] = [long + "2"]
    inner.append(inner)

    def holding(text: str) -> Any:
        return lambda: text

    namespace: dict[str, Any] = {
        "_own": long * 100,
        "a": long,
        "b": long,
        "c": {"k": inner, "same": inner},
        "d": holding(long + "3"),
        "e": box,
    }
    census = Census(namespace)
    given = holding(long + "4")
    census.given.add(given)
    size, looked_at = census.take()
    assert 5 * 10_000 < size < 5 * 10_000 + 3_000
    assert looked_at < 30
    del given
    assert census.take()[0] < size - 10_000


def test_a_census_of_far_too_much_stops_early() -> None:
    size, looked_at = Census({"all": [[str(n)] for n in range(200_000)]}).take()
    assert size >= MEMORY
    assert looked_at <= 200_002


LONG, EQUAL, SPACES = "a" * TEXT_LIMIT, "a" * (TEXT_LIMIT // 2) * 2, " " * TEXT_LIMIT


@pytest.mark.parametrize(
    "work",
    [
        lambda budget: METHODS[str]["trim"][0](budget, SPACES),
        lambda budget: METHODS[str]["startsWith"][0](budget, LONG, EQUAL),
        lambda budget: METHODS[str]["endsWith"][0](budget, LONG, EQUAL),
        lambda budget: METHODS[list]["includes"][0](budget, [LONG] * 10, EQUAL[:-1] + "b"),
        lambda budget: values.equal(budget, LONG, EQUAL),
        lambda budget: values.equal(budget, {LONG: 1}, {EQUAL: 1}),
        lambda budget: values.less(budget, LONG, EQUAL),
        lambda budget: values.greater_or_equal(budget, LONG, EQUAL),
    ],
)
def test_what_looks_at_all_of_a_long_text_counts_for_that(budget: Budget, work: Callable[[Budget], object]) -> None:
    def again_and_again() -> None:
        for _ in range(100):
            work(budget)

    with pytest.raises(ExhaustedError, match="takes too long"):
        again_and_again()
