"""`Wanted`: what a test in a `.vox` file expects to come, and how often; what came instead, or never could."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from voxrun.dsl import nodes
from voxrun.dsl.nodes import Span
from voxrun.nearest import nearest
from voxrun.testing.given import is_number
from voxrun.testing.vox_plan import value_of

SHOWN = 5
"""How many of what came are told."""

_SLIP = 0.85
"""So like another is a name with a slip; `surname` and `phone2` are names beside `name` and `phone1`."""


class Mistake(NamedTuple):
    """What was not as a place of the test says, and what was the case instead."""

    span: Span
    why: str
    instead: str = ""


class Found(NamedTuple):
    """Something of the kind that was expected, and when it came."""

    time: float
    what: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to come `count` times, at least once if None, or never with `no`."""

    what: str
    no: bool
    count: int | None
    fields: nodes.Object | None

    def fits(self, found: Found) -> bool:
        """Whether its fields are as they should be."""
        return self.fields is None or _is_part(value_of(self.fields), found.fields)

    def is_met(self, count: int) -> bool:
        """Whether so many are right."""
        came = count > 0 if self.count is None else count == self.count
        return came is not self.no


def _is_part(wanted: Any, there: Any) -> bool:
    """Whether all that is wanted is there; there may be more in objects."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(key in there and _is_part(wanted[key], there[key]) for key in wanted)
    if isinstance(wanted, list):
        return (
            isinstance(there, Sequence)
            and len(there) == len(wanted)
            and all(_is_part(one, other) for one, other in zip(wanted, there, strict=True))
        )
    return wanted == there and (type(wanted) is type(there) or (is_number(wanted) and is_number(there)))


def did_you_mean(pair: nodes.Pair, there: Iterable[str], likeness: float = 0.6) -> str:
    """What its key may stand for, among these; empty if for none."""
    near = nearest(pair.key.text, there, likeness)
    return f"did you mean `{near}`?" if near else ""


def slips(wanted: nodes.Object | None, there: Sequence[Any]) -> Iterable[Mistake]:
    """Fields that nothing has, but under another name much like it, or of another kind: none can come with them."""
    objects = [it for it in there if isinstance(it, Mapping)]
    for pair in wanted.pairs if wanted and objects else ():
        inside = [it[pair.key.text] for it in objects if pair.key.text in it]
        advice = "" if inside else did_you_mean(pair, {name for it in objects for name in it}, _SLIP)
        if advice:
            yield Mistake(pair.key.span, f"nothing that came has a `{pair.key.text}`", advice)
        if isinstance(pair.value, nodes.Object):
            yield from slips(pair.value, inside)
        elif inside and not any(_is_alike(pair.value, it) for it in inside):
            was = f"it was {', '.join(map(repr, inside[:SHOWN]))}"
            yield Mistake(pair.value.span, f"`{pair.key.text}` is never of this kind", was)


def _is_alike(wanted: nodes.Expression, there: object) -> bool:
    """Whether it may be told from another: a text is no number. What is None now may be either at other times."""
    if there is None or not isinstance(wanted, nodes.Text | nodes.Number):
        return True
    return isinstance(wanted, nodes.Text) is not is_number(there)


def instead_of(wanted: Wanted, found: list[Found], fits: list[Found], all_: list[Found]) -> str:
    """What came in its place: of all, or of those that were found, or of those that fit."""
    if fits:
        return times_of(fits)
    if found:
        return "\n".join(f"at {it.time:.3f} s it was {_shown(wanted, it)}" for it in found[:SHOWN])
    kind, _, name = wanted.what.partition(" ")
    near = "" if kind == "event" else nearest(name, [it.what for it in all_])
    if near:
        return f"there was {near!r}"
    return listed(name, [it.what for it in all_])


def _shown(wanted: Wanted, found: Found) -> str:
    names = [pair.key.text for pair in wanted.fields.pairs] if wanted.fields else []
    return ", ".join(f"{name}: {found.fields.get(name)!r}" for name in names)


def times_of(found: list[Found]) -> str:
    """When they came."""
    return f"it came at {', '.join(f'{it.time:.3f} s' for it in found[:SHOWN])}" if found else ""


def listed(wanted: str, there: Iterable[str]) -> str:
    """What there was instead; of its own kind, if there was any such."""
    names = list(dict.fromkeys(there))
    alike = [name for name in names if name.rpartition(".")[0] == wanted.rpartition(".")[0]]
    return f"there were {', '.join(alike or names)}" if names else "there was none at all"
