"""`AgentsClient`: an ElevenLabs agent as a media unit (seed: AgentsClient).

It hears what is routed to it and sends that on at once; what it says waits in `AgentSpeech` for its ticks. The protocol
is in `voxrun.protocol.elevenlabs`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from voxrun.audio.frame import Samples, silence
from voxrun.errors import LocalProtocolError, RemoteError, ScenarioError
from voxrun.events.elevenlabs import (
    AgentsEvent,
    AgentsEvents,
    Events,
    WebSocketCloseEvent,
    WebSocketMediaEndedEvent,
    WebSocketMediaStartedEvent,
)
from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.events.websocket import WebSocketMediaInfo
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.parameters import one_object
from voxrun.media.seam import Seam
from voxrun.media.unit import MediaSource
from voxrun.protocol.elevenlabs.agents_client import (
    AgentsClientProtocol,
    AudioReceived,
    Initiated,
    MessageReceived,
    ProtocolBroken,
    SendNow,
    State,
)
from voxrun.protocol.elevenlabs.agents_server_messages import BODY_FIELDS
from voxrun.protocol.elevenlabs.formats import AudioFormat
from voxrun.protocol.websocket import LOST
from voxrun.providers.elevenlabs.agent_speech import AgentSpeech
from voxrun.providers.elevenlabs.cassette_recorder import CassetteRecorder, ConnectionRecorder, recorded
from voxrun.providers.elevenlabs.endpoint import AgentAddress, Endpoint
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

if TYPE_CHECKING:
    from voxrun.transports.network import Network

GRACE_SECONDS = 0.2
"""How long the scenario may take to send its own initiation before a bare one goes out."""

METADATA_SECONDS = 10.0
"""How long the agent may take to answer the initiation."""

TOOL_SECONDS = 10.0
"""How long a tool call may stay unanswered before a warning names it."""

MOST_CALLS, LONGEST_CALL = 100, 1000
"""Tool calls whose answers are waited for at the same time, and characters of a tool's name and call's id: for others
there is no such warning.
"""

_EVENTS: dict[str, EventName[AgentsEvent]] = {
    kind: vars(AgentsEvents)["".join(word.capitalize() for word in kind.split("_"))]
    for kind in (*BODY_FIELDS, "contextual_update")
    if kind != "audio"
}
"""By the type of the message: `user_transcript` is `AgentsEvents.UserTranscript`; all other types are `Unknown`."""

CloseHandler = Callable[[WebSocketCloseEvent], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """What `createAgentsClient` takes besides the address.

    `trace`: the trace keeps every frame in full, pings and audio included; `privacy`: it keeps no content at all;
    `statistics`: it gets the connection's counters at the end. `cassette`: takes down what isn't private.
    """

    on_close: CloseHandler | None = None
    statistics: bool = False
    trace: bool = False
    privacy: bool = False
    cassette: CassetteRecorder | None = None


class AgentsClient(MediaSource):
    """One conversation with one agent; `connect_agent` makes it. After `close` it does nothing any more."""

    namespaces: ClassVar[tuple[type, ...]] = (AgentsEvents, Events)
    _noun = "client"
    mixes = False

    def __init__(self, host: UnitHost, options: ClientOptions) -> None:
        super().__init__(host, "agent")
        self._options = options
        self._protocol = AgentsClientProtocol()
        self._socket: WebSocket | None = None
        self._socket_id = ""
        self._input: AudioFormat | None = None
        self._seam = Seam()  # of what the agent hears
        self._speech: AgentSpeech | None = None
        self._heard = 0  # frames that went to the agent for this tick, and for those to come
        self._unanswered: set[str] = set()  # tool_call_ids
        self._begun = trio.Event()
        self._metadata = trio.Event()
        self._over = trio.Event()
        self._closing = False
        self._recorder: ConnectionRecorder | None = None
        if options.cassette is not None and options.privacy:
            host.warn(f"{self.id()} has `privacy`: what it says and hears is not on the cassette")
        elif options.cassette is not None:
            self._recorder = options.cassette.connection(host.now)

    # What the scenario calls.

    @one_object
    def conversationInitiationClientData(self, parameters: Mapping[str, Any]) -> None:
        """Customise the conversation: `conversation_config_override`, `dynamic_variables`, …

        It must be the first thing that is sent, so call it right after `await createAgentsClient(…)`. A variable whose
        name begins with `secret__` is one (provider page: Dynamic variables).
        """
        variables = parameters.get("dynamic_variables")
        for name, value in variables.items() if isinstance(variables, Mapping) else ():
            if str(name).startswith("secret__") and not isinstance(value, bool | None):  # these stand everywhere
                self._host.protect(str(value))
        self._send(self._protocol.initiate, parameters)

    @one_object
    def clientToolResult(self, parameters: Mapping[str, Any]) -> None:
        """Answer a `ClientToolCall`: `tool_call_id`, `result` (text, or an object that is sent as JSON), `is_error`."""
        if self._send(self._protocol.client_tool_result, parameters):
            self._unanswered.discard(parameters["tool_call_id"])

    @one_object
    def contextualUpdate(self, parameters: Mapping[str, Any]) -> None:
        """Tell the agent something (`text`) without interrupting the conversation."""
        self._send(self._protocol.contextual_update, parameters)

    @one_object
    def userMessage(self, parameters: Mapping[str, Any]) -> None:
        """Send a `text` as if the user had said it."""
        self._send(self._protocol.user_message, parameters)

    def userActivity(self) -> None:
        """Say that the user is busy, so that the agent does not ask whether they are still there."""
        self._send(lambda _: self._protocol.user_activity(), {})

    @one_object
    def feedback(self, parameters: Mapping[str, Any]) -> None:
        """Tell what the user thinks of the response `event_id`: `score` is "like", "dislike" or None."""
        self._send(self._protocol.feedback, parameters)

    @one_object
    def multimodalMessage(self, parameters: Mapping[str, Any]) -> None:
        """Send a `text` message, an uploaded `file`, or both."""
        self._send(self._protocol.multimodal_message, parameters)

    @one_object
    def mcpToolApprovalResult(self, parameters: Mapping[str, Any]) -> None:
        """Allow or refuse (`is_approved`) the MCP tool call `tool_call_id`."""
        self._send(self._protocol.mcp_tool_approval_result, parameters)

    def clearMediaBuffer(self, parameters: Mapping[str, Any] | None = None) -> None:
        """Drop what the agent said and was not played yet: silence within one tick (20 ms).

        The rest of what it was saying, still on its way here, is dropped as well. What it says next is not, even if it
        came together with the interruption.
        """
        if self._speech is not None:
            waiting = self._speech.waiting
            self._speech.drop()
            if self._recorder is not None:
                self._recorder.cleared(waiting - self._speech.waiting)
            self._host.graph.clear(self)

    def close(self) -> None:
        """End the conversation. `onWebSocketClose` follows."""
        if not self._closing and self._socket is not None:
            self._closing = True
            self._go_silent()
            self._socket.close()

    def webSocketId(self) -> str:
        """The id of the WebSocket connection."""
        return self._socket_id

    # Media.

    @property
    def waiting(self) -> float:
        """Seconds of what the agent said that are still to be played."""
        return 0.0 if self._speech is None else self._speech.waiting

    def inlet(self, source: Source) -> Inlet | None:
        """Live once the agent has said which format it wants."""
        return None if self._input is None else Inlet(self._input.rate, self._hear)

    def detach(self, source: Source) -> None:
        """The sender's stream ends here; what it sent ahead of the tick is heard already."""
        self._heard = min(self._heard, 1)
        self._seam.cut()

    def produce(self) -> None:
        """Play 20 ms of what the agent said."""
        if self._speech is not None:
            self.output.push(self._speech.take())

    def consume(self) -> None:
        """Send silence when nobody sent anything: the agent takes turns by what it hears, all the time."""
        if self._input is not None and not self._heard:
            self._hear(silence(self._input.rate))
        self._heard = max(self._heard - 1, 0)

    def _hear(self, frame: Samples) -> None:
        self._heard += 1
        if self._socket is None or self._input is None:
            return
        for text in self._protocol.audio(self._input.encode(self._seam.join(frame))):
            self._socket.send(text)
            if self._options.trace:
                self._trace_frame("sent", text)

    def _open_media(self, initiated: Initiated) -> None:
        self._metadata.set()
        self._input = initiated.input_format
        self._speech = AgentSpeech(initiated.output_format, self._media_started, self._media_ended)
        self.output.open(initiated.output_format.rate)
        self._host.graph.changed()

    def _media_started(self) -> None:
        event = Events.WebSocketMediaStarted
        encoding = "" if self._speech is None else self._speech.format.name
        self._fire_event(event, WebSocketMediaStartedEvent, tag=None, encoding=encoding, customParameters={})

    def _media_ended(self, seconds: float) -> None:
        media = WebSocketMediaInfo(duration=seconds)
        self._fire_event(Events.WebSocketMediaEnded, WebSocketMediaEndedEvent, tag=None, mediaInfo=media)

    # The connection.

    async def converse(self, network: "Network", endpoint: Endpoint, *, task_status: trio.TaskStatus[None]) -> None:
        """Connect, report as started with nothing sent yet, then serve the connection to its end.

        RemoteError when the connection is refused.
        """
        async with open_websocket(network, endpoint.url) as socket:
            self._socket = recorded(socket, self._recorder)
            self._socket_id = self._host.new_id("websocket")
            has_left = self._host.at_end(self._leave)
            if self._recorder is not None:
                self._recorder.opened(endpoint.public_url)
            task_status.started()
            await self._begun.wait()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._see_to_initiation)
                    closed = await self._socket.pump(self._receive)
                    nursery.cancel_scope.cancel(reason="the connection is closed")
            finally:
                self._trace_end(self._socket)
        await self._end(closed)
        has_left()

    def begin(self, address: AgentAddress, endpoint: Endpoint) -> None:
        """Let messages in, as soon as the code that waited for the client has had its turn to add handlers."""
        self._begun.set()
        self._host.recovered()
        if endpoint.response is not None:
            self._tell_response(endpoint.response.status, endpoint.response.headers, endpoint.response.body)
        self._tell(
            AgentsEvents.ConnectorInformation,
            type="connector_information",
            url=endpoint.public_url,
            signed=endpoint.response is not None,
            agent_id=address.agent_id,
            branch_id=address.branch_id,
            web_socket_id=self.webSocketId(),
        )

    def refuse(self, error: RemoteError) -> None:
        """The connection did not come about."""
        if self._recorder is not None:
            self._recorder.refused(error)
        if error.code:
            self._tell_response(error.code, (), error.reason.encode())
        else:
            self._tell_failure(LOST, str(error))

    def _tell_response(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Fire HTTPResponse: the service answered the request for a signed URL, or refused the WebSocket."""
        text = body.decode(errors="replace")
        self._tell(AgentsEvents.HTTPResponse, type="http_response", code=status, headers=dict(headers), text=text)

    def _tell_failure(self, code: int, reason: str) -> None:
        """Fire WebSocketError: nobody could be reached, or the connection broke."""
        self._tell(AgentsEvents.WebSocketError, type="web_socket_error", code=code, reason=reason)

    async def _leave(self) -> None:
        """Close the connection and wait until it is."""
        self.close()
        await self._over.wait()

    async def _see_to_initiation(self) -> None:
        await trio.sleep(GRACE_SECONDS)
        if self._protocol.state in (State.OPEN, State.GREETED):
            self._send(self._protocol.initiate, {})
        with trio.move_on_after(METADATA_SECONDS):
            await self._metadata.wait()
            return
        self._break_off(f"the agent did not answer the initiation within {METADATA_SECONDS:.0f} s")

    def _receive(self, text: str | bytes) -> None:
        malformed = self._protocol.malformed
        if self._options.trace:
            self._trace_frame("received", str(text))
        for event in self._protocol.receive(text):
            match event:
                case AudioReceived():
                    self._take_speech(event)
                case SendNow(pong) if self._socket is not None:
                    self._socket.send(pong)
                case Initiated():
                    self._open_media(event)
                case MessageReceived(kind, _, data):
                    self._fire(_EVENTS.get(kind, AgentsEvents.Unknown), data)
                    self._act_on(data)
                case ProtocolBroken(reason):
                    self._break_off(reason)
        if self._protocol.malformed > malformed == 0:
            self._host.warn(
                f"{self.id()} sent what is not its protocol, and it is ignored: {self._protocol.last_malformed}"
            )

    def _take_speech(self, received: AudioReceived) -> None:
        turn = received.event_id
        if self._speech is not None and self._speech.take_in(turn, received.audio):
            # Once a turn, as there may be fifty messages a second.
            self._host.trace("wire", unit=self.id(), type="audio", event_id=turn)

    def _act_on(self, data: Message) -> None:
        if data.type == "interruption" and self._speech is not None:
            self._speech.interrupt()
        elif data.type == "client_tool_call":
            call = data.client_tool_call
            if len(self._unanswered) < MOST_CALLS and len(call.tool_call_id) + len(call.tool_name) < LONGEST_CALL:
                self._unanswered.add(call.tool_call_id)
                self._host.spawn(self._await_answer, call.tool_name, call.tool_call_id)

    async def _await_answer(self, tool_name: str, call_id: str) -> None:
        with trio.move_on_after(TOOL_SECONDS):
            await self._over.wait()
            return
        if call_id in self._unanswered:
            self._unanswered.discard(call_id)
            self._host.warn(
                f"nobody has answered the agent's call of the tool '{tool_name}' for {TOOL_SECONDS:.0f} s: "
                f"a handler of AgentsEvents.ClientToolCall calls clientToolResult(…)"
            )

    def _send(self, encode: Callable[[Mapping[str, Any]], list[str]], parameters: Mapping[str, Any]) -> bool:
        """False when it is lost. ScenarioError when `parameters` can't be sent."""
        if self._socket is None or self._protocol.state is State.CLOSED:
            self._host.warn(f"{self.id()} is closed; what is sent to it now is lost")
            return False
        try:
            frames = encode(parameters)
        except LocalProtocolError as error:
            raise ScenarioError(str(error)) from error
        dropped = self._socket.dropped
        for text in frames:
            self._trace_frame("sent", text)
            self._socket.send(text)
        if self._socket.dropped > dropped:
            self._host.warn(f"{self.id()} can't take that: too much waits to be sent, and this is lost")
            return False
        return True

    def _tell(self, event: EventName[AgentsEvent], **data: object) -> None:
        self._fire(event, Message({**data, "payload": data}))

    def _fire(self, event: EventName[AgentsEvent], data: Message) -> None:
        self._fire_event(event, AgentsEvent, private=self._options.privacy, data=data)

    def _break_off(self, reason: str) -> None:
        if self._socket is not None:
            self._socket.close(1002, reason)

    async def _end(self, closed: Closed) -> None:
        """When the end is ordinary, let the agent finish speaking before anybody is told."""
        self._protocol.close()
        self._input = None
        if not closed.is_ordinary and not self._closing:
            self._tell_failure(closed.code, closed.reason)
            self._host.broke(closed.error(f"{self.id()}: the agent's connection"))
        elif self._speech is not None:
            await self._speech.played_out()
        self._go_silent()
        self._over.set()
        if self._options.on_close is not None:
            event = WebSocketCloseEvent(code=closed.code, reason=closed.reason, wasClean=closed.was_clean)
            self._host.call_soon("in onWebSocketClose", self._options.on_close, event)

    def _go_silent(self) -> None:
        self._protocol.close()
        self._input = None
        if self._speech is not None:
            self._speech.end()
        self._host.graph.remove(self)

    def _trace_frame(self, direction: str, text: str) -> None:
        if not self._options.privacy:
            self._host.trace("wire", unit=self.id(), type=direction, text=text)

    def _trace_end(self, socket: WebSocket) -> None:
        self._host.trace(
            "losses",
            of=self.id(),
            messages_not_sent=socket.dropped,
            messages_malformed=self._protocol.malformed,
            messages_of_interrupted_turns=self._protocol.stale_audio,
            samples_too_many=0 if self._speech is None else self._speech.dropped,
        )
        if self._options.statistics:
            self._host.trace(
                "statistics",
                of=self.id(),
                messages_in=socket.messages_in,
                messages_out=socket.messages_out,
                bytes_in=socket.bytes_in,
                bytes_out=socket.bytes_out,
            )


async def connect_agent(
    host: UnitHost, network: "Network", address: AgentAddress, options: ClientOptions
) -> AgentsClient:
    """A client whose socket is open and on which nothing was sent yet. RemoteError when the service refuses."""
    if address.api_key:
        host.protect(address.api_key)
    client = AgentsClient(host, options)
    try:
        endpoint = await address.resolve(network)
        for secret in endpoint.secrets:
            host.protect(secret)
        await host.start(client.converse, network, endpoint)
    except BaseException as error:
        host.graph.remove(client)
        if isinstance(error, RemoteError):
            client.refuse(error)
        raise
    client.begin(address, endpoint)
    return client
