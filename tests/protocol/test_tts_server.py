"""The service's side of text to speech: what it hears, what it refuses with 1008, and when it may speak."""

import json

import pytest

from voxrun.errors import LocalProtocolError
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.tts_messages import Alignment
from voxrun.protocol.elevenlabs.tts_server import (
    ConnectionInitialized,
    State,
    TextFinished,
    TextReceived,
    TTSServerProtocol,
    TTSServiceEvent,
)

INITIALIZATION = '{"text":" "}'


def server_in(state: State) -> TTSServerProtocol:
    server = TTSServerProtocol()
    if state is not State.OPEN:
        server.receive(INITIALIZATION)
    if state in (State.FINISHING, State.FINISHED):
        server.receive('{"text":""}')
    if state is State.FINISHED:
        server.final()
    if state is State.CLOSED:
        server.error("no", "quota_exceeded")
    assert server.state is state
    return server


def test_the_initialization_is_handed_on_whole() -> None:
    text = json.dumps(
        {
            "text": " ",
            "try_trigger_generation": True,
            "voice_settings": {"stability": 0.5, "style": None},
            "generation_config": {"chunk_length_schedule": [50, 500]},
            "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "d", "version_id": "v"}],
            "xi-api-key": "key",
        }
    )
    (event,) = TTSServerProtocol().receive(text)
    assert isinstance(event, ConnectionInitialized)
    assert event.data == json.loads(text)
    assert event.data.voice_settings.stability == 0.5


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('{"text":"Hello "}', TextReceived("Hello ")),
        ('{"text":" "}', TextReceived(" ")),
        ('{"text":"a ","flush":true}', TextReceived("a ", flush=True)),
        ('{"text":"a ","try_trigger_generation":true,"flush":null}', TextReceived("a ", try_trigger=True)),
        ('{"text":"a ","generator_config":{"chunk_length_schedule":[120]},"new":1}', TextReceived("a ")),
        ('{"text":""}', TextFinished()),
        ('{"text":"","flush":true}', TextFinished()),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_each_message_is_one_event(text: str, event: TTSServiceEvent, as_bytes: bool) -> None:
    assert server_in(State.LISTENING).receive(text.encode() if as_bytes else text) == [event]


@pytest.mark.parametrize(
    ("state", "text", "reason"),
    [
        (State.OPEN, '{"text":"Hello "}', "the text of the first message must be a single space"),
        (State.OPEN, '{"text":""}', "the text of the first message must be a single space"),
        (State.OPEN, "{}", "Object missing required field `text`"),
        (
            State.OPEN,
            '{"text":" ","generation_config":{"chunk_length_schedule":[49]}}',
            "Expected `float` >= 50.0 - at `$.generation_config.chunk_length_schedule[0]`",
        ),
        (State.OPEN, '{"text":" ","voice_settings":[]}', "Expected `object | null`, got `array`"),
        (State.LISTENING, '{"text":7}', "Expected `str`, got `int`"),
        (State.LISTENING, '{"text":"a","flush":"yes"}', "Expected `bool | null`, got `str`"),
        (State.LISTENING, "text", "JSON is malformed"),
        (State.LISTENING, "[" * 100_000, "Expected `object`, got `array`"),
        (State.FINISHING, '{"text":"a "}', "text came after the empty one that ended it"),
        (State.FINISHING, '{"text":""}', "text came after the empty one that ended it"),
        (State.FINISHED, '{"text":" "}', "text came after the empty one that ended it"),
    ],
)
def test_what_the_contract_forbids_ends_the_connection(state: State, text: str, reason: str) -> None:
    server = server_in(state)
    (broke,) = server.receive(text)
    assert isinstance(broke, ClientBroke)
    assert broke.reason.startswith(reason)
    assert broke.code == 1008
    assert server.state is State.CLOSED
    assert server.receive(INITIALIZATION) == []


def test_frames() -> None:
    server = server_in(State.LISTENING)
    alignment = Alignment(["H", "i"], [0, 3], [3, 4])
    assert server.audio(b"\0\1\2\xff") == '{"audio":"AAEC/w=="}'
    assert json.loads(server.audio(b"\0\1", alignment, alignment)) == {
        "audio": "AAE=",
        "alignment": {"chars": ["H", "i"], "charStartTimesMs": [0, 3], "charDurationsMs": [3, 4]},
        "normalizedAlignment": {"chars": ["H", "i"], "charStartTimesMs": [0, 3], "charDurationsMs": [3, 4]},
    }
    assert server.audio(b"") == '{"audio":null}'
    server.receive('{"text":""}')
    assert server.final() == '{"isFinal":true}'
    error = server_in(State.OPEN).error("Bad key", "invalid_api_key")
    assert error == '{"message":"Bad key","error":"invalid_api_key","code":1008}'


@pytest.mark.parametrize(
    ("state", "audio_allowed", "final_allowed"),
    [
        (State.OPEN, False, False),
        (State.LISTENING, True, False),
        (State.FINISHING, True, True),
        (State.FINISHED, False, False),
        (State.CLOSED, False, False),
    ],
)
def test_when_it_may_speak(state: State, audio_allowed: bool, final_allowed: bool) -> None:
    server = server_in(state)
    if not audio_allowed:
        with pytest.raises(LocalProtocolError, match=f"no speech now: the state is {state.name}"):
            server.audio(b"\0\1")
    else:
        assert server.audio(b"\0\1") == '{"audio":"AAE="}'
    assert server.state is state
    if not final_allowed:
        with pytest.raises(LocalProtocolError, match=f"no final now: the state is {state.name}"):
            server.final()
        assert server.state is state
    else:
        server.final()
        assert server.state is State.FINISHED


def test_lists_of_an_alignment_are_equally_long() -> None:
    with pytest.raises(ValueError, match="2 characters, 1 start times, 2 durations"):
        Alignment(["a", "b"], [0], [1, 1])
