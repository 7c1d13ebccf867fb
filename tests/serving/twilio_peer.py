"""`TwilioPeer`: a caller whose call comes as Twilio's media stream."""

import json
import random
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

import trio

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.transports.network import Network
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

FRAME = 160
"""Bytes of mu-law in 20 ms."""


@dataclass(eq=False)
class TwilioPeer:
    """Says noise from the start of the call until it hangs up, and notes what it hears."""

    number: str = "+4930123"
    seed: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    junk: Sequence[str | bytes] = ()
    """Sent in between, one in each 100 ms."""
    heard: int = 0
    """Frames."""
    last_heard: float = 0.0
    longest_gap: float = 0.0
    """Seconds between two messages with audio."""
    closed: Closed | None = None
    connected: trio.Event = field(default_factory=trio.Event)
    """Set by the first audio."""
    hang_up: trio.Event = field(default_factory=trio.Event)

    async def call(self, network: Network, url: str) -> None:
        """The whole call, to the end of its connection."""
        async with open_websocket(network, url) as socket, trio.open_nursery() as nursery:
            self.start(socket)
            nursery.start_soon(self._speak, socket)
            nursery.start_soon(self._leave, socket)
            self.closed = await socket.pump(self._receive)
            nursery.cancel_scope.cancel()

    def start(self, socket: WebSocket) -> None:
        """Say which call this is."""
        about = {
            "streamSid": f"MZ{self.seed}",
            "callSid": f"CA{self.seed}",
            "customParameters": {"callerid": f"+1{self.seed:010}", "destination": self.number, **self.parameters},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        socket.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        socket.send(
            json.dumps({"event": "start", "sequenceNumber": "1", "start": about, "streamSid": f"MZ{self.seed}"})
        )

    async def _speak(self, socket: WebSocket) -> None:
        noise = random.Random(self.seed).randbytes(50 * FRAME)
        payloads = [b64encode(noise[at : at + FRAME]).decode() for at in range(0, len(noise), FRAME)]
        frames = [json.dumps({"event": "media", "media": {"track": "inbound", "payload": it}}) for it in payloads]
        begin = trio.current_time()
        for number in range(1_000_000):
            socket.send(frames[number % len(frames)])
            if number % 5 == 4 and number // 5 < len(self.junk):
                socket.send(self.junk[number // 5])
            await trio.sleep_until(begin + (number + 1) * FRAME_SECONDS)

    async def _leave(self, socket: WebSocket) -> None:
        await self.hang_up.wait()
        socket.send(json.dumps({"event": "stop", "stop": {}}))
        socket.close()

    def _receive(self, message: str | bytes) -> None:
        said = json.loads(message)
        if said["event"] != "media":
            return
        now = trio.current_time()
        if self.heard:
            self.longest_gap = max(self.longest_gap, now - self.last_heard)
        self.heard += len(b64decode(said["media"]["payload"])) // FRAME
        self.last_heard = now
        self.connected.set()
