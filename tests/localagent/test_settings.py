"""What a client's initiation changes about the agent, and what ends the conversation before it began."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import trio
from tests.localagent.caller import BOOK, GOODBYE, Caller, converse, kinds_of, write_script

from voxrun.localagent.delivery import Delivery, can_speak, voice_name
from voxrun.localagent.script import OVERRIDES, load_script
from voxrun.localagent.settings import Settings, objection
from voxrun.localagent.voice import Voice
from voxrun.protocol.elevenlabs.agents_client import AudioReceived
from voxrun.protocol.elevenlabs.agents_client_messages import Language
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.transports.websocket import Closed

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

AGENT_FIELDS: dict[str, Any] = {"first_message": "Hi {{name}}", "language": "de", "native_mcp_server_ids": ["a"]}
ALL: dict[str, Any] = {
    "agent": {**AGENT_FIELDS, "prompt": {"prompt": "Be kind", "llm": "big"}},
    "tts": {"voice_id": "v", "stability": 0.5, "speed": 1.5, "similarity_boost": 0.5},
    "asr": {"keywords": ["teeth"]},
}


def overriding(**sections: Any) -> dict[str, Any]:
    """An initiation with these sections of overrides."""
    return {"conversation_config_override": sections}


async def until_answered(caller: Caller) -> None:
    await caller.until("agent_response")
    await trio.sleep(4)
    caller.send(caller.protocol.user_message({"text": "goodbye"}))
    await caller.until("agent_response", 2)


def test_overrides_apply_when_they_are_allowed(tmp_path: Path) -> None:
    script = write_script(
        tmp_path,
        f"allow_overrides = {list(OVERRIDES)}\nclient_events = ['agent_response', 'context_usage', 'audio']",
        says="{prompt}, {language}, {llm}, {voice_id}, {speed}, {keywords}",
    )
    initiation = {**overriding(**ALL), "dynamic_variables": {"name": "Ada"}}
    caller = converse(until_answered, script, initiation=initiation)
    assert caller.responses == ["Hi Ada", "Be kind, de, big, v, 1.5, ['teeth']"]
    assert caller.of_type("context_usage")[0].payload.model == "big"
    expected = Delivery(voice_name("de", "v"), 1.5, FORMATS["pcm_16000"]).speak("Hi Ada")
    assert b"".join(samples.tobytes() for _, samples in caller.audio_of(1)) == expected
    assert expected != Delivery("en-us", 1.0, FORMATS["pcm_16000"]).speak("Hi Ada")


@pytest.mark.parametrize(
    ("sections", "name"),
    [
        ({"agent": {"first_message": "Hi"}}, "first_message"),
        ({"agent": {"language": "en"}}, "language"),
        ({"agent": {"prompt": {"prompt": "x"}}}, "prompt"),
        ({"agent": {"prompt": {"llm": "x"}}}, "llm"),
        ({"agent": {"native_mcp_server_ids": []}}, "native_mcp_server_ids"),
        ({"tts": {"voice_id": "x"}}, "voice_id"),
        ({"tts": {"stability": 0.0}}, "stability"),
        ({"tts": {"speed": 1.0}}, "speed"),
        ({"tts": {"similarity_boost": 1.0}}, "similarity_boost"),
        ({"asr": {"keywords": []}}, "keywords"),
    ],
)
def test_overrides_are_refused_when_they_are_not(tmp_path: Path, sections: dict[str, Any], name: str) -> None:
    others = [other for other in OVERRIDES if other != name]
    script = write_script(tmp_path, f"allow_overrides = {others}")
    caller = converse(Caller.until_closed, script, initiation=overriding(**sections))
    assert caller.closed == Closed(1008, f"Override for field '{name}' is not allowed by config.", was_clean=True)
    assert caller.received == []


def test_without_permission_null_overrides_and_the_conversations_own_are_fine(tmp_path: Path) -> None:
    script = load_script(write_script(tmp_path))
    nothing: dict[str, Any] = {"agent": {"first_message": None, "prompt": {"llm": None}}, "tts": {"speed": None}}
    own = {"conversation": {"text_only": True, "client_events": ["ping"]}, "text_only": True, "new": 5}
    assert objection(script, overriding(**nothing, **own)) == ""


def test_overrides_in_the_wrong_section_are_none(tmp_path: Path) -> None:
    wrong = overriding(agent={"voice_id": ["x"], "llm": 5}, tts={"language": {}})
    script = load_script(write_script(tmp_path))
    assert objection(script, wrong) == ""
    assert Settings.of(script, wrong) == Settings.of(script, {})


def test_an_empty_first_message_leaves_the_first_word_to_the_caller() -> None:
    async def main(caller: Caller) -> None:
        await trio.sleep(3)
        assert caller.responses == []
        caller.send(caller.protocol.user_message({"text": BOOK}))
        await caller.until("agent_response")

    caller = converse(main, initiation=overriding(agent={"first_message": ""}))
    assert caller.responses[0].startswith("You are booked")


@pytest.mark.parametrize("language", get_args(Language))
def test_a_language_is_spoken_or_refused(language: str) -> None:
    refusal = objection(load_script(), overriding(agent={"language": language}))
    assert refusal == ("" if can_speak(language) else f"Language '{language}' is not supported by this agent.")
    if can_speak(language):
        assert Voice(voice_name(language, "any")).say("1 2 3").any()


def test_a_voice_id_is_always_the_same_voice() -> None:
    names = {voice_name("en", str(number)) for number in range(50)}
    assert len(names) > 5
    assert voice_name("en", "21m00") == voice_name("en", "21m00")
    assert voice_name("en", None) == "en-us"


def test_required_variables_must_be_given(tmp_path: Path) -> None:
    script = write_script(tmp_path, 'required_variables = ["name", "town", "year"]')
    missing = {"dynamic_variables": {"town": "Ulm", "name": None}}
    caller = converse(Caller.until_closed, script, initiation=missing)
    assert caller.closed == Closed(1008, "Missing required dynamic variables: name, year", was_clean=True)
    given = {"dynamic_variables": {"town": "", "name": 0, "year": False}}
    assert converse(until_answered, script, initiation=given).closed is None


def test_a_reason_that_is_too_long_is_cut(tmp_path: Path) -> None:
    script = write_script(tmp_path, f'required_variables = ["{"ü" * 200}"]')
    closed = converse(Caller.until_closed, script).closed
    assert closed is not None
    assert (closed.code, closed.was_clean) == (1008, True)
    assert 100 < len(closed.reason.encode()) <= 123


@pytest.mark.parametrize("override", [{"conversation": {"text_only": True}}, {"text_only": True}])
def test_a_text_only_conversation(override: dict[str, Any]) -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        caller.say(BOOK)
        await trio.sleep(6)
        caller.send(caller.protocol.user_message({"text": GOODBYE}))
        await caller.until_closed()

    caller = converse(main, initiation=overriding(**override))
    assert not any(isinstance(event, AudioReceived) for _, event in caller.received)
    assert caller.transcripts == []
    assert caller.of_type("vad_score") == []
    assert len(caller.responses) == 2
    for number, response in enumerate(caller.responses, 1):
        all_parts = [message.text_response_part for message in caller.of_type("agent_chat_response_part")]
        parts = [part for part in all_parts if part["event_id"] == number]
        assert [part["type"] for part in parts] == ["start", *["delta"] * (len(parts) - 2), "stop"]
        assert parts[0]["text"] == parts[-1]["text"] == ""
        assert "".join(part["text"] for part in parts) == response
        assert len(parts) == len(response.split()) + 2
    assert caller.closed is not None
    assert caller.closed.code == 1000


def test_a_client_gets_only_what_it_asks_for() -> None:
    async def main(caller: Caller) -> None:
        await trio.sleep(5)
        caller.say(BOOK)
        await trio.sleep(8)

    events = ["user_transcript", "context_usage", "asr_initiation_metadata"]
    caller = converse(main, initiation=overriding(conversation={"client_events": events}))
    assert set(kinds_of(caller)) == {"conversation_initiation_metadata", *events}
    usages = [message.payload for message in caller.of_type("context_usage")]
    assert [usage.context_tokens for usage in usages] == [10, 24]
    assert [usage.model for usage in usages] == ["script", "script"]


def test_by_default_a_client_gets_what_the_contract_says(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        await trio.sleep(4)
        caller.say("Goodbye")
        await caller.until("agent_response", 2)
        caller.say("Goodbye")
        await caller.until("interruption")

    caller = converse(main, write_script(tmp_path, says="a rather long answer to a very short word, is it not?"))
    assert set(kinds_of(caller)) == {
        "conversation_initiation_metadata",
        "audio",
        "agent_response",
        "user_transcript",
        "tentative_user_transcript",
        "interruption",
        "ping",
    }


def test_a_tentative_transcript_comes_before_the_final_one() -> None:
    async def main(caller: Caller) -> None:
        await caller.until("agent_response")
        await trio.sleep(4)
        caller.say(BOOK)
        await caller.until("user_transcript")

    caller = converse(main)
    (tentative,) = caller.of_type("tentative_user_transcript")
    (final,) = caller.of_type("user_transcript")
    assert tentative.payload.user_transcript == final.payload.user_transcript == BOOK
    assert tentative.payload.event_id == final.payload.event_id
    assert 0.2 < caller.times_of("user_transcript")[0] - caller.times_of("tentative_user_transcript")[0] < 0.6


def test_the_usual_speech_is_the_usual_voices() -> None:
    spoken = np.frombuffer(Delivery("en-us", 1.0, FORMATS["pcm_16000"]).speak("Hello there"), "<i2")
    assert np.array_equal(spoken, Voice().say("Hello there"))
