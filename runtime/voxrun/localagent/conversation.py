"""`Conversation`: the local agent on one connection: it greets, takes turns, and can be interrupted."""

import itertools
import math
from collections.abc import Awaitable, Callable, Iterable

import trio

from voxrun.events.message import Message
from voxrun.localagent.ears import RATE, Heard
from voxrun.localagent.hearing import Hearing, Recognise
from voxrun.localagent.knowledge import Knowledge
from voxrun.localagent.line import Line
from voxrun.localagent.patience import Patience
from voxrun.localagent.script import Script, ToolUse, Turn
from voxrun.localagent.settings import Settings, objection
from voxrun.localagent.speaking import Speaking, Synthesise
from voxrun.localagent.tools import Tools
from voxrun.protocol.elevenlabs.agents_server import (
    ClientBroke,
    ContextualUpdateReceived,
    ConversationInitiated,
    FeedbackReceived,
    McpApprovalReceived,
    MultimodalMessageReceived,
    PongReceived,
    ServiceEvent,
    ToolResultReceived,
    UserActivityReceived,
    UserAudio,
    UserMessageReceived,
)
from voxrun.protocol.elevenlabs.agents_server_messages import (
    ASRInitiationMetadata,
    ContextUsage,
    ContextUsageData,
    ConversationMetadata,
    ConversationMetadataData,
    ErrorMessage,
    MCPToolCall,
    MCPToolCallAwaitingApproval,
    Ping,
    PingData,
    ServerMessage,
    TentativeTranscriptionData,
    TentativeUserTranscript,
    UserTranscript,
    UserTranscriptionData,
    VADScore,
    VADScoreData,
)
from voxrun.transports.websocket import WebSocket

PING_SECONDS = 2.0

INPUT_SECONDS = 60.0
"""How long the client may send nothing but pongs (contract: transport_receive_timeout)."""

VAD_SCORE_FRAMES = 10
"""A score goes out each 200 ms."""

CONTEXT_LIMIT = 32_768
"""The limit that `context_usage` tells, in words; nothing happens there."""

NOT_UNDERSTOOD = "…"
"""The transcript of what the ears made no sense of."""


class Conversation:
    """One caller of the local agent.

    Whoever speaks has the floor: the caller's first sound ends the agent's turn, whether it was talking, waiting for a
    tool or only about to speak.
    """

    def __init__(
        self, socket: WebSocket, script: Script, synthesise: Synthesise, recognise: Recognise, conversation_id: str
    ) -> None:
        self._socket = socket
        self._script = script
        self._recognise = recognise
        self._id = conversation_id
        self._line = Line(socket)
        self._hearing = Hearing(script.input_format, self._fall_silent)
        self._speaking = Speaking(self._line, synthesise)
        self._tools = Tools(self._line)
        self._settings = Settings.of(script, {})
        self._knowledge = Knowledge({})
        self._input = Patience(INPUT_SECONDS)
        self._silence = Patience(script.silence_seconds)
        self._turn = trio.CancelScope()
        self._pinged: dict[int, float] = {}
        self._ping_ms: int | None = None
        self._frames = 0
        self._words = 0
        self._nursery: trio.Nursery

    async def run(self) -> None:
        """Talk until the connection ends."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._hearing.listen, self._recognise, self._guess, self._utterance)
            self._nursery.start_soon(self._await_input)
            await self._socket.pump(self._receive)
            self._nursery.cancel_scope.cancel(reason="the caller has left")

    def _receive(self, text: str | bytes) -> None:
        for event in self._line.receive(text):
            if not isinstance(event, PongReceived):
                self._input.renew()
            self._act_on(event)

    def _act_on(self, event: ServiceEvent) -> None:
        match event:
            case ClientBroke(reason, code):
                self._line.fail(code, "invalid_message", reason)
            case ConversationInitiated(data):
                self._begin(data)
            case _ if not self._line.is_open:
                self._line.close(1008, "conversation_initiation_client_data must come first")
            case UserAudio(audio):
                self._hear(audio)
            case PongReceived(event_id) if event_id in self._pinged:
                self._ping_ms = max(math.ceil((trio.current_time() - self._pinged.pop(event_id)) * 1000), 1)
            case ToolResultReceived() | McpApprovalReceived():
                self._tools.take(event)
            case UserMessageReceived(text) if text:
                self._read(text)
            case MultimodalMessageReceived(text, file_id):
                self._see(text, file_id)
            case ContextualUpdateReceived(text, context_id):
                self._knowledge.update(text, context_id)
            case FeedbackReceived(event_id, score):
                self._knowledge.rate(event_id, score)
            case UserActivityReceived():
                self._silence.renew()

    def _begin(self, data: Message) -> None:
        refusal = objection(self._script, data)
        if refusal:
            self._line.close(1008, refusal)
            return
        self._settings = Settings.of(self._script, data)
        self._knowledge = Knowledge(self._settings.known)
        formats = (self._script.output_format.name, self._script.input_format.name)
        self._line.open(
            ConversationMetadata(ConversationMetadataData(self._id, *formats)), self._settings.client_events
        )
        self._line.send(ASRInitiationMetadata({"model": "pocketsphinx", "language": "en", "sample_rate": RATE}))
        self._silence.renew()
        for task in (self._ping, self._await_end, self._await_silence):
            self._nursery.start_soon(task)
        self._take_turn(self._say, self._settings.greeting)

    def _hear(self, audio: bytes) -> None:
        if self._settings.text_only:
            return
        before = self._frames // VAD_SCORE_FRAMES
        self._frames += self._hearing.hear(audio)
        if self._hearing.speaking:
            self._silence.renew()
        if self._frames // VAD_SCORE_FRAMES > before:
            self._line.send(VADScore(VADScoreData(round(self._hearing.score, 2))))

    def _guess(self, heard: Heard) -> None:
        tentative = TentativeTranscriptionData(heard.text or NOT_UNDERSTOOD, self._line.event_id + 1)
        self._line.send(TentativeUserTranscript(tentative))

    def _utterance(self, heard: Heard) -> None:
        self._silence.renew()
        transcript = heard.text or NOT_UNDERSTOOD
        self._words += len(transcript.split())
        self._line.send(UserTranscript(UserTranscriptionData(transcript, self._line.new_event())))
        if not self._hearing.speaking:  # else they go on already, and the answer is for what comes next
            self._take_turn(self._answer, self._script.answer_to(heard.text) if heard.text else None)

    def _see(self, text: str | None, file_id: str | None) -> None:
        if file_id:
            self._knowledge.see(file_id)
        if text:
            self._read(text)

    def _read(self, text: str) -> None:
        self._silence.renew()
        self._words += len(text.split())
        self._take_turn(self._answer, self._script.answer_to(text))

    def _fall_silent(self) -> None:
        """Give up the turn."""
        self._turn.cancel(reason="somebody else has the floor")
        self._speaking.stop()

    def _take_turn(self, act: Callable[..., Awaitable[None]], *args: object) -> None:
        self._fall_silent()
        self._turn = trio.CancelScope()
        self._nursery.start_soon(self._in_turn, self._turn, act, *args)

    async def _in_turn(self, turn: trio.CancelScope, act: Callable[..., Awaitable[None]], *args: object) -> None:
        with turn:
            await trio.lowlevel.checkpoint_if_cancelled()  # the next turn may have come before this one got going
            await act(*args)
            self._silence.renew()
            usage = ContextUsageData(self._line.event_id, self._settings.model, self._words, CONTEXT_LIMIT)
            self._line.send(ContextUsage(usage))

    async def _answer(self, turn: Turn | None) -> None:
        if turn is None:
            await self._say(self._script.not_understood)
            return
        may_answer = await self._tell(turn.sends)
        result = await self._use(turn.tool) if turn.tool and may_answer else ""
        if result is None or not may_answer:
            await self._say(self._script.tool_failed)
            return
        await self._say(turn.says, result if turn.tool else None)
        if turn.ends:
            self._tools.end_call()
            self._line.close(1000, "the agent has ended the conversation")

    async def _tell(self, messages: Iterable[ServerMessage]) -> bool:
        """Send what the script has; false when the client didn't allow a tool that it was asked about."""
        for message in messages:
            self._line.send(message)
            match message:
                case ErrorMessage(error):
                    self._line.close(error.code, error.message or error.error_type or "")
                    await trio.sleep_forever()
                case MCPToolCall(MCPToolCallAwaitingApproval() as call) if not await self._tools.is_approved(call):
                    return False
        return True

    async def _use(self, tool: ToolUse) -> str | None:
        parameters = {
            name: self._knowledge.fill(value) if isinstance(value, str) else value
            for name, value in tool.parameters.items()
        }
        return await self._tools.use(tool.name, parameters)

    async def _say(self, template: str, result: str | None = None) -> None:
        """Say the filled text, if there is any, and return when it has been heard."""
        text = self._knowledge.fill(template, result)
        if not text:
            return
        self._words += len(text.split())
        if self._settings.text_only:
            self._speaking.write(text)
        else:
            await self._speaking.say(text, self._settings.delivery)

    async def _await_input(self) -> None:
        await self._input.run_out()
        self._line.fail(1002, "transport_receive_timeout", f"no input for {INPUT_SECONDS:.0f} s")

    async def _await_end(self) -> None:
        await trio.sleep(self._script.max_seconds)
        self._line.fail(1000, "max_duration_exceeded", f"the limit is {self._script.max_seconds:g} s")

    async def _await_silence(self) -> None:
        await self._silence.run_out()
        while speech := self._speaking.speech:
            self._silence.renew(speech.ends)
            await self._silence.run_out()
        self._line.close(1000, f"nobody said anything for {self._script.silence_seconds:g} s")

    async def _ping(self) -> None:
        for event_id in itertools.count(1):
            self._pinged = {event_id: trio.current_time()}
            self._line.send(Ping(PingData(event_id, self._ping_ms)))
            await trio.sleep(PING_SECONDS)
