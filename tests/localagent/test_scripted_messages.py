"""What a script has the agent send: every message of the contract, errors with their codes, and tools to approve."""

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import trio
from tests.localagent.caller import Caller, converse, kinds_of, write_script

from voxrun.errors import ConfigurationError
from voxrun.localagent.script import load_script
from voxrun.protocol.elevenlabs.agents_client_messages import ClientEvent
from voxrun.protocol.elevenlabs.agents_server_messages import AnyServerMessage
from voxrun.transports.websocket import Closed

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

TOOL: dict[str, Any] = {"tool_name": "t", "tool_call_id": "c", "tool_type": "mcp", "event_id": 3}
MCP: dict[str, Any] = {
    "service_id": "s",
    "tool_call_id": "m1",
    "tool_name": "pay",
    "parameters": {"euros": 5},
    "timestamp": "2026-01-01T00:00:00Z",
}
AWAITING = {
    "type": "mcp_tool_call",
    "mcp_tool_call": {**MCP, "state": "awaiting_approval", "approval_timeout_secs": 20},
}
SUCCESS = {"type": "mcp_tool_call", "mcp_tool_call": {**MCP, "state": "success", "result": [{"type": "text"}]}}

MESSAGES: list[dict[str, Any]] = [
    {"type": "audio", "audio_event": {"audio_base_64": "AAA=", "event_id": 9}},
    {"type": "user_transcript", "user_transcription_event": {"user_transcript": "x", "event_id": 3}},
    {
        "type": "tentative_user_transcript",
        "tentative_user_transcription_event": {"user_transcript": "x", "event_id": 3},
    },
    {"type": "agent_response", "agent_response_event": {"agent_response": "x", "event_id": 3}},
    {
        "type": "agent_response_correction",
        "agent_response_correction_event": {
            "original_agent_response": "x",
            "corrected_agent_response": "y",
            "event_id": 3,
        },
    },
    {"type": "agent_chat_response_part", "text_response_part": {"text": "x", "type": "delta", "event_id": 3}},
    {
        "type": "agent_reasoning_response_part",
        "reasoning_response_part": {"text": "x", "type": "stop", "event_id": "3"},
    },
    {"type": "interruption", "interruption_event": {"event_id": 0}},
    {
        "type": "client_tool_call",
        "client_tool_call": {"tool_name": "t", "tool_call_id": "c", "parameters": {}, "event_id": 3},
    },
    {"type": "rich_content", "rich_content": {"rich_content_id": "r", "component": "card", "props": {}, "event_id": 3}},
    {"type": "agent_tool_request", "agent_tool_request": TOOL},
    {"type": "agent_tool_response", "agent_tool_response": {**TOOL, "is_error": False, "is_called": True}},
    {
        "type": "agent_tool_response_full_payload",
        "agent_tool_response_full_payload": {**TOOL, "is_error": True, "is_called": True, "full_tool_result": "x"},
    },
    SUCCESS,
    {
        "type": "mcp_connection_status",
        "mcp_connection_status": {
            "integrations": [
                {"integration_id": "i", "integration_type": "mcp_server", "is_connected": True, "tool_count": 1}
            ]
        },
    },
    {"type": "vad_score", "vad_score_event": {"vad_score": 0.5}},
    {"type": "ping", "ping_event": {"event_id": 99, "ping_ms": 5}},
    {
        "type": "context_usage",
        "context_usage_event": {"event_id": 3, "model": "m", "context_tokens": 1, "context_limit_tokens": 2},
    },
    {"type": "asr_initiation_metadata", "asr_initiation_metadata_event": {}},
    {"type": "guardrail_triggered"},
    {"type": "internal_turn_probability", "turn_probability_internal_event": {"turn_probability": 0.5}},
    {
        "type": "internal_tentative_agent_response",
        "tentative_agent_response_internal_event": {"tentative_agent_response": "x"},
    },
    {"type": "agent_typing", "agent_typing_event": {"is_typing": True, "duration_ms": 5}},
    {"type": "external_agent_connected", "external_agent_connected_event": {}},
    {"type": "external_agent_disconnected"},
]


def sending(folder: Path, *messages: dict[str, Any], says: str = "Bye.") -> Path:
    """A script that sends these when it hears goodbye."""
    events = f"client_events = {list(get_args(ClientEvent))}"
    return write_script(folder, events, says=says, turn=f"sends = [{', '.join(map(toml, messages))}]")


def toml(value: Any) -> str:
    """`value` as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return msgspec.json.encode(value).decode()


async def say_goodbye(caller: Caller) -> None:
    await caller.until("agent_response")
    await trio.sleep(2)
    caller.send(caller.protocol.user_message({"text": "goodbye"}))


async def until_answered(caller: Caller) -> None:
    await say_goodbye(caller)
    await trio.sleep(5)


def test_every_message_of_the_contract_can_be_scripted(tmp_path: Path) -> None:
    kinds = {message.__struct_config__.tag for message in get_args(AnyServerMessage)}
    assert {message["type"] for message in MESSAGES} == kinds - {"conversation_initiation_metadata", "error"}
    caller = converse(until_answered, sending(tmp_path, *MESSAGES))
    assert caller.protocol.malformed == 0
    scripted = [message["type"] for message in MESSAGES]
    assert any(kinds_of(caller)[at : at + len(scripted)] == scripted for at in range(len(kinds_of(caller))))
    for message in MESSAGES[1:]:
        assert any({**came, "payload": 0} == {**message, "payload": 0} for came in caller.of_type(message["type"]))
    assert caller.responses[-1] == "Bye."


@pytest.mark.parametrize("code", [1000, 1002, 1008, 1011])
def test_an_error_closes_with_its_code(tmp_path: Path, code: int) -> None:
    async def main(caller: Caller) -> None:
        await say_goodbye(caller)
        await caller.until_closed()

    error = {"type": "error", "error_event": {"code": code, "message": "no model", "error_type": "llm_timeout"}}
    caller = converse(main, sending(tmp_path, error))
    assert [dict(message.error_event) for message in caller.of_type("error")] == [error["error_event"]]
    assert caller.closed == Closed(code, "no model", was_clean=True)
    assert caller.responses == ["Hello"]


def test_an_error_without_a_message(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await say_goodbye(caller)
        await caller.until_closed()

    caller = converse(main, sending(tmp_path, {"type": "error", "error_event": {"code": 1011}}))
    assert caller.closed == Closed(1011, "", was_clean=True)


def mcp_states(caller: Caller) -> list[str]:
    return [message.mcp_tool_call.state for message in caller.of_type("mcp_tool_call")]


def test_an_mcp_tool_goes_on_when_it_is_approved(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await say_goodbye(caller)
        await caller.until("mcp_tool_call")
        await trio.sleep(5)
        assert mcp_states(caller) == ["awaiting_approval"]
        for call_id in ("other", "m1", "m1"):
            caller.send(
                caller.protocol.mcp_tool_approval_result({"tool_call_id": call_id, "is_approved": call_id == "m1"})
            )
        await caller.until("agent_response", 2)

    caller = converse(main, sending(tmp_path, AWAITING, SUCCESS, says="Paid."))
    assert mcp_states(caller) == ["awaiting_approval", "success"]
    assert caller.responses[1] == "Paid."


@pytest.mark.parametrize("way", ["refused", "forgotten"])
def test_an_mcp_tool_fails_when_it_is_not(tmp_path: Path, way: str) -> None:
    async def main(caller: Caller) -> None:
        await say_goodbye(caller)
        await caller.until("mcp_tool_call")
        if way == "refused":
            caller.send(caller.protocol.mcp_tool_approval_result({"tool_call_id": "m1", "is_approved": False}))
        await caller.until("agent_response", 2)

    caller = converse(main, sending(tmp_path, AWAITING, SUCCESS, says="Paid."))
    assert mcp_states(caller) == ["awaiting_approval", "failure"]
    failure = caller.of_type("mcp_tool_call")[1].mcp_tool_call
    assert failure.error_message.startswith("not approved: ")
    assert {key: failure[key] for key in MCP} == MCP
    assert caller.responses[1] == "Oh."
    waited = caller.times_of("agent_response")[1] - caller.times_of("mcp_tool_call")[0]
    assert waited == pytest.approx(0 if way == "refused" else 20, abs=0.1)


def test_a_turn_may_only_send(tmp_path: Path) -> None:
    path = sending(tmp_path, {"type": "guardrail_triggered"})
    path.write_text(path.read_text().replace('says = "Bye."\n', ""))
    caller = converse(until_answered, path)
    assert (len(caller.of_type("guardrail_triggered")), caller.responses) == (1, ["Hello"])


def test_a_client_tool_is_told_about_from_request_to_result(tmp_path: Path) -> None:
    async def main(caller: Caller) -> None:
        await say_goodbye(caller)
        await caller.until("client_tool_call")
        caller.answer("nine")
        await caller.until("agent_response", 2)

    events = f"client_events = {list(get_args(ClientEvent))}"
    caller = converse(main, write_script(tmp_path, events, says="{result}", turn='tool = "look"'))
    request, call, response, full = (
        dict(caller.of_type(kind)[0].payload)
        for kind in (
            "agent_tool_request",
            "client_tool_call",
            "agent_tool_response",
            "agent_tool_response_full_payload",
        )
    )
    for told in (request, response, full):
        assert (told["tool_name"], told["tool_call_id"], told["tool_type"]) == ("look", call["tool_call_id"], "client")
    assert (response["is_error"], response["is_called"], full["full_tool_result"]) == (False, True, "nine")
    told_about = [kind for kind in kinds_of(caller) if "tool" in kind]
    assert told_about == [
        "agent_tool_request",
        "client_tool_call",
        "agent_tool_response",
        "agent_tool_response_full_payload",
    ]


@pytest.mark.parametrize(
    ("sends", "message"),
    [
        ('"x"', "turn 1, sends is 'x': give a list of messages"),
        ("[5]", r"turn 1, sends 1: no message of the service: Expected `object`, got `int`"),
        ('[{type = "typing"}]', "turn 1, sends 1: no message of the service: Invalid value 'typing'"),
        (
            '[{type = "guardrail_triggered"}, {type = "vad_score"}]',
            "turn 1, sends 2: no message of the service: .*missing required field `vad_score_event`",
        ),
        (
            '[{type = "vad_score", vad_score_event = {vad_score = "high"}}]',
            r"sends 1: no message of the service: Expected `float`, got `str` - at `\$\.vad_score_event\.vad_score`",
        ),
        (
            '[{type = "conversation_initiation_metadata", conversation_initiation_metadata_event = '
            '{conversation_id = "a", agent_output_audio_format = "pcm_16000"}}]',
            "turn 1, sends 1: delete it",
        ),
        ('[{type = "error", error_event = {code = 1005}}]', "sends 1, code: give one of 1000, 1002, 1008, 1011"),
        *(
            (
                '[{type = "mcp_tool_call", mcp_tool_call = {service_id = "s", tool_call_id = "m", tool_name = "t", '
                'parameters = {}, timestamp = "now", state = "awaiting_approval", '
                f"approval_timeout_secs = {seconds}}}}}]",
                "sends 1, approval_timeout_secs: give 0 to 86400 seconds",
            )
            for seconds in ("-1", "9" * 400)
        ),
        ('[{type = "agent_typing", agent_typing_event = {is_typing = true}}]', "add that type to `client_events`"),
    ],
)
def test_what_is_no_message_is_refused_when_the_script_is_read(tmp_path: Path, sends: str, message: str) -> None:
    path = write_script(tmp_path, 'client_events = ["vad_score", "guardrail_triggered"]', turn=f"sends = {sends}")
    with pytest.raises(ConfigurationError, match=f"script.toml.*{message}"):
        load_script(path)
