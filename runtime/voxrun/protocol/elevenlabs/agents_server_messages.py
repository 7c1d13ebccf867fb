"""Every message the service sends: one struct each, named as in the contract, with its body above it.

Fields, and which of them may be missing, are the contract's. Values it enumerates (error types, tool types,
formats) are plain strings and integers here, since a value added later must not cost us the message. For the same
reason what the provider's own guide leaves out of its examples (page: Client events) may be missing: `event_id`,
where nothing depends on it, and `is_called`.
"""

from typing import Any, TypeAlias, get_args

from msgspec import UNSET, Struct, UnsetType

JsonObject: TypeAlias = dict[str, Any]


class ServerMessage(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """What all messages of the service share: `type` names them."""


class AudioAlignmentData(Struct, frozen=True):
    """When each character of the speech is heard, in ms from the chunk's start."""

    chars: list[str]
    char_start_times_ms: list[int]
    char_durations_ms: list[int]


class AudioEventData(Struct, frozen=True, omit_defaults=True):
    """Speech of one agent turn, in the agent's output format. It comes faster than real time."""

    audio_base_64: str
    event_id: int
    alignment: AudioAlignmentData | UnsetType = UNSET


class Audio(ServerMessage, frozen=True, tag="audio"):
    audio_event: AudioEventData


class UserTranscriptionData(Struct, frozen=True):
    user_transcript: str
    event_id: int | UnsetType = UNSET


class UserTranscript(ServerMessage, frozen=True, tag="user_transcript"):
    user_transcription_event: UserTranscriptionData


class TentativeTranscriptionData(Struct, frozen=True):
    user_transcript: str
    event_id: int


class TentativeUserTranscript(ServerMessage, frozen=True, tag="tentative_user_transcript"):
    tentative_user_transcription_event: TentativeTranscriptionData


class AgentResponseData(Struct, frozen=True):
    agent_response: str
    event_id: int | UnsetType = UNSET


class AgentResponse(ServerMessage, frozen=True, tag="agent_response"):
    agent_response_event: AgentResponseData


class AgentResponseCorrectionData(Struct, frozen=True):
    original_agent_response: str
    corrected_agent_response: str
    event_id: int | UnsetType = UNSET


class AgentResponseCorrection(ServerMessage, frozen=True, tag="agent_response_correction"):
    agent_response_correction_event: AgentResponseCorrectionData


class AgentChatResponsePartData(Struct, frozen=True):
    """`type` is start, delta or stop; the text is empty for start and stop."""

    text: str
    type: str
    event_id: int


class AgentChatResponsePart(ServerMessage, frozen=True, tag="agent_chat_response_part"):
    text_response_part: AgentChatResponsePartData


class AgentReasoningResponsePartData(Struct, frozen=True):
    """As for chat parts, but the contract makes this `event_id` a string."""

    text: str
    type: str
    event_id: str


class AgentReasoningResponsePart(ServerMessage, frozen=True, tag="agent_reasoning_response_part"):
    reasoning_response_part: AgentReasoningResponsePartData


class InterruptionData(Struct, frozen=True):
    """The agent's turns up to and including `event_id` are cut."""

    event_id: int


class Interruption(ServerMessage, frozen=True, tag="interruption"):
    interruption_event: InterruptionData


class ConversationMetadataData(Struct, frozen=True):
    """The formats are names that `parse_format` knows.

    The contract requires the input format too, but the service has left it out; its SDKs then take pcm_16000.
    """

    conversation_id: str
    agent_output_audio_format: str
    user_input_audio_format: str = "pcm_16000"


class ConversationMetadata(ServerMessage, frozen=True, tag="conversation_initiation_metadata"):
    conversation_initiation_metadata_event: ConversationMetadataData


class ClientToolCallData(Struct, frozen=True):
    tool_name: str
    tool_call_id: str
    parameters: JsonObject
    event_id: int | UnsetType = UNSET


class ClientToolCallMessage(ServerMessage, frozen=True, tag="client_tool_call"):
    client_tool_call: ClientToolCallData


class RichContentData(Struct, frozen=True):
    rich_content_id: str
    component: str
    props: JsonObject
    event_id: int


class RichContentMessage(ServerMessage, frozen=True, tag="rich_content"):
    rich_content: RichContentData


class AgentToolRequestData(Struct, frozen=True):
    tool_name: str
    tool_call_id: str
    tool_type: str
    event_id: int


class AgentToolRequestMessage(ServerMessage, frozen=True, tag="agent_tool_request"):
    agent_tool_request: AgentToolRequestData


class AgentToolResponseData(Struct, frozen=True):
    tool_name: str
    tool_call_id: str
    tool_type: str
    is_error: bool
    is_called: bool | UnsetType = UNSET
    event_id: int | UnsetType = UNSET


class AgentToolResponseMessage(ServerMessage, frozen=True, tag="agent_tool_response"):
    agent_tool_response: AgentToolResponseData


class AgentToolResponseFullPayloadData(Struct, frozen=True, omit_defaults=True):
    tool_name: str
    tool_call_id: str
    tool_type: str
    is_error: bool
    is_called: bool
    event_id: int
    full_tool_result: str
    is_blocked: bool = False
    truncated: bool = False


class AgentToolResponseFullPayloadMessage(ServerMessage, frozen=True, tag="agent_tool_response_full_payload"):
    agent_tool_response_full_payload: AgentToolResponseFullPayloadData


class MCPToolCallBase(Struct, frozen=True, kw_only=True, tag_field="state", omit_defaults=True):
    """What the four states of an MCP tool call share; `timestamp` is ISO 8601."""

    service_id: str
    tool_call_id: str
    tool_name: str
    tool_description: str | None = None
    parameters: JsonObject
    timestamp: str


class MCPToolCallLoading(MCPToolCallBase, frozen=True, tag="loading"):
    pass


class MCPToolCallAwaitingApproval(MCPToolCallBase, frozen=True, kw_only=True, tag="awaiting_approval"):
    approval_timeout_secs: int


class MCPToolCallSuccess(MCPToolCallBase, frozen=True, kw_only=True, tag="success"):
    result: list[JsonObject]


class MCPToolCallFailure(MCPToolCallBase, frozen=True, kw_only=True, tag="failure"):
    error_message: str


class MCPToolCall(ServerMessage, frozen=True, tag="mcp_tool_call"):
    mcp_tool_call: MCPToolCallLoading | MCPToolCallAwaitingApproval | MCPToolCallSuccess | MCPToolCallFailure


class MCPIntegrationStatus(Struct, frozen=True):
    integration_id: str
    integration_type: str
    is_connected: bool
    tool_count: int


class MCPConnectionStatusData(Struct, frozen=True):
    integrations: list[MCPIntegrationStatus]


class MCPConnectionStatusMessage(ServerMessage, frozen=True, tag="mcp_connection_status"):
    mcp_connection_status: MCPConnectionStatusData


class VADScoreData(Struct, frozen=True):
    """How likely the user is speaking, 0 to 1."""

    vad_score: float


class VADScore(ServerMessage, frozen=True, tag="vad_score"):
    vad_score_event: VADScoreData


class PingData(Struct, frozen=True):
    """`ping_ms` is the service's estimate of the latency, in ms; unknown, it goes out as null: the SDKs look it up."""

    event_id: int
    ping_ms: int | None = None


class Ping(ServerMessage, frozen=True, tag="ping"):
    ping_event: PingData


class ContextUsageData(Struct, frozen=True):
    event_id: int
    model: str
    context_tokens: int
    context_limit_tokens: int


class ContextUsage(ServerMessage, frozen=True, tag="context_usage"):
    context_usage_event: ContextUsageData


class ASRInitiationMetadata(ServerMessage, frozen=True, tag="asr_initiation_metadata"):
    asr_initiation_metadata_event: JsonObject


class GuardrailTriggered(ServerMessage, frozen=True, tag="guardrail_triggered"):
    pass


class InternalTurnProbabilityData(Struct, frozen=True):
    turn_probability: float


class InternalTurnProbability(ServerMessage, frozen=True, tag="internal_turn_probability"):
    turn_probability_internal_event: InternalTurnProbabilityData


class InternalTentativeAgentResponseData(Struct, frozen=True):
    tentative_agent_response: str


class InternalTentativeAgentResponse(ServerMessage, frozen=True, tag="internal_tentative_agent_response"):
    tentative_agent_response_internal_event: InternalTentativeAgentResponseData


class AgentTypingData(Struct, frozen=True, omit_defaults=True):
    is_typing: bool
    duration_ms: int | None = None


class AgentTyping(ServerMessage, frozen=True, tag="agent_typing"):
    agent_typing_event: AgentTypingData


class ExternalAgentConnected(ServerMessage, frozen=True, tag="external_agent_connected"):
    external_agent_connected_event: JsonObject | UnsetType = UNSET


class ExternalAgentDisconnected(ServerMessage, frozen=True, tag="external_agent_disconnected"):
    external_agent_disconnected_event: JsonObject | UnsetType = UNSET


class ErrorData(Struct, frozen=True, omit_defaults=True):
    """`code` is the WebSocket close code that follows: 1000, 1002, 1008 or 1011."""

    code: int
    message: str | UnsetType = UNSET
    error_type: str | None = None
    reason: str | None = None
    debug_message: str | None = None
    details: JsonObject | None = None


class ErrorMessage(ServerMessage, frozen=True, tag="error"):
    error_event: ErrorData


AnyServerMessage: TypeAlias = (
    Audio
    | UserTranscript
    | TentativeUserTranscript
    | AgentResponse
    | AgentResponseCorrection
    | AgentChatResponsePart
    | AgentReasoningResponsePart
    | Interruption
    | ConversationMetadata
    | ClientToolCallMessage
    | RichContentMessage
    | AgentToolRequestMessage
    | AgentToolResponseMessage
    | AgentToolResponseFullPayloadMessage
    | MCPToolCall
    | MCPConnectionStatusMessage
    | VADScore
    | Ping
    | ContextUsage
    | ASRInitiationMetadata
    | GuardrailTriggered
    | InternalTurnProbability
    | InternalTentativeAgentResponse
    | AgentTyping
    | ExternalAgentConnected
    | ExternalAgentDisconnected
    | ErrorMessage
)

BODY_FIELDS: dict[str, str] = {
    message.__struct_config__.tag: next(iter(message.__struct_fields__), "") for message in get_args(AnyServerMessage)
}
"""For every `type` of the contract, the key that holds the message's body; empty when it has none."""
