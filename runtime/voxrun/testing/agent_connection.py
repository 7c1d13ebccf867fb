"""`AgentConnection`: one connection to the simulated agent, which does what its script says."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import trio

from voxrun.events.message import Message
from voxrun.localagent.tools import TOOL_SECONDS
from voxrun.protocol.elevenlabs.agents_server import (
    AgentsServerProtocol,
    ClientBroke,
    ConversationInitiated,
    ServiceEvent,
    ToolResultReceived,
    UserAudio,
)
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ClientToolCallData,
    ClientToolCallMessage,
    ConversationMetadata,
    ConversationMetadataData,
    ErrorData,
    ErrorMessage,
    Ping,
    PingData,
    ServerMessage,
    UserTranscript,
    UserTranscriptionData,
)
from voxrun.protocol.elevenlabs.formats import FORMATS
from voxrun.protocol.websocket import LOST
from voxrun.testing.agent import Agent, AgentAction, CallTool, Close, Interrupt, Send, Turn, Vanish
from voxrun.testing.agent_voice import AgentVoice
from voxrun.testing.ear import Ear
from voxrun.testing.event_names import known_message
from voxrun.testing.given import own_json
from voxrun.testing.moments import Step
from voxrun.testing.news import News, Play
from voxrun.testing.sounds import Render
from voxrun.testing.track import Track
from voxrun.transports.websocket import Closed, WebSocket

NOT_TRANSCRIBED = "…"
"""What the agent has understood of a turn for which it has no transcript."""

OWN_CUES = ("callerTurn", "message", "toolResult")
"""Counted on each connection by itself."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the scenario's, but for audio: when it came, and what it says."""

    time: float
    data: Message

    @property
    def type(self) -> str:
        """Its type."""
        return str(self.data.get("type", ""))


class AgentConnection:
    """What the agent does, hears and says on one connection."""

    def __init__(self, agent: Agent, number: int, socket: WebSocket, news: News, render: Render) -> None:
        self.messages: list[Received] = []
        """What the scenario sent."""
        self.unmet: list[str] = []
        """What was expected of the scenario and did not come."""
        self.closed: Closed | None = None
        """How the connection ended."""
        self.opened = news.now()
        """When, in seconds of the session."""
        self._agent = agent
        self._number = number
        self._socket = socket
        self._news = News(news, OWN_CUES)
        self._protocol = AgentsServerProtocol()
        self._input = FORMATS[agent.inputFormat]
        self._events = itertools.count(1)
        self._tools = itertools.count(1)
        self.has_left = False
        """Whether it ended the connection itself."""
        self.turns = 0
        """How often it has heard the caller fall silent."""
        self.called: dict[str, CallTool] = {}
        """The tools of the scenario's that it called, by the ids of the calls."""
        self._results: dict[str, ToolResultReceived] = {}
        self._given_up: set[str] = set()
        self._voice = AgentVoice(agent, self._news, render, self._send_message, self._send_audio)
        self._script = Play(self._news, self._act, _is_speech)
        self._answering = trio.CancelScope()
        self._heard: list[bytes] = []
        self._heard_bytes = 0
        self._heard_from: float | None = None
        self._ear = Ear(self._input.rate, agent.endOfTurn, self._caller_starts, self._caller_stops)
        self._silence = bytes(self._input.rate // 25)  # 20 ms in 16 bits, known as such without being decoded
        self._nursery: trio.Nursery

    def __repr__(self) -> str:
        return f"<conversation {self._number}>"

    def received(self, kind: str) -> list[Received]:
        """The messages of one type: "contextual_update". ConfigurationError for one that there isn't."""
        wanted = known_message(kind)
        return [message for message in self.messages if message.type == wanted]

    @property
    def awaited(self) -> Step[AgentAction] | None:
        """The step of its script whose cue has not come."""
        return self._script.awaited

    @property
    def undone(self) -> list[Step[AgentAction]]:
        """The steps of its script that have not begun."""
        return self._script.pending

    @property
    def said(self) -> Track:
        """What it said, each turn from when it was sent, as if it were played from then on."""
        return self._voice.said

    @property
    def heard(self) -> Track:
        """What came from the scenario, without gaps from the first on."""
        return Track(self._input.decode(b"".join(self._heard)), self._input.rate, self._heard_from or 0.0)

    async def run(self) -> None:
        """Serve the connection to its end."""
        try:
            async with trio.open_nursery() as self._nursery:
                self.closed = await self._socket.pump(self._receive)
                self._nursery.cancel_scope.cancel(reason="the connection is closed")
        except* Vanished:
            self.closed = Closed(LOST, "", was_clean=False)
        if self.closed is None or not self.closed.was_clean:
            raise trio.BrokenResourceError("the connection is gone")  # leave without a closing handshake

    def _receive(self, text: str | bytes) -> None:
        for event in self._protocol.receive(text):
            if isinstance(event, UserAudio):
                self._hear(event.audio)
            elif isinstance(event, ClientBroke):
                self.unmet.append(f"the scenario broke the agent's protocol: {event.reason}")
                self._socket.close(event.code, event.reason)
            else:
                self._take(event, Message(json.loads(text)))

    def _take(self, event: ServiceEvent, data: Message) -> None:
        message = Received(self._news.now(), data)
        self.messages.append(message)
        if isinstance(event, ToolResultReceived):
            self._take_result(event)
        elif isinstance(event, ConversationInitiated):
            self._begin()
        self._news.tell("message", message.type)

    def _begin(self) -> None:
        metadata = ConversationMetadataData(f"conv_{self._number}", self._agent.outputFormat, self._agent.inputFormat)
        self._send_message(ConversationMetadata(metadata))
        self._nursery.start_soon(self._ping)
        self._nursery.start_soon(self._script.run, self._agent.script)
        if self._agent.greeting is not None:
            self._nursery.start_soon(self._answer, [self._agent.greeting], 0.0)

    # The caller's turns.

    def _hear(self, audio: bytes) -> None:
        if self._heard_from is None:
            self._heard_from = round(self._news.now(), 6)
        begin = self._heard_from + self._heard_bytes / self._bytes_per_second
        self._heard.append(audio)
        self._heard_bytes += len(audio)
        is_silent = not self._ear.is_hearing and audio == self._silence[: len(audio)]
        if not is_silent:
            self._ear.hear(self._input.decode(audio), begin)

    @property
    def _bytes_per_second(self) -> int:
        return self._input.rate * self._input.sample_bytes

    def _caller_starts(self, _begin: float) -> None:
        if self._agent.bargeIn:
            self._answering.cancel(reason="the caller has the floor")
            self._voice.interrupt(self._nursery)

    def _caller_stops(self, _end: float) -> None:
        turn = self.turns
        self.turns += 1
        transcripts, answers = self._agent.transcripts, self._agent.actions
        text = transcripts[turn] if turn < len(transcripts) else NOT_TRANSCRIBED
        self._send_message(UserTranscript(UserTranscriptionData(text, next(self._events))))
        self._news.tell("callerTurn")
        if turn < len(answers):
            self._nursery.start_soon(self._answer, answers[turn], self._agent.latency)

    async def _answer(self, actions: Sequence[AgentAction], delay: float) -> None:
        self._answering.cancel(reason="something newer is to be said")
        with trio.CancelScope() as self._answering:
            await trio.sleep(delay)
            for action in actions:
                await self._act(action)

    # What the script has it do.

    async def _act(self, action: AgentAction) -> None:
        match action:
            case Turn():
                await self._voice.say(action, next(self._events))
            case CallTool():
                await self._call(action)
            case Send(message):
                self._send(message)
            case Interrupt():
                now = self._news.now()
                if not self._voice.is_talking and now > self.opened:  # or it was due on an earlier connection
                    self.unmet.append(f"the agent was to be interrupted at {now:.3f} s, but said nothing")
                self._voice.interrupt(self._nursery)
            case Close(code, reason, kind):
                self.has_left = True
                if kind:
                    self._send_message(ErrorMessage(ErrorData(code, reason, kind)))
                self._socket.close(code, reason)
            case Vanish():
                self.has_left = True
                raise Vanished

    @property
    def unanswered(self) -> list[str]:
        """The tools whose results were expected and had not come when the connection ended."""
        known = self._results.keys() | self._given_up
        return [tool.name for call_id, tool in self.called.items() if tool.isExpecting and call_id not in known]

    async def _call(self, tool: CallTool) -> None:
        call_id = f"call_{next(self._tools)}"
        self.called[call_id] = tool
        data = ClientToolCallData(tool.name, call_id, own_json(tool.parameters), next(self._events))
        self._send_message(ClientToolCallMessage(data))
        with trio.move_on_after(TOOL_SECONDS):
            while call_id not in self._results:
                await self._news.changed()
        if call_id not in self._results:
            self._given_up.add(call_id)
            self.unmet.append(f"the scenario did not answer the tool '{tool.name}' within {TOOL_SECONDS:.0f} s")

    def _take_result(self, result: ToolResultReceived) -> None:
        tool = self.called.get(result.tool_call_id)
        if tool is None:
            self.unmet.append(f"the scenario answered a tool call that nobody made: {result.tool_call_id!r}")
            return
        if (first := self._results.get(result.tool_call_id)) is None:
            self._check(tool, result)  # here, for a newer answer of the agent's may have ended the waiting
        else:
            both = f"first {first.result!r}, then {result.result!r}"
            self.unmet.append(f"the scenario answered the tool '{tool.name}' more than once: {both}")
            return
        self._results[result.tool_call_id] = result
        self._news.tell("toolResult", tool.name)

    def _check(self, tool: CallTool, result: ToolResultReceived) -> None:
        if result.is_error is not tool.isError:
            said = "an error" if result.is_error else "no error"
            self.unmet.append(f"the tool '{tool.name}' was answered with {said}: {result.result!r}")
        elif tool.expect is not None and result.result != tool.expect:
            self.unmet.append(f"the tool '{tool.name}' was answered with {result.result!r}, not {tool.expect!r}")

    async def _ping(self) -> None:
        for number in itertools.count(1):
            await trio.sleep(self._agent.pingSeconds)
            self._send_message(Ping(PingData(number, 20)))

    def _send(self, message: Any) -> None:
        if isinstance(message, ServerMessage):
            self._send_message(message)
        else:
            self._socket.send(message if isinstance(message, str) else msgspec.json.encode(own_json(message)).decode())

    def _send_message(self, message: ServerMessage) -> None:
        self._socket.send(self._protocol.send(message))

    def _send_audio(self, event_id: int, audio: bytes) -> None:
        self._socket.send(self._protocol.audio(event_id, audio))


class Vanished(Exception):  # noqa: N818 - nothing went wrong
    """The agent drops the connection."""


def _is_speech(action: AgentAction) -> bool:
    return isinstance(action, Turn)
