"""Anything at all, thrown at both text-to-speech machines: counted, refused or heard, and never another exception."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrun.errors import LocalProtocolError
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.formats import parse_format
from voxrun.protocol.elevenlabs.tts_client import SpeechReceived, State, TTSClientProtocol, TTSEvent
from voxrun.protocol.elevenlabs.tts_messages import Alignment
from voxrun.protocol.elevenlabs.tts_server import TextReceived, TTSServerProtocol, TTSServiceEvent

QUICK = settings(max_examples=50)
MANY = settings(max_examples=2500)  # five tests: 12,500 cases

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["AAE=", "AAEC/w==", "", " "])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NUMBERS = st.lists(st.integers(-5, 1000) | st.floats(0, 1000) | SCALARS, max_size=3)
ALIGNMENTS = st.fixed_dictionaries(
    {"chars": st.lists(st.text(max_size=2), max_size=3), "charStartTimesMs": NUMBERS},
    optional={"charDurationsMs": NUMBERS, "charsDurationsMs": NUMBERS},
)
FROM_SERVICE = st.fixed_dictionaries(
    {},
    optional={
        "audio": st.sampled_from(["AAE=", "AAEC/w==", "AAEC", None]) | VALUES,
        "alignment": ALIGNMENTS | VALUES,
        "normalizedAlignment": ALIGNMENTS | VALUES,
        "isFinal": st.sampled_from([True, None]) | VALUES,
        "message": VALUES,
        "error": VALUES,
        "code": VALUES,
    },
)
FROM_CLIENT = st.fixed_dictionaries(
    {},
    optional={
        "text": st.sampled_from([" ", "", "Hello "]) | VALUES,
        "voice_settings": VALUES,
        "generation_config": st.fixed_dictionaries({"chunk_length_schedule": NUMBERS}) | VALUES,
        "pronunciation_dictionary_locators": VALUES,
        "flush": VALUES,
        "try_trigger_generation": VALUES,
        "xi-api-key": VALUES,
    },
)
JSON_INPUT = st.lists((FROM_SERVICE | FROM_CLIENT | VALUES).map(json.dumps), min_size=1, max_size=6)
TEXT_INPUT = st.lists(
    st.text(max_size=60) | st.text('{}[]":,\\u0dtextaudio12 ', max_size=60) | st.binary(max_size=60),
    min_size=1,
    max_size=6,
)
UNSENDABLE = st.sampled_from([object(), {1, 2}, b"x", "\ud800", 1j])
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["initialize", "send_text", "send_text", "keep_alive", "clear"]),
        st.dictionaries(st.sampled_from(["text", "flush", "voice_settings"]), VALUES | UNSENDABLE, max_size=3),
    ),
    max_size=6,
)


def check_client(finishing: bool, cleared: bool, texts: list[Any]) -> None:
    """Each message yields events, moves one counter, or has nothing in it."""
    client = TTSClientProtocol(parse_format("pcm_16000"))
    client.initialize()
    if cleared:
        client.clear()
    if finishing:
        client.send_text({"text": ""})
    for text in texts:
        was_over = client.state in (State.FINISHED, State.CLOSED)
        counted = client.malformed + client.cleared_speech
        events = client.receive(text)
        assert all(isinstance(event, get_args(TTSEvent)) for event in events)
        assert not (was_over and events)
        assert not (cleared and any(isinstance(event, SpeechReceived) for event in events))
        dropped = client.malformed + client.cleared_speech - counted
        assert dropped <= (0 if was_over else 1)
        assert client.last_malformed.isprintable()
        assert len(client.last_malformed) <= 123
        assert client.unspoken >= 0


def check_server(texts: list[Any]) -> None:
    """Each message yields one event, until one breaks the contract."""
    server = TTSServerProtocol()
    server.receive('{"text":" "}')
    broken = False
    for text in texts:
        events = server.receive(text)
        assert all(isinstance(event, get_args(TTSServiceEvent)) for event in events)
        assert len(events) == (not broken)
        broken = broken or isinstance(events[0], ClientBroke)


def check_calls(calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Each call is refused with the documented error or makes a frame; the first is an initialization, no other is."""
    client = TTSClientProtocol(parse_format("pcm_16000"))
    sent: list[str] = []
    for name, argument in calls:
        call = getattr(client, name)
        try:
            frame = call() if name in ("keep_alive", "clear") else call(argument)
        except LocalProtocolError:
            continue
        sent += [] if frame is None else [frame]
    texts = [json.loads(frame)["text"] for frame in sent]
    assert texts[:1] == [" "][: len(texts)]
    assert "" not in texts[:-1]


@QUICK
@given(st.booleans(), st.booleans(), JSON_INPUT)
def test_client_takes_any_json(finishing: bool, cleared: bool, texts: list[str]) -> None:
    check_client(finishing, cleared, texts)


@QUICK
@given(st.booleans(), st.booleans(), TEXT_INPUT)
def test_client_takes_any_text(finishing: bool, cleared: bool, texts: list[str | bytes]) -> None:
    check_client(finishing, cleared, texts)


@QUICK
@given(JSON_INPUT)
def test_server_takes_any_json(texts: list[str]) -> None:
    check_server(texts)


@QUICK
@given(TEXT_INPUT)
def test_server_takes_any_text(texts: list[str | bytes]) -> None:
    check_server(texts)


@QUICK
@given(CALLS)
def test_client_takes_any_argument(calls: list[tuple[str, dict[str, Any]]]) -> None:
    check_calls(calls)


@pytest.mark.slow
@MANY
@given(st.booleans(), st.booleans(), JSON_INPUT)
def test_client_takes_much_json(finishing: bool, cleared: bool, texts: list[str]) -> None:
    check_client(finishing, cleared, texts)


@pytest.mark.slow
@MANY
@given(st.booleans(), st.booleans(), TEXT_INPUT)
def test_client_takes_much_text(finishing: bool, cleared: bool, texts: list[str | bytes]) -> None:
    check_client(finishing, cleared, texts)


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
@given(CALLS)
def test_client_takes_many_arguments(calls: list[tuple[str, dict[str, Any]]]) -> None:
    check_calls(calls)


# Both machines talking to each other, with no socket between them.


@settings(max_examples=200)
@given(st.text(min_size=1), st.booleans())
def test_text_arrives_as_it_was(text: str, flush: bool) -> None:
    client, server = TTSClientProtocol(parse_format("pcm_16000")), TTSServerProtocol()
    server.receive(client.initialize())
    assert server.receive(client.send_text({"text": text, "flush": flush})) == [TextReceived(text, flush=flush)]


SPEECH = st.binary(max_size=2000).map(lambda data: data * 2)
TIMED = st.lists(st.tuples(st.characters(codec="utf-8"), st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1)


def check_speech(audio: bytes, timed: list[tuple[str, float, float]]) -> None:
    """What the service sends is what the client gets."""
    client, server = TTSClientProtocol(parse_format("pcm_16000")), TTSServerProtocol()
    server.receive(client.initialize())
    alignment = Alignment(*(list(column) for column in zip(*timed, strict=True)))
    assert client.receive(server.audio(audio, alignment)) == [SpeechReceived(audio, alignment)]


@QUICK
@given(SPEECH, TIMED)
def test_speech_arrives_as_it_was(audio: bytes, timed: list[tuple[str, float, float]]) -> None:
    check_speech(audio, timed)


@pytest.mark.slow
@MANY
@given(SPEECH, TIMED)
def test_much_speech_arrives_as_it_was(audio: bytes, timed: list[tuple[str, float, float]]) -> None:
    check_speech(audio, timed)
