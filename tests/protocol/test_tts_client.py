"""Our side of a text-to-speech connection: frames out, the state table, and what is dropped."""

import json
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from voxrun.errors import LocalProtocolError
from voxrun.events.name import EventName
from voxrun.protocol.elevenlabs.formats import parse_format
from voxrun.protocol.elevenlabs.tts_client import (
    ErrorReceived,
    FinalReceived,
    SpeechReceived,
    State,
    TTSClientProtocol,
)
from voxrun.protocol.elevenlabs.tts_messages import Alignment

SPEECH = '{"audio":"AAEC/w=="}'
FINAL = '{"audio":null,"isFinal":true}'
ERROR = '{"message":"no","error":"quota_exceeded","code":1008}'
HELLO = Alignment(["H", "i", " "], [0, 3, 7], [3, 4, 2])


def client_in(state: State, output: str = "pcm_16000") -> TTSClientProtocol:
    client = TTSClientProtocol(parse_format(output))
    if state is not State.OPEN:
        client.initialize()
    if state in (State.FINISHING, State.FINISHED):
        client.send_text({"text": ""})
    if state is State.FINISHED:
        client.receive(FINAL)
    if state is State.CLOSED:
        client.close()
    assert client.state is state
    return client


STEPS: dict[str, Callable[[TTSClientProtocol], object]] = {
    "initialize": lambda client: client.initialize(),
    "text": lambda client: client.send_text({"text": "a "}),
    "space": lambda client: client.keep_alive(),
    "finish": lambda client: client.send_text({"text": ""}),
    "speech": lambda client: client.receive(SPEECH),
    "final": lambda client: client.receive(FINAL),
    "error": lambda client: client.receive(ERROR),
}
TABLE: dict[State, dict[str, State | None]] = {  # None: refused if ours, counted as malformed if the service's
    State.OPEN: {"initialize": State.SPEAKING, "error": State.CLOSED},
    State.SPEAKING: {
        "text": State.SPEAKING,
        "space": State.SPEAKING,
        "finish": State.FINISHING,
        "speech": State.SPEAKING,
        "final": State.SPEAKING,
        "error": State.CLOSED,
    },
    State.FINISHING: {"speech": State.FINISHING, "final": State.FINISHED, "error": State.CLOSED},
    State.FINISHED: {},
    State.CLOSED: {},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", State)
def test_state_table(state: State, step: str) -> None:
    client = client_in(state)
    after = TABLE[state].get(step)
    if after is None and step in ("initialize", "text", "space", "finish"):
        with pytest.raises(LocalProtocolError, match=f"its state is {state.name}"):
            STEPS[step](client)
    else:
        result = STEPS[step](client)
        assert bool(result) == (after is not None)
    assert client.state is (after or state)
    assert client.malformed == (after is None and state is State.OPEN and step in ("speech", "final"))


@pytest.mark.parametrize(
    ("data", "frame"),
    [
        (None, '{"text":" "}'),
        ({"text": "ignored"}, '{"text":" "}'),
        (
            {
                "voice_settings": {"stability": 0.5, "speed": 1.1},
                "generation_config": {"chunk_length_schedule": [50]},
                "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "d", "version_id": "v"}],
            },
            '{"voice_settings":{"stability":0.5,"speed":1.1},"generation_config":{"chunk_length_schedule":[50]},'
            '"pronunciation_dictionary_locators":[{"pronunciation_dictionary_id":"d","version_id":"v"}],"text":" "}',
        ),
    ],
)
def test_the_initialization(data: dict[str, Any] | None, frame: str) -> None:
    assert TTSClientProtocol(parse_format("pcm_16000")).initialize(data) == frame


@pytest.mark.parametrize(
    ("data", "frame"),
    [
        ({"text": "été "}, '{"text":"été "}'),
        ({"text": "a ", "flush": True}, '{"text":"a ","flush":true}'),
        ({"text": "a ", "try_trigger_generation": True, "new": [None]}, None),
        ({"text": " "}, '{"text":" "}'),
        ({"text": "", "flush": True}, '{"text":""}'),
        (MappingProxyType({"text": EventName[object]("Call.Connected")}), '{"text":"Call.Connected"}'),
    ],
)
def test_texts(data: dict[str, Any], frame: str | None) -> None:
    expected = frame or json.dumps(data, separators=(",", ":"))
    assert client_in(State.SPEAKING).send_text(data) == expected


def test_keep_alive_is_a_space() -> None:
    assert client_in(State.SPEAKING).keep_alive() == '{"text":" "}'


@pytest.mark.parametrize("text", [None, 7, ["a"]])
def test_a_text_must_be_one(text: object) -> None:
    with pytest.raises(LocalProtocolError, match="sendText needs a text"):
        client_in(State.SPEAKING).send_text({} if text is None else {"text": text})


def test_what_is_no_json_is_refused_and_changes_nothing() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for bad in (object(), "\ud800", loop):
        fresh = client_in(State.OPEN)
        with pytest.raises(LocalProtocolError, match="initializeConnection can't be sent as JSON"):
            fresh.initialize({"voice_settings": bad})
        assert fresh.state is State.OPEN
        client = client_in(State.SPEAKING)
        with pytest.raises(LocalProtocolError, match="sendText can't be sent as JSON"):
            client.send_text({"text": "abc", "x": bad})
        assert client.unspoken == 0


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (SPEECH, [SpeechReceived(b"\0\1\2\xff")]),
        (
            '{"audio":"AAE=","isFinal":null,"normalizedAlignment":null,"alignment":'
            '{"chars":["H","i"," "],"charStartTimesMs":[0,3,7],"charDurationsMs":[3,4,2]}}',
            [SpeechReceived(b"\0\1", HELLO)],
        ),
        (
            '{"audio":null,"normalizedAlignment":'
            '{"charStartTimesMs":[0,3.5],"charsDurationsMs":[3.5,4],"chars":["H","i"]}}',
            [SpeechReceived(b"", None, Alignment(["H", "i"], [0, 3.5], [], [3.5, 4]))],
        ),
        ('{"isFinal":true}', [FinalReceived()]),
        ('{"audio":"","isFinal":true,"new":{}}', [FinalReceived()]),
        ('{"audio":"AAE=","isFinal":true}', [SpeechReceived(b"\0\1"), FinalReceived()]),
        ('{"audio":null}', []),
        ('{"isFinal":false}', []),
        (ERROR, [ErrorReceived("no", "quota_exceeded", 1008)]),
        ('{"message":"no"}', [ErrorReceived("no")]),
        ('{"message":"no","error":null,"code":"new"}', [ErrorReceived("no")]),
    ],
)
def test_each_message_is_its_events(text: str, events: list[object]) -> None:
    for given in (text, text.encode()):
        client = client_in(State.SPEAKING)
        assert client.receive(given) == events
        assert client.malformed == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("hello", "JSON is malformed"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "neither audio, nor isFinal, nor an error message"),
        ('{"audio":5}', "Expected `str | null`"),
        ('{"message":5}', "Expected `str | null`"),
        ('{"isFinal":1}', "Expected `bool | null`"),
        ('{"audio":"AAEC"}', "audio: 3 bytes are no whole number of 16-bit samples"),
        ('{"audio":"AA!C/w=="}', "Non-base64 digit found"),
        ('{"audio":"AAE=","alignment":{}}', "missing required field `chars`"),
        (
            '{"audio":"AAE=","alignment":{"chars":["H"],"charStartTimesMs":[0],"charDurationsMs":[]}}',
            "1 characters, 1 start times, 0 durations",
        ),
        (
            '{"audio":"AAE=","alignment":{"chars":["H"],"charStartTimesMs":["0"],"charDurationsMs":[1]}}',
            "Expected `float`, got `str`",
        ),
        (b"\xff\xfe", "JSON is malformed"),
        ("\ud800", "'utf-8' codec"),
        ('{"audio":null,"deep":' + "[" * 100_000, "recursion"),
    ],
)
def test_junk_is_counted_and_dropped(text: str | bytes, reason: str) -> None:
    client = client_in(State.SPEAKING)
    assert client.receive(text) == []
    assert client.malformed == 1
    assert re.search(reason, client.last_malformed)
    assert client.receive(SPEECH) == [SpeechReceived(b"\0\1\2\xff")]


def test_mulaw_may_have_any_number_of_bytes() -> None:
    assert client_in(State.SPEAKING, "ulaw_8000").receive('{"audio":"AAEC"}') == [SpeechReceived(b"\0\1\2")]


def test_cleared_speech_is_dropped_until_there_is_new_text() -> None:
    client = client_in(State.SPEAKING)
    client.send_text({"text": "old "})
    client.clear()
    assert client.receive(SPEECH) == []
    client.keep_alive()
    client.send_text({"text": "  ", "flush": True})
    assert client.receive(SPEECH) == []
    client.send_text({"text": "new "})
    assert client.receive(SPEECH) == [SpeechReceived(b"\0\1\2\xff")]
    assert (client.cleared_speech, client.malformed) == (2, 0)


def test_the_end_of_cleared_speech_is_no_less_the_end() -> None:
    client = client_in(State.FINISHING)
    client.clear()
    assert client.receive('{"audio":"AAE=","isFinal":true}') == [FinalReceived()]
    assert client.state is State.FINISHED


def test_characters_after_the_latest_flush_are_not_due() -> None:
    client = client_in(State.SPEAKING)
    client.send_text({"text": "Hi ", "flush": True})
    client.send_text({"text": "you "})
    assert client.unspoken == 2
    client.receive('{"audio":"AAE=","alignment":{"chars":["Hi"],"charStartTimesMs":[0],"charDurationsMs":[1]}}')
    assert client.unspoken == 0
    client.send_text({"text": "two ", "flush": True})
    assert client.unspoken == 6


def test_characters_are_unspoken_until_their_alignment_comes() -> None:
    client = client_in(State.SPEAKING)
    client.send_text({"text": "Hi you "})
    client.send_text({"text": " \n", "flush": True})
    assert client.unspoken == 5
    client.receive(
        '{"audio":"AAE=","alignment":{"chars":["H","i"," "],"charStartTimesMs":[0,1,2],"charDurationsMs":[1,1,1]}}'
    )
    assert client.unspoken == 3
    client.receive('{"audio":"AAE=","alignment":{"chars":["you!!"],"charStartTimesMs":[0],"charDurationsMs":[1]}}')
    assert client.unspoken == 0
    client.send_text({"text": "more ", "flush": True})
    client.clear()
    assert client.unspoken == 0


@pytest.mark.parametrize("state", [State.FINISHED, State.CLOSED])
def test_after_the_end_nothing_is_heard(state: State) -> None:
    client = client_in(state)
    assert [client.receive(text) for text in (SPEECH, "junk", FINAL, ERROR)] == [[], [], [], []]
    assert client.malformed == 0
