"""`Events` and `AgentsEvents` of the ElevenLabs module, and the payloads (VoxEngine reference, ElevenLabs)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.events.websocket import WebSocketMediaInfo
from voxrun.namespace import Constants

if TYPE_CHECKING:
    from voxrun.providers.elevenlabs.agents_client import AgentsClient


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsEvent:
    """One message of the agent, or of the connection to it.

    `data` is the provider's message; `data.payload` is the same flattened, with the fields of its inner object on top.
    """

    name: str
    client: "AgentsClient"
    data: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketMediaStartedEvent:
    """The agent's audio begins to play out (not: to arrive)."""

    name: str
    client: "AgentsClient"
    tag: str | None
    encoding: str
    customParameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketMediaEndedEvent:
    """One second has passed since the last of the agent's audio was played, or the connection ended before that."""

    name: str
    client: "AgentsClient"
    tag: str | None
    mediaInfo: WebSocketMediaInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketCloseEvent:
    """What `onWebSocketClose` gets: the close code (RFC 6455, section 7.4) and the peer's reason."""

    code: int
    reason: str
    wasClean: bool


class Events(metaclass=Constants):
    """Audio received through the agent's WebSocket."""

    WebSocketMediaStarted: Final = EventName[WebSocketMediaStartedEvent]("ElevenLabs.Events.WebSocketMediaStarted")
    WebSocketMediaEnded: Final = EventName[WebSocketMediaEndedEvent]("ElevenLabs.Events.WebSocketMediaEnded")


class AgentsEvents(metaclass=Constants):
    """Messages of the agent: those that VoxEngine has, then the service's other ones, named alike."""

    Unknown: Final = EventName[AgentsEvent]("ElevenLabs.Agents.Unknown")
    HTTPResponse: Final = EventName[AgentsEvent]("ElevenLabs.Agents.HTTPResponse")
    ConversationInitiationMetadata: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ConversationInitiationMetadata")
    Ping: Final = EventName[AgentsEvent]("ElevenLabs.Agents.Ping")
    UserTranscript: Final = EventName[AgentsEvent]("ElevenLabs.Agents.UserTranscript")
    AgentResponse: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentResponse")
    AgentResponseCorrection: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentResponseCorrection")
    Interruption: Final = EventName[AgentsEvent]("ElevenLabs.Agents.Interruption")
    ContextualUpdate: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ContextualUpdate")
    ClientToolCall: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ClientToolCall")
    VadScore: Final = EventName[AgentsEvent]("ElevenLabs.Agents.VadScore")
    InternalTentativeAgentResponse: Final = EventName[AgentsEvent]("ElevenLabs.Agents.InternalTentativeAgentResponse")
    WebSocketError: Final = EventName[AgentsEvent]("ElevenLabs.Agents.WebSocketError")
    ConnectorInformation: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ConnectorInformation")
    AgentToolResponse: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentToolResponse")

    # What the provider's contract has beyond VoxEngine.
    TentativeUserTranscript: Final = EventName[AgentsEvent]("ElevenLabs.Agents.TentativeUserTranscript")
    AgentChatResponsePart: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentChatResponsePart")
    AgentReasoningResponsePart: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentReasoningResponsePart")
    RichContent: Final = EventName[AgentsEvent]("ElevenLabs.Agents.RichContent")
    AgentToolRequest: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentToolRequest")
    AgentToolResponseFullPayload: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentToolResponseFullPayload")
    McpToolCall: Final = EventName[AgentsEvent]("ElevenLabs.Agents.McpToolCall")
    McpConnectionStatus: Final = EventName[AgentsEvent]("ElevenLabs.Agents.McpConnectionStatus")
    ContextUsage: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ContextUsage")
    AsrInitiationMetadata: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AsrInitiationMetadata")
    GuardrailTriggered: Final = EventName[AgentsEvent]("ElevenLabs.Agents.GuardrailTriggered")
    InternalTurnProbability: Final = EventName[AgentsEvent]("ElevenLabs.Agents.InternalTurnProbability")
    AgentTyping: Final = EventName[AgentsEvent]("ElevenLabs.Agents.AgentTyping")
    ExternalAgentConnected: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ExternalAgentConnected")
    ExternalAgentDisconnected: Final = EventName[AgentsEvent]("ElevenLabs.Agents.ExternalAgentDisconnected")
    Error: Final = EventName[AgentsEvent]("ElevenLabs.Agents.Error")
