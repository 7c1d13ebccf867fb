"""`AgentVoice`: what the simulated agent says: sent faster than it is heard, and broken off when it is interrupted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import trio

from voxrun.audio.frame import Samples
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentResponse,
    AgentResponseCorrection,
    AgentResponseCorrectionData,
    AgentResponseData,
    Interruption,
    InterruptionData,
    ServerMessage,
)
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.testing.agent import Agent, Turn
from voxrun.testing.news import News
from voxrun.testing.sounds import Render
from voxrun.testing.track import Track

LATE_SECONDS = 0.05
"""How long after an interruption its late audio comes."""


@dataclass(slots=True)
class _Speech:
    """A turn that is being said; `began` in seconds of the session."""

    text: str
    event_id: int
    samples: Samples
    began: float
    rate: int
    ends: trio.CancelScope
    sent: int = 0

    def samples_at(self, now: float) -> int:
        """How many were heard."""
        return min(round((now - self.began) * self.rate), len(self.samples))


class AgentVoice:
    """Says one turn at a time."""

    def __init__(
        self,
        agent: Agent,
        news: News,
        render: Render,
        send: Callable[[ServerMessage], None],
        send_audio: Callable[[int, bytes], None],
    ) -> None:
        self._agent = agent
        self._news = news
        self._render = render
        self._send = send
        self._send_audio = send_audio
        self._format = FORMATS[agent.outputFormat]
        self._speech: _Speech | None = None
        self._said: list[tuple[float, Samples]] = []

    @property
    def said(self) -> Track:
        """Each turn from when it was sent, as far as it was, the later one instead of the rest of the one before."""
        return laid_out(self._said, self._format.rate)

    @property
    def is_talking(self) -> bool:
        """Whether it is in the middle of a turn."""
        return self._speech is not None

    async def say(self, turn: Turn, event_id: int) -> None:
        """Say a turn, and return when it was heard, or interrupted."""
        self._break_off()
        samples = self._render(turn.sound, self._format.rate)
        with trio.CancelScope() as scope:
            speech = _Speech(turn.text, event_id, samples, self._news.now(), self._format.rate, scope)
            self._speech = speech
            if turn.text:
                self._send(AgentResponse(AgentResponseData(turn.text, event_id)))
            try:
                await self._deliver(speech, turn)
                await trio.sleep(max(speech.began + len(samples) / speech.rate - self._news.now(), 0.0))
            finally:
                if self._speech is speech:
                    self._break_off()

    def interrupt(self, nursery: trio.Nursery) -> None:
        """Fall silent in the middle of a turn, and say so; without one nothing happens."""
        speech = self._speech
        if speech is None:
            return
        heard = speech.samples_at(self._news.now())
        self._break_off()
        self._send(Interruption(InterruptionData(speech.event_id)))
        if speech.text:
            kept = speech.text[: round(len(speech.text) * heard / max(len(speech.samples), 1))]
            correction = AgentResponseCorrectionData(speech.text, kept, speech.event_id)
            self._send(AgentResponseCorrection(correction))
        if self._agent.lateAudio:
            nursery.start_soon(self._send_late, speech)

    def _break_off(self) -> None:
        speech, self._speech = self._speech, None
        if speech is not None:
            self._said.append((speech.began, speech.samples[: speech.samples_at(self._news.now())]))
            speech.ends.cancel(reason="the turn is over")

    async def _deliver(self, speech: _Speech, turn: Turn) -> None:
        seconds = (turn.chunkMs or self._agent.chunkMs) / 1000
        size = max(round(seconds * speech.rate), 1)
        pace = turn.pace or self._agent.pace
        while speech.sent < len(speech.samples):
            self._send_piece(speech, size)
            await trio.sleep(seconds / pace)

    async def _send_late(self, speech: _Speech) -> None:
        """Audio of a turn that was interrupted: its end is sent once more if all of it was out already."""
        await trio.sleep(LATE_SECONDS)
        late = round(self._agent.lateAudio * speech.rate)
        speech.sent = min(speech.sent, max(len(speech.samples) - late, 0))
        self._send_piece(speech, late)

    def _send_piece(self, speech: _Speech, size: int) -> None:
        piece = speech.samples[speech.sent : speech.sent + size]
        speech.sent += len(piece)
        self._send_audio(speech.event_id, self._format.encode(piece))


def laid_out(turns: Sequence[tuple[float, Samples]], rate: int) -> Track:
    """Turns, each with the time (s) at which it began, the later one instead of the rest of the one before."""
    if not turns:
        return Track(np.zeros(0, np.int16), rate, 0.0)
    first = turns[0][0]
    places = [(round((begin - first) * rate), samples) for begin, samples in turns]
    whole = np.zeros(max(place + len(samples) for place, samples in places), np.int16)
    for place, samples in places:
        whole[place:] = 0
        whole[place : place + len(samples)] = samples
    return Track(whole, rate, round(first, 6))
