"""`Gate`: the one way from a `.vox` scenario to members of values and to the call API. What isn't listed is denied."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from itertools import islice
from types import CoroutineType, FunctionType, MethodType
from typing import Any

from voxrun.dsl.budget import Budget, ExhaustedError
from voxrun.dsl.census import Census
from voxrun.dsl.members import ITEM_BYTES, METHODS, whole
from voxrun.dsl.mistakes import named, told
from voxrun.dsl.values import (
    DEEPEST,
    NUMBERS,
    OBJECTS,
    PLAIN,
    ApiFunction,
    Namespace,
    Promise,
    describe,
    number,
    text,
    wrong,
)
from voxrun.errors import ScenarioError, VoxrunError, half_a_pair
from voxrun.events.message import Message
from voxrun.nearest import nearest

API_STEPS = 100
"""What a call of the API counts for."""

GIVEN_TEXT_LIMIT = 65_536
"""Characters of a text that the API is given."""

MOST_WAITING = 1000
"""Functions that wait for something at the same time."""

AWAIT_DEPTH = 50
"""Asynchronous functions that wait for one another."""

FAULTS = (ArithmeticError, AttributeError, LookupError, NameError, OSError, RuntimeError, TypeError, ValueError)
"""What Python code raises that was used wrongly."""

CATCHABLE = (VoxrunError, ExceptionGroup, *FAULTS)
"""What `catch` catches, but for ExhaustedError and a RecursionError."""

MOST_CANDIDATES = 200
"""Names among which the one that was meant is looked for."""

ERROR_STEPS = 100
"""What an error that is caught counts for."""

_READY = PLAIN | {Message}
"""What needs no look when the API gives it out."""

_depth: ContextVar[int] = ContextVar("voxrun_vox_depth", default=0)


class Gate:
    """A session's. `members` tells which members a class of the API has, None for a class that scenarios never see."""

    def __init__(self, budget: Budget, census: Census, members: Callable[[type], Mapping[str, object] | None]) -> None:
        self._budget = budget
        self._census = census
        self._ask = members
        self._members: dict[type, Mapping[str, object] | None] = {}
        self._met: dict[type, set[str]] = {}

    # Members.

    def member(self, target: Any, name: str) -> Any:
        """`target.name`."""
        kind = type(target)
        if kind in OBJECTS:
            if name in target:
                value = target[name]
                return value if kind is dict or type(value) in _READY else self._received(value, name)
        elif kind is Namespace:
            if name in target.members:
                return target.members[name]
        elif kind in METHODS:
            if name == "length":
                return len(target)
            if name in METHODS[kind]:
                raise ScenarioError(f"{name} is a function: call it, as in {name}()")
        elif name in self._met.get(kind, ()) or self._meet(kind, name):
            return self._read(target, name)
        raise self._no_member(target, name)

    def optional(self, target: Any, name: str) -> Any:
        """`target?.name`."""
        return self.member(target, name) if self.has(target, name) else None

    def has(self, target: Any, name: str) -> bool:
        """Whether there is a `target.name`."""
        kind = type(target)
        if kind in OBJECTS:
            return name in target
        if kind is Namespace:
            return name in target.members
        if kind in METHODS:
            return name == "length" or name in METHODS[kind]
        return name in (self._members_of(kind) or ())

    def set_member(self, target: Any, name: str, value: Any) -> None:
        """`target.name = value`."""
        if type(target) is not dict:
            raise wrong(f"{describe(target)} can't be changed: only objects of the scenario's own can", target)
        self.set_index(target, name, value)

    def index(self, target: Any, key: Any) -> Any:
        """`target[key]`; null when there is none."""
        kind = type(target)
        if kind in OBJECTS:
            value = target.get(self._key(key))
            return value if type(value) in PLAIN or kind is dict else self._received(value, "a message")
        if kind in METHODS:
            position = whole(key, "a place in a list or text")
            return target[position] if 0 <= position < len(target) else None
        raise wrong(f"{describe(target)} has nothing in [ ]: only lists, texts and objects have", target)

    def set_index(self, target: Any, key: Any, value: Any) -> None:
        """`target[key] = value`."""
        if type(value) is Promise:
            raise wrong("", value)
        if type(target) is dict:
            name = self._key(key)
            if name not in target:
                self._budget.check_list(len(target) + 1)
                self._budget.grow(2 * ITEM_BYTES)
            target[name] = value
        elif type(target) is list:
            position = whole(key, "a place in a list")
            if not 0 <= position < len(target):
                raise ScenarioError(f"there is no place {position} in a list of {len(target)}: use push() to add to it")
            target[position] = value
        else:
            raise wrong(f"{describe(target)} can't be changed: only lists and objects can", target)

    def each(self, value: Any) -> Iterable[Any]:
        """What `for` walks over."""
        kind = type(value)
        if kind in METHODS:
            return value  # type: ignore[no-any-return]
        if kind in OBJECTS:
            self._budget.spend(len(value) >> 2)
            return list(value)
        raise wrong(f"`for` needs a list, a text or an object, not {describe(value)}", value)

    # Calls.

    def call(self, function: Any, *arguments: Any) -> Any:
        """`function(arguments)`."""
        kind = type(function)
        if kind is FunctionType:
            if len(arguments) != function.__code__.co_argcount:
                raise _wrong_count(named(function.__name__), function.__code__.co_argcount, len(arguments))
            budget = self._budget
            budget.enter()
            try:
                result = function(*arguments)
            finally:
                budget.depth -= 1
            return Promise(result, named(function.__name__), own=True) if type(result) is CoroutineType else result
        if kind is ApiFunction:
            return self._call_api(function, arguments)
        raise wrong(f"{describe(function)} can't be called: it is no function", function)

    def call_member(self, target: Any, name: str, *arguments: Any) -> Any:
        """`target.name(arguments)`."""
        methods = METHODS.get(type(target))
        if methods is None:
            return self.call(self.member(target, name), *arguments)
        if name not in methods:
            raise self._no_member(target, name) if name != "length" else ScenarioError("length is no function")
        method, least, most = methods[name]
        if not least <= len(arguments) <= most:
            raise _wrong_count(name, least, len(arguments), most)
        for argument in arguments:
            if type(argument) is Promise:
                raise wrong("", argument)
        self._budget.left -= 2
        return method(self._budget, target, *arguments)

    async def awaited(self, value: Any) -> Any:
        """`await value`. What the waiting function holds is known to the census meanwhile."""
        frame = sys._getframe(1)
        waiting = self._census.waiting
        while type(value) is Promise:
            depth = _depth.get()
            if depth >= AWAIT_DEPTH:
                raise ExhaustedError(f"more than {AWAIT_DEPTH} functions wait for one another: does one await itself?")
            if len(waiting) >= MOST_WAITING:
                raise ExhaustedError(f"{MOST_WAITING} functions are waiting already: is one started again and again?")
            token = _depth.set(depth + 1)
            waiting.add(frame)
            try:
                value = await self._settled(value)
            finally:
                waiting.discard(frame)
                _depth.reset(token)
        return value

    def done(self, value: Any) -> None:
        """What a statement's expression gave: ScenarioError when nobody awaits it."""
        if type(value) is Promise:
            raise wrong("", value)

    def caught(self, error: BaseException) -> dict[str, Any]:
        """What `catch` binds; raises `error` again when it is not for scenarios to catch."""
        self._budget.spend(ERROR_STEPS)
        first = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, ExhaustedError | RecursionError):
            raise error
        return {"message": first.message if isinstance(first, ScenarioError) else told(first)}

    async def _settled(self, promise: Promise) -> Any:
        coroutine = promise.coroutine
        if inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED:
            raise ScenarioError(f"this promise of {promise.name} was awaited before: keep what `await` gave")
        if promise.own:
            return await coroutine
        try:
            return self._received(await coroutine, promise.name)
        except FAULTS as error:
            raise _fault(promise.name, error) from error

    def _call_api(self, called: ApiFunction, arguments: tuple[Any, ...]) -> Any:
        name, function = called.name, called.function
        if called.is_native:
            self._budget.spend(4)
            return _called(name, function, arguments)
        self._budget.spend(API_STEPS)
        ready = [
            SPECIAL[name, at](self._budget, it) if (name, at) in SPECIAL else it for at, it in enumerate(arguments)
        ]
        result = _called(name, function, [self.given(it, name) for it in ready])
        return result if type(result) in PLAIN else self._received(result, name)

    # Between the scenario and the API.

    def given(self, value: Any, function: str, depth: int = 0) -> Any:
        """`value` as the API gets it: lists and objects are copied."""
        kind = type(value)
        if kind is str:
            if len(value) > GIVEN_TEXT_LIMIT:
                raise ScenarioError(f"{function} takes texts of {GIVEN_TEXT_LIMIT} characters at most")
            self._budget.spend(len(value) >> 4)
            return value
        if kind in PLAIN:
            return value
        if kind is FunctionType:
            self._census.given.add(value)
            return value
        if kind is ApiFunction or self._members_of(kind) is not None:
            return value
        if depth > DEEPEST:
            raise ScenarioError(f"{function} takes at most {DEEPEST} lists and objects inside one another")
        if kind is list:
            self._budget.spend(len(value))
            return [self.given(item, function, depth + 1) for item in value]
        if kind in OBJECTS:
            self._budget.spend(2 * len(value))
            return {key: self.given(item, function, depth + 1) for key, item in value.items()}
        raise wrong(f"{function} can't be given {describe(value)}", value)

    def _received(self, value: Any, origin: str, depth: int = 0) -> Any:
        """`value`, which the API gave out, as the scenario gets it. ScenarioError for what no scenario may have."""
        kind = type(value)
        if kind in PLAIN or kind is Message:
            return value
        if kind is CoroutineType:
            return Promise(value, origin, own=False)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int | float):
            return number(value)
        if depth > DEEPEST:
            raise ScenarioError(f"{origin} holds more than {DEEPEST} lists and objects inside one another")
        if isinstance(value, list | tuple):
            self._budget.spend(len(value))
            self._budget.grow(len(value) * ITEM_BYTES)
            return [self._received(item, origin, depth + 1) for item in value]
        if isinstance(value, Mapping):
            self._budget.spend(2 * len(value))
            return {str(key): self._received(item, origin, depth + 1) for key, item in value.items()}
        if self._members_of(kind) is None:
            raise ScenarioError(f"{origin} gives something that a .vox scenario has no use for")
        return value

    def _read(self, target: Any, name: str) -> Any:
        value = getattr(target, name)
        if type(value) in _READY:
            return value
        if type(value) is MethodType and value.__self__ is target:
            return ApiFunction(name, value, self.call)
        return self._received(value, name)

    def _meet(self, kind: type, name: str) -> bool:
        """Whether `kind` has that member; to look at it makes the classes known that it gives."""
        members = self._members_of(kind) or {}
        if name not in members:
            return False
        _ = members[name]
        self._met.setdefault(kind, set()).add(name)
        return True

    def _members_of(self, kind: type) -> Mapping[str, object] | None:
        if kind not in self._members:
            self._members[kind] = self._ask(kind)
        return self._members[kind]

    def _key(self, key: Any) -> str:
        if type(key) is str:
            self._budget.compare(key)
            return key
        if type(key) in (int, float):
            return text(self._budget, key)
        raise wrong(f"a key is a text, not {describe(key)}", key)

    def _no_member(self, target: Any, name: str) -> ScenarioError:
        if target is None:
            return ScenarioError(f"null has no {name}; where there may be nothing, write ?.{name}")
        kind = type(target)
        known: Iterable[str] = target if kind in OBJECTS else METHODS.get(kind, ())
        if kind is Namespace:
            known = target.members
        elif not known:
            known = self._members_of(kind) or ()
        candidates = list(islice(known, MOST_CANDIDATES))
        self._budget.spend(20 * len(candidates))
        near = nearest(name, candidates)
        missing = f"; where there may be nothing, write ?.{name}" if kind in OBJECTS else ""
        advice = f"; did you mean '{near}'?" if near else missing
        what = target.name if kind is Namespace else describe(target)
        return wrong(f"{what} has no '{name}'{advice}", target)


def _handler(_: Budget, value: Any) -> Any:
    if type(value) not in (FunctionType, ApiFunction):
        raise wrong(f"a handler must be a function, not {describe(value)}", value)
    return value


def _seconds(_: Budget, value: Any) -> Any:
    return value / 1000 if type(value) in NUMBERS else value


SPECIAL = {("addEventListener", 1): _handler, ("waitFor", 1): _seconds, ("write", 0): text}
"""What is done with some arguments, by the function's name and their place, before it is given them."""


def _called(name: str, function: Callable[..., Any], arguments: Iterable[Any]) -> Any:
    given = tuple(arguments)
    try:
        return function(*given)
    except FAULTS as error:
        if isinstance(error, TypeError) and error.__traceback__ and error.__traceback__.tb_next is None:
            raise _wrong_call(name, function, len(given)) from error
        raise _fault(name, error) from error


def _wrong_count(name: str, least: int, given: int, most: int | None = None) -> ScenarioError:
    wanted = str(least) if most in (None, least) else f"{least} to {most}"
    plural = "argument" if wanted == "1" else "arguments"
    return ScenarioError(f"{name} takes {wanted} {plural}, but was given {given}")


def _wrong_call(name: str, function: Callable[..., Any], given: int) -> ScenarioError:
    parameters = [it for it in inspect.signature(function).parameters.values() if it.kind <= it.POSITIONAL_OR_KEYWORD]
    least = sum(it.default is it.empty for it in parameters)
    return _wrong_count(name, least, given, len(parameters))


def _fault(name: str, error: BaseException) -> ScenarioError:
    if isinstance(error, RecursionError):
        return ExhaustedError(f"{name}: too many calls inside one another")
    return ScenarioError(f"{name}: {half_a_pair(error) or error}")
