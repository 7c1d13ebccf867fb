"""`Conversation`: the local agent on one connection: it greets, takes turns, runs tools, and can be interrupted."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import trio

from voxrun.audio.frame import Samples
from voxrun.events.message import Message
from voxrun.localagent.ears import RATE, Heard
from voxrun.localagent.hearing import Hearing, Recognise
from voxrun.localagent.script import Script, ToolUse, Turn, filled, result_values
from voxrun.protocol.elevenlabs.agents_server import (
    AgentsServerProtocol,
    ClientBroke,
    ConversationInitiated,
    PongReceived,
    ServiceEvent,
    ToolResultReceived,
    UserAudio,
    UserMessageReceived,
)
from voxrun.protocol.elevenlabs.agents_server_messages import (
    AgentResponse,
    AgentResponseCorrection,
    AgentResponseCorrectionData,
    AgentResponseData,
    AgentToolResponseData,
    AgentToolResponseMessage,
    ClientToolCallData,
    ClientToolCallMessage,
    ConversationMetadata,
    ConversationMetadataData,
    Interruption,
    InterruptionData,
    Ping,
    PingData,
    ServerMessage,
    UserTranscript,
    UserTranscriptionData,
    VADScore,
    VADScoreData,
)
from voxrun.transports.websocket import WebSocket

FORMAT = f"pcm_{RATE}"

CHUNK_SECONDS = 0.25
"""Audio in one message."""

SPEED_UP = 5
"""How much faster than real time the audio is sent."""

PING_SECONDS = 2.0

TOOL_SECONDS = 10.0
"""How long the client may take to run a tool before the agent goes on without it."""

VAD_SCORE_FRAMES = 10
"""A score goes out each 200 ms."""

NOT_UNDERSTOOD = "…"
"""The transcript of what the ears made no sense of."""

Say = Callable[[str], Awaitable[Samples]]
"""Text to speech: mono int16 at 16 kHz."""

_serial = itertools.count(1)


@dataclass(slots=True)
class _Question:
    """What the agent wants to know from its client."""

    call_id: str
    answered: trio.Event = field(default_factory=trio.Event)
    result: ToolResultReceived | None = None


@dataclass(frozen=True, slots=True)
class Speech:
    """What the agent is saying."""

    text: str
    event_id: int
    began: float
    seconds: float

    def said_until(self, now: float) -> str:
        """The words that were heard until `now`, by the share of the time that has passed."""
        words = self.text.split()
        return " ".join(words[: int(len(words) * min((now - self.began) / self.seconds, 1.0))])


class Conversation:
    """One caller of the local agent.

    Whoever speaks has the floor: the caller's first sound ends the agent's turn, whether it was talking, waiting for a
    tool or only about to speak.
    """

    def __init__(self, socket: WebSocket, script: Script, say: Say, recognise: Recognise) -> None:
        self._socket = socket
        self._script = script
        self._synthesise = say
        self._recognise = recognise
        self._protocol = AgentsServerProtocol()
        self._hearing = Hearing(self._fall_silent)
        self._begun = False
        self._variables: Mapping[str, object] = {}
        self._event_id = 0
        self._speech: Speech | None = None
        self._turn = trio.CancelScope()
        self._question: _Question | None = None
        self._pinged: dict[int, float] = {}
        self._ping_ms: int | None = None
        self._frames = 0
        self._nursery: trio.Nursery

    async def run(self) -> None:
        """Talk until the connection ends."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._hearing.listen, self._recognise, self._utterance)
            await self._socket.pump(self._receive)
            self._nursery.cancel_scope.cancel(reason="the caller has left")

    def _receive(self, text: str | bytes) -> None:
        for event in self._protocol.receive(text):
            self._act_on(event)

    def _act_on(self, event: ServiceEvent) -> None:
        match event:
            case ClientBroke(reason, code):
                self._socket.close(code, reason)
            case ConversationInitiated(data):
                self._begin(data)
            case _ if not self._begun:
                self._socket.close(1008, "conversation_initiation_client_data must come first")
            case UserAudio(audio):
                self._hear(audio)
            case PongReceived(event_id) if event_id in self._pinged:
                self._ping_ms = round((trio.current_time() - self._pinged.pop(event_id)) * 1000)
            case ToolResultReceived(call_id) if self._question and self._question.call_id == call_id:
                self._question.result = event
                self._question.answered.set()
            case UserMessageReceived(text) if text:
                self._take_turn(self._answer, self._script.answer_to(text))

    def _begin(self, data: Message) -> None:
        self._begun = True
        self._variables = data.get("dynamic_variables", {})
        self._send(ConversationMetadata(ConversationMetadataData(f"conv_{next(_serial)}", FORMAT, FORMAT)))
        self._nursery.start_soon(self._ping)
        self._take_turn(self._say, filled(self._script.greeting, self._variables))

    def _hear(self, audio: bytes) -> None:
        before = self._frames // VAD_SCORE_FRAMES
        self._frames += self._hearing.hear(audio)
        if self._frames // VAD_SCORE_FRAMES > before:
            self._send(VADScore(VADScoreData(round(self._hearing.score, 2))))

    def _utterance(self, heard: Heard) -> None:
        self._event_id += 1
        transcript = heard.text or NOT_UNDERSTOOD
        self._send(UserTranscript(UserTranscriptionData(transcript, self._event_id)))
        if not self._hearing.speaking:  # else they go on already, and the answer is for what comes next
            self._take_turn(self._answer, self._script.answer_to(heard.text) if heard.text else None)

    def _fall_silent(self) -> None:
        """Give up the turn. When the caller has heard some of it, say how much."""
        self._turn.cancel(reason="somebody else has the floor")
        speech, self._speech = self._speech, None
        if speech is None:
            return
        said = f"{speech.said_until(trio.current_time())}…"
        self._send(Interruption(InterruptionData(speech.event_id)))
        self._send(AgentResponseCorrection(AgentResponseCorrectionData(speech.text, said, speech.event_id)))

    def _take_turn(self, act: Callable[..., Awaitable[None]], *args: object) -> None:
        self._fall_silent()
        self._turn = trio.CancelScope()
        self._nursery.start_soon(self._in_turn, self._turn, act, *args)

    async def _in_turn(self, turn: trio.CancelScope, act: Callable[..., Awaitable[None]], *args: object) -> None:
        with turn:
            await trio.lowlevel.checkpoint_if_cancelled()  # the next turn may have come before this one got going
            await act(*args)

    async def _answer(self, turn: Turn | None) -> None:
        if turn is None:
            await self._say(filled(self._script.not_understood, self._variables))
            return
        values = self._variables
        if turn.tool is not None:
            result = await self._use(turn.tool)
            if result is None or result.is_error:
                await self._say(filled(self._script.tool_failed, values))
                return
            values = {**values, **result_values(result.result)}
        await self._say(filled(turn.says, values))
        if turn.ends:
            self._end()

    async def _use(self, tool: ToolUse) -> ToolResultReceived | None:
        """Have the client run a tool; None when it doesn't answer in time."""
        self._question = question = _Question(f"call_{next(_serial)}")
        parameters = {
            name: filled(value, self._variables) if isinstance(value, str) else value
            for name, value in tool.parameters.items()
        }
        self._send(ClientToolCallMessage(ClientToolCallData(tool.name, question.call_id, parameters, self._event_id)))
        with trio.move_on_after(TOOL_SECONDS):
            await question.answered.wait()
        return question.result

    async def _say(self, text: str) -> None:
        """Say `text` and return when it has been heard."""
        samples = await self._synthesise(text)
        await trio.lowlevel.checkpoint_if_cancelled()  # a thread returns its result to a turn that is over, too
        self._event_id += 1
        speech = Speech(text, self._event_id, trio.current_time(), len(samples) / RATE)
        self._speech = speech
        self._send(AgentResponse(AgentResponseData(text, speech.event_id)))
        size = round(CHUNK_SECONDS * RATE)
        for start in range(0, len(samples), size):
            chunk = samples[start : start + size].astype("<i2", copy=False).tobytes()
            self._socket.send(self._protocol.audio(speech.event_id, chunk))
            await trio.sleep(CHUNK_SECONDS / SPEED_UP)
        await trio.sleep_until(speech.began + speech.seconds)
        self._speech = None

    def _end(self) -> None:
        """Tell that the agent hangs up, as the service's end_call tool does, and close."""
        ended = AgentToolResponseData(
            tool_name="end_call",
            tool_call_id=f"call_{next(_serial)}",
            tool_type="system",
            is_error=False,
            is_called=True,
            event_id=self._event_id,
        )
        self._send(AgentToolResponseMessage(ended))
        self._socket.close(1000, "the agent has ended the conversation")

    async def _ping(self) -> None:
        for event_id in itertools.count(1):
            self._pinged = {event_id: trio.current_time()}
            self._send(Ping(PingData(event_id, self._ping_ms)))
            await trio.sleep(PING_SECONDS)

    def _send(self, message: ServerMessage) -> None:
        self._socket.send(self._protocol.send(message))
