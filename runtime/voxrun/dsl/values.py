"""What a `.vox` value may be, and what operators make of values.

Numbers (int, float), texts (str), true and false, null (None), lists (list), objects (dict), functions of the scenario
(FunctionType) and of the API (ApiFunction), promises, namespaces, and what the API gives out: units, event payloads and
messages. Functions here take the session's budget first where a result may be large.
"""

import inspect
import json
from collections.abc import Callable, Coroutine, Mapping
from types import FunctionType
from typing import Any

from voxrun.dsl.budget import Budget
from voxrun.errors import ScenarioError
from voxrun.events.message import Message

LARGEST = 2**53
"""Whole numbers are exact up to here."""

DEEPEST = 60
"""Lists and objects inside one another, where they are printed, compared or given to the API."""

NUMBERS = frozenset((int, float))
OBJECTS = frozenset((dict, Message))
PLAIN = frozenset((str, int, float, bool, type(None)))
"""What holds no other value."""


class Box:
    """A variable that a function made in a loop keeps: each round has another one."""

    __slots__ = ("name", "value")

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any


class Promise:
    """What a call of an asynchronous function gives: `await` has it run."""

    __slots__ = ("coroutine", "name", "own")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], name: str, *, own: bool) -> None:
        self.coroutine = coroutine
        self.name = name
        self.own = own
        """Whether it is of a function of the scenario's, whose values need no gate."""

    def __del__(self) -> None:
        if inspect.getcoroutinestate(self.coroutine) == inspect.CORO_CREATED:
            self.coroutine.close()  # nobody wanted it: no need for Python's own warning


class Namespace:
    """`VoxEngine`, `CallEvents`: a name with members, each made when it is asked for."""

    __slots__ = ("members", "name")

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self.name = name
        self.members = members


class ApiFunction:
    """A function of the call API. As a handler it is given no more arguments than it needs."""

    __slots__ = ("call", "function", "is_native", "name")

    def __init__(
        self, name: str, function: Callable[..., Any], call: Callable[..., Any], *, is_native: bool = False
    ) -> None:
        self.name = name
        self.function = function
        self.call = call
        self.is_native = is_native
        """Whether it is the language's own, which takes and gives the scenario's own values."""

    def __call__(self, *arguments: Any) -> Any:
        needed = [it for it in inspect.signature(self.function).parameters.values() if it.default is it.empty]
        result = self.call(self, *arguments[: len([it for it in needed if it.kind <= it.POSITIONAL_OR_KEYWORD])])
        return result.coroutine if type(result) is Promise else result

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return type(other) is ApiFunction and self.function == other.function

    def __hash__(self) -> int:
        return hash(self.function)


def describe(value: object) -> str:
    """What kind of value that is, for messages."""
    kind = type(value)
    if value is None:
        return "null"
    if kind in _KINDS:
        return _KINDS[kind]
    name = getattr(value, "id", None)
    return str(name()) if callable(name) else f"a {kind.__name__}"


_KINDS: dict[type, str] = {
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    Message: "a message",
    FunctionType: "a function",
    ApiFunction: "a function",
    Promise: "a promise",
    Namespace: "a namespace",
}


def wrong(what: str, *values: object) -> ScenarioError:
    """An error about values, with advice when one of them is a promise."""
    for value in values:
        if type(value) is Promise:
            return ScenarioError(f"{value.name} gives a promise: put `await` before it")
    return ScenarioError(what)


# Truth and comparison


def truth(value: object) -> bool:
    """False for false, null, 0 and ""; lists and objects are true."""
    kind = type(value)
    if kind in PLAIN:
        return bool(value)
    if kind is Promise:
        raise wrong("", value)
    return True


def equal(budget: Budget, left: object, right: object, depth: int = 0) -> bool:
    """Whether two values are the same; values of different kinds never are."""
    kind = type(left)
    if kind is not type(right):
        if kind in OBJECTS and type(right) in OBJECTS:
            return _equal_objects(budget, left, right, depth)
        return kind in NUMBERS and type(right) in NUMBERS and left == right
    if kind in PLAIN:
        if isinstance(left, str):
            budget.compare(left)
        return left == right
    if kind is list:
        return left is right or _equal_lists(budget, left, right, depth)
    if kind in OBJECTS:
        return left is right or _equal_objects(budget, left, right, depth)
    if kind is Promise:
        raise wrong("", left)
    return left is right or (kind is ApiFunction and left == right)


def _equal_lists(budget: Budget, left: Any, right: Any, depth: int) -> bool:
    _check_depth(depth)
    if len(left) != len(right):
        return False
    for one, other in zip(left, right, strict=True):
        budget.spend(4)
        if not equal(budget, one, other, depth + 1):
            return False
    return True


def _equal_objects(budget: Budget, left: Any, right: Any, depth: int) -> bool:
    _check_depth(depth)
    if len(left) != len(right):
        return False
    for key, one in left.items():
        budget.spend(4)
        budget.compare(key)
        if key not in right or not equal(budget, one, right[key], depth + 1):
            return False
    return True


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise ScenarioError(f"more than {DEEPEST} lists and objects inside one another: does one hold itself?")


def less(budget: Budget, left: Any, right: Any) -> bool:
    """`left < right`."""
    _check_order(budget, left, right)
    return bool(left < right)


def less_or_equal(budget: Budget, left: Any, right: Any) -> bool:
    """`left <= right`."""
    _check_order(budget, left, right)
    return bool(left <= right)


def greater(budget: Budget, left: Any, right: Any) -> bool:
    """`left > right`."""
    return less(budget, right, left)


def greater_or_equal(budget: Budget, left: Any, right: Any) -> bool:
    """`left >= right`."""
    return less_or_equal(budget, right, left)


def _check_order(budget: Budget, left: object, right: object) -> None:
    if type(left) is str and type(right) is str:
        budget.compare(left)
    elif type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise wrong(f"{describe(left)} and {describe(right)} have no order: compare numbers, or texts", left, right)


# Arithmetic


def number(value: float) -> int | float:
    """A number as the language has it: whole ones are int. ScenarioError when it is too large."""
    if type(value) is float:
        if value.is_integer() and -LARGEST <= value <= LARGEST:
            return int(value)
        if value - value == 0:  # neither infinite nor none at all
            return value
    elif -LARGEST <= value <= LARGEST:
        return value
    raise ScenarioError("this number is too large")


def add(budget: Budget, left: Any, right: Any) -> Any:
    """`left + right`: two numbers or two texts."""
    kind = type(left)
    if kind is int and type(right) is int:
        total = left + right
        if -LARGEST <= total <= LARGEST:
            return total
    if kind is str and type(right) is str:
        return budget.keep(left + right)
    if kind in NUMBERS and type(right) in NUMBERS:
        return number(left + right)
    hint = ': write a text with both in it, such as "${a}${b}"' if str in (kind, type(right)) else ""
    raise wrong(f"{describe(left)} and {describe(right)} can't be added{hint}", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    _check_numbers("-", left, right)
    return number(left - right)


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    _check_numbers("*", left, right)
    return number(left * right)


def divide(left: Any, right: Any) -> Any:
    """`left / right`."""
    _check_numbers("/", left, right)
    if right == 0:
        raise ScenarioError("division by 0")
    return number(left / right)


def remainder(left: Any, right: Any) -> Any:
    """`left % right`, with the sign of `left`."""
    _check_numbers("%", left, right)
    if right == 0:
        raise ScenarioError("division by 0")
    rest = abs(left) % abs(right)
    return number(-rest if left < 0 else rest)


def negative(value: Any) -> Any:
    """`-value`."""
    if type(value) not in NUMBERS:
        raise wrong(f"- needs a number after it, not {describe(value)}", value)
    return -value


def _check_numbers(operator: str, left: object, right: object) -> None:
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise wrong(f"{operator} needs two numbers, not {describe(left)} and {describe(right)}", left, right)


# Texts


def template(budget: Budget, *parts: Any) -> str:
    """A text with values in it."""
    texts = [part if type(part) is str else text(budget, part) for part in parts]
    budget.check_text(sum(map(len, texts)))
    return budget.keep("".join(texts))


def text(budget: Budget, value: Any) -> str:
    """A value as people read it: lists and objects as JSON, units by their id."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind in PLAIN:
        return _plain(value)
    if kind is list or kind in OBJECTS:
        pieces: list[str] = []
        _write(budget, value, 0, pieces)
        budget.check_text(sum(map(len, pieces)))
        return budget.keep("".join(pieces))
    return _name(value)


def written(budget: Budget, value: object) -> str:
    """A value as scenarios write it, for messages: a text in quotation marks."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text(budget, value)


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


def _name(value: Any) -> str:
    kind = type(value)
    if kind is Promise:
        raise wrong("", value)
    if kind is FunctionType:
        name = value.__name__.partition("#")[0]
        return name if name == "fn" else f"fn {name}"
    if kind in (ApiFunction, Namespace):
        return str(value.name)
    return describe(value)


def _write(budget: Budget, value: Any, depth: int, pieces: list[str]) -> None:
    """Add `value` as JSON to `pieces`."""
    budget.spend(4)
    kind = type(value)
    if kind is list:
        _check_depth(depth)
        for index, item in enumerate(value):
            pieces.append(", " if index else "[")
            _write(budget, item, depth + 1, pieces)
        pieces.append("]" if value else "[]")
    elif kind in OBJECTS:
        _check_depth(depth)
        for index, (key, item) in enumerate(value.items()):
            pieces.append(", " if index else "{")
            _write(budget, key, depth, pieces)
            pieces.append(": ")
            _write(budget, item, depth + 1, pieces)
        pieces.append("}" if value else "{}")
    elif kind in PLAIN and kind is not str:
        pieces.append(_plain(value))
    else:
        quoted = value if kind is str else _name(value)
        budget.spend(len(quoted) >> 4)
        pieces.append(json.dumps(quoted, ensure_ascii=False))


# The language's own functions


def number_in(value: Any) -> int | float | None:
    """The number that a text says, or null when it says none."""
    if type(value) in NUMBERS:
        return number(value)
    if type(value) is not str:
        raise wrong(f"number() takes a text, not {describe(value)}", value)
    trimmed = value.strip() if len(value) < 100 else ""
    unsigned = trimmed.removeprefix("-")
    whole, dot, part = unsigned.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (dot and not (part.isascii() and part.isdigit())):
        return None
    return number(float(trimmed))


def rounded(value: Any) -> int | float:
    """The nearest whole number; a half goes up."""
    if type(value) not in NUMBERS:
        raise wrong(f"round() takes a number, not {describe(value)}", value)
    return value if type(value) is int else number((value + 0.5) // 1)


def parsed(budget: Budget, value: Any) -> Any:
    """The value that a text in JSON says, or null when it says none."""
    if type(value) is not str:
        raise wrong(f"parse() takes a text, not {describe(value)}", value)
    budget.spend(50 + (len(value) >> 2))
    budget.grow(16 * len(value))
    try:
        return json.loads(value, parse_int=_json_number, parse_float=_json_number, parse_constant=_no_number)
    except (ValueError, RecursionError, ScenarioError):  # the last for a number that is too large
        return None


def _json_number(digits: str) -> int | float:
    if len(digits) > 400:
        raise ValueError
    return number(float(digits))


def _no_number(name: str) -> None:
    raise ValueError(name)
