"""`Given`, `check_given`: what a test gives the kit is held against the annotations of what takes it.

No type check may have seen the test. An error names the parameter, and its traceback the test's own line.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
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


def a_time(given: object) -> float:
    """It. ConfigurationError for what is no number: an event is easily given in place of its time."""
    if not is_number(given):
        raise ConfigurationError(f"a time is a number of seconds, not {given!r}")
    return given


def is_whole(given: object) -> TypeGuard[int]:
    """Whether it is a whole number, of numpy's or of an enumeration too."""
    return isinstance(given, Integral) and not isinstance(given, bool)


def is_json(given: object) -> bool:
    """Whether JSON has words for it."""
    try:
        json.dumps(given)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def own(given: object) -> Any:
    """A text or number as Python's own: msgspec has no words for others, and the clock becomes what it is given."""
    if isinstance(given, str):
        return str.__str__(given)
    if type(given) in (int, float) or not is_number(given):
        return given
    return int(given) if is_whole(given) else float(given)


def own_json(given: object) -> Any:
    """The same for all that is in what JSON has words for."""
    return json.loads(json.dumps(given))


def is_status(given: object) -> TypeGuard[int]:
    """Whether a server may reply with it."""
    return is_whole(given) and 200 <= given < 600


def are_texts(given: object) -> bool:
    """Whether it is a list of texts, which a text is not."""
    return not isinstance(given, str) and isinstance(given, Sequence) and all(isinstance(it, str) for it in given)


def are_named_texts(given: object) -> bool:
    """Whether it has texts by names."""
    return isinstance(given, Mapping) and are_texts([*given, *given.values()])


Seconds: TypeAlias = Annotated[float, Only("a number of seconds, 0 or more", lambda it: is_number(it) and it >= 0)]
LONGEST_SECONDS = 1800
"""Of a sound: one of seconds taken for milliseconds would not fit into memory."""

Length: TypeAlias = Annotated[
    float,
    Only(f"a number of seconds, 0 to {LONGEST_SECONDS}", lambda it: is_number(it) and 0 <= it <= LONGEST_SECONDS),
]

Positive: TypeAlias = Annotated[float, Only("a number above 0", lambda it: is_number(it) and it > 0)]
Milliseconds: TypeAlias = Annotated[int, Only("a number of ms above 0", lambda it: is_number(it) and 0 < it < math.inf)]
Share: TypeAlias = Annotated[float, Only("a share, from 0 to 1", lambda it: is_number(it) and 0 <= it <= 1)]
Decibels: TypeAlias = Annotated[float, Only("a level in dBFS, 0 or less", lambda it: is_number(it) and it <= 0)]
THRESHOLD = Only("a level in dBFS, below 0", lambda it: is_number(it) and it < 0)
"""What every sample passes, or none, a test can't ask for."""

LIKENESS = Only("a likeness, above 0 and up to 1", lambda it: is_number(it) and 0 < it <= 1)
Rate: TypeAlias = Annotated[
    int, Only(f"a rate in Hz of {SESSION_RATES}", lambda it: is_whole(it) and it in SESSION_RATES)
]
Format: TypeAlias = Annotated[str, Only(f"one of {', '.join(FORMATS)}", lambda it: it in list(FORMATS))]
Refusal: TypeAlias = Annotated[int, Only("a status of HTTP, or 0 for none", lambda it: it == 0 or is_status(it))]
Texts: TypeAlias = Annotated[Sequence[str], Only("a list of texts", are_texts)]
NAMED_TEXTS = Only('texts by name, such as {"a": "b"}', are_named_texts)
NamedTexts: TypeAlias = Annotated[Mapping[str, str], NAMED_TEXTS]
JSON = Only("a text, or an object for JSON", lambda it: isinstance(it, Mapping | list | tuple) and is_json(it))
"""What is no text and becomes one."""

SECRETS = Only("texts by name", are_named_texts, is_secret=True)
KEY = Only("a text, or None", lambda it: isinstance(it, str | None), is_secret=True)

JsonObject: TypeAlias = Annotated[
    Mapping[str, Any], Only("an object for JSON", lambda it: isinstance(it, Mapping) and is_json(it))
]

_PLAIN = {
    str: Only("a text", lambda it: isinstance(it, str)),
    bool: Only("True or False", lambda it: isinstance(it, bool)),
    int: Only("a whole number", is_whole),
    float: Only("a number", is_number),
}


class Given:
    """What a dataclass is that tests make: it takes what its annotations say, texts and numbers as Python's own."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """ConfigurationError for the first field that is something else."""
        shape: type = type(self)
        for name, only in _taken_by(shape).items():
            object.__setattr__(self, name, check(name, getattr(self, name), only))


def check_given(function: str, shape: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, texts and numbers as Python's own.

    ConfigurationError for a parameter that the TypedDict `shape` does not have, or has otherwise.
    """
    for name in given:
        if name not in shape.__annotations__:
            near = nearest(name, shape.__annotations__)
            advice = f"did you mean '{near}'?" if near else f"it has {', '.join(shape.__annotations__)}"
            raise ConfigurationError(f"{function} has no parameter '{name}'; {advice}")
    takes = _taken_by(shape)
    return {name: check(name, it, takes[name]) if name in takes else it for name, it in given.items()}


def check(name: str, given: object, only: Only) -> Any:
    """It, a text or number as Python's own. ConfigurationError unless it is what the parameter takes."""
    if not only.fits(given):
        instead = "something else" if only.is_secret else repr(given)
        raise ConfigurationError(f"{name}= takes {only.words}, but was given {instead}")
    return own(given)


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
