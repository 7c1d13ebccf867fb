"""Events: whether a unit ever sends the one that a scenario waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.surface import TEXT, Event, Member, Property, Surface, Type, Value
from voxrun.dsl.types import Known, Types, a

SESSION = "VoxEngine"
"""The type of what sends the session's events."""


AN_EVENT = "write an event such as `CallEvents.Connected`"
"""Advice on what is none."""


@dataclass(frozen=True, slots=True)
class NeverSent:
    """`sender` does not send the event, but these `others` do: types of units, or nothing for the session."""

    sender: str
    others: str


def never_sent(types: Types, surface: Surface, target: Known, event: Known) -> NeverSent | None:
    """Unless `target` may send the event."""
    senders = types.of(target)
    if senders is None or any(it.events is None for it in senders) or not isinstance(event, Event):
        return None
    if any(event in _events(types, it) for it in senders):
        return None
    sender = "the session" if senders[0].name == SESSION else a(senders[0].name)
    others = [it.name for it in _units(surface) if event in _events(types, it)]
    return NeverSent(sender, " or ".join(a(name) for name in others if name != SESSION))


def is_no_event(known: Known) -> bool:
    """Whether it surely is none: a text may be the name of one."""
    return not isinstance(known, Event | None) and not (
        isinstance(known, Value) and (TEXT in known.kinds or known.open)
    )


def check_text(findings: Findings, types: Types, target: Known, text: str, span: Span) -> None:
    """A text that is given for an event must be the value of one that `target` sends."""
    senders = types.of(target)
    if senders is None or any(it.events is None for it in senders):
        return
    values = [event.value for it in senders for event in _events(types, it)]
    if text not in values:
        findings.warning(span, f"no event named '{text}' ever fires here", findings.did_you_mean(text, values))


def _events(types: Types, sender: Type) -> list[Event]:
    namespaces = filter(None, map(types.get, sender.events or ()))
    return [event for it in namespaces for event in it.members.values() if isinstance(event, Event)]


def _units(surface: Surface) -> Iterator[Type]:
    """Whatever a scenario may have that sends events."""
    namespaces = [it for names in (surface.names, *surface.modules.values()) for it in _namespaces(surface, names)]
    classes = [*surface.python["voxrun"].values(), *(it for each in namespaces for it in (each.classes or {}).values())]
    yield from (it for it in namespaces if it.events)
    for name in dict.fromkeys(filter(None, classes)):
        if surface.types[name].events:
            yield surface.types[name]


def _namespaces(surface: Surface, names: Mapping[str, Member]) -> Iterator[Type]:
    for member in names.values():
        if isinstance(member, Property) and surface.types[member.value.kinds[0]].classes is not None:
            yield surface.types[member.value.kinds[0]]
