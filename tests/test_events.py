"""Event constants and payloads, against the VoxEngine reference's spellings."""

import dataclasses
import json
import pickle
import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrun.events import app, call, conference, elevenlabs, player, recorder, sequence_player
from voxrun.events.message import Message
from voxrun.events.name import EventName, constants

NAMESPACES = (
    app.AppEvents,
    call.CallEvents,
    conference.ConferenceEvents,
    player.PlayerEvents,
    recorder.RecorderEvents,
    sequence_player.SequencePlayerEvents,
    elevenlabs.AgentsEvents,
    elevenlabs.Events,
)
PREFIXES: dict[type, str] = {
    app.AppEvents: "Application.",
    call.CallEvents: "Call.",
    conference.ConferenceEvents: "Conference.",
    player.PlayerEvents: "Player.",
    recorder.RecorderEvents: "Recorder.",
    sequence_player.SequencePlayerEvents: "SequencePlayer.",
    elevenlabs.AgentsEvents: "ElevenLabs.Agents.",
    elevenlabs.Events: "ElevenLabs.Events.",
}
SPELT_OTHERWISE = {
    "ConferenceError": "Conference.Error",
    "NewWebSocketFailed": "Application.OnNewWebSocketFailed",
    "PlaybackBuffering": "Player.Buffering",
    "RecorderError": "Recorder.Error",
    "WebSocket": "AppEvents.NewWebSocketConnection",
}
PAYLOADS = [
    value
    for module in (app, call, conference, player, recorder, sequence_player, elevenlabs)
    for value in vars(module).values()
    if dataclasses.is_dataclass(value) and isinstance(value, type)
]


def members(namespace: type) -> dict[str, EventName[object]]:
    return {name: value for name, value in vars(namespace).items() if isinstance(value, EventName)}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_constant_is_its_namespace_and_its_name(namespace: type) -> None:
    assert members(namespace) != {}
    expected = {name: SPELT_OTHERWISE.get(name, PREFIXES[namespace] + name) for name in members(namespace)}
    assert members(namespace) == expected


def test_no_two_events_have_the_same_name() -> None:
    assert len(constants(*NAMESPACES)) == sum(len(members(namespace)) for namespace in NAMESPACES)


def test_constants_leaves_out_all_else() -> None:
    assert constants() == frozenset()
    assert "__module__" not in constants(app.AppEvents)
    assert constants(app.AppEvents) == frozenset(members(app.AppEvents).values())


def test_an_event_name_is_the_plain_string() -> None:
    name = EventName[object]("Call.Connected")
    assert name == "Call.Connected"
    assert hash(name) == hash("Call.Connected")
    assert f"{name}" == str(name) == "Call.Connected"
    assert json.dumps({"name": name}) == '{"name": "Call.Connected"}'
    assert "Call.Connected" in {name: 1}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_are_frozen_slotted_and_named(payload: type) -> None:
    parameters = typing.cast("typing.Any", payload).__dataclass_params__
    assert parameters.frozen
    assert not hasattr(payload, "__dict__") or "__slots__" in vars(payload)
    fields = [field.name for field in dataclasses.fields(payload)]
    if payload.__name__ not in ("HttpHeader", "WebSocketMediaInfo", "WebSocketCloseEvent"):
        assert fields[0] == "name"


def test_a_frozen_payload_refuses_changes() -> None:
    event = app.StartedEvent(name="Application.Started", sessionId="1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.name = "other"  # type: ignore[misc]


NAMES = st.text(min_size=1).filter(lambda name: not hasattr(Message, name))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


def check_message(values: dict[str, object]) -> None:
    """It is the dict that it was made of."""
    message = Message(values)
    assert message == values
    assert msgspec.json.decode(msgspec.json.encode(message)) == values
    for key, value in values.items():
        assert getattr(message, key) == value


@settings(max_examples=25)
@given(st.dictionaries(NAMES, JSON))
def test_a_message_is_the_dict_it_was_made_of(values: dict[str, object]) -> None:
    check_message(values)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.dictionaries(NAMES, JSON))
def test_many_messages_are_the_dicts_they_were_made_of(values: dict[str, object]) -> None:
    check_message(values)


def test_nested_objects_and_lists_read_as_attributes_too() -> None:
    message = Message({"call": {"tool": "x", "list": [{"a": 1}, [{"b": 2}]]}})
    assert message.call.tool == "x"
    assert message.call.list[0].a == 1
    assert message.call.list[1][0].b == 2
    assert message["call"]["tool"] == "x"


def test_a_missing_field_names_those_there_are() -> None:
    with pytest.raises(AttributeError, match="this message has no field 'c'; it has a, b") as caught:
        _ = Message({"a": 1, "b": 2}).c
    assert caught.value.name == "c"
    with pytest.raises(AttributeError, match="it has none"):
        _ = Message({}).a


def test_fields_named_like_dict_methods_need_brackets() -> None:
    message = Message({"items": [1]})
    assert message["items"] == [1]
    assert callable(message.items)
    assert "items" in dir(message)


def test_a_message_can_be_copied() -> None:
    message = Message({"a": {"b": 1}})
    assert pickle.loads(pickle.dumps(message)) == message
    assert dict(message) == {"a": {"b": 1}}
