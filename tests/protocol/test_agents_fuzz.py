"""Anything at all, thrown at both machines: counted, refused or heard, and never another exception."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrun.errors import LocalProtocolError
from voxrun.protocol.elevenlabs.agents_client import AgentsClientProtocol, AgentsEvent, ProtocolBroken, State
from voxrun.protocol.elevenlabs.agents_client_messages import AnyClientMessage
from voxrun.protocol.elevenlabs.agents_server import AgentsServerProtocol, ClientBroke, ServiceEvent
from voxrun.protocol.elevenlabs.agents_server_messages import BODY_FIELDS

QUICK = settings(max_examples=50)
MANY = settings(max_examples=2500)  # five tests: 12,500 cases

METADATA = {"conversation_id": "c", "agent_output_audio_format": "pcm_16000"}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["AAE=", "AAEC/w==", "pcm_16000", "like", "start"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *(
            "event_id",
            "audio_base_64",
            "user_transcript",
            "text",
            "type",
            "code",
            "tool_call_id",
            "parameters",
        ),
        *(
            "tool_name",
            "is_error",
            "result",
            "score",
            "state",
            "conversation_id",
            "agent_output_audio_format",
        ),
    ]
)
BODIES = st.dictionaries(KEYS, VALUES, max_size=6) | VALUES
BODY_KEYS = st.sampled_from([*BODY_FIELDS.values(), "user_audio_chunk", "text", "dynamic_variables"])
TYPES = st.sampled_from(
    [*BODY_FIELDS, *(str(message.__struct_config__.tag) for message in get_args(AnyClientMessage)), "new"]
)
NEAR_MISSES = st.builds(lambda kind, parts: {"type": kind, **parts}, TYPES, st.dictionaries(BODY_KEYS, BODIES))
MATCHED = st.sampled_from(list(BODY_FIELDS.items())).flatmap(
    lambda item: st.builds(lambda body: {"type": item[0], item[1]: body}, BODIES)
)
SOUND = st.sampled_from(
    [
        {"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": METADATA},
        {"type": "audio", "audio_event": {"audio_base_64": "AAEC/w==", "event_id": 3}},
        {"type": "interruption", "interruption_event": {"event_id": 2}},
        {"type": "ping", "ping_event": {"event_id": 1}},
        {"user_audio_chunk": "AAE="},
        {"type": "conversation_initiation_client_data"},
        {"type": "user_message", "text": "hi"},
    ]
)
JSON_INPUT = st.lists((NEAR_MISSES | MATCHED | SOUND | VALUES).map(json.dumps), min_size=1, max_size=6)
TEXT_INPUT = st.lists(
    st.text(max_size=60) | st.text('{}[]":,\\u0dtypeaudio12ping ', max_size=60) | st.binary(max_size=60),
    min_size=1,
    max_size=6,
)
STARTS = st.sampled_from([State.OPEN, State.INITIATED])
CALLS: list[Callable[[AgentsClientProtocol, dict[str, Any]], list[str]]] = [
    AgentsClientProtocol.initiate,
    AgentsClientProtocol.user_message,
    AgentsClientProtocol.contextual_update,
    AgentsClientProtocol.client_tool_result,
    AgentsClientProtocol.feedback,
    AgentsClientProtocol.multimodal_message,
    AgentsClientProtocol.mcp_tool_approval_result,
]
UNSENDABLE = st.sampled_from([object(), {1, 2}, (1, 2), b"x", "\ud800", 1j])
ARGUMENTS = st.dictionaries(KEYS, VALUES | UNSENDABLE, max_size=4)


def check_client(start: State, texts: list[str] | list[bytes] | list[str | bytes]) -> None:
    """Each message yields events or moves one counter."""
    client = AgentsClientProtocol()
    if start is State.INITIATED:
        client.initiate()
    for text in texts:
        was_closed = client.state is State.CLOSED
        counted = client.malformed + client.stale_audio
        events = client.receive(text)
        assert all(isinstance(event, get_args(AgentsEvent)) for event in events)
        dropped = client.malformed + client.stale_audio - counted
        broken = any(isinstance(event, ProtocolBroken) for event in events)
        assert dropped == (0 if was_closed else int(broken or not events))
        assert client.last_malformed.isprintable()
        assert len(client.last_malformed) <= 123


def check_server(texts: list[str] | list[bytes] | list[str | bytes]) -> None:
    """Each message yields one event, until one breaks the contract."""
    server = AgentsServerProtocol()
    broken = False
    for text in texts:
        events = server.receive(text)
        assert all(isinstance(event, get_args(ServiceEvent)) for event in events)
        assert len(events) == (not broken)
        broken = broken or isinstance(events[0], ClientBroke)


def check_calls(calls: list[tuple[Callable[[AgentsClientProtocol, Any], list[str]], dict[str, Any]]]) -> None:
    """Each call is refused with the documented error or makes frames, the first of which is an initiation."""
    client = AgentsClientProtocol()
    sent: list[str] = []
    for call, argument in calls:
        try:
            sent += call(client, argument)
        except LocalProtocolError:
            continue
    kinds = [json.loads(frame)["type"] for frame in sent]
    assert kinds[:1] == ["conversation_initiation_client_data"][: len(kinds)]
    assert kinds.count("conversation_initiation_client_data") == bool(sent)


CALL_LISTS = st.lists(st.tuples(st.sampled_from(CALLS), ARGUMENTS), max_size=5)


@QUICK
@given(STARTS, JSON_INPUT)
def test_client_takes_any_json(start: State, texts: list[str]) -> None:
    check_client(start, texts)


@QUICK
@given(STARTS, TEXT_INPUT)
def test_client_takes_any_text(start: State, texts: list[str | bytes]) -> None:
    check_client(start, texts)


@QUICK
@given(JSON_INPUT)
def test_server_takes_any_json(texts: list[str]) -> None:
    check_server(texts)


@QUICK
@given(TEXT_INPUT)
def test_server_takes_any_text(texts: list[str | bytes]) -> None:
    check_server(texts)


@QUICK
@given(CALL_LISTS)
def test_client_takes_any_argument(calls: list[Any]) -> None:
    check_calls(calls)


@pytest.mark.slow
@MANY
@given(STARTS, JSON_INPUT)
def test_client_takes_much_json(start: State, texts: list[str]) -> None:
    check_client(start, texts)


@pytest.mark.slow
@MANY
@given(STARTS, TEXT_INPUT)
def test_client_takes_much_text(start: State, texts: list[str | bytes]) -> None:
    check_client(start, texts)


@pytest.mark.slow
@MANY
@given(JSON_INPUT)
def test_server_takes_much_json(texts: list[str]) -> None:
    check_server(texts)


@pytest.mark.slow
@MANY
@given(TEXT_INPUT)
def test_server_takes_much_text(texts: list[str | bytes]) -> None:
    check_server(texts)


@pytest.mark.slow
@MANY
@given(CALL_LISTS)
def test_client_takes_many_arguments(calls: list[Any]) -> None:
    check_calls(calls)
