"""The members of texts and lists, under JavaScript's names: each function gets the budget, the value, the arguments."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from voxrun.dsl.budget import Budget
from voxrun.dsl.values import NUMBERS, describe, equal, text, wrong

Method: TypeAlias = Callable[..., Any]

ITEM_BYTES = 64
"""What an item of a list, or a key, counts for."""

_LONG, _LONG_PART = 30_000, 100
"""Where Python's search turns to a method that is linear in the text."""


def whole(value: Any, what: str) -> int:
    """A whole number. ScenarioError for anything else."""
    if type(value) is not int:
        raise wrong(f"{what} is a whole number, not {'a broken one' if type(value) in NUMBERS else describe(value)}")
    return int(value)


def _text(value: Any, what: str) -> str:
    if type(value) is not str:
        raise wrong(f"{what} takes a text, not {describe(value)}", value)
    return str(value)


def _search(budget: Budget, value: str, part: str) -> None:
    """Count a search: at worst it compares all of `part` everywhere, in a long text less."""
    length = len(value)
    budget.spend(length * len(part) >> 7 if length < _LONG and len(part) < _LONG_PART else length >> 3)


def _slice(length: int, start: Any, end: Any) -> slice:
    first = 0 if start is None else whole(start, "where a slice starts")
    last = length if end is None else whole(end, "where a slice ends")
    return slice(first, last)


# Texts


def _includes(budget: Budget, value: str, part: Any) -> bool:
    _search(budget, value, _text(part, "includes"))
    return part in value


def _starts_with(budget: Budget, value: str, part: Any) -> bool:
    budget.compare(_text(part, "startsWith"))
    return value.startswith(part)


def _ends_with(budget: Budget, value: str, part: Any) -> bool:
    budget.compare(_text(part, "endsWith"))
    return value.endswith(part)


def _index_of(budget: Budget, value: str, part: Any) -> int:
    _search(budget, value, _text(part, "indexOf"))
    return value.find(part)


def _slice_text(budget: Budget, value: str, start: Any, end: Any = None) -> str:
    return budget.keep(value[_slice(len(value), start, end)])


def _split(budget: Budget, value: str, separator: Any) -> list[str]:
    between = _text(separator, "split")
    _search(budget, value, between)
    count = value.count(between) + 1 if between else len(value)
    budget.check_list(count)
    budget.spend(count + (len(value) >> 6))
    budget.grow(count * ITEM_BYTES + len(value))
    return value.split(between) if between else list(value)


def _trim(budget: Budget, value: str) -> str:
    budget.spend(len(value) >> 6)  # it may be nothing but spaces
    return budget.keep(value.strip())


def _replace(budget: Budget, value: str, part: Any, by: Any) -> str:
    _search(budget, value, _text(part, "replace"))
    return budget.keep(value.replace(part, _text(by, "replace"), 1))


def _lower(budget: Budget, value: str) -> str:
    budget.spend(len(value) >> 5)
    return budget.keep(value.lower())


def _upper(budget: Budget, value: str) -> str:
    budget.spend(len(value) >> 5)
    return budget.keep(value.upper())


# Lists


def _push(budget: Budget, value: list[Any], item: Any) -> int:
    budget.check_list(len(value) + 1)
    budget.grow(ITEM_BYTES)
    value.append(item)
    return len(value)


def _pop(_: Budget, value: list[Any]) -> Any:
    return value.pop() if value else None


def _includes_item(budget: Budget, value: list[Any], item: Any) -> bool:
    return _index_of_item(budget, value, item) >= 0


def _index_of_item(budget: Budget, value: list[Any], item: Any) -> int:
    for index, each in enumerate(value):
        budget.spend(4)
        if equal(budget, each, item):
            return index
    return -1


def _join(budget: Budget, value: list[Any], separator: Any = None) -> str:
    between = "," if separator is None else _text(separator, "join")
    budget.spend(2 * len(value))
    texts = [each if type(each) is str else text(budget, each) for each in value]
    budget.check_text(sum(map(len, texts)) + len(between) * max(0, len(texts) - 1))
    return budget.keep(between.join(texts))


def _slice_list(budget: Budget, value: list[Any], start: Any = None, end: Any = None) -> list[Any]:
    part = value[_slice(len(value), start, end)]
    budget.spend(len(part) >> 3)
    budget.grow(len(part) * ITEM_BYTES)
    return part


METHODS: Mapping[type, Mapping[str, tuple[Method, int, int]]] = {
    str: {
        "includes": (_includes, 1, 1),
        "startsWith": (_starts_with, 1, 1),
        "endsWith": (_ends_with, 1, 1),
        "indexOf": (_index_of, 1, 1),
        "slice": (_slice_text, 1, 2),
        "split": (_split, 1, 1),
        "trim": (_trim, 0, 0),
        "replace": (_replace, 2, 2),
        "toLowerCase": (_lower, 0, 0),
        "toUpperCase": (_upper, 0, 0),
    },
    list: {
        "push": (_push, 1, 1),
        "pop": (_pop, 0, 0),
        "includes": (_includes_item, 1, 1),
        "indexOf": (_index_of_item, 1, 1),
        "join": (_join, 0, 1),
        "slice": (_slice_list, 0, 2),
    },
}
"""By kind of value: the function, and how few and how many arguments it takes."""
