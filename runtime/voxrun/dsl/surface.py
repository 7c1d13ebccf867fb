"""`Surface`: what a scenario can reach of the call API, as data. `voxrun.api.surface` reads it off the API itself.

A name that isn't here can't be reached by a `.vox` scenario.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from voxrun.dsl.bounds import Bound

T = TypeVar("T")

TEXT = "text"
NUMBER = "number"
BOOLEAN = "boolean"
NULL = "null"
LIST = "list"
OBJECT = "object"
FUNCTION = "function"
BYTES = "bytes"
EVENT = "event"
"""An event constant."""

SINK = "Sink"
"""Any unit that takes audio."""

PAYLOAD = "payload"
"""What the event carries that the function was given."""


@dataclass(frozen=True, slots=True)
class Value:
    """What there may be: any of `kinds`, which are the words above and names of types; without any it can't be known.

    `item`: of a list. `arguments`: what a function is called with. `bound`: what it must be besides. `open`: another
    kind of value may do as well, as in a message.
    """

    kinds: tuple[str, ...] = ()
    item: "Value | None" = None
    arguments: "tuple[Value, ...] | None" = None
    bound: Bound | None = None
    open: bool = False


ANYTHING = Value()


def _or_null(value: Value) -> Value:
    return replace(value, kinds=tuple(dict.fromkeys((*value.kinds, NULL)))) if value.kinds else value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One that is given by its position; unless it is `nameless`, Python scenarios may give it by its name."""

    name: str
    value: Value
    required: bool
    nameless: bool = False

    @property
    def given(self) -> Value:
        """What may be given for it."""
        return self.value if self.required else _or_null(self.value)


@dataclass(frozen=True, slots=True)
class Function:
    """What can be called. With `promise` the result has to be awaited.

    `keywords` is the name of the type whose members Python scenarios may give as keyword arguments; others give them
    as one object, which is the last of `parameters`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Value
    promise: bool = False
    keywords: str = ""
    doc: str = ""

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return sum(parameter.required for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Property:
    """What can be read; in an object of parameters, what can be given, or must."""

    name: str
    value: Value
    required: bool = False
    doc: str = ""

    @property
    def given(self) -> Value:
        """What may be given for it, where it is a parameter."""
        return self.value if self.required else _or_null(self.value)


@dataclass(frozen=True, slots=True)
class Event:
    """A constant such as `CallEvents.Connected`: `value` is its text, `payload` the type of what handlers get."""

    name: str
    value: str
    payload: str


Member: TypeAlias = Function | Property | Event


@dataclass(frozen=True, slots=True)
class Type:
    """A kind of thing and its members.

    `events`: the namespaces of the events it sends, None when it is nothing that sends events. `sends`, `takes`: audio.
    `open`: there may be members that nobody knows of, as in a message. `classes`: names of classes among a namespace's,
    which only annotations in Python have a use for, with their types. `reply`: what a handler of the event that carries
    this may return, if that matters. `doc`: in a sentence, for the editor.
    """

    name: str
    members: Mapping[str, Member]
    events: tuple[str, ...] | None = None
    sends: bool = False
    takes: bool = False
    open: bool = False
    classes: Mapping[str, str] | None = None
    reply: Value | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Surface:
    """`names`: what is there without asking; `modules`: what each `require` brings besides, itself included.

    `types` has every type that something named which was looked at. `type_of`: the type of a Python class, None for one
    that scenarios know nothing of. `python`: for Python scenarios, the names in each module that they may import from,
    with the types of those that are classes.
    """

    names: Mapping[str, Member]
    modules: Mapping[str, Mapping[str, Member]]
    types: Mapping[str, Type]
    type_of: Callable[[type], Type | None]
    python: Mapping[str, Mapping[str, str]]


class Lazy(Mapping[str, T]):
    """A mapping whose values are made when they are asked for, each once; `names` may still grow."""

    def __init__(self, names: Collection[str], make: Callable[[str], T]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        made = self._made.get(name)
        if made is None:
            if name not in self._names:
                raise KeyError(name)
            made = self._made[name] = self._make(name)
        return made

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
