"""Parameters that VoxEngine takes as one object: here a mapping, keyword arguments of the same names, or both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, wraps
from numbers import Real
from os import PathLike
from typing import Any, Protocol, TypeVar, cast, get_type_hints, overload

from voxrun.absent import absent_parameter
from voxrun.errors import ScenarioError
from voxrun.nearest import nearest
from voxrun.shown import shown

M = TypeVar("M", bound=Mapping[str, Any])
M_ = TypeVar("M_", bound=Mapping[str, Any], contravariant=True)
R = TypeVar("R", covariant=True)


class OneObject(Protocol[M_, R]):
    """Takes a mapping, or keyword arguments, or both."""

    @overload
    def __call__(self, parameters: M_, /, **keywords: Any) -> R: ...
    @overload
    def __call__(self, **keywords: Any) -> R: ...


class OneObjectMethod(Protocol[M_, R]):
    """A method of that kind."""

    def __get__(self, unit: object, kind: type | None = None) -> OneObject[M_, R]:
        """As any function in a class."""


def one_object(method: Callable[[Any, M], R]) -> OneObjectMethod[M, R]:
    """A method that takes one mapping, which it checks itself: from now on, keyword arguments instead as well."""

    @wraps(method)
    def either(unit: object, parameters: M | None = None, /, **keywords: Any) -> R:
        if parameters is None and not keywords:
            raise ScenarioError(f"{method.__name__} needs parameters, by name or as one dict")
        return method(unit, cast(M, _united(method.__name__, parameters, keywords)))

    return cast(OneObjectMethod[M, R], either)


def text_of(function: str, given: object) -> str:
    """ScenarioError for what is no text, which no type check has seen."""
    if not isinstance(given, str):
        raise ScenarioError(f"{function} needs a text, but was given {shown(given)}")
    return given


def bytes_of(function: str, name: str, given: object) -> bytes:
    """What is to be sent as `name`: a text, bytes, or a list of them. ScenarioError for anything else."""
    if isinstance(given, str):
        return given.encode()
    if isinstance(given, Sequence | bytearray):
        with suppress(TypeError, ValueError):
            return bytes(given)
    raise ScenarioError(
        f"{function} needs a text or bytes as {name}, but was given {shown(given)}: make JSON of it first"
    )


def several(given: object) -> tuple[Any, ...]:
    """All that is in a list; of anything else only that, for whoever looks at each to refuse it."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def milliseconds_of(function: str, given: float) -> float:
    """ScenarioError for what is no number, which no type check has seen."""
    if not isinstance(given, Real):
        raise ScenarioError(f"{function} needs its time as a number of ms, but was given {shown(given)}")
    return given


def status_of(function: str, given: int) -> int:
    """ScenarioError for a SIP status that is no number, which no type check has seen."""
    if not isinstance(given, int):
        raise ScenarioError(f"{function} needs its code as a number, such as 486, but was given {shown(given)}")
    return given


def merged(function: str, shape: type, given: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """One dict of `given` and `keywords`, checked against `shape`, a TypedDict.

    ScenarioError for a name that the shape does not have, with the nearest it has, for a required one that is missing,
    and for what should be a text and is none. None stands for an optional one that is not given.
    """
    values = _united(function, given, keywords)
    known = shape.__annotations__
    for name in values:
        if name not in known:
            near = nearest(name, known)
            advice = absent_parameter(name) or (f"did you mean '{near}'?" if near else f"it has {', '.join(known)}")
            raise ScenarioError(f"{function} has no parameter '{name}'; {advice}")
    required: frozenset[str] = getattr(shape, "__required_keys__", frozenset())
    for name in sorted(required - set(values)):
        raise ScenarioError(f"{function} needs the parameter '{name}'")
    for name in sorted(_texts(shape) & set(values)):
        value = values[name]
        if not isinstance(value, str | PathLike) and (value is not None or name in required):
            raise ScenarioError(f"{function} needs a text as '{name}', but was given {shown(value)}")
    return values


@lru_cache
def _texts(shape: type) -> frozenset[str]:
    return frozenset(name for name, kind in get_type_hints(shape).items() if kind is str)


def _united(function: str, given: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping | None):
        raise ScenarioError(f"{function} takes its parameters by name or as one dict, but was given {shown(given)}")
    return {**(given or {}), **keywords}
