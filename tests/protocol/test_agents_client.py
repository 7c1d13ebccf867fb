"""Our side of a conversation: frames out, the state table, and what is dropped."""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from voxrun.errors import LocalProtocolError
from voxrun.events.name import EventName
from voxrun.protocol.elevenlabs.agents_client import (
    AgentsClientProtocol,
    AudioReceived,
    Initiated,
    MessageReceived,
    ProtocolBroken,
    SendNow,
    State,
)
from voxrun.protocol.elevenlabs.formats import parse_format

BARE_INITIATION = '{"type":"conversation_initiation_client_data"}'


def metadata(output: str = "pcm_16000", input_: str | None = None) -> str:
    event = {"conversation_id": "conv_1", "agent_output_audio_format": output}
    if input_ is not None:
        event["user_input_audio_format"] = input_
    return json.dumps({"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": event})


def audio(event_id: int, encoded: str = "AAEC/w==") -> str:
    return json.dumps({"type": "audio", "audio_event": {"audio_base_64": encoded, "event_id": event_id}})


def interruption(event_id: int) -> str:
    return json.dumps({"type": "interruption", "interruption_event": {"event_id": event_id}})


def client_in(state: State) -> AgentsClientProtocol:
    client = AgentsClientProtocol()
    if state in (State.INITIATED, State.ACTIVE):
        client.initiate()
    if state in (State.GREETED, State.ACTIVE):
        client.receive(metadata("pcm_16000", "pcm_16000"))
    if state is State.CLOSED:
        client.close()
    assert client.state is state
    return client


# Call -> the frame it makes.
OUTGOING: list[tuple[str, Callable[[AgentsClientProtocol], list[str]], str]] = [
    ("audio", lambda c: c.audio(b"\0\1\2\xff"), '{"user_audio_chunk":"AAEC/w=="}'),
    ("user_message", lambda c: c.user_message({"text": "été"}), '{"text":"été","type":"user_message"}'),
    (
        "contextual_update",
        lambda c: c.contextual_update({"text": "a", "context_id": "k"}),
        '{"text":"a","context_id":"k","type":"contextual_update"}',
    ),
    (
        "client_tool_result",
        lambda c: c.client_tool_result({"tool_call_id": "t1", "result": "ok", "is_error": True}),
        '{"type":"client_tool_result","tool_call_id":"t1","result":"ok","is_error":true}',
    ),
    ("user_activity", lambda c: c.user_activity(), '{"type":"user_activity"}'),
    (
        "feedback",
        lambda c: c.feedback({"event_id": 3, "score": None}),
        '{"event_id":3,"score":null,"type":"feedback"}',
    ),
    (
        "multimodal_message",
        lambda c: c.multimodal_message({"file": {"type": "file_input", "file_id": "f"}}),
        '{"file":{"type":"file_input","file_id":"f"},"type":"multimodal_message"}',
    ),
    (
        "mcp_tool_approval_result",
        lambda c: c.mcp_tool_approval_result({"tool_call_id": "m1", "is_approved": False}),
        '{"tool_call_id":"m1","is_approved":false,"type":"mcp_tool_approval_result"}',
    ),
]
NAMES = [name for name, _, _ in OUTGOING]


@pytest.mark.parametrize(("name", "call", "frame"), OUTGOING, ids=NAMES)
class TestOutgoing:
    def test_once_initiated_it_is_one_frame(self, name: str, call: Any, frame: str) -> None:
        for state in (State.INITIATED, State.ACTIVE):
            client = client_in(state)
            assert call(client) == [frame]
            assert client.state is state

    def test_before_that_a_bare_initiation_leads(self, name: str, call: Any, frame: str) -> None:
        for state, after in ((State.OPEN, State.INITIATED), (State.GREETED, State.ACTIVE)):
            client = client_in(state)
            assert call(client) == [BARE_INITIATION, frame]
            assert client.state is after
            assert call(client) == [frame]

    def test_after_the_end_it_is_refused(self, name: str, call: Any, frame: str) -> None:
        with pytest.raises(LocalProtocolError, match="is over"):
            call(client_in(State.CLOSED))


@pytest.mark.parametrize(
    ("state", "after_initiation", "after_metadata"),
    [
        (State.OPEN, State.INITIATED, State.GREETED),
        (State.GREETED, State.ACTIVE, None),
        (State.INITIATED, None, State.ACTIVE),
        (State.ACTIVE, None, None),
        (State.CLOSED, None, None),
    ],
)
def test_state_table(state: State, after_initiation: State | None, after_metadata: State | None) -> None:
    client = client_in(state)
    if after_initiation:
        assert client.initiate() == [BARE_INITIATION]
    else:
        with pytest.raises(LocalProtocolError, match="over" if state is State.CLOSED else "already"):
            client.initiate()
    assert client.state is (after_initiation or state)

    client = client_in(state)
    events = client.receive(metadata())
    assert [type(event) for event in events] == ([Initiated, MessageReceived] if after_metadata else [])
    assert client.state is (after_metadata or state)
    assert client.malformed == (after_metadata is None and state is not State.CLOSED)

    client.close()
    assert client.state is State.CLOSED


def test_the_initiation_keeps_every_key_and_its_own_type() -> None:
    data = MappingProxyType({"type": "?", "dynamic_variables": {"name": "Ada", "n": 1}, "extra": [None]})
    assert AgentsClientProtocol().initiate(data) == [
        '{"type":"conversation_initiation_client_data","dynamic_variables":{"name":"Ada","n":1},"extra":[null]}'
    ]


def test_what_is_no_json_is_refused_and_changes_nothing() -> None:
    client = AgentsClientProtocol()
    loop: list[Any] = []
    loop.append(loop)
    for bad in (object(), "\ud800", loop):
        with pytest.raises(LocalProtocolError, match="user_message can't be sent as JSON"):
            client.user_message({"text": bad})
        with pytest.raises(LocalProtocolError, match="conversation_initiation_client_data can't be sent"):
            client.initiate({"user_id": bad})
    assert client.state is State.OPEN


def test_event_names_are_strings_on_the_wire_too() -> None:
    client = client_in(State.ACTIVE)
    name: EventName[object] = EventName("Call.Connected")
    assert client.user_message({"text": name}) == ['{"text":"Call.Connected","type":"user_message"}']


@pytest.mark.parametrize(
    ("given", "result", "is_error"),
    [
        ({"result": "text"}, "text", False),
        ({"result": {"ok": [1, None]}}, '{"ok":[1,null]}', False),
        ({"result": 3.5, "is_error": None}, "3.5", False),
        ({"result": False, "is_error": True}, "false", True),
        ({}, "null", False),
        ({"result": "", "tool_name": "weather", "extra": 1, "type": "x"}, "", False),
    ],
)
def test_a_tool_result_is_made_what_the_wire_wants(given: Mapping[str, Any], result: str, is_error: bool) -> None:
    (frame,) = client_in(State.ACTIVE).client_tool_result({"tool_call_id": "t1", **given})
    expected = {"type": "client_tool_result", "tool_call_id": "t1", "result": result, "is_error": is_error}
    assert json.loads(frame) == expected


@pytest.mark.parametrize("given", [{}, {"tool_call_id": None}, {"tool_call_id": 7}, {"tool_call_id": ""}])
def test_a_tool_result_needs_its_call(given: Mapping[str, Any]) -> None:
    with pytest.raises(LocalProtocolError, match="needs the tool_call_id"):
        client_in(State.ACTIVE).client_tool_result({"result": "x", **given})


def test_a_tool_result_that_is_no_json_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="result of a client tool can't be sent as JSON"):
        client_in(State.ACTIVE).client_tool_result({"tool_call_id": "t1", "result": object()})


@pytest.mark.parametrize(
    ("input_", "expected"), [(None, "pcm_16000"), ("ulaw_8000", "ulaw_8000"), ("pcm_48000", "pcm_48000")]
)
def test_formats_come_from_the_metadata(input_: str | None, expected: str) -> None:
    client = client_in(State.INITIATED)
    initiated = client.receive(metadata("pcm_24000", input_))[0]
    assert initiated == Initiated("conv_1", parse_format("pcm_24000"), parse_format(expected))


@pytest.mark.parametrize("names", [("opus_48000",), ("pcm_16000", "mp3_44100")])
def test_an_unknown_format_breaks_the_conversation(names: tuple[str, ...]) -> None:
    client = client_in(State.INITIATED)
    (broken,) = client.receive(metadata(*names))
    assert isinstance(broken, ProtocolBroken)
    assert broken.reason.startswith(f"unknown audio format '{names[-1]}'")
    assert (client.state, client.malformed) == (State.CLOSED, 1)
    assert client.receive(metadata()) == []


def test_a_pong_goes_first() -> None:
    send, received = client_in(State.ACTIVE).receive('{"type":"ping","ping_event":{"event_id":7,"ping_ms":null}}')
    assert send == SendNow('{"type":"pong","event_id":7}')
    assert isinstance(received, MessageReceived)
    assert received.data.payload.ping_ms is None


def test_a_pong_waits_for_the_initiation() -> None:
    client = client_in(State.OPEN)
    for event_id in (1, 2):
        (received,) = client.receive(f'{{"type":"ping","ping_event":{{"event_id":{event_id}}}}}')
        assert isinstance(received, MessageReceived)
    assert client.user_activity() == [
        BARE_INITIATION,
        '{"type":"pong","event_id":2}',
        '{"type":"user_activity"}',
    ]
    assert client.user_activity() == ['{"type":"user_activity"}']


def test_interrupted_turns_are_dropped_however_late() -> None:
    client = client_in(State.ACTIVE)
    assert client.receive(audio(0)) == [AudioReceived(0, b"\0\1\2\xff")]
    client.receive(interruption(2))
    assert [client.receive(audio(event_id)) for event_id in (1, 2)] == [[], []]
    assert client.receive(audio(3)) == [AudioReceived(3, b"\0\1\2\xff")]
    client.receive(interruption(1))
    assert client.receive(audio(2)) == []
    assert (client.stale_audio, client.malformed) == (3, 0)


def test_mulaw_may_have_any_number_of_bytes() -> None:
    client = client_in(State.INITIATED)
    client.receive(metadata("ulaw_8000"))
    assert client.receive(audio(1, "AAEC")) == [AudioReceived(1, b"\0\1\2")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("hello", "JSON is malformed"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `type`"),
        ('{"type":5}', "Expected `str`"),
        ('{"type":"ping"}', "ping: Object missing required field `ping_event`"),
        ('{"type":"ping","ping_event":{}}', "ping: Object missing required field `event_id`"),
        ('{"type":"ping","ping_event":{"event_id":"1"}}', "ping: Expected `int`, got `str`"),
        ('{"type":"interruption","interruption_event":null}', "interruption: Expected `object`"),
        (metadata(), "conversation_initiation_metadata: it came a second time"),
        (audio(1, "AAEC"), "audio: 3 bytes are no whole number of 16-bit samples"),
        (audio(1, "AAE"), "Non-base64 digit found"),
        (audio(1, "AA!C/w=="), "Non-base64 digit found"),
        (audio(1, "é" * 4), "Non-base64 digit found"),
        (b"\xff\xfe", "JSON is malformed"),
        (b'{"type":"\xff"}', "'utf-8' codec"),
        ("\ud800", "'utf-8' codec"),
        ("[" * 100_000, "Expected `object`|recursion"),
        ('{"type":"new","deep":' + "[" * 100_000, "recursion"),
        ('{"type":"new","deep":' + '{"a":' * 900 + "1" + "}" * 901, "recursion"),
        ('{"type":"new","n":' + "9" * 5000 + "}", "out of range"),
    ],
)
def test_junk_is_counted_and_dropped(text: str | bytes, reason: str) -> None:
    client = client_in(State.ACTIVE)
    assert client.receive(text) == []
    assert client.malformed == 1
    assert re.search(reason, client.last_malformed)
    assert client.receive(audio(1)) == [AudioReceived(1, b"\0\1\2\xff")]


@pytest.mark.parametrize(
    ("override", "frames"),
    [
        ({"conversation": {"text_only": True}}, 0),
        ({"conversation": {"text_only": False}}, 1),
        ({"conversation": {"text_only": None}}, 1),
        ({"conversation": ["text_only"]}, 1),
        ({"text_only": True}, 1),
        ({}, 1),
        (None, 1),
    ],
)
def test_a_text_only_conversation_has_no_audio(override: object, frames: int) -> None:
    client = AgentsClientProtocol()
    client.initiate({"conversation_config_override": override, "dynamic_variables": {"text_only": True}})
    client.receive(metadata())
    assert len(client.audio(bytes(640))) == frames
    assert len(client.user_message({"text": "hello"})) == 1


def test_audio_before_the_metadata_has_no_format() -> None:
    client = client_in(State.INITIATED)
    assert client.receive(audio(1)) == []
    assert (client.malformed, client.stale_audio) == (1, 0)
    assert client.last_malformed == "audio: it came before the conversation_initiation_metadata"


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ('{"type":"new","new_event":{"a":1,"type":"x"}}', {"a": 1}),
        ('{"type":"new","b":2,"inner":{"a":1}}', {"b": 2, "a": 1}),
        ('{"type":"new","one":{"a":1},"two":{"a":2}}', {}),
        ('{"type":"new","payload":{"a":1}}', {"a": 1}),
        ('{"type":"new","":5}', {"": 5}),
    ],
)
def test_types_the_contract_has_not_pass_as_they_are(text: str, payload: dict[str, Any]) -> None:
    client = client_in(State.ACTIVE)
    (received,) = client.receive(text)
    assert isinstance(received, MessageReceived)
    assert (received.type, received.known, client.malformed) == ("new", False, 0)
    assert received.data == {**json.loads(text), "payload": {**json.loads(text), **payload, "type": "new"}}


def test_a_bodyless_message_may_have_any_other_key() -> None:
    (received,) = client_in(State.ACTIVE).receive('{"type":"guardrail_triggered","":5,"x":{"a":1}}')
    assert isinstance(received, MessageReceived)
    assert received.data.payload == {"type": "guardrail_triggered", "": 5, "x": {"a": 1}}


def test_a_new_error_code_does_not_cost_us_the_error() -> None:
    (received,) = client_in(State.ACTIVE).receive('{"type":"error","error_event":{"code":1013,"error_type":"new"}}')
    assert isinstance(received, MessageReceived)
    assert (received.data.payload.code, received.data.error_event.error_type) == (1013, "new")


def test_after_the_end_nothing_is_heard() -> None:
    client = client_in(State.ACTIVE)
    client.close()
    assert [client.receive(text) for text in (audio(1), "junk", interruption(1))] == [[], [], []]
    assert (client.malformed, client.stale_audio) == (0, 0)
