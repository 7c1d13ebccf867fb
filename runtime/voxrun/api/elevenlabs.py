"""The `ElevenLabs` namespace (seed: ElevenLabs)."""

from collections.abc import Callable
from typing import Any, Required, TypedDict, overload
from typing import Unpack as _Unpack

from voxrun.api.parameters import merged
from voxrun.events.elevenlabs import AgentsEvent, AgentsEvents, Events, WebSocketCloseEvent
from voxrun.providers.elevenlabs.agents_client import AgentsClient, connect_agent
from voxrun.providers.elevenlabs.endpoint import DEFAULT_BASE_URL, AgentAddress
from voxrun.session.current import current_session

__all__ = [
    "AgentsClient",
    "AgentsEvent",
    "AgentsEvents",
    "Events",
    "WebSocketCloseEvent",
    "createAgentsClient",
]


class AgentsClientParameters(TypedDict, total=False):
    """Which agent to talk to, and how.

    `baseUrl` may name another host than api.elevenlabs.io; with ws or wss it is connected to directly, without a signed
    URL. `onWebSocketClose` is called for every end of the connection, the scenario's own `close()` included.
    """

    xiApiKey: Required[str | None]
    agentId: Required[str]
    includeConversationId: bool
    onWebSocketClose: Callable[[WebSocketCloseEvent], object]
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
    options = merged("createAgentsClient", AgentsClientParameters, parameters, keywords)
    session = current_session()
    default_url = session.services.base_urls.get("elevenlabs", DEFAULT_BASE_URL)
    address = AgentAddress(
        agent_id=options["agentId"],
        api_key=options["xiApiKey"],
        base_url=options.get("baseUrl", default_url),
        include_conversation_id=options.get("includeConversationId", False),
        branch_id=options.get("branchId"),
    )
    return await connect_agent(session, session.services.network, address, options.get("onWebSocketClose"))
