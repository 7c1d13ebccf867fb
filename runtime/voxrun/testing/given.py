"""`Given`, `check_given`: what a test gives the kit is held against the annotations of what takes it.

No type check may have seen the test. An error names the parameter, and its traceback the test's own line.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Real
from types import NoneType
from typing import Annotated, Any, TypeAlias, TypeGuard, get_args, get_type_hints

from voxrun.audio.frame import SESSION_RATES
from voxrun.errors import ConfigurationError
from voxrun.nearest import nearest
from voxrun.protocol.elevenlabs.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Only:
    """What a parameter takes, in words, and whether something is that."""

    words: str
    fits: Callable[[Any], bool]
    is_secret: bool = False
    """Whether nobody may see what was given."""


def is_number(given: object) -> TypeGuard[float]:
    """Whether it is a number; infinity is one."""
    return isinstance(given, Real) and not isinstance(given, bool) and given == given


def is_json(given: object) -> bool:
    """Whether JSON has words for it."""
    try:
        json.dumps(given)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def is_status(given: object) -> bool:
    """Whether a server may reply with it."""
    return type(given) is int and 200 <= given < 600


def are_texts(given: object) -> bool:
    """Whether it is a list of texts, which a text is not."""
    return not isinstance(given, str) and isinstance(given, Sequence) and all(isinstance(it, str) for it in given)


def are_named_texts(given: object) -> bool:
    """Whether it has texts by names."""
    return isinstance(given, Mapping) and are_texts([*given, *given.values()])


Seconds: TypeAlias = Annotated[float, Only("a number of seconds, 0 or more", lambda it: is_number(it) and it >= 0)]
Positive: TypeAlias = Annotated[float, Only("a number above 0", lambda it: is_number(it) and it > 0)]
Milliseconds: TypeAlias = Annotated[int, Only("a number of ms above 0", lambda it: is_number(it) and it > 0)]
Share: TypeAlias = Annotated[float, Only("a share, from 0 to 1", lambda it: is_number(it) and 0 <= it <= 1)]
Decibels: TypeAlias = Annotated[float, Only("a level in dBFS, 0 or less", lambda it: is_number(it) and it <= 0)]
Rate: TypeAlias = Annotated[int, Only(f"a rate in Hz of {SESSION_RATES}", lambda it: it in SESSION_RATES)]
Format: TypeAlias = Annotated[str, Only(f"one of {', '.join(FORMATS)}", lambda it: it in list(FORMATS))]
Refusal: TypeAlias = Annotated[int, Only("a status of HTTP, or 0 for none", lambda it: it == 0 or is_status(it))]
Texts: TypeAlias = Annotated[Sequence[str], Only("a list of texts", are_texts)]
NamedTexts: TypeAlias = Annotated[Mapping[str, str], Only('texts by name, such as {"a": "b"}', are_named_texts)]
JSON = Only("a text, or an object for JSON", lambda it: isinstance(it, Mapping | list) and is_json(it))
"""What is no text and becomes one."""

SECRETS = Only("texts by name", are_named_texts, is_secret=True)

JsonObject: TypeAlias = Annotated[
    Mapping[str, Any], Only("an object for JSON", lambda it: isinstance(it, Mapping) and is_json(it))
]

_PLAIN = {
    str: Only("a text", lambda it: isinstance(it, str)),
    bool: Only("True or False", lambda it: isinstance(it, bool)),
    int: Only("a whole number", lambda it: type(it) is int),
    float: Only("a number", is_number),
}


class Given:
    """What a dataclass is that tests make: it takes what its annotations say."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """ConfigurationError for the first field that is something else."""
        shape: type = type(self)
        for name, only in _taken_by(shape).items():
            check(name, getattr(self, name), only)


def check_given(function: str, shape: type, given: Mapping[str, Any]) -> None:
    """ConfigurationError for a parameter that the TypedDict `shape` does not have, or has otherwise."""
    for name in given:
        if name not in shape.__annotations__:
            near = nearest(name, shape.__annotations__)
            advice = f"did you mean '{near}'?" if near else f"it has {', '.join(shape.__annotations__)}"
            raise ConfigurationError(f"{function} has no parameter '{name}'; {advice}")
    for name, only in _taken_by(shape).items():
        if name in given:
            check(name, given[name], only)


def check(name: str, given: object, only: Only) -> None:
    """ConfigurationError unless it is what the parameter takes."""
    if not only.fits(given):
        instead = "something else" if only.is_secret else repr(given)
        raise ConfigurationError(f"{name}= takes {only.words}, but was given {instead}")


@cache
def _taken_by(shape: type) -> Mapping[str, Only]:
    hints = get_type_hints(shape, include_extras=True)
    return {name: only for name, hint in hints.items() if (only := _only(hint)) is not None}


def _only(hint: Any) -> Only | None:
    """None for what others look at: lists of steps, functions, audio."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type):
        return Only(f"a {hint.__name__}", lambda it: isinstance(it, hint))
    first, *others = get_args(hint) or (hint,)
    if others != [NoneType]:
        return next((it for it in others if isinstance(it, Only)), None)
    only = None if isinstance(first, type) and first not in _PLAIN else _only(first)
    return only and Only(f"{only.words}, or None", lambda it: it is None or only.fits(it))
