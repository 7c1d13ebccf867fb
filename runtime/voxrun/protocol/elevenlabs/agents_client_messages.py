"""Every message a client sends: one struct each, named as in the contract, with its parts above it.

Fields, what may be missing, ranges and enumerations are the contract's, since the service closes with 1008
on anything else.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

JsonObject: TypeAlias = dict[str, Any]
UnitInterval: TypeAlias = Annotated[float, Meta(ge=0, le=1)]


class ClientMessage(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """What all messages of a client share, audio aside: `type` names them."""


class UserAudio(Struct, frozen=True):
    """The user's speech in the input format. The one message with no `type`: this key's presence tells it."""

    user_audio_chunk: str


class Pong(ClientMessage, frozen=True, tag="pong"):
    event_id: int


class UserMessage(ClientMessage, frozen=True, tag="user_message"):
    text: str | None = None
    rich_content_id: str | UnsetType = UNSET


class UserActivity(ClientMessage, frozen=True, tag="user_activity"):
    pass


class UserFeedback(ClientMessage, frozen=True, tag="feedback"):
    """A null score clears the feedback."""

    event_id: int
    score: Literal["like", "dislike"] | None


class ClientToolResult(ClientMessage, frozen=True, tag="client_tool_result"):
    tool_call_id: str
    result: str
    is_error: bool


class MCPToolApprovalResult(ClientMessage, frozen=True, tag="mcp_tool_approval_result"):
    tool_call_id: str
    is_approved: bool


class ContextualUpdate(ClientMessage, frozen=True, tag="contextual_update"):
    """Of the updates with one `context_id`, the agent keeps the latest."""

    text: str
    context_id: str | UnsetType = UNSET


class MultimodalMessageText(Struct, frozen=True):
    """A user message as a part; not `UserMessage`, whose tag msgspec lets be absent outside a union."""

    type: Literal["user_message"]
    text: str | None = None
    rich_content_id: str | UnsetType = UNSET


class MultimodalMessageFileData(Struct, frozen=True):
    type: Literal["file_input"]
    file_id: str


class MultimodalMessage(ClientMessage, frozen=True, tag="multimodal_message"):
    text: MultimodalMessageText | None = None
    file: MultimodalMessageFileData | None = None


# fmt: off
Language: TypeAlias = Literal[
    "en", "ja", "zh", "de", "hi", "fr", "ko", "pt", "pt-br", "it", "es", "id", "nl", "tr", "pl", "sv", "bg",
    "ro", "ar", "cs", "el", "fi", "ms", "da", "ta", "uk", "ru", "hu", "hr", "sk", "no", "vi", "tl", "af",
    "hy", "as", "az", "be", "bn", "bs", "ca", "et", "gl", "ka", "gu", "ha", "he", "is", "ga", "jv", "kn",
    "kk", "ky", "lv", "lt", "lb", "mk", "ml", "mr", "ne", "ps", "fa", "pa", "sr", "sd", "sl", "so", "sw",
    "te", "th", "ur", "cy",
]
ClientEvent: TypeAlias = Literal[
    "audio", "agent_response", "agent_response_correction", "agent_chat_response_part",
    "agent_reasoning_response_part", "interruption", "user_transcript", "tentative_user_transcript",
    "conversation_initiation_metadata", "client_tool_call", "rich_content", "agent_tool_request",
    "agent_tool_response", "agent_tool_response_full_payload", "mcp_tool_call", "mcp_connection_status",
    "vad_score", "ping", "context_usage", "asr_initiation_metadata", "guardrail_triggered",
    "internal_turn_probability", "internal_tentative_agent_response", "agent_typing",
    "external_agent_connected", "external_agent_disconnected",
]
# fmt: on


class PromptAgentOverride(Struct, frozen=True):
    prompt: str | None = None
    llm: str | None = None


class AgentConfigOverride(Struct, frozen=True):
    """With an empty `first_message` the agent waits for the user to speak."""

    first_message: str | None = None
    language: Language | UnsetType = UNSET
    prompt: PromptAgentOverride | UnsetType = UNSET
    native_mcp_server_ids: Annotated[list[str], Meta(max_length=10)] | None = None


class ASRConversationalConfigOverride(Struct, frozen=True):
    keywords: list[str] | None = None


class TTSConversationalConfigOverride(Struct, frozen=True):
    """`speed` is a factor; 1.0 is normal."""

    voice_id: str | None = None
    stability: UnitInterval | None = None
    speed: Annotated[float, Meta(ge=0.7, le=5)] | None = None
    similarity_boost: UnitInterval | None = None


class ConversationConfigOverride(Struct, frozen=True):
    """`client_events` are the types of the messages the service shall send."""

    text_only: bool | None = None
    client_events: Annotated[list[ClientEvent], Meta(min_length=1)] | None = None


class ConversationConfigClientOverride(Struct, frozen=True):
    agent: AgentConfigOverride | UnsetType = UNSET
    asr: ASRConversationalConfigOverride | UnsetType = UNSET
    tts: TTSConversationalConfigOverride | UnsetType = UNSET
    conversation: ConversationConfigOverride | UnsetType = UNSET


class SourceInfo(Struct, frozen=True):
    source: str | None = None
    version: str | None = None


class ToolMockConfig(Struct, frozen=True):
    mocking_strategy: Literal["none", "all", "selected"] = "none"
    mocked_tool_names: list[str] | UnsetType = UNSET
    fallback_strategy: Literal["raise_error", "call_real_tool"] = "raise_error"


class ConversationInitiation(ClientMessage, frozen=True, tag="conversation_initiation_client_data"):
    conversation_config_override: ConversationConfigClientOverride | UnsetType = UNSET
    custom_llm_extra_body: JsonObject | UnsetType = UNSET
    dynamic_variables: JsonObject | UnsetType = UNSET
    user_id: str | None = None
    source_info: SourceInfo | UnsetType = UNSET
    tool_mock_config: ToolMockConfig | UnsetType = UNSET


AnyClientMessage: TypeAlias = (
    Pong
    | UserMessage
    | UserActivity
    | UserFeedback
    | ClientToolResult
    | MCPToolApprovalResult
    | ContextualUpdate
    | ConversationInitiation
    | MultimodalMessage
)
"""Every client message that has a `type`, so all but `UserAudio`."""
