"""The service's side of an ElevenLabs conversation for tests: a script per conversation, over any network."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from voxrun.audio.frame import Samples
from voxrun.protocol.elevenlabs.agents_server import AgentsServerProtocol, ServiceEvent, UserAudio
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentResponse,
    AgentResponseData,
    ConversationMetadata,
    ConversationMetadataData,
    Interruption,
    InterruptionData,
    ServerMessage,
)
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import Closed, WebSocket

HOST = "agent.test"
API_KEY = "xi-test-key-0123456789"
SIGNATURE = "cvtkn_signature_9876543210"


@dataclass
class Conversation:
    """One conversation as the service sees it: what came, and when."""

    socket: WebSocket
    raw: list[tuple[float, str]] = field(default_factory=list)
    events: list[ServiceEvent] = field(default_factory=list)
    closed: Closed | None = None
    protocol: AgentsServerProtocol = field(default_factory=AgentsServerProtocol)
    news: trio.Event = field(default_factory=trio.Event)

    @property
    def heard(self) -> bytes:
        """All audio of the user."""
        return b"".join(event.audio for event in self.events if isinstance(event, UserAudio))

    @property
    def sent_by_client(self) -> list[dict[str, object]]:
        """All messages of the client but audio."""
        messages = [json.loads(text) for _, text in self.raw]
        return [message for message in messages if "user_audio_chunk" not in message]

    def send(self, message: ServerMessage) -> None:
        """Send a message."""
        self.socket.send(self.protocol.send(message))

    def greet(self, output: str = "pcm_16000", user_input: str = "pcm_16000") -> None:
        """Send the metadata."""
        self.send(ConversationMetadata(ConversationMetadataData("conv_1", output, user_input)))

    def speak(self, event_id: int, samples: Samples | bytes, text: str = "") -> None:
        """Send audio, all at once, and what it says."""
        if text:
            self.send(AgentResponse(AgentResponseData(text, event_id)))
        audio = samples if isinstance(samples, bytes) else samples.tobytes()
        self.socket.send(self.protocol.audio(event_id, audio))

    def interrupt(self, event_id: int) -> None:
        """Say that the user has interrupted."""
        self.send(Interruption(InterruptionData(event_id)))

    async def wait_for(self, kind: type[ServiceEvent]) -> None:
        """Wait until an event of that kind has come."""
        while not any(isinstance(event, kind) for event in self.events):
            self.news = trio.Event()
            await self.news.wait()

    async def run(self) -> None:
        """Receive until the end."""
        self.closed = await self.socket.pump(self._receive)
        self.news.set()

    def _receive(self, text: str | bytes) -> None:
        self.raw.append((trio.current_time(), str(text)))
        self.events += self.protocol.receive(text)
        self.news.set()


Script = Callable[[Conversation], Awaitable[None]]


@dataclass
class AgentService:
    """Signed URLs and conversations on `agent.test:80`; each conversation plays `script`."""

    script: Script
    conversations: list[Conversation] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    refusal: Reply | None = None

    async def start(self, network: Network, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        await nursery.start(serve, network, HOST, 80, self._handle)

    async def _handle(self, request: Request) -> Reply | Upgrade:
        self.requests.append(request)
        if request.path.endswith("/get-signed-url"):
            if self.refusal is not None:
                return self.refusal
            if request.headers.get("xi-api-key") != API_KEY:
                return Reply(401, b'{"detail":"invalid api key"}')
            url = f"ws://{HOST}/v1/convai/conversation?agent_id=a&conversation_signature={SIGNATURE}"
            return Reply(200, json.dumps({"signed_url": url}).encode())
        return Upgrade(self._talk) if request.path == "/v1/convai/conversation" else Reply(404, b"no such agent")

    async def _talk(self, socket: WebSocket) -> None:
        conversation = Conversation(socket)
        self.conversations.append(conversation)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.run)
            await self.script(conversation)
