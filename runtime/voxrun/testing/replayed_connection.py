"""`ReplayedConnection`: one connection to the agent of a cassette, which answers as it did when it was recorded."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pybase64
import trio

from voxrun.audio.frame import Samples
from voxrun.events.message import Message
from voxrun.protocol.elevenlabs.agents_server import ServiceEvent
from voxrun.protocol.elevenlabs.cassette import Entry
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.protocol.websocket import LOST, may_be_sent
from voxrun.testing.agent import Agent
from voxrun.testing.agent_connection import AgentConnection, Received, Vanished
from voxrun.testing.agent_voice import laid_out
from voxrun.testing.cassette import audio_of, samples_of
from voxrun.testing.news import News
from voxrun.testing.replay_plan import AwaitMessage, AwaitVoice, Deliver, End, Key, Voice, key_of, plan
from voxrun.testing.sounds import Render
from voxrun.testing.track import Track
from voxrun.transports.websocket import WebSocket

PATIENCE_SECONDS = 10.0
"""How much later than then a message of the scenario may come before the agent goes on without it."""

VOICE_SECONDS = 2.0
"""A caller who is silent for so long has spoken, even if that took another number of pauses then."""


class ReplayedConnection(AgentConnection):
    """What the agent does, hears and says on one connection, as on a cassette."""

    def __init__(self, agent: Agent, number: int, socket: WebSocket, news: News, render: Render) -> None:
        super().__init__(agent, number, socket, news, render)
        self._shift = 0.0  # how much later than on the cassette it is
        self._callers = Voice()
        self._came: dict[Key, list[float]] = {}
        self._output = FORMATS[agent.outputFormat]
        self._turns_said: dict[int, tuple[float, list[Samples]]] = {}

    @property
    def said(self) -> Track:
        """What it said, each turn from when it was sent, as if it were played from then on."""
        turns = [(begin, np.concatenate(pieces)) for begin, pieces in self._turns_said.values()]
        return laid_out(turns, self._output.rate)

    def _take(self, event: ServiceEvent, data: Message) -> None:
        message = Received(self._news.now(), data)
        is_first = not self.messages
        self.messages.append(message)
        key = key_of(message.type, data.get("tool_call_id"))
        self._came.setdefault(key, []).append(message.time)
        if is_first:
            self._shift = message.time - next(
                (entry.time for entry in self._agent.recorded if entry.kind == "sent"), message.time
            )
            self._nursery.start_soon(self._play)
            self._nursery.start_soon(self._ping)
        self._news.tell("message", message.type)

    def _caller_starts(self, begin: float) -> None:
        self._callers.starts.append(begin)
        self._news.tell("callerVoice")

    def _caller_stops(self, end: float) -> None:
        self._callers.stops.append(end)
        self._news.tell("callerTurn")

    async def _ping(self) -> None:
        for entry in self._agent.recorded:
            if entry.kind == "received" and entry.type == "ping":
                await self._until(entry.time)
                self._send(entry.value)

    async def _play(self) -> None:
        for step in plan(self._agent.recorded):
            match step:
                case AwaitMessage():
                    await self._await_message(step)
                case AwaitVoice():
                    await self._await_voice(step)
                case Deliver(entry):
                    await self._until(step.time)
                    self._deliver(entry)
                case End(time, code, reason):
                    await self._until(time)
                    self._end(code, reason)

    async def _until(self, time: float) -> None:
        await trio.sleep(max(time + self._shift - self._news.now(), 0.0))

    async def _await_message(self, step: AwaitMessage) -> None:
        came = self._came.setdefault(step.key, [])
        with trio.move_on_after(max(step.time + self._shift - self._news.now(), 0.0) + PATIENCE_SECONDS):
            while len(came) < step.number:
                await self._news.changed()
        self._shift = (came[step.number - 1] if len(came) >= step.number else self._news.now()) - step.time

    async def _await_voice(self, step: AwaitVoice) -> None:
        waiting: Callable[[float], int] = partial(self._callers.waiting, starts=step.starts)
        verb = "to speak" if step.starts else "to finish speaking"
        awaited = f"from {self._news.now():.2f} s on the agent waited for the caller {verb}"
        in_vain = f"{awaited}, as on the cassette at {step.time:.2f} s"
        self.unmet.append(in_vain)
        while waiting(self._news.now()) < step.number:
            with trio.move_on_after(VOICE_SECONDS):
                await self._news.changed()
            if waiting(self._news.now() - VOICE_SECONDS) and not self._ear.is_hearing:
                break
        self.unmet.remove(in_vain)
        self._shift = self._callers.use(step.number, starts=step.starts) - step.time

    def _deliver(self, entry: Entry) -> None:
        if entry.type == "interruption":
            self._fall_silent(_event_id(entry.value.get("interruption_event")))
        if entry.audio is None:
            self._send(entry.value)
            return
        body = {**entry.value["audio_event"]}
        if not isinstance(entry.audio, str):
            body["audio_base_64"] = pybase64.b64encode_as_string(audio_of(entry, self._output))
        self._send({**entry.value, "audio_event": body})
        _, pieces = self._turns_said.setdefault(_event_id(body), (self._news.now(), []))
        pieces.append(samples_of(entry, self._output))

    def _fall_silent(self, newest: int) -> None:
        """What was heard of the turns that are cut is all that they said."""
        for event_id, (begin, pieces) in self._turns_said.items():
            if event_id <= newest:
                heard = round((self._news.now() - begin) * self._output.rate)
                self._turns_said[event_id] = begin, [np.concatenate(pieces)[: max(heard, 0)]]

    def _end(self, code: int, reason: str) -> None:
        if code == LOST:
            raise Vanished
        self._socket.close(code if may_be_sent(code) else 1000, reason)


def _event_id(body: Any) -> int:
    event_id = body.get("event_id") if isinstance(body, dict) else None
    return event_id if isinstance(event_id, int) else 0
