"""A provider that brings calls to a served scenario, as the tests of the phone side share it."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import trio
from tests.kit import hum, inline

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.media.ticker import Ticker
from voxrun.serving.doors import Doors, Keys
from voxrun.serving.host import Host, HostSettings
from voxrun.serving.phone import BODY_LIMIT, MESSAGE_LIMIT, Phone
from voxrun.serving.routes import Routes
from voxrun.serving.running import Running
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.server import Limits, serve
from voxrun.transports.sound_library import SoundLibrary
from voxrun.transports.turnstile import Turnstile
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

HOST = "127.0.0.1"
NOW = 1_800_000_000.0
"""The wall clock of the tests."""

ECHO = """from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    call.sendMediaTo(call)
"""


@dataclass
class Served:
    """A host and the port that calls come in at."""

    host: Host
    doors: Doors
    turnstile: Turnstile
    network: Network
    port: int
    news: trio.Event = field(default_factory=trio.Event)

    def began(self, running: Running) -> None:
        """As an observer."""

    def ended(self, running: Running) -> None:
        """As an observer."""
        self.news.set()

    async def over(self, sessions: int) -> None:
        """Wait until so many sessions are over."""
        while self.host.counters.sessions.total() < sessions:
            self.news = trio.Event()
            await self.news.wait()

    @property
    def refusals(self) -> Mapping[str, int]:
        """By reason."""
        return dict(self.host.counters.refusals)

    def url(self, path: str) -> str:
        """Of a WebSocket."""
        return f"ws://{HOST}:{self.port}{path}"


@asynccontextmanager
async def served(
    settings: HostSettings | Path,
    keys: Keys | None = None,
    network: Network | None = None,
    turnstile: Turnstile | None = None,
    secrets: Mapping[str, str] | None = None,
    offload: Callable[..., Awaitable[object]] = inline,
) -> AsyncIterator[Served]:
    """Calls are taken on a free port."""
    net = network or MemoryNetwork()
    settings = HostSettings(routes=Routes(settings)) if isinstance(settings, Path) else settings

    def services_for(_: Path) -> Services:
        return Services(
            secrets=Secrets(secrets or {}, {}),
            network=net,
            offload=offload,
            base_urls={"elevenlabs": "http://agent.test"},
            sounds=SoundLibrary(net, inline, hum),
        )

    ticker = Ticker()
    host = Host(services_for, ticker, settings)
    doors = Doors(keys or Keys(), lambda: NOW, host.table)
    turnstile = turnstile or Turnstile()
    turnstile.refusals = host.counters.refusals
    limits = Limits(body=BODY_LIMIT, message=MESSAGE_LIMIT, turnstile=turnstile)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        await nursery.start(host.run)
        handle = Phone(host, doors).handle

        async def listen(task_status: trio.TaskStatus[int]) -> None:
            await serve(net, HOST, 0, handle, limits=limits, task_status=task_status)

        port = await nursery.start(listen)
        place = Served(host, doors, turnstile, net, port)
        host.observers.append(place)
        yield place
        nursery.cancel_scope.cancel()


@dataclass
class TwilioCall:
    """One call, from Twilio's side."""

    socket: WebSocket
    came: list[tuple[float, dict[str, object]]] = field(default_factory=list)
    closed: Closed | None = None
    done: trio.Event = field(default_factory=trio.Event)

    def start(self, **parameters: str) -> None:
        """Say which call it is."""
        start = {
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        self.tell({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self.tell({"event": "start", "streamSid": "MZ1", "start": start})

    def tell(self, message: Mapping[str, object]) -> None:
        """Send a message."""
        self.socket.send(json.dumps(message))

    def hang_up(self) -> None:
        """The caller hangs up."""
        self.tell({"event": "stop", "streamSid": "MZ1"})

    async def say(self, samples: Samples) -> None:
        """Say it in real time, each frame between two ticks."""
        await trio.sleep(0.003)
        for frame in samples[: len(samples) // 160 * 160].reshape(-1, 160):
            payload = b64encode(encode_ulaw(frame)).decode()
            self.tell({"event": "media", "streamSid": "MZ1", "media": {"track": "inbound", "payload": payload}})
            await trio.sleep(0.02)

    def of(self, event: str) -> list[tuple[float, dict[str, object]]]:
        """When which messages came."""
        return [(time, message) for time, message in self.came if message["event"] == event]

    @property
    def heard(self) -> Samples:
        """All audio that came."""
        payloads = [message["media"]["payload"] for _, message in self.of("media")]  # type: ignore[index]
        return np.concatenate([decode_ulaw(b64decode(payload)) for payload in payloads] or [np.zeros(0, np.int16)])

    async def listen(self) -> None:
        """Receive to the end."""
        self.closed = await self.socket.pump(lambda text: self.came.append((trio.current_time(), json.loads(text))))
        self.done.set()

    async def over(self) -> Closed:
        """Wait for the end."""
        await self.done.wait()
        assert self.closed is not None
        return self.closed


@asynccontextmanager
async def calling(
    place: Served, path: str = "/media/twilio", headers: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[TwilioCall]:
    """A connection that has not said anything yet."""
    async with (
        open_websocket(place.network, place.url(path), headers=headers) as socket,
        trio.open_nursery() as nursery,
    ):
        call = TwilioCall(socket)
        nursery.start_soon(call.listen)
        yield call
        socket.close()
        await call.over()
        nursery.cancel_scope.cancel()
