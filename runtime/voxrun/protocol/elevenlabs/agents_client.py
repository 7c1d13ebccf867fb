"""`AgentsClientProtocol`: our side of one conversation with an ElevenLabs agent, and the events it yields.

The service wants the initiation as the first frame, and sends its metadata, with the audio formats, once:

    OPEN ──initiation──▶ INITIATED ──metadata──▶ ACTIVE          any ──close──▶ CLOSED
      └────metadata────▶ GREETED ──initiation──────▲

Whether the service ever greets first is not documented, so both orders lead to ACTIVE.
"""

import math
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, TypeAlias

import msgspec
import pybase64
from msgspec import Struct

from voxrun.errors import LocalProtocolError, RemoteError
from voxrun.events.message import Message
from voxrun.protocol.elevenlabs.agents_client_messages import ClientToolResult
from voxrun.protocol.elevenlabs.agents_server_messages import (
    BODY_FIELDS,
    AnyServerMessage,
    Audio,
    AudioEventData,
    ConversationMetadata,
    ConversationMetadataData,
    Interruption,
    Ping,
)
from voxrun.protocol.elevenlabs.formats import AudioFormat, parse_format
from voxrun.protocol.elevenlabs.reason import refusal_reason
from voxrun.protocol.encoding import encode


class SendNow(Struct, frozen=True):
    """A text frame to send before anything else is done with these events: the answer to a ping."""

    text: str


class Initiated(Struct, frozen=True):
    """The metadata arrived: from now on the formats both ways are known."""

    conversation_id: str
    output_format: AudioFormat
    input_format: AudioFormat


class AudioReceived(Struct, frozen=True, gc=False):
    """Speech of the agent's turn `event_id`: raw bytes in the agent's output format, whole samples only."""

    event_id: int
    audio: bytes


class MessageReceived(Struct, frozen=True):
    """Any message but audio. `known` is False when the contract has no such `type`.

    `data` is the whole message plus `payload`, a flat view: the message's keys and those of its body.
    """

    type: str
    known: bool
    data: Message


class ProtocolBroken(Struct, frozen=True):
    """The conversation can't go on; the machine is CLOSED."""

    reason: str


AgentsEvent: TypeAlias = SendNow | Initiated | AudioReceived | MessageReceived | ProtocolBroken


class State(Enum):
    """Where the conversation is."""

    OPEN = auto()  # the socket is open, nothing was sent
    GREETED = auto()  # nothing was sent, yet the metadata came
    INITIATED = auto()  # the initiation was sent
    ACTIVE = auto()  # and the metadata came
    CLOSED = auto()


_ACTIVE, _CLOSED = State.ACTIVE, State.CLOSED  # an enum's members are slow to look up before Python 3.12


class _Step(Enum):
    INITIATION = auto()
    METADATA = auto()


_OVER = "the conversation is over"
_BEGUN = (
    "the conversation has begun already: its initiation is the first that is sent, right after `createAgentsClient`, "
    "with nothing awaited in between"
)

# A pair that is not here is forbidden.
_NEXT = {
    (State.OPEN, _Step.INITIATION): State.INITIATED,
    (State.OPEN, _Step.METADATA): State.GREETED,
    (State.GREETED, _Step.INITIATION): State.ACTIVE,
    (State.INITIATED, _Step.METADATA): State.ACTIVE,
}

_AUDIO_HEAD = '{"user_audio_chunk":"'
_AUDIO_TAIL = '"}'

_decode_message = msgspec.json.Decoder[AnyServerMessage](AnyServerMessage).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class AgentsClientProtocol:
    """Turns calls into text frames and text frames into events; it does no I/O.

    Each outgoing call returns the frames to send, in order; if there was no initiation, a bare one leads.
    It raises LocalProtocolError if the state forbids it or the data can't be JSON; then nothing has changed.
    """

    def __init__(self) -> None:
        self.state = State.OPEN
        self.malformed = 0  # messages dropped because they break the contract
        self.last_malformed = ""  # why the latest was: printable ASCII, at most 123 characters
        self.stale_audio = 0  # audio messages dropped because their turn was interrupted
        self._is_text_only = False
        self._output_format: AudioFormat | None = None
        self._interrupted_up_to: float = -math.inf
        self._held_pong = ""

    def initiate(self, data: Mapping[str, Any] | None = None) -> list[str]:
        """`conversation_initiation_client_data` with these overrides and variables: first, and once."""
        frame = _encode("conversation_initiation_client_data", data or {})
        self.state = self._after(_Step.INITIATION)
        self._is_text_only = _text_only(data)
        # A ping that came before the initiation is answered after it: the initiation must be the first frame.
        return [frame, self._held_pong] if self._held_pong else [frame]

    def audio(self, chunk: bytes) -> list[str]:
        """`user_audio_chunk`: the user's speech, raw bytes in the conversation's input format.

        Nothing in a text-only conversation: the service does no audio in it.
        """
        if self._is_text_only:
            return []
        return self._outgoing(f"{_AUDIO_HEAD}{pybase64.b64encode_as_string(chunk)}{_AUDIO_TAIL}")

    def user_message(self, data: Mapping[str, Any]) -> list[str]:
        """`user_message`: {text}, what the user typed."""
        return self._outgoing(_encode("user_message", data))

    def contextual_update(self, data: Mapping[str, Any]) -> list[str]:
        """`contextual_update`: {text, context_id?}, which the agent notes without answering."""
        return self._outgoing(_encode("contextual_update", data))

    def client_tool_result(self, data: Mapping[str, Any]) -> list[str]:
        """`client_tool_result`: {tool_call_id, result, is_error?}. Other keys are dropped.

        Scripts for the hosted connector pass objects and no `is_error`, and the service closes with 1008 on
        both: so a result that isn't a string goes as JSON, and `is_error` is false by default.
        """
        call_id = data.get("tool_call_id")
        if not isinstance(call_id, str) or not call_id:
            raise LocalProtocolError(
                "a client_tool_result needs the tool_call_id, a string, of the client_tool_call it answers"
            )
        result = data.get("result")
        text = result if isinstance(result, str) else encode("the result of a client tool", result)
        answer = ClientToolResult(call_id, text, is_error=bool(data.get("is_error")))
        return self._outgoing(encode("client_tool_result", answer))

    def user_activity(self) -> list[str]:
        """`user_activity`: the user is busy, so the agent's inactivity timer starts anew."""
        return self._outgoing(_encode("user_activity", {}))

    def feedback(self, data: Mapping[str, Any]) -> list[str]:
        """`feedback`: {event_id, score}, where score is "like", "dislike" or None."""
        return self._outgoing(_encode("feedback", data))

    def multimodal_message(self, data: Mapping[str, Any]) -> list[str]:
        """`multimodal_message`: {text?, file?}."""
        return self._outgoing(_encode("multimodal_message", data))

    def mcp_tool_approval_result(self, data: Mapping[str, Any]) -> list[str]:
        """`mcp_tool_approval_result`: {tool_call_id, is_approved}."""
        return self._outgoing(_encode("mcp_tool_approval_result", data))

    def close(self) -> None:
        """The socket is closed or closing: nothing more can be sent, and what still arrives is ignored."""
        self.state = State.CLOSED

    def receive(self, text: str | bytes) -> list[AgentsEvent]:
        """The events of one WebSocket message, in the order to act on them; none if it is malformed."""
        if self.state is _CLOSED:
            return []
        try:
            return self._receive(text)
        # msgspec's, base64's and Unicode's errors are ValueErrors; deep nesting is a RecursionError.
        except (ValueError, RecursionError) as error:
            self._count_malformed(error)
            return []

    def _outgoing(self, frame: str) -> list[str]:
        if self.state is _ACTIVE or self.state is State.INITIATED:
            return [frame]
        return [*self.initiate(), frame]

    def _after(self, step: _Step) -> State:
        try:
            return _NEXT[self.state, step]
        except KeyError:
            raise LocalProtocolError(_OVER if self.state is State.CLOSED else _BEGUN) from None

    def _receive(self, text: str | bytes) -> list[AgentsEvent]:
        try:
            message = _decode_message(text)
        except msgspec.ValidationError as error:
            return _receive_unknown(text, error)
        if isinstance(message, Audio):
            return self._receive_audio(message.audio_event)
        kind = str(message.__struct_config__.tag)
        received = MessageReceived(kind, True, _with_payload(_decode_object(text), BODY_FIELDS[kind]))
        match message:
            case Ping():
                return [*self._answer(message.ping_event.event_id), received]
            case Interruption():
                self._interrupted_up_to = max(self._interrupted_up_to, message.interruption_event.event_id)
                return [received]
            case ConversationMetadata():
                return self._receive_metadata(message.conversation_initiation_metadata_event, received)
            case _:
                return [received]

    def _receive_audio(self, speech: AudioEventData) -> list[AgentsEvent]:
        if self._output_format is None:
            raise ValueError("audio: it came before the conversation_initiation_metadata")
        if speech.event_id <= self._interrupted_up_to:
            self.stale_audio += 1
            return []
        # validate=True is not only stricter but four times as fast.
        samples = pybase64.b64decode(speech.audio_base_64, validate=True)
        if self._output_format.encoding == "pcm" and len(samples) % 2:
            raise ValueError(f"audio: {len(samples)} bytes are no whole number of 16-bit samples")
        return [AudioReceived(speech.event_id, samples)]

    def _receive_metadata(self, metadata: ConversationMetadataData, received: MessageReceived) -> list[AgentsEvent]:
        if (self.state, _Step.METADATA) not in _NEXT:
            raise ValueError(f"{received.type}: it came a second time")
        try:
            output_format = parse_format(metadata.agent_output_audio_format)
            input_format = parse_format(metadata.user_input_audio_format)
        except RemoteError as error:
            self._count_malformed(error)
            self.close()
            return [ProtocolBroken(self.last_malformed)]
        self.state = self._after(_Step.METADATA)
        self._output_format = output_format
        return [Initiated(metadata.conversation_id, output_format, input_format), received]

    def _answer(self, event_id: int) -> list[AgentsEvent]:
        pong = f'{{"type":"pong","event_id":{event_id}}}'
        if self.state is State.ACTIVE or self.state is State.INITIATED:
            return [SendNow(pong)]
        self._held_pong = pong
        return []

    def _count_malformed(self, error: Exception) -> None:
        self.malformed += 1
        self.last_malformed = refusal_reason(error)


def _receive_unknown(text: str | bytes, error: msgspec.ValidationError) -> list[AgentsEvent]:
    """The message as it is if its type is not in the contract; else `error` says how it breaks that."""
    message = _decode_object(text)
    kind = message.get("type")
    if not isinstance(kind, str):
        raise error
    if kind in BODY_FIELDS:
        raise ValueError(f"{kind}: {error}") from error
    objects = [key for key, value in message.items() if isinstance(value, dict)]
    body_field = objects[0] if len(objects) == 1 else ""
    return [MessageReceived(kind, False, _with_payload(message, body_field))]


def _with_payload(message: dict[str, Any], body_field: str) -> Message:
    body = message.get(body_field)
    flat = {**message, **(body if isinstance(body, dict) else {}), "type": message["type"]}
    return Message({**message, "payload": flat})


def _text_only(initiation: object) -> bool:
    """`text_only` of the contract's ConversationConfigOverride."""
    for key in ("conversation_config_override", "conversation", "text_only"):
        initiation = initiation.get(key) if isinstance(initiation, Mapping) else None
    return initiation is True


def _encode(kind: str, data: Mapping[str, Any]) -> str:
    return encode(kind, {**data, "type": kind})
