"""The `ElevenLabs` namespace (seed: ElevenLabs)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Required, TypedDict, overload
from typing import Unpack as _Unpack

from voxrun.errors import ScenarioError
from voxrun.events.elevenlabs import AgentsEvent, AgentsEvents, Events, WebSocketCloseEvent
from voxrun.media.parameters import merged
from voxrun.namespace import on_demand
from voxrun.providers.elevenlabs.agents_client import AgentsClient, ClientOptions, connect_agent
from voxrun.providers.elevenlabs.endpoint import DEFAULT_BASE_URL, AgentAddress
from voxrun.session.current import current_session
from voxrun.session.request_secrets import protect_request

if TYPE_CHECKING:
    from voxrun.api.realtime_tts import RealtimeTTSPlayerHeader, RealtimeTTSPlayerParameters, createRealtimeTTSPlayer
    from voxrun.providers.elevenlabs.realtime_tts_player import RealtimeTTSPlayer
else:
    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "RealtimeTTSPlayer": "voxrun.providers.elevenlabs.realtime_tts_player:RealtimeTTSPlayer",
            "RealtimeTTSPlayerHeader": "voxrun.api.realtime_tts:RealtimeTTSPlayerHeader",
            "RealtimeTTSPlayerParameters": "voxrun.api.realtime_tts:RealtimeTTSPlayerParameters",
            "createRealtimeTTSPlayer": "voxrun.api.realtime_tts:createRealtimeTTSPlayer",
        },
    )

__all__ = [
    "AgentsClient",
    "AgentsEvent",
    "AgentsEvents",
    "ConversationalAIClient",
    "ConversationalAIEvents",
    "Events",
    "RealtimeTTSPlayer",
    "RealtimeTTSPlayerHeader",
    "RealtimeTTSPlayerParameters",
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
    for place in (keywords, parameters if isinstance(parameters, Mapping) else {"xiApiKey": parameters}):
        protect_request({"headers": place, "baseUrl": place.get("baseUrl")})  # a key is known by a name, right or wrong
    given = merged("createAgentsClient", AgentsClientParameters, parameters, keywords)
    if not isinstance(given["xiApiKey"], str | None):
        raise ScenarioError("createAgentsClient needs a text as 'xiApiKey'")  # what it was given may be a key
    if session.services.is_sandboxed and "baseUrl" in given:
        raise ScenarioError("--sandbox allows agents only at their usual address: leave baseUrl out")
    default_url = session.services.base_urls.get("elevenlabs", DEFAULT_BASE_URL)
    address = AgentAddress(
        agent_id=given["agentId"],
        api_key=given["xiApiKey"],
        base_url=given.get("baseUrl") or default_url,
        include_conversation_id=given.get("includeConversationId", False),
        branch_id=given.get("branchId"),
    )
    options = ClientOptions(
        on_close=given.get("onWebSocketClose"),
        statistics=given.get("statistics", False),
        trace=given.get("trace", False),
        privacy=given.get("privacy", False),
        cassette=session.services.cassette,
    )
    return await connect_agent(session, session.services.network, address, options)


# VoxEngine's names before the service was renamed; published scenarios still use them.
createConversationalAIClient = createAgentsClient  # noqa: N816 - VoxEngine's spelling
ConversationalAIClient = AgentsClient
ConversationalAIEvents = AgentsEvents
