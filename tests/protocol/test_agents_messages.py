"""Golden JSON of every message the service sends: how it is written, and how a handler sees it."""

import json
from typing import Any, get_args

import pytest

from voxrun.protocol.elevenlabs import agents_server_messages as wire
from voxrun.protocol.elevenlabs.agents_client import (
    AgentsClientProtocol,
    Initiated,
    MessageReceived,
    SendNow,
)
from voxrun.protocol.elevenlabs.agents_server import AgentsServerProtocol

METADATA = (
    '{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":'
    '{"conversation_id":"conv_1","agent_output_audio_format":"pcm_16000","user_input_audio_format":"ulaw_8000"}}'
)
TOOL = '"tool_name":"end_call","tool_call_id":"t1","tool_type":"system"'
MCP = (
    '"service_id":"s","tool_call_id":"m1","tool_name":"look","parameters":{"q":[1]},"timestamp":"2026-01-02T03:04:05Z"'
)
MCP_FIELDS: dict[str, Any] = {
    "service_id": "s",
    "tool_call_id": "m1",
    "tool_name": "look",
    "parameters": {"q": [1]},
    "timestamp": "2026-01-02T03:04:05Z",
}

# Every message but audio and the metadata, which the tests below and the conversations cover.
GOLDEN: list[tuple[wire.ServerMessage, str]] = [
    (
        wire.UserTranscript(wire.UserTranscriptionData("hello", 1)),
        '{"type":"user_transcript","user_transcription_event":{"user_transcript":"hello","event_id":1}}',
    ),
    (
        wire.TentativeUserTranscript(wire.TentativeTranscriptionData("hel", 1)),
        '{"type":"tentative_user_transcript","tentative_user_transcription_event":'
        '{"user_transcript":"hel","event_id":1}}',
    ),
    (
        wire.AgentResponse(wire.AgentResponseData("Hi, été", 2)),
        '{"type":"agent_response","agent_response_event":{"agent_response":"Hi, été","event_id":2}}',
    ),
    (
        wire.AgentResponseCorrection(wire.AgentResponseCorrectionData("Hi there", "Hi", 2)),
        '{"type":"agent_response_correction","agent_response_correction_event":'
        '{"original_agent_response":"Hi there","corrected_agent_response":"Hi","event_id":2}}',
    ),
    (
        wire.AgentChatResponsePart(wire.AgentChatResponsePartData("Hi", "delta", 3)),
        '{"type":"agent_chat_response_part","text_response_part":{"text":"Hi","type":"delta","event_id":3}}',
    ),
    (
        wire.AgentReasoningResponsePart(wire.AgentReasoningResponsePartData("so", "start", "r3")),
        '{"type":"agent_reasoning_response_part","reasoning_response_part":'
        '{"text":"so","type":"start","event_id":"r3"}}',
    ),
    (
        wire.Interruption(wire.InterruptionData(4)),
        '{"type":"interruption","interruption_event":{"event_id":4}}',
    ),
    (
        wire.ClientToolCallMessage(wire.ClientToolCallData("weather", "t0", {"city": "Oslo"}, 5)),
        '{"type":"client_tool_call","client_tool_call":'
        '{"tool_name":"weather","tool_call_id":"t0","parameters":{"city":"Oslo"},"event_id":5}}',
    ),
    (
        wire.RichContentMessage(wire.RichContentData("rc1", "item_card", {"title": "A"}, 6)),
        '{"type":"rich_content","rich_content":'
        '{"rich_content_id":"rc1","component":"item_card","props":{"title":"A"},"event_id":6}}',
    ),
    (
        wire.AgentToolRequestMessage(wire.AgentToolRequestData("end_call", "t1", "system", 7)),
        f'{{"type":"agent_tool_request","agent_tool_request":{{{TOOL},"event_id":7}}}}',
    ),
    (
        wire.AgentToolResponseMessage(wire.AgentToolResponseData("end_call", "t1", "system", False, True, 7)),
        f'{{"type":"agent_tool_response","agent_tool_response":{{{TOOL},"is_error":false,"is_called":true,"event_id":7}}}}',
    ),
    (
        wire.AgentToolResponseFullPayloadMessage(
            wire.AgentToolResponseFullPayloadData(
                "end_call", "t1", "system", False, True, 7, full_tool_result="{}", truncated=True
            )
        ),
        f'{{"type":"agent_tool_response_full_payload","agent_tool_response_full_payload":{{{TOOL},'
        '"is_error":false,"is_called":true,"event_id":7,"full_tool_result":"{}","truncated":true}}',
    ),
    (
        wire.MCPToolCall(wire.MCPToolCallLoading(**MCP_FIELDS)),
        f'{{"type":"mcp_tool_call","mcp_tool_call":{{"state":"loading",{MCP}}}}}',
    ),
    (
        wire.MCPToolCall(wire.MCPToolCallAwaitingApproval(**MCP_FIELDS, approval_timeout_secs=300)),
        f'{{"type":"mcp_tool_call","mcp_tool_call":{{"state":"awaiting_approval",{MCP},"approval_timeout_secs":300}}}}',
    ),
    (
        wire.MCPToolCall(wire.MCPToolCallSuccess(**MCP_FIELDS, result=[{"type": "text"}])),
        f'{{"type":"mcp_tool_call","mcp_tool_call":{{"state":"success",{MCP},"result":[{{"type":"text"}}]}}}}',
    ),
    (
        wire.MCPToolCall(wire.MCPToolCallFailure(**MCP_FIELDS, error_message="no")),
        f'{{"type":"mcp_tool_call","mcp_tool_call":{{"state":"failure",{MCP},"error_message":"no"}}}}',
    ),
    (
        wire.MCPConnectionStatusMessage(
            wire.MCPConnectionStatusData([wire.MCPIntegrationStatus("i", "mcp_server", True, 0)])
        ),
        '{"type":"mcp_connection_status","mcp_connection_status":{"integrations":'
        '[{"integration_id":"i","integration_type":"mcp_server","is_connected":true,"tool_count":0}]}}',
    ),
    (
        wire.VADScore(wire.VADScoreData(0.25)),
        '{"type":"vad_score","vad_score_event":{"vad_score":0.25}}',
    ),
    (
        wire.Ping(wire.PingData(8)),
        '{"type":"ping","ping_event":{"event_id":8,"ping_ms":null}}',
    ),
    (
        wire.Ping(wire.PingData(9, 42)),
        '{"type":"ping","ping_event":{"event_id":9,"ping_ms":42}}',
    ),
    (
        wire.ContextUsage(wire.ContextUsageData(10, "m", 900, 8000)),
        '{"type":"context_usage","context_usage_event":'
        '{"event_id":10,"model":"m","context_tokens":900,"context_limit_tokens":8000}}',
    ),
    (
        wire.ASRInitiationMetadata({"provider": "x"}),
        '{"type":"asr_initiation_metadata","asr_initiation_metadata_event":{"provider":"x"}}',
    ),
    (wire.GuardrailTriggered(), '{"type":"guardrail_triggered"}'),
    (
        wire.InternalTurnProbability(wire.InternalTurnProbabilityData(0.5)),
        '{"type":"internal_turn_probability","turn_probability_internal_event":{"turn_probability":0.5}}',
    ),
    (
        wire.InternalTentativeAgentResponse(wire.InternalTentativeAgentResponseData("maybe")),
        '{"type":"internal_tentative_agent_response","tentative_agent_response_internal_event":'
        '{"tentative_agent_response":"maybe"}}',
    ),
    (
        wire.AgentTyping(wire.AgentTypingData(True, 500)),
        '{"type":"agent_typing","agent_typing_event":{"is_typing":true,"duration_ms":500}}',
    ),
    (wire.ExternalAgentConnected(), '{"type":"external_agent_connected"}'),
    (
        wire.ExternalAgentDisconnected({}),
        '{"type":"external_agent_disconnected","external_agent_disconnected_event":{}}',
    ),
    (
        wire.ErrorMessage(wire.ErrorData(1008, message="no", error_type="missing_fields")),
        '{"type":"error","error_event":{"code":1008,"message":"no","error_type":"missing_fields"}}',
    ),
]
IDS = [str(message.__struct_config__.tag) for message, _ in GOLDEN]


def active_pair() -> tuple[AgentsClientProtocol, AgentsServerProtocol]:
    """Both machines of a conversation under way."""
    client, server = AgentsClientProtocol(), AgentsServerProtocol()
    client.initiate()
    metadata = wire.ConversationMetadataData("conv_1", "pcm_16000", "ulaw_8000")
    client.receive(server.send(wire.ConversationMetadata(metadata)))
    return client, server


def test_the_table_leaves_no_message_out() -> None:
    covered = {type(message) for message, _ in GOLDEN} | {wire.Audio, wire.ConversationMetadata}
    assert covered == set(get_args(wire.AnyServerMessage))


@pytest.mark.parametrize(("message", "text"), GOLDEN, ids=IDS)
def test_the_service_writes_it(message: wire.ServerMessage, text: str) -> None:
    _, server = active_pair()
    assert server.send(message) == text


@pytest.mark.parametrize(("message", "text"), GOLDEN, ids=IDS)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_handler_sees_it_whole_and_flat(message: wire.ServerMessage, text: str, as_bytes: bool) -> None:
    client, _ = active_pair()
    received = client.receive(text.encode() if as_bytes else text)[-1]
    assert isinstance(received, MessageReceived)
    plain: dict[str, Any] = json.loads(text)
    body: dict[str, Any] = next((value for key, value in plain.items() if key != "type"), {})
    assert (received.type, received.known) == (plain["type"], True)
    assert received.data == {**plain, "payload": {**plain, **body, "type": plain["type"]}}
    assert client.malformed == 0


def test_some_messages_also_mean_something_to_the_machine() -> None:
    client, _ = active_pair()
    also = {IDS[i]: client.receive(text)[0] for i, (_, text) in enumerate(GOLDEN) if len(client.receive(text)) > 1}
    assert also == {"ping": SendNow('{"type":"pong","event_id":9}')}


def test_the_metadata() -> None:
    server, client = AgentsServerProtocol(), AgentsClientProtocol()
    metadata = wire.ConversationMetadataData("conv_1", "pcm_16000", "ulaw_8000")
    assert server.send(wire.ConversationMetadata(metadata)) == METADATA
    client.initiate()
    initiated, received = client.receive(METADATA)
    assert isinstance(initiated, Initiated)
    assert (initiated.output_format.name, initiated.input_format.name) == ("pcm_16000", "ulaw_8000")
    assert isinstance(received, MessageReceived)
    assert received.data.payload.conversation_id == initiated.conversation_id == "conv_1"


def test_the_service_always_names_the_input_format() -> None:
    sent = AgentsServerProtocol().send(wire.ConversationMetadata(wire.ConversationMetadataData("c", "pcm_8000")))
    assert '"user_input_audio_format":"pcm_16000"' in sent


def test_audio_with_alignment() -> None:
    _, server = active_pair()
    alignment = wire.AudioAlignmentData(["h", "i"], [0, 40], [40, 60])
    assert server.send(wire.Audio(wire.AudioEventData("AAEC/w==", 1, alignment))) == (
        '{"type":"audio","audio_event":{"audio_base_64":"AAEC/w==","event_id":1,'
        '"alignment":{"chars":["h","i"],"char_start_times_ms":[0,40],"char_durations_ms":[40,60]}}}'
    )
    assert server.audio(1, b"\0\1\2\xff") == server.send(wire.Audio(wire.AudioEventData("AAEC/w==", 1)))


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"user_transcript","user_transcription_event":{"user_transcript":"hello"}}',
        '{"type":"agent_response","agent_response_event":{"agent_response":"Hi"}}',
        '{"type":"agent_response_correction","agent_response_correction_event":'
        '{"original_agent_response":"Hi there","corrected_agent_response":"Hi"}}',
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"weather","tool_call_id":"t0","parameters":{}}}',
        '{"type":"agent_tool_response","agent_tool_response":'
        '{"tool_name":"end_call","tool_call_id":"t1","tool_type":"system","is_error":false}}',
    ],
)
def test_what_the_providers_guide_leaves_out_costs_no_message(text: str) -> None:
    client = AgentsClientProtocol()
    (received,) = client.receive(text)
    assert isinstance(received, MessageReceived)
    assert {key: value for key, value in received.data.items() if key != "payload"} == json.loads(text)
    assert client.malformed == 0
