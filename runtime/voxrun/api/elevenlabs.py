"""The `ElevenLabs` namespace (seed: ElevenLabs)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Required, TypedDict, overload
from typing import Unpack as _Unpack

from voxrun.api.players import session_with_room
from voxrun.events.elevenlabs import AgentsEvent, AgentsEvents, Events, WebSocketCloseEvent
from voxrun.media.parameters import merged
from voxrun.providers.elevenlabs.agents_client import AgentsClient, ClientOptions, connect_agent
from voxrun.providers.elevenlabs.endpoint import DEFAULT_BASE_URL, AgentAddress
from voxrun.providers.elevenlabs.realtime_tts_player import RealtimeTTSPlayer
from voxrun.providers.elevenlabs.speech_request import speech_request
from voxrun.session.current import current_session

__all__ = [
    "AgentsClient",
    "AgentsEvent",
    "AgentsEvents",
    "ConversationalAIClient",
    "ConversationalAIEvents",
    "Events",
    "RealtimeTTSPlayer",
    "WebSocketCloseEvent",
    "createAgentsClient",
    "createConversationalAIClient",
    "createRealtimeTTSPlayer",
]


class AgentsClientParameters(TypedDict, total=False):
    """Which agent to talk to, and how.

    `baseUrl` may name another host than api.elevenlabs.io; with ws or wss it is connected to directly, without a signed
    URL. `onWebSocketClose` is called for every end of the connection, the scenario's own `close()` included.
    The trace keeps messages in any case: with `trace` every frame in full, with `privacy` no content, and with
    `statistics` the connection's counters.
    """

    xiApiKey: Required[str | None]
    agentId: Required[str]
    includeConversationId: bool
    onWebSocketClose: Callable[[WebSocketCloseEvent], object]
    statistics: bool
    trace: bool
    privacy: bool
    baseUrl: str
    branchId: str


@overload
async def createAgentsClient(parameters: AgentsClientParameters, /) -> AgentsClient: ...
@overload
async def createAgentsClient(**keywords: _Unpack[AgentsClientParameters]) -> AgentsClient: ...
async def createAgentsClient(parameters: AgentsClientParameters | None = None, /, **keywords: Any) -> AgentsClient:
    """Connect to an agent; returns when the socket is open and nothing was sent yet.

    RemoteError, with the service's own words, when it refuses or can't be reached; ConfigurationError without a key.
    """
    session = current_session()
    key = keywords.get("xiApiKey") or (parameters["xiApiKey"] if parameters and "xiApiKey" in parameters else None)
    session.protect(key or "")  # before anything can go wrong and show the scenario's line
    given = merged("createAgentsClient", AgentsClientParameters, parameters, keywords)
    default_url = session.services.base_urls.get("elevenlabs", DEFAULT_BASE_URL)
    address = AgentAddress(
        agent_id=given["agentId"],
        api_key=given["xiApiKey"],
        base_url=given.get("baseUrl", default_url),
        include_conversation_id=given.get("includeConversationId", False),
        branch_id=given.get("branchId"),
    )
    options = ClientOptions(
        on_close=given.get("onWebSocketClose"),
        statistics=given.get("statistics", False),
        trace=given.get("trace", False),
        privacy=given.get("privacy", False),
    )
    return await connect_agent(session, session.services.network, address, options)


# VoxEngine's names before the service was renamed; published scenarios still use them.
createConversationalAIClient = createAgentsClient  # noqa: N816 - VoxEngine's spelling
ConversationalAIClient = AgentsClient
ConversationalAIEvents = AgentsEvents


class RealtimeTTSPlayerHeader(TypedDict):
    """A header of the connection's request: the key is in `xi-api-key`."""

    name: str
    value: str | None


class RealtimeTTSPlayerParameters(TypedDict, total=False):
    """Which voice speaks, and how; all names inside are the provider's (its page: WebSocket, stream-input).

    `pathParameters` needs a `voice_id`. `queryParameters` may have `model_id`, `language_code`, `inactivity_timeout`
    (s), …; its `output_format` is pcm_16000 unless it is another pcm one or ulaw_8000.
    `initializeConnectionParameters` may have `voice_settings`, `generation_config` and
    `pronunciation_dictionary_locators`. `keepAlive` (true) holds the connection open while there is no text; `trace`
    keeps every message in full, audio included.
    """

    pathParameters: Mapping[str, str]
    queryParameters: Required[Mapping[str, str | float | bool]]
    headers: Sequence[RealtimeTTSPlayerHeader]
    keepAlive: bool
    initializeConnectionParameters: Mapping[str, object]
    trace: bool


@overload
def createRealtimeTTSPlayer(text: str, parameters: RealtimeTTSPlayerParameters, /) -> RealtimeTTSPlayer: ...
@overload
def createRealtimeTTSPlayer(text: str, /, **keywords: _Unpack[RealtimeTTSPlayerParameters]) -> RealtimeTTSPlayer: ...
def createRealtimeTTSPlayer(
    text: str, parameters: RealtimeTTSPlayerParameters | None = None, /, **keywords: Any
) -> RealtimeTTSPlayer:
    """Speak `text` at once, and what is sent to the player later.

    It connects by itself. That it can't is told by `PlayerEvents.Error` and `PlaybackFinished`.
    """
    given = merged("createRealtimeTTSPlayer", RealtimeTTSPlayerParameters, parameters, keywords)
    session = session_with_room()
    request = speech_request(session.services.base_urls.get("elevenlabs", DEFAULT_BASE_URL), given)
    return RealtimeTTSPlayer(session, session.services.network, text, request)
