"""`TTSServerProtocol`: the service's side of one text-to-speech connection (`stream-input`), and the events it yields.

The local agent and the tests speak it. It is as strict as the service: what the contract forbids ends the connection
with close code 1008.

    OPEN ──initialization──▶ LISTENING ──empty text──▶ FINISHING ──final()──▶ FINISHED      any ──error──▶ CLOSED
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

import msgspec
import pybase64

from voxrun.errors import LocalProtocolError
from voxrun.events.message import Message
from voxrun.protocol.elevenlabs.agents_server import ClientBroke
from voxrun.protocol.elevenlabs.reason import refusal_reason
from voxrun.protocol.elevenlabs.tts_messages import (
    CLOSING_TEXT,
    OPENING_TEXT,
    Alignment,
    InitializeConnection,
    SendText,
    ServiceMessage,
)


@dataclass(frozen=True, slots=True)
class ConnectionInitialized:
    """The voice's settings: the whole first message."""

    data: Message


@dataclass(frozen=True, slots=True)
class TextReceived:
    """Text to speak, a single space being none. `flush`: with all that waits, now; `try_trigger`: if it is enough."""

    text: str
    try_trigger: bool = False
    flush: bool = False


@dataclass(frozen=True, slots=True)
class TextFinished:
    """There is no more text: speak what waits, then send the final message."""


TTSServiceEvent: TypeAlias = ConnectionInitialized | TextReceived | TextFinished | ClientBroke


class State(Enum):
    """Where the connection is."""

    OPEN = auto()  # nothing came
    LISTENING = auto()  # text may come
    FINISHING = auto()  # no more of it
    FINISHED = auto()
    CLOSED = auto()


class _Step(Enum):
    INITIALIZATION = auto()
    TEXT = auto()
    FINISH = auto()
    SPEECH = auto()
    FINAL = auto()


# A pair that is not here is forbidden.
_NEXT = {
    (State.OPEN, _Step.INITIALIZATION): State.LISTENING,
    (State.LISTENING, _Step.TEXT): State.LISTENING,
    (State.LISTENING, _Step.SPEECH): State.LISTENING,
    (State.LISTENING, _Step.FINISH): State.FINISHING,
    (State.FINISHING, _Step.SPEECH): State.FINISHING,
    (State.FINISHING, _Step.FINAL): State.FINISHED,
}

_decode_initialization = msgspec.json.Decoder(InitializeConnection).decode
_decode_text = msgspec.json.Decoder(SendText).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class TTSServerProtocol:
    """Turns text frames into events and calls into text frames; it does no I/O.

    `audio` and `final` raise LocalProtocolError if the state forbids them; then nothing has changed.
    """

    def __init__(self) -> None:
        self.state = State.OPEN

    def receive(self, text: str | bytes) -> list[TTSServiceEvent]:
        """The event of one WebSocket message. After a `ClientBroke` or an error of ours all input is ignored."""
        if self.state is State.CLOSED:
            return []
        try:
            return [self._initialize(text) if self.state is State.OPEN else self._read(text)]
        # msgspec's and Unicode's errors are ValueErrors; deep nesting is a RecursionError.
        except (ValueError, RecursionError) as error:
            self.state = State.CLOSED
            return [ClientBroke(refusal_reason(error))]

    def audio(self, audio: bytes, alignment: Alignment | None = None, normalized: Alignment | None = None) -> str:
        """The frame of a piece of speech: raw bytes in the output format, and when its characters are heard."""
        self.state = self._after(_Step.SPEECH)
        encoded = pybase64.b64encode_as_string(audio) if audio else None
        return _encode(ServiceMessage(audio=encoded, alignment=alignment, normalized_alignment=normalized))

    def final(self) -> str:
        """The frame that says that all was spoken; the socket is to be closed with 1000 then."""
        self.state = self._after(_Step.FINAL)
        return _encode(ServiceMessage(is_final=True))

    def error(self, message: str, error: str, code: int = 1008) -> str:
        """The frame that says what is wrong; the socket is to be closed with `code` then."""
        self.state = State.CLOSED
        return _encode(ServiceMessage(message=message, error=error, code=code))

    def _initialize(self, text: str | bytes) -> ConnectionInitialized:
        if _decode_initialization(text).text != OPENING_TEXT:
            raise ValueError("the text of the first message must be a single space")
        data = Message(_decode_object(text))
        self.state = State.LISTENING
        return ConnectionInitialized(data)

    def _read(self, text: str | bytes) -> TextReceived | TextFinished:
        sent = _decode_text(text)
        step = _Step.FINISH if sent.text == CLOSING_TEXT else _Step.TEXT
        if (self.state, step) not in _NEXT:
            raise ValueError("text came after the empty one that ended it")
        self.state = _NEXT[self.state, step]
        if step is _Step.FINISH:
            return TextFinished()
        return TextReceived(sent.text, bool(sent.try_trigger_generation), bool(sent.flush))

    def _after(self, step: _Step) -> State:
        try:
            return _NEXT[self.state, step]
        except KeyError:
            raise LocalProtocolError(f"no {step.name.lower()} now: the state is {self.state.name}") from None


def _encode(message: ServiceMessage) -> str:
    return msgspec.json.encode(message).decode()
