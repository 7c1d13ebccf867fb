"""`AgentsServerProtocol`: the service's side of one conversation, and the events it yields.

The local agent speaks it, and so do the tests. It is as strict as the service: what the contract forbids ends
the conversation with close code 1008.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
import pybase64
from msgspec import UNSET, Struct, UnsetType

from voxrun.errors import LocalProtocolError
from voxrun.events.message import Message
from voxrun.protocol.elevenlabs.agents_client_messages import (
    AnyClientMessage,
    ClientToolResult,
    ContextualUpdate,
    ConversationInitiation,
    MCPToolApprovalResult,
    MultimodalMessage,
    Pong,
    UserActivity,
    UserFeedback,
    UserMessage,
)
from voxrun.protocol.elevenlabs.agents_server_messages import ConversationMetadata, ServerMessage
from voxrun.protocol.elevenlabs.reason import refusal_reason


@dataclass(frozen=True, slots=True)
class ConversationInitiated:
    """The client's configuration: the whole message, whose parts are all optional."""

    data: Message


@dataclass(frozen=True, slots=True)
class UserAudio:
    """The user's speech: raw bytes in the conversation's input format."""

    audio: bytes


@dataclass(frozen=True, slots=True)
class PongReceived:
    """The answer to the ping `event_id`."""

    event_id: int


@dataclass(frozen=True, slots=True)
class UserMessageReceived:
    """What the user typed; None is the signal of text-only mode."""

    text: str | None


@dataclass(frozen=True, slots=True)
class ContextualUpdateReceived:
    """Something to know and not to answer; a later one with the same `context_id` replaces it."""

    text: str
    context_id: str | None


@dataclass(frozen=True, slots=True)
class ToolResultReceived:
    """The client ran the tool of the call `tool_call_id`."""

    tool_call_id: str
    result: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class UserActivityReceived:
    """The user is busy."""


@dataclass(frozen=True, slots=True)
class FeedbackReceived:
    """What the user thinks of the event `event_id`; None takes it back."""

    event_id: int
    score: Literal["like", "dislike"] | None


@dataclass(frozen=True, slots=True)
class MultimodalMessageReceived:
    """A text, a file that was uploaded before, or both."""

    text: str | None
    file_id: str | None


@dataclass(frozen=True, slots=True)
class McpApprovalReceived:
    """The user allowed or refused the MCP tool call `tool_call_id`."""

    tool_call_id: str
    is_approved: bool


@dataclass(frozen=True, slots=True)
class ClientBroke:
    """The client sent what the contract forbids: close with this code and reason (at most 123 bytes)."""

    reason: str
    code: int = 1008


ServiceEvent: TypeAlias = (
    ConversationInitiated
    | UserAudio
    | PongReceived
    | UserMessageReceived
    | ContextualUpdateReceived
    | ToolResultReceived
    | UserActivityReceived
    | FeedbackReceived
    | MultimodalMessageReceived
    | McpApprovalReceived
    | ClientBroke
)


class _Chunk(Struct):
    """Tells audio, which has no `type`, from all else."""

    user_audio_chunk: str | UnsetType = UNSET


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_message = msgspec.json.Decoder[AnyClientMessage](AnyClientMessage).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class AgentsServerProtocol:
    """Turns text frames into events and messages into text frames; it does no I/O."""

    def __init__(self) -> None:
        self._initiated = False
        self._metadata_sent = False
        self._client_broke = False

    def receive(self, text: str | bytes) -> list[ServiceEvent]:
        """The event of one WebSocket message. After a `ClientBroke` all input is ignored."""
        if self._client_broke:
            return []
        try:
            return [self._receive(text)]
        # msgspec's, base64's and Unicode's errors are ValueErrors; deep nesting is a RecursionError.
        except (ValueError, RecursionError) as error:
            self._client_broke = True
            return [ClientBroke(refusal_reason(error))]

    def send(self, message: ServerMessage) -> str:
        """The frame of that message. LocalProtocolError unless the metadata goes out first and once."""
        is_metadata = isinstance(message, ConversationMetadata)
        if is_metadata and self._metadata_sent:
            raise LocalProtocolError("the conversation_initiation_metadata was sent already")
        if not is_metadata:
            self._require_metadata()
        frame = msgspec.json.encode(message).decode()
        self._metadata_sent = True
        return frame

    def audio(self, event_id: int, audio: bytes) -> str:
        """The frame of an `Audio`: raw bytes in the agent's output format. Errors as for `send`."""
        self._require_metadata()
        encoded = pybase64.b64encode_as_string(audio)
        return f'{{"type":"audio","audio_event":{{"audio_base_64":"{encoded}","event_id":{event_id}}}}}'

    def _require_metadata(self) -> None:
        if not self._metadata_sent:
            raise LocalProtocolError("the conversation_initiation_metadata must be sent first")

    def _receive(self, text: str | bytes) -> ServiceEvent:
        chunk = _decode_chunk(text).user_audio_chunk
        if chunk is not UNSET:
            return UserAudio(pybase64.b64decode(chunk, validate=True))
        message = _decode_message(text)
        if isinstance(message, ConversationInitiation):
            return self._receive_initiation(text)
        return _event(message)

    def _receive_initiation(self, text: str | bytes) -> ConversationInitiated:
        if self._initiated:
            raise ValueError("conversation_initiation_client_data came a second time")
        data = Message(_decode_object(text))
        self._initiated = True
        return ConversationInitiated(data)


_Stateless: TypeAlias = (
    Pong
    | UserMessage
    | UserActivity
    | UserFeedback
    | ClientToolResult
    | MCPToolApprovalResult
    | ContextualUpdate
    | MultimodalMessage
)


def _event(message: _Stateless) -> ServiceEvent:
    match message:
        case Pong(event_id):
            return PongReceived(event_id)
        case UserMessage(text):
            return UserMessageReceived(text)
        case UserActivity():
            return UserActivityReceived()
        case UserFeedback(event_id, score):
            return FeedbackReceived(event_id, score)
        case ClientToolResult(call_id, result, is_error):
            return ToolResultReceived(call_id, result, is_error)
        case MCPToolApprovalResult(call_id, is_approved):
            return McpApprovalReceived(call_id, is_approved)
        case ContextualUpdate(text, context_id):
            return ContextualUpdateReceived(text, None if context_id is UNSET else context_id)
        case MultimodalMessage(text, file):
            return MultimodalMessageReceived(text.text if text else None, file.file_id if file else None)
