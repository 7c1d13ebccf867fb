"""What the checker knows of a value before there is one: `Known`, and the members that it then has."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from voxrun.dsl.native import NATIVE
from voxrun.dsl.surface import (
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Event,
    Function,
    Member,
    Property,
    Surface,
    Type,
    Value,
)

A_TEXT, A_NUMBER, A_BOOLEAN, A_NULL, A_LIST = (Value((kind,)) for kind in (TEXT, NUMBER, BOOLEAN, NULL, LIST))
AN_ERROR, AN_OBJECT = Value(("error",)), Value((OBJECT,))


@dataclass(frozen=True, slots=True)
class Promise:
    """What an asynchronous function of the API gives: `value`, after an `await`."""

    value: "Known"
    maker: str


@dataclass(slots=True, eq=False)
class OwnFunction:
    """A function of the scenario's own. Whether it `waits` is known when all of it was read.

    `result`: what it gives in the end, if that is known.
    """

    name: str
    parameters: int
    waits: bool = False
    result: "Known" = None


@dataclass(frozen=True, slots=True, eq=False)
class OwnResult:
    """What it gives: a promise if it waits."""

    function: OwnFunction


Known: TypeAlias = Value | Promise | OwnFunction | OwnResult | Function | Event | None
"""None: nothing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """None of `types` has the member."""

    types: tuple[Type, ...]

    @property
    def open(self) -> bool:
        """Whether it may be there all the same."""
        return any(it.open for it in self.types)

    def candidates(self) -> Iterator[str]:
        """The members that there are."""
        for it in self.types:
            yield from it.members


class Types:
    """The types of a surface, and of the language itself."""

    def __init__(self, surface: Surface, null: str = NULL) -> None:
        self.null = Type(null, {})
        """What a value is that is nothing, by the word that the scenario's language has for it."""
        self._surface = surface
        self._members: dict[tuple[tuple[str, ...], str], Known | Missing] = {}

    def get(self, kind: str) -> Type | None:
        """The type of that name; None for one whose members nobody can know."""
        return NATIVE.get(kind) or self._surface.types.get(kind)

    def of(self, known: Known) -> tuple[Type, ...] | None:
        """All that a value may be, without null if it may be something else; None when that can't be known."""
        if not isinstance(known, Value) or not known.kinds:
            return None
        types = [self.get(kind) for kind in known.kinds if kind != NULL]
        return None if None in types else tuple(it for it in types if it is not None) or (self.null,)

    def maker(self, kind: str) -> str:
        """The function of the API that makes a `kind`, empty when none does."""
        members = [it for names in (self._surface.names, *self._surface.modules.values()) for it in names.values()]
        spaces = filter(None, (self.get(it.value.kinds[0]) for it in members if isinstance(it, Property)))
        makers = (
            f"{space.name}.{name}"
            for space in spaces
            for name, member in space.members.items()
            if isinstance(member, Function) and member.result.kinds == (kind,)
        )
        return next(makers, "")

    def reply(self, payload: Known) -> Value | None:
        """What the handler of an event that carries `payload` may return, if anybody wants it."""
        return next((it.reply for it in self.of(payload) or () if it.reply), None)

    def member(self, value: Value, name: str) -> Known | Missing:
        """The member `name` of what `value` says."""
        key = value.kinds, name
        if key not in self._members:
            self._members[key] = self._find(value, name)
        return self._members[key]

    def _find(self, value: Value, name: str) -> Known | Missing:
        types = self.of(value)
        if types is None:
            return None
        found = [it.members[name] for it in types if name in it.members]
        if found:
            return either([known_of(it) for it in found])
        return None if any(it.open and not it.members for it in types) else Missing(types)


def known_of(member: Member) -> Known:
    """What a member is, read."""
    if not isinstance(member, Property):
        return member
    return member.value if member.value.kinds else None


def either(values: list[Known]) -> Known:
    """What a value is that is one of these."""
    first, *others = values
    if all(other == first for other in others):
        return first
    kinds: dict[str, None] = {}
    is_open = False
    for value in values:
        if not isinstance(value, Value) or not value.kinds:
            return None
        kinds |= dict.fromkeys(value.kinds)
        is_open = is_open or value.open
    return Value(tuple(kinds), open=is_open)


def without_null(known: Known) -> Known:
    """What is left of it when it is not null."""
    if not isinstance(known, Value) or NULL not in known.kinds:
        return known
    kinds = tuple(kind for kind in known.kinds if kind != NULL)
    return replace(known, kinds=kinds) if kinds else None


def a(name: str) -> str:
    """`a Call`, `an AgentsClient`, but `null`."""
    return name if name in (NULL, "None") else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
