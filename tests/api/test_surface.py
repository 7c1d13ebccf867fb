"""The surface that the language's checker and gate go by is the scenario API's own, whole, and nothing besides."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import voxrun
from voxrun.api.surface import scenario_surface
from voxrun.dsl import surface as words
from voxrun.dsl.bounds import OneOf, Seconds, Url
from voxrun.dsl.surface import Event, Function, Member, Property, Type, Value
from voxrun.events.name import constants

GOLDEN = Path(__file__).with_name("surface.txt")
PLAIN = {
    words.TEXT,
    words.NUMBER,
    words.BOOLEAN,
    words.NULL,
    words.LIST,
    words.OBJECT,
    words.FUNCTION,
    words.BYTES,
    words.EVENT,
    words.SINK,
    words.PAYLOAD,
}
SURFACE = scenario_surface()


def mentioned(member: Member) -> Iterator[Value]:
    """What a member says of values, with what is inside them."""
    waiting: list[Value] = []
    if isinstance(member, Function):
        waiting = [member.result, *(parameter.value for parameter in member.parameters)]
    elif isinstance(member, Property):
        waiting = [member.value]
    while waiting:
        value = waiting.pop()
        yield value
        waiting += [*([value.item] if value.item else []), *(value.arguments or ())]


def everything() -> dict[str, Type]:
    """Each type that can be come to, by name."""
    found: dict[str, Type] = {}
    roots = [member for names in (SURFACE.names, *SURFACE.modules.values()) for member in names.values()]
    waiting = [kind for names in SURFACE.python.values() for kind in names.values() if kind]
    for member in roots:
        waiting += [kind for value in mentioned(member) for kind in value.kinds]
    while waiting:
        name = waiting.pop()
        if name in PLAIN or name in found:
            continue
        found[name] = SURFACE.types[name]
        waiting += (found[name].classes or {}).values()
        waiting += found[name].events or ()
        for member in found[name].members.values():
            waiting += [member.payload] if isinstance(member, Event) else []
            waiting += [kind for value in mentioned(member) for kind in value.kinds]
    return found


TYPES = everything()


def shown(value: Value) -> str:
    inner = f"[{shown(value.item)}]" if value.item else ""
    return "|".join(value.kinds) + inner if value.kinds else "anything"


def line(owner: str, member: Member) -> str:
    if isinstance(member, Event):
        return f"{owner}.{member.name} = {member.value}: {member.payload}"
    if isinstance(member, Property):
        return f"{owner}.{member.name}{'!' if member.required else ''}: {shown(member.value)}"
    given = ", ".join(f"{it.name}{'' if it.required else '?'}: {shown(it.value)}" for it in member.parameters)
    return f"{owner}.{member.name}({given}) -> {'promise of ' if member.promise else ''}{shown(member.result)}"


def test_what_scenarios_can_reach_is_what_somebody_has_looked_at() -> None:
    """Any new line here opens something to every `.vox` scenario, other people's included."""
    listed = [line("", it).removeprefix(".") for it in SURFACE.names.values()]
    listed += [line(module, it) for module, names in SURFACE.modules.items() for it in names.values()]
    listed += [line(name, it) for name, kind in TYPES.items() if " " not in name for it in kind.members.values()]
    assert sorted(listed) == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_every_public_name_is_in_it() -> None:
    reachable = {*SURFACE.names, *SURFACE.modules}
    for name in voxrun.__all__:
        is_class = isinstance(getattr(voxrun, name), type)
        assert name in reachable or (is_class and SURFACE.python["voxrun"][name] in TYPES), name


@pytest.mark.parametrize("name", ["VoxEngine", "ElevenLabs"])
def test_every_public_name_of_a_namespace_is_in_it(name: str) -> None:
    found = TYPES[name]
    assert {*found.members, *(found.classes or {})} == set(getattr(voxrun, name).__all__)


def test_all_types_are_known() -> None:
    unknown = {
        line(name, member)
        for name, kind in TYPES.items()
        for member in kind.members.values()
        for value in mentioned(member)
        if not value.kinds
    }
    assert unknown == {"Logger.write(message: anything) -> null", "VoxEngine.terminate(event?: anything) -> null"}


def test_what_is_bounded_says_so_to_the_checker() -> None:
    bounds = {
        (name, member.name, it.name): it.value.bound
        for name, kind in TYPES.items()
        for member in kind.members.values()
        for it in (member.parameters if isinstance(member, Function) else [member])
        if not isinstance(it, Event) and it.value.bound
    }
    web, socket = Url(("https", "http")), Url(("wss", "ws"))
    assert bounds == {
        ("HttpRequestOptions", "connectionTimeout", "connectionTimeout"): Seconds(6.0),
        ("HttpRequestOptions", "timeout", "timeout"): Seconds(90.0),
        ("HttpRequestOptions", "method", "method"): OneOf(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
        ("Net", "httpRequest", "url"): web,
        ("Net", "httpRequestAsync", "url"): web,
        ("VoxEngine", "createWebSocket", "url"): socket,
    }


def test_every_unit_says_which_events_it_sends() -> None:
    units = {name: kind for name, kind in TYPES.items() if "addEventListener" in kind.members}
    assert {name for name, kind in units.items() if kind.events is None} == {"MediaSource", "VoxMediaUnit"} & set(units)
    namespaces = {name for kind in units.values() for name in kind.events or ()}
    assert namespaces == {
        name for name, kind in TYPES.items() if any(isinstance(it, Event) for it in kind.members.values())
    }


def test_units_send_and_take_audio_as_their_classes_do() -> None:
    audio = {name: (it.sends, it.takes) for name, it in TYPES.items() if it.sends or it.takes}
    assert audio == {
        "AgentsClient": (True, True),
        "Call": (True, True),
        "Conference": (True, True),
        "MediaSource": (True, False),
        "Microphone": (True, False),
        "Player": (True, False),
        "RealtimeTTSPlayer": (True, False),
        "Recorder": (False, True),
        "RtpUnit": (True, True),
        "SequencePlayer": (True, False),
        "Speaker": (False, True),
        "VoxMediaUnit": (True, True),
        "WebSocket": (True, True),
    }


def test_the_messages_of_the_contract_are_behind_their_events() -> None:
    events = [it for it in TYPES["AgentsEvents"].members.values() if isinstance(it, Event)]
    assert {it.value for it in events} == constants(voxrun.ElevenLabs.AgentsEvents)
    without = {it.name for it in events if it.payload == "AgentsEvent"}
    assert without == {"Unknown", "HTTPResponse", "ContextualUpdate", "WebSocketError", "ConnectorInformation"}
    data = TYPES["AgentsEvent ClientToolCall"].members["data"]
    assert isinstance(data, Property)
    message = TYPES[data.value.kinds[0]]
    assert list(message.members) == ["type", "client_tool_call", "payload"]
    view = message.members["payload"]
    assert isinstance(view, Property)
    assert set(TYPES[view.value.kinds[0]].members) == {
        "type",
        "client_tool_call",
        "tool_name",
        "tool_call_id",
        "parameters",
        "event_id",
    }


def test_a_python_class_has_a_type_only_when_scenarios_may_have_one() -> None:
    call = SURFACE.type_of(voxrun.Call)
    assert call is not None
    assert call.name == "Call"
    impostor = type("Call", (), {})
    for kind in (dict, str, type, object, Path, type(SURFACE), type(test_all_types_are_known), impostor):
        assert SURFACE.type_of(kind) is None


def test_what_nobody_asks_for_is_not_loaded() -> None:
    program = (
        "import sys; from voxrun.api.surface import scenario_surface as s; s().names['VoxEngine'];"
        "s().types['VoxEngine'].members['terminate']; s().names['AppEvents'];"
        "print(*(n for n in sys.modules if 'rtp' in n or 'recorder' in n or 'lark' in n or 'sound.' in n))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
