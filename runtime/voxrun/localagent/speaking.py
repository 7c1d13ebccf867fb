"""`Speaking`: what the agent says, in speech or in writing, and how it stops when it is interrupted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from voxrun.localagent.delivery import Delivery
from voxrun.localagent.line import Line
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentChatResponsePart,
    AgentChatResponsePartData,
    AgentResponse,
    AgentResponseCorrection,
    AgentResponseCorrectionData,
    AgentResponseData,
    Interruption,
    InterruptionData,
)

CHUNK_SECONDS = 0.25
"""Audio in one message."""

SPEED_UP = 5
"""How much faster than real time the audio is sent."""

Synthesise = Callable[[Delivery, str], Awaitable[bytes]]
"""Text to speech in the delivery's format."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What the agent is saying."""

    text: str
    event_id: int
    began: float
    seconds: float

    @property
    def ends(self) -> float:
        """When it has been heard."""
        return self.began + self.seconds

    def said_until(self, now: float) -> str:
        """The words that were heard until `now`, by the share of the time that has passed."""
        words = self.text.split()
        return " ".join(words[: int(len(words) * min((now - self.began) / self.seconds, 1.0))])


class Speaking:
    """Says one thing at a time on a line."""

    def __init__(self, line: Line, synthesise: Synthesise) -> None:
        self._line = line
        self._synthesise = synthesise
        self.speech: Speech | None = None
        """What it is saying now."""

    async def say(self, text: str, delivery: Delivery) -> None:
        """Say `text` and return when it has been heard."""
        audio = await self._synthesise(delivery, text)
        await trio.lowlevel.checkpoint_if_cancelled()  # a thread returns its result to a turn that is over, too
        event_id = self._line.new_event()
        self.speech = Speech(text, event_id, trio.current_time(), len(audio) / delivery.bytes_per_second)
        self._line.send(AgentResponse(AgentResponseData(text, event_id)))
        size = delivery.size(CHUNK_SECONDS)
        ends = self.speech.ends
        for start in range(0, len(audio), size):
            self._line.audio(event_id, audio[start : start + size])
            await trio.sleep(CHUNK_SECONDS / SPEED_UP)
        await trio.sleep_until(ends)
        self.speech = None

    def write(self, text: str) -> None:
        """Put `text` into the chat, word by word, and then as a whole."""
        event_id = self._line.new_event()
        words = text.split(" ")
        deltas = [("delta", word if number == 0 else f" {word}") for number, word in enumerate(words)]
        for kind, part in [("start", ""), *deltas, ("stop", "")]:
            self._line.send(AgentChatResponsePart(AgentChatResponsePartData(part, kind, event_id)))
        self._line.send(AgentResponse(AgentResponseData(text, event_id)))

    def stop(self) -> None:
        """Fall silent. When the caller has heard some of it, say how much."""
        speech, self.speech = self.speech, None
        if speech is None:
            return
        said = f"{speech.said_until(trio.current_time())}…"
        self._line.send(Interruption(InterruptionData(speech.event_id)))
        self._line.send(AgentResponseCorrection(AgentResponseCorrectionData(speech.text, said, speech.event_id)))
