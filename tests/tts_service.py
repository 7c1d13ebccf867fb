"""The service's side of text-to-speech connections for tests: a script per connection, over any network."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import trio

from voxrun.audio.frame import Samples
from voxrun.protocol.elevenlabs.tts_messages import Alignment
from voxrun.protocol.elevenlabs.tts_server import TextFinished, TextReceived, TTSServerProtocol, TTSServiceEvent
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import Closed, WebSocket

HOST = "agent.test"
API_KEY = "xi-test-key-0123456789"


def evenly(text: str, ms: float) -> Alignment:
    """Each character of `text` lasts for the same time, all together `ms`."""
    each = ms / len(text)
    return Alignment(list(text), [number * each for number in range(len(text))], [each] * len(text))


@dataclass
class Connection:
    """One connection as the service sees it: what came, and when."""

    socket: WebSocket
    raw: list[tuple[float, str]] = field(default_factory=list)
    events: list[TTSServiceEvent] = field(default_factory=list)
    closed: Closed | None = None
    protocol: TTSServerProtocol = field(default_factory=TTSServerProtocol)
    news: trio.Event = field(default_factory=trio.Event)

    @property
    def texts(self) -> list[str]:
        """The texts that came, blank ones too."""
        return [event.text for event in self.events if isinstance(event, TextReceived)]

    def speak(self, samples: Samples | bytes, text: str = "", ms: float = 0.0) -> None:
        """Send audio, all at once, and when the characters of `text` are heard in it."""
        audio = samples if isinstance(samples, bytes) else samples.tobytes()
        self.socket.send(self.protocol.audio(audio, evenly(text, ms) if text else None))

    def finish(self) -> None:
        """Say that all was spoken, and close as the service does."""
        self.socket.send(self.protocol.final())
        self.socket.close(1000)

    def refuse(self, message: str, error: str, code: int = 1008) -> None:
        """Say what is wrong, and close as the service does."""
        self.socket.send(self.protocol.error(message, error, code))
        self.socket.close(code, message)

    async def wait_for_text(self, count: int = 1) -> None:
        """Wait until that many texts have come."""
        await self._wait(lambda: len(self.texts) >= count)

    async def wait_for_end(self) -> None:
        """Wait until the empty text has come."""
        await self._wait(lambda: TextFinished() in self.events)

    async def run(self) -> None:
        """Receive until the end."""
        self.closed = await self.socket.pump(self._receive)

    async def _wait(self, come: Callable[[], bool]) -> None:
        while not come():
            self.news = trio.Event()
            await self.news.wait()

    def _receive(self, text: str | bytes) -> None:
        self.raw.append((trio.current_time(), str(text)))
        self.events += self.protocol.receive(text)
        self.news.set()


Script = Callable[[Connection], Awaitable[None]]


@dataclass
class TTSService:
    """Text to speech on `agent.test:80`; each connection plays `script`, or is refused with that reply."""

    script: Script | Reply
    connections: list[Connection] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def start(self, network: Network, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        await nursery.start(serve, network, HOST, 80, self._handle)

    async def _handle(self, request: Request) -> Reply | Upgrade:
        self.requests.append(request)
        return self.script if isinstance(self.script, Reply) else Upgrade(partial(self._talk, self.script))

    async def _talk(self, script: Script, socket: WebSocket) -> None:
        connection = Connection(socket)
        self.connections.append(connection)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            await script(connection)
