"""`AgentsClient`: an ElevenLabs agent as a media unit (seed: AgentsClient).

It hears what is routed to it and sends that on at once; what it says arrives faster than real time and waits in a
playout buffer for its ticks. The protocol is in `voxrun.protocol.elevenlabs`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.errors import LocalProtocolError, RemoteError, ScenarioError
from voxrun.events.elevenlabs import (
    AgentsEvent,
    AgentsEvents,
    Events,
    WebSocketCloseEvent,
    WebSocketMediaEndedEvent,
    WebSocketMediaInfo,
    WebSocketMediaStartedEvent,
)
from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.playout import Playout
from voxrun.media.unit import MediaSource
from voxrun.protocol.elevenlabs.client import (
    AgentsClientProtocol,
    AudioReceived,
    Initiated,
    MessageReceived,
    ProtocolBroken,
    SendNow,
    State,
)
from voxrun.protocol.elevenlabs.formats import AudioFormat
from voxrun.providers.elevenlabs.endpoint import AgentAddress, Endpoint
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

if TYPE_CHECKING:
    from voxrun.transports.network import Network

PLAYOUT_SECONDS = 300.0
"""How much speech of the agent may wait to be played."""

GRACE_SECONDS = 0.2
"""How long the scenario may take to send its own initiation before a bare one goes out."""

METADATA_SECONDS = 10.0
"""How long the agent may take to answer the initiation."""

ORDINARY_CODES = (1000, 1001, 1005)
"""How a conversation ends when nothing is wrong: done, going away, or no code given (RFC 6455, section 7.4.1)."""

QUIET_TICKS = 50
"""One second without audio ends the agent's media (seed: WebSocketMediaEnded)."""

CloseHandler = Callable[[WebSocketCloseEvent], object]


class AgentsClient(MediaSource):
    """One conversation with one agent; `connect_agent` makes it. After `close` it does nothing any more."""

    namespaces: ClassVar[tuple[type, ...]] = (AgentsEvents, Events)
    mixes = False

    def __init__(self, host: UnitHost, on_close: CloseHandler | None) -> None:
        super().__init__(host, "agent")
        self._on_close = on_close
        self._protocol = AgentsClientProtocol()
        self._socket: WebSocket | None = None
        self._input: AudioFormat | None = None
        self._output: AudioFormat | None = None
        self._playout = Playout(0, 0.0)
        self._played_out = trio.Event()
        self._newest_turn = -1  # event_id of the newest audio that came
        self._cleared_turn = -1  # audio up to this event_id is not wanted any more
        self._heard = False  # somebody's frame went to the agent in this tick
        self._quiet_ticks = QUIET_TICKS
        self._played = 0
        self._begun = trio.Event()
        self._initiated = trio.Event()
        self._metadata = trio.Event()
        self._closing = False

    # What the scenario calls.

    def conversationInitiationClientData(self, parameters: Mapping[str, Any]) -> None:
        """Customise the conversation: `conversation_config_override`, `dynamic_variables`, …

        It must be the first thing that is sent, so call it right after `await createAgentsClient(…)`.
        """
        self._send(self._protocol.initiate, parameters)

    def clientToolResult(self, parameters: Mapping[str, Any]) -> None:
        """Answer a `ClientToolCall`: `tool_call_id`, `result` (text, or an object that is sent as JSON), `is_error`."""
        self._send(self._protocol.client_tool_result, parameters)

    def contextualUpdate(self, parameters: Mapping[str, Any]) -> None:
        """Tell the agent something (`text`) without interrupting the conversation."""
        self._send(self._protocol.contextual_update, parameters)

    def userMessage(self, parameters: Mapping[str, Any]) -> None:
        """Send a `text` as if the user had said it."""
        self._send(self._protocol.user_message, parameters)

    def clearMediaBuffer(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Drop what the agent said and was not played yet: silence within one tick (20 ms).

        The rest of what it was saying, still on its way here, is dropped as well.
        """
        if len(self._playout):
            self._cleared_turn = self._newest_turn
        self._playout.clear()

    def close(self) -> None:
        """End the conversation. `onWebSocketClose` follows."""
        if not self._closing and self._socket is not None:
            self._closing = True
            self._leave()
            self._socket.close()

    def webSocketId(self) -> str:
        """The id of the WebSocket connection."""
        return "" if self._socket is None else self._socket.id

    # Media.

    def inlet(self, source: Source) -> Inlet | None:
        """Live once the agent has said which format it wants."""
        return None if self._input is None else Inlet(self._input.rate, self._hear)

    def detach(self, source: Source) -> None:
        """Nothing is kept for a sender."""

    def produce(self) -> None:
        """Play 20 ms of what the agent said."""
        if self._output is None:
            return
        rate = self._output.rate
        frame = self._playout.take(frame_size(rate))
        if frame is None:
            self._stay_quiet()
            self.output.push(silence(rate))
        else:
            self._speak()
            self.output.push(frame)
        if not len(self._playout):
            self._played_out.set()

    def consume(self) -> None:
        """Send silence when nobody sent anything: the agent takes turns by what it hears, all the time."""
        if self._input is not None and not self._heard:
            self._hear(silence(self._input.rate))
        self._heard = False

    def _hear(self, frame: Samples) -> None:
        self._heard = True
        if self._socket is None or self._input is None:
            return
        chunk = encode_ulaw(frame) if self._input.encoding == "ulaw" else frame.astype("<i2", copy=False).tobytes()
        for text in self._protocol.audio(chunk):
            self._socket.send(text)

    def _speak(self) -> None:
        if self._quiet_ticks >= QUIET_TICKS and self._output is not None:
            self._played = 0
            event = Events.WebSocketMediaStarted
            payload = WebSocketMediaStartedEvent(
                name=event, client=self, tag=None, encoding=self._output.name, customParameters={}
            )
            self._host.emit(self, event, payload)
        self._quiet_ticks = 0
        self._played += 1

    def _stay_quiet(self) -> None:
        self._quiet_ticks += 1
        if self._quiet_ticks == QUIET_TICKS:
            event = Events.WebSocketMediaEnded
            media = WebSocketMediaInfo(duration=self._played * FRAME_SECONDS)
            self._host.emit(self, event, WebSocketMediaEndedEvent(name=event, client=self, tag=None, mediaInfo=media))

    # The connection.

    async def converse(self, network: "Network", endpoint: Endpoint, *, task_status: trio.TaskStatus[None]) -> None:
        """Connect, report as started with nothing sent yet, then serve the connection to its end.

        RemoteError when the connection is refused.
        """
        async with open_websocket(network, endpoint.url) as self._socket:
            task_status.started()
            await self._begun.wait()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._see_to_initiation)
                    closed = await self._socket.pump(self._receive)
                    nursery.cancel_scope.cancel(reason="the connection is closed")
            finally:
                self._trace_losses(self._socket)
        await self._end(closed)

    def _trace_losses(self, socket: WebSocket) -> None:
        self._host.trace(
            "losses",
            of=self.id(),
            messages_not_sent=socket.dropped,
            messages_malformed=self._protocol.malformed,
            messages_of_interrupted_turns=self._protocol.stale_audio,
            samples_too_many=self._playout.dropped,
        )

    def begin(self, endpoint: Endpoint) -> None:
        """Let messages in, as soon as the code that waited for the client has had its turn to add handlers."""
        self._begun.set()
        self._host.recovered()
        response = endpoint.response
        if response is not None:
            body = response.body.decode(errors="replace")
            headers = dict(response.headers)
            data = {"type": "http_response", "code": response.status, "headers": headers, "text": body}
            self._fire(AgentsEvents.HTTPResponse, Message({**data, "payload": data}))
        data = {
            "type": "connector_information",
            "url": endpoint.public_url,
            "web_socket_id": self.webSocketId(),
        }
        self._fire(AgentsEvents.ConnectorInformation, Message({**data, "payload": data}))

    async def _see_to_initiation(self) -> None:
        with trio.move_on_after(GRACE_SECONDS):
            await self._initiated.wait()
        if self._protocol.state in (State.OPEN, State.GREETED):
            self._send(self._protocol.initiate, {})
        with trio.move_on_after(METADATA_SECONDS):
            await self._metadata.wait()
            return
        self._break_off(f"the agent did not answer the initiation within {METADATA_SECONDS:.0f} s")

    def _receive(self, text: str | bytes) -> None:
        malformed = self._protocol.malformed
        for event in self._protocol.receive(text):
            match event:
                case AudioReceived():
                    self._queue(event)
                case SendNow() if self._socket is not None:
                    self._socket.send(event.text)
                case Initiated():
                    self._open_media(event)
                case MessageReceived():
                    self._fire(_constant(event), event.data)
                case ProtocolBroken():
                    self._break_off(event.reason)
        if self._protocol.malformed > malformed == 0:
            self._host.warn(
                f"{self.id()} sent what is not its protocol, and it is ignored: {self._protocol.last_malformed}"
            )

    def _queue(self, received: AudioReceived) -> None:
        if self._output is None or received.event_id <= self._cleared_turn:
            return
        if received.event_id != self._newest_turn:  # once a turn, as the service may send fifty messages a second
            self._newest_turn = received.event_id
            self._host.trace("wire", unit=self.id(), type="audio", event_id=received.event_id)
        ulaw = self._output.encoding == "ulaw"
        self._playout.put(decode_ulaw(received.audio) if ulaw else np.frombuffer(received.audio, "<i2"))

    def _open_media(self, initiated: Initiated) -> None:
        self._metadata.set()
        self._input = initiated.input_format
        self._output = initiated.output_format
        self._playout = Playout(self._output.rate, PLAYOUT_SECONDS)
        self.output.open(self._output.rate)
        self._host.graph.changed()

    def _send(self, encode: Callable[[Mapping[str, Any]], list[str]], parameters: Mapping[str, Any]) -> None:
        if self._socket is None or self._protocol.state is State.CLOSED:
            self._host.warn(f"{self.id()} is closed; what is sent to it now is lost")
            return
        try:
            frames = encode(parameters)
        except LocalProtocolError as error:
            raise ScenarioError(str(error)) from error
        self._initiated.set()
        for text in frames:
            self._host.trace("wire", unit=self.id(), type="sent", text=text)
            self._socket.send(text)

    def _fire(self, event: EventName[AgentsEvent], data: Message) -> None:
        self._host.emit(self, event, AgentsEvent(name=event, client=self, data=data))

    def _break_off(self, reason: str) -> None:
        if self._socket is not None:
            self._socket.close(1002, reason)

    async def _end(self, closed: Closed) -> None:
        """When the end is ordinary, let the agent finish speaking before anybody is told."""
        if closed.code in ORDINARY_CODES:
            while len(self._playout):
                self._played_out = trio.Event()
                await self._played_out.wait()
        elif not self._closing:
            self._report(closed)
        self._leave()
        if self._on_close is not None:
            event = WebSocketCloseEvent(code=closed.code, reason=closed.reason, wasClean=closed.was_clean)
            self._host.call_soon("in onWebSocketClose", self._on_close, event)

    def _report(self, closed: Closed) -> None:
        data = {"type": "web_socket_error", "code": closed.code, "reason": closed.reason}
        self._fire(AgentsEvents.WebSocketError, Message({**data, "payload": data}))
        reason = f": {closed.reason}" if closed.reason else ""
        self._host.broke(
            RemoteError(
                f"{self.id()}: the agent's connection ended with code {closed.code}{reason}",
                code=closed.code,
                reason=closed.reason,
            )
        )

    def _leave(self) -> None:
        self._protocol.close()
        self._input = self._output = None
        self._playout.clear()
        self._host.graph.remove(self)


async def connect_agent(
    host: UnitHost, network: "Network", address: AgentAddress, on_close: CloseHandler | None = None
) -> AgentsClient:
    """A client whose socket is open and on which nothing was sent yet. RemoteError when the service refuses."""
    if address.api_key:
        host.protect(address.api_key)
    endpoint = await address.resolve(network)
    for secret in endpoint.secrets:
        host.protect(secret)
    client = AgentsClient(host, on_close)
    try:
        await host.start(client.converse, network, endpoint)
    except RemoteError:
        host.graph.remove(client)
        raise
    client.begin(endpoint)
    return client


def _constant(received: MessageReceived) -> EventName[AgentsEvent]:
    """`user_transcript` is `AgentsEvents.UserTranscript`; what has no constant is `Unknown`."""
    name = "".join(word.capitalize() for word in received.type.split("_"))
    found: EventName[AgentsEvent] = vars(AgentsEvents).get(name, AgentsEvents.Unknown)
    return found
