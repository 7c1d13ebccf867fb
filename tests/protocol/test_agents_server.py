"""The service's side: what it hears, what it refuses with 1008, and what must go out first."""

import json
from typing import Any

import pytest

from voxrun.errors import LocalProtocolError
from voxrun.protocol.elevenlabs.agents_server import (
    AgentsServerProtocol,
    ClientBroke,
    ContextualUpdateReceived,
    ConversationInitiated,
    FeedbackReceived,
    McpApprovalReceived,
    MultimodalMessageReceived,
    PongReceived,
    ServiceEvent,
    ToolResultReceived,
    UserActivityReceived,
    UserAudio,
    UserMessageReceived,
)
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ConversationMetadata,
    ConversationMetadataData,
    GuardrailTriggered,
    Ping,
    PingData,
)

INITIATION = '{"type":"conversation_initiation_client_data"}'
METADATA = ConversationMetadata(ConversationMetadataData("conv_1", "pcm_16000", "pcm_16000"))


def overrides(**parts: Any) -> str:
    return json.dumps({"type": "conversation_initiation_client_data", "conversation_config_override": parts})


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('{"user_audio_chunk":"AAEC/w=="}', UserAudio(b"\0\1\2\xff")),
        ('{"user_audio_chunk":""}', UserAudio(b"")),
        ('{"type":"user_audio","user_audio_chunk":"AAE="}', UserAudio(b"\0\1")),
        ('{"type":"pong","event_id":7}', PongReceived(7)),
        ('{"type":"user_message","text":"hi","rich_content_id":"r"}', UserMessageReceived("hi")),
        ('{"type":"user_message"}', UserMessageReceived(None)),
        ('{"type":"user_message","text":null}', UserMessageReceived(None)),
        ('{"type":"user_activity"}', UserActivityReceived()),
        ('{"type":"feedback","event_id":1,"score":"like"}', FeedbackReceived(1, "like")),
        ('{"type":"feedback","event_id":1,"score":null}', FeedbackReceived(1, None)),
        (
            '{"type":"client_tool_result","tool_call_id":"t","result":"r","is_error":false}',
            ToolResultReceived("t", "r", False),
        ),
        (
            '{"type":"mcp_tool_approval_result","tool_call_id":"m","is_approved":true}',
            McpApprovalReceived("m", True),
        ),
        ('{"type":"contextual_update","text":"a"}', ContextualUpdateReceived("a", None)),
        (
            '{"type":"contextual_update","text":"a","context_id":"k"}',
            ContextualUpdateReceived("a", "k"),
        ),
        ('{"type":"multimodal_message"}', MultimodalMessageReceived(None, None)),
        (
            '{"type":"multimodal_message","text":{"type":"user_message","text":"see"},'
            '"file":{"type":"file_input","file_id":"f"}}',
            MultimodalMessageReceived("see", "f"),
        ),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_each_message_is_one_event(text: str, event: ServiceEvent, as_bytes: bool) -> None:
    assert AgentsServerProtocol().receive(text.encode() if as_bytes else text) == [event]


def test_the_initiation_is_handed_on_whole() -> None:
    text = overrides(agent={"prompt": {"prompt": "Be brief"}, "language": "no"}, tts={"speed": 0.7})
    (event,) = AgentsServerProtocol().receive(text)
    assert isinstance(event, ConversationInitiated)
    assert event.data == json.loads(text)
    assert event.data.conversation_config_override.agent.prompt.prompt == "Be brief"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("hello", "JSON is malformed"),
        ("[]", "Expected `object`, got `array`"),
        ("{}", "Object missing required field `type`"),
        ('{"type":"hello"}', "Invalid value 'hello' - at `$.type`"),
        ('{"type":"pong"}', "Object missing required field `event_id`"),
        ('{"user_audio_chunk":7}', "Expected `str`, got `int` - at `$.user_audio_chunk`"),
        ('{"user_audio_chunk":"AAE"}', ""),
        (
            '{"type":"client_tool_result","tool_call_id":"t","result":"r"}',
            "missing required field `is_error`",
        ),
        (
            '{"type":"client_tool_result","tool_call_id":"t","result":{},"is_error":false}',
            "Expected `str`, got `object` - at `$.result`",
        ),
        ('{"type":"feedback","event_id":1}', "Object missing required field `score`"),
        ('{"type":"feedback","event_id":1,"score":"meh"}', "Invalid enum value 'meh' - at `$.score`"),
        ('{"type":"contextual_update"}', "Object missing required field `text`"),
        (
            '{"type":"multimodal_message","file":{"file_id":"f"}}',
            "missing required field `type` - at `$.file`",
        ),
        ('{"type":"multimodal_message","text":{"text":"x"}}', "missing required field `type` - at `$.text`"),
        (overrides(agent={"language": "xx"}), "Invalid enum value 'xx'"),
        (overrides(tts={"speed": 9}), "Expected `float` <= 5"),
        (overrides(tts={"stability": -1}), "Expected `float` >= 0"),
        (overrides(agent={"native_mcp_server_ids": ["x"] * 11}), "length <= 10"),
        (overrides(conversation={"client_events": []}), "length >= 1"),
        (overrides(conversation={"client_events": ["nope"]}), "Invalid enum value 'nope'"),
        ("\ud800", "'utf-8' codec"),
        (b'{"type":"\xff"}', "'utf-8' codec"),
        (INITIATION[:-1] + ',"dynamic_variables":{"a":' + '{"a":' * 900 + "1" + "}" * 902, "recursion"),
    ],
)
def test_what_the_contract_forbids_ends_it_with_1008(text: str | bytes, reason: str) -> None:
    server = AgentsServerProtocol()
    (event,) = server.receive(text)
    assert isinstance(event, ClientBroke)
    assert event.code == 1008
    assert reason in event.reason
    assert event.reason
    assert server.receive(INITIATION) == []


def test_a_second_initiation_is_forbidden() -> None:
    server = AgentsServerProtocol()
    assert [type(server.receive(INITIATION)[0]) for _ in range(2)] == [ConversationInitiated, ClientBroke]


def test_a_reason_fits_a_close_frame() -> None:
    (event,) = AgentsServerProtocol().receive(json.dumps({"type": "é\n" * 500}))
    assert isinstance(event, ClientBroke)
    assert len(event.reason.encode()) == 123
    assert event.reason.isprintable()


def test_the_metadata_goes_first_and_once() -> None:
    server = AgentsServerProtocol()
    with pytest.raises(LocalProtocolError, match="must be sent first"):
        server.send(Ping(PingData(1)))
    with pytest.raises(LocalProtocolError, match="must be sent first"):
        server.audio(1, b"\0\0")
    server.send(METADATA)
    with pytest.raises(LocalProtocolError, match="sent already"):
        server.send(METADATA)
    assert server.send(GuardrailTriggered()) == '{"type":"guardrail_triggered"}'
    assert server.audio(1, b"\0\1") == '{"type":"audio","audio_event":{"audio_base_64":"AAE=","event_id":1}}'


def test_metadata_that_cannot_be_written_was_not_sent() -> None:
    server = AgentsServerProtocol()
    with pytest.raises(UnicodeEncodeError):
        server.send(ConversationMetadata(ConversationMetadataData("\ud800", "pcm_16000")))
    assert server.send(METADATA).startswith('{"type":"conversation_initiation_metadata"')
