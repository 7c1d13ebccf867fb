"""voxrun's public surface against VoxEngine's: each difference is a line of `ledger.csv` (README.md here says how).

On both sides an owner has names, and a name has a spelling: a function's is its parameters, the optional ones with a
'?'; a constant's is its value; a field's is `required` or `optional`.
"""

import csv
import dataclasses
import enum
import inspect
import typing
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import voxrun
from voxrun import VoxEngine, events
from voxrun.absent import absent, absent_parameter

HERE = Path(__file__).parent
README = (HERE.parents[1] / "README.md").read_text()

PARENTS: dict[str, tuple[str, ...]] = {
    "Player": ("BasePlayer",),
    "RecorderParameters": ("BaseRecorderParameters",),
    "CallRecordParameters": ("BaseRecorderParameters",),
    "ElevenLabs.AgentsClientParameters": ("_ConversationalAgentClientParameters",),
    "ElevenLabs.RealtimeTTSPlayer": ("BasePlayer",),
    "ElevenLabs._AgentsEvent": ("ElevenLabs._Event",),
    "_ConferenceEndpointEvent": ("_ConferenceEvent",),
    "_ConferenceErrorEvent": ("_ConferenceEvent",),
    "_ConnectedEvent": ("_CallEvent",),
    "_PlaybackStartedEvent": ("_CallEvent",),
    "_PlaybackFinishedEvent": ("_CallEvent",),
    "_RecordStartedEvent": ("_CallEvent",),
    "_RecordStoppedEvent": ("_CallEvent",),
    "_RecordErrorEvent": ("_CallEvent",),
    "_ToneReceivedEvent": ("_CallEvent",),
    "_DisconnectedEvent": ("_CallEvent", "_CallHeaderEvent"),
    "_FailedEvent": ("_CallEvent", "_CallHeaderEvent"),
    "_PlayerStartedEvent": ("_PlayerEvent",),
    "_PlayerPlaybackFinishedEvent": ("_PlayerEvent",),
    "_PlayerPlaybackMarkerReachedEvent": ("_PlayerEvent",),
    "_SequencePlayerPlaybackFinishedEvent": ("_SequencePlayerEvent",),
    "_SequencePlayerErrorEvent": ("_SequencePlayerEvent",),
    "_SequencePlayerPlaybackMarkerReachedEvent": ("_SequencePlayerEvent",),
    "_PlayerErrorEvent": ("_PlayerEvent",),
    "_RecorderURLEvent": ("_RecorderEvent",),
    "_RecorderErrorEvent": ("_RecorderEvent",),
    "_RecorderStoppedEvent": ("_RecorderEvent", "_RecorderURLEvent"),
    "_WebSocketCloseEvent": ("_WebSocketEvent",),
    "_WebSocketCreatedEvent": ("_WebSocketEvent",),
    "_WebSocketMessageEvent": ("_WebSocketEvent",),
    "_WebSocketMediaStartedWithoutWebSocketEvent": ("ElevenLabs._Event", "_WebSocketEvent", "_WebSocketMediaEvent"),
    "_WebSocketMediaEndedWithoutWebSocketEvent": ("ElevenLabs._Event", "_WebSocketEvent", "_WebSocketMediaEvent"),
}
"""Whose names an owner has as well; the reference lists each name only where it is declared."""

PAYLOADS = {
    "AgentsEvent": "ElevenLabs._AgentsEvent",
    "CallPlaybackFinishedEvent": "_PlaybackFinishedEvent",
    "PlaybackFinishedEvent": "_PlayerPlaybackFinishedEvent",
    "PlaybackMarkerReachedEvent": "_PlayerPlaybackMarkerReachedEvent",
    "SequencePlaybackFinishedEvent": "_SequencePlayerPlaybackFinishedEvent",
    "SequencePlaybackMarkerReachedEvent": "_SequencePlayerPlaybackMarkerReachedEvent",
    "RecorderStartedEvent": "_RecorderURLEvent",
    "TerminatingEvent": "_SystemError",
    "WebSocketClosedEvent": "_WebSocketCloseEvent",
    "WebSocketMediaEndedEvent": "_WebSocketMediaEndedWithoutWebSocketEvent",
    "WebSocketMediaStartedEvent": "_WebSocketMediaStartedWithoutWebSocketEvent",
    "WebSocketStreamEndedEvent": "_WebSocketMediaEndedWithoutWebSocketEvent",
    "WebSocketStreamStartedEvent": "_WebSocketMediaStartedWithoutWebSocketEvent",
}
"""Payloads whose owner in the reference is not their name, nor that behind an underscore."""


class Line(NamedTuple):
    """A difference. `*` as owner: what voxrun adds to many."""

    owner: str
    name: str
    state: str
    reason: str


Spellings = dict[str, set[str]]


def read(file: str) -> list[list[str]]:
    with (HERE / file).open(newline="") as lines:
        return list(csv.reader(lines))[1:]


REFERENCE = read("reference.csv")
OWNERS = {owner for owner, *_ in REFERENCE}
LEDGER = [Line(*row) for row in read("ledger.csv")]


def wanted(present: set[str]) -> dict[tuple[str, str], str]:
    """The spelling of each (owner, name) of the reference, with what the owners that are `present` inherit."""
    found = {}
    for owner, kind, name, value in REFERENCE:
        users = [user for user in present if owner == user or owner in PARENTS.get(user, ())]
        if kind == "class":  # nobody inherits the class itself
            users = [] if owner in present else [owner]
        elif not users:
            users = [owner]
        spelling = ("optional" if name.endswith("?") else "required") if kind.endswith("field") else value
        found.update({(user, name.rstrip("?")): spelling for user in users})
    return found


def surface() -> dict[str, Spellings]:
    """By owner: what scenario files can reach, each name with all the spellings that it satisfies."""
    found: dict[str, Spellings] = defaultdict(dict)
    for namespace, name, thing in things():
        owner = None if inspect.isfunction(thing) else owner_of(namespace, name)
        found[owner or namespace].update({name: spellings(thing)} if owner is None else members(thing))
    return found


def things() -> Iterator[tuple[str, str, object]]:
    """Namespace, name and value of each function, class and namespace of the scenario API."""
    for name in voxrun.__all__:
        thing = getattr(voxrun, name)
        yield "(global)", name, thing
        if inspect.ismodule(thing):
            yield from ((name, inner, value) for inner, value in public(thing) if inspect.isclass(value))
    for _, module in inspect.getmembers(events, inspect.ismodule):
        yield from (("voxrun.events", name, value) for name, value in public(module) if dataclasses.is_dataclass(value))


def public(thing: object) -> Iterator[tuple[str, object]]:
    """What a module exports or defines, or what a class has: functions, classes, constants and properties."""
    exported = getattr(thing, "__all__", ())
    for name, value in inspect.getmembers_static(thing):
        foreign = isinstance(thing, ModuleType) and getattr(value, "__module__", "") != thing.__name__
        if name in exported or not (foreign or name.startswith("_")):
            yield name, value


def owner_of(namespace: str, name: str) -> str | None:
    """The reference's owner that has the members of a class or module; None when there is none."""
    candidates = (PAYLOADS.get(name), f"{namespace}.{name}", f"{namespace}._{name}", name, f"_{name}")
    return next((candidate for candidate in candidates if candidate in OWNERS), None)


def members(thing: Any) -> Spellings:
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        return {name: {str(member.value)} for name, member in thing.__members__.items()}
    if typing.is_typeddict(thing):
        return {key: {"required" if key in thing.__required_keys__ else "optional"} for key in thing.__annotations__}
    if dataclasses.is_dataclass(thing):
        return {field.name: payload_spellings(field.type) for field in dataclasses.fields(thing)}
    return {
        name: spellings(value)
        for name, value in public(thing)
        if inspect.isfunction(value) or isinstance(value, str | property)
    }


def payload_spellings(annotation: object) -> set[str]:
    """A field that always has a value satisfies who expects that it may be absent."""
    return {"optional"} if type(None) in typing.get_args(annotation) else {"optional", "required"}


def spellings(thing: object) -> set[str]:
    """A function may be called in each of its overloads' ways; `**keywords` are another way to give `parameters`."""
    if isinstance(thing, str):
        return {str(thing)}
    if not inspect.isfunction(thing):
        return set()
    return {parameters(thing), *map(parameters, typing.get_overloads(thing))}


def parameters(function: Callable[..., object]) -> str:
    return " ".join(
        name + ("" if parameter.default is parameter.empty else "?")
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    )


def differences() -> list[Line]:
    """As lines of the ledger, with what differs in place of the reason."""
    live = surface()
    reference = wanted(set(live))
    here = {(owner, name): ways for owner, names in live.items() for name, ways in names.items()}
    found = [Line(*key, "addition", "not in the reference") for key in here if key not in reference]
    for key, spelling in reference.items():
        if key not in here:
            found.append(Line(*key, "missing", spelling))
        elif spelling not in here[key]:
            found.append(Line(*key, "different", f"VoxEngine {spelling!r}, voxrun {' or '.join(sorted(here[key]))!r}"))
    return found


DIFFERENCES = differences()


def test_each_difference_is_in_the_ledger() -> None:
    listed = {line[:3] for line in LEDGER}
    unlisted = [line for line in DIFFERENCES if not {line[:3], ("*", *line[1:3])} & listed]
    assert not unlisted, "\n".join(["ledger.csv lacks, with a reason:", *(",".join(line) for line in unlisted)])


def test_the_ledger_has_no_stale_line() -> None:
    true = {(owner, *line[1:3]) for line in DIFFERENCES for owner in (line.owner, "*")}
    stale = [f"{number}: {','.join(line)}" for number, line in enumerate(LEDGER, 2) if line[:3] not in true]
    assert not stale, "\n".join(["no longer true, delete these lines of ledger.csv:", *stale])


def test_the_ledger_gives_a_reason_once_for_each_name_by_owner() -> None:
    assert [line for line in LEDGER if not line.reason.strip()] == []
    assert len({line[:2] for line in LEDGER}) == len(LEDGER)
    owners = [line.owner for line in LEDGER]
    assert len([owner for owner, _ in groupby(owners)]) == len(set(owners))


MET_AT_RUN_TIME = ("VoxEngine", "Call", "CallEvents", "AppEvents", "Logger", "ConferenceEvents", "Endpoint", "(global)")
"""Owners that a scenario has in its hands: who asks them for what is missing is told what to do instead."""

MISSED_AS_A_WHOLE = (
    *("AMD", "ASR", "ASREvents", "ApplicationStorage", "CallList", "Crypto", "DTMFType", "IVR", "IVRPrompt"),
    *("IVRSettings", "IVRState", "Modules", "PhoneNumber", "TTSEffectsProfile", "TTSOptions"),
)
"""Owners that scenarios of VoxEngine's name, and of which voxrun has nothing."""


def test_who_asks_for_what_is_missing_is_told_what_to_do() -> None:
    missing = [line for line in LEDGER if line.state == "missing"]
    asked = {line.name for line in missing if line.owner in MET_AT_RUN_TIME}
    asked |= {line.owner for line in missing if line.owner in MISSED_AS_A_WHOLE}
    taken = {shape for shape in vars(VoxEngine).get("__all__", ()) if shape.endswith("Parameters")}
    parameters = {line.name for line in missing if line.owner in taken}
    silent = sorted(name for name in asked if not name.endswith("Parameters") and not absent(name))
    silent += sorted(name for name in parameters if not absent_parameter(name))
    assert parameters
    assert silent == []


def test_nobody_is_told_to_do_without_what_is_there() -> None:
    there = {name for owner, names in surface().items() if not owner.endswith("Parameters") for name in names}
    assert sorted(name for name in there if absent(name)) == []


def test_elevenlabs_is_whole() -> None:
    assert [line for line in DIFFERENCES if line.owner.startswith("ElevenLabs") and line.state != "addition"] == []


@pytest.mark.parametrize("name", voxrun.__all__)
def test_the_readme_documents(name: str) -> None:
    assert f"`{name}`" in README
