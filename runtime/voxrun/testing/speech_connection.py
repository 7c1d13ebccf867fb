"""`SpeechConnection`: one connection to the simulated text-to-speech service, which says each text when it comes."""

import math
from collections.abc import Callable

import numpy as np
import trio

from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.protocol.elevenlabs.tts_messages import Alignment
from voxrun.protocol.elevenlabs.tts_server import TextFinished, TextReceived, TTSServerProtocol
from voxrun.testing.agent import SpeechService
from voxrun.testing.sounds import Render, spoken
from voxrun.transports.websocket import WebSocket


class SpeechConnection:
    """Turns texts into test signals."""

    def __init__(
        self,
        service: SpeechService,
        output_format: str,
        socket: WebSocket,
        render: Render,
        tell: Callable[[str], None],
    ) -> None:
        self._service = service
        self._format = FORMATS.get(output_format, FORMATS["pcm_16000"])
        self._socket = socket
        self._render = render
        self._tell = tell
        self._protocol = TTSServerProtocol()
        self._put, self._take = trio.open_memory_channel[str](math.inf)

    async def run(self) -> None:
        """Serve the connection to its end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._speak)
            await self._socket.pump(self._receive)
            nursery.cancel_scope.cancel(reason="the connection is closed")

    def _receive(self, text: str | bytes) -> None:
        for event in self._protocol.receive(text):
            if isinstance(event, TextReceived) and event.text.strip():
                self._tell(event.text)
                self._put.send_nowait(event.text)
            elif isinstance(event, TextFinished):
                self._put.close()
            elif isinstance(event, ClientBroke):
                self._socket.close(event.code, event.reason)

    async def _speak(self) -> None:
        async for text in self._take:
            await trio.sleep(self._service.latency)
            seconds = len(text.strip()) * self._service.secondsPerCharacter
            samples = self._render(spoken(text, seconds), self._format.rate)
            audio = self._format.encode(samples)
            starts, step = np.linspace(0, seconds * 1000, len(text), endpoint=False), seconds * 1000 / len(text)
            alignment = Alignment(list(text), starts.tolist(), [step] * len(text))
            self._socket.send(self._protocol.audio(audio, alignment))
        self._socket.send(self._protocol.final())
        self._socket.close(1000)
