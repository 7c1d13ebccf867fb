"""`TTSClientProtocol`: our side of one text-to-speech connection (`stream-input`), and the events it yields.

The first message configures, an empty text ends the input, and `isFinal` the audio:

    OPEN ──initialize──▶ SPEAKING ──empty text──▶ FINISHING ──isFinal──▶ FINISHED        any ──close──▶ CLOSED
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

import msgspec
import pybase64

from voxrun.errors import LocalProtocolError
from voxrun.protocol.elevenlabs.formats import AudioFormat
from voxrun.protocol.elevenlabs.reason import refusal_reason
from voxrun.protocol.elevenlabs.tts_messages import CLOSING_TEXT, OPENING_TEXT, Alignment, ServiceMessage
from voxrun.protocol.encoding import encode
from voxrun.shown import shown


@dataclass(frozen=True, slots=True)
class SpeechReceived:
    """Speech: raw bytes in the output format, whole samples only, perhaps none; and when its characters are heard.

    `alignment` is about the text as it was sent, `normalized` about the text as it is read out ("4" as "four").
    """

    audio: bytes
    alignment: Alignment | None = None
    normalized: Alignment | None = None


@dataclass(frozen=True, slots=True)
class FinalReceived:
    """There is no more audio; while the input is open this may only be the end of what was flushed."""


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """The service gives up; the machine is CLOSED. `code` is that of the WebSocket's close, 0 when not given."""

    message: str
    error: str = ""
    code: int = 0


TTSEvent: TypeAlias = SpeechReceived | FinalReceived | ErrorReceived


class State(Enum):
    """Where the connection is."""

    OPEN = auto()  # nothing was sent
    SPEAKING = auto()  # text may be sent
    FINISHING = auto()  # the input has ended, the audio not yet
    FINISHED = auto()
    CLOSED = auto()


class _Step(Enum):
    INITIALIZE = auto()
    TEXT = auto()
    FINISH = auto()
    SPEECH = auto()
    FINAL = auto()


# A pair that is not here is forbidden.
_NEXT = {
    (State.OPEN, _Step.INITIALIZE): State.SPEAKING,
    (State.SPEAKING, _Step.TEXT): State.SPEAKING,
    (State.SPEAKING, _Step.SPEECH): State.SPEAKING,
    (State.SPEAKING, _Step.FINAL): State.SPEAKING,
    (State.SPEAKING, _Step.FINISH): State.FINISHING,
    (State.FINISHING, _Step.SPEECH): State.FINISHING,
    (State.FINISHING, _Step.FINAL): State.FINISHED,
}

_REFUSALS = {
    State.OPEN: "the connection was not initialized",
    State.SPEAKING: "the connection was initialized already",
    State.FINISHING: "the text was finished with an empty one",
    State.FINISHED: "the text was finished with an empty one",
    State.CLOSED: "the connection is closed",
}

_decode_message = msgspec.json.Decoder(ServiceMessage).decode


class TTSClientProtocol:
    """Turns calls into text frames and text frames into events; it does no I/O.

    A call raises LocalProtocolError if the state forbids it or the data can't be JSON; then nothing has changed.
    """

    def __init__(self, output_format: AudioFormat) -> None:
        self.state = State.OPEN
        self.malformed = 0  # messages dropped because they break the contract
        self.last_malformed = ""  # why the latest was: printable ASCII, at most 123 characters
        self.cleared_speech = 0  # messages dropped because their text was cleared
        self._output_format = output_format
        self._cleared = False
        self._unspoken = 0  # characters, white space aside
        self._undue = 0  # of these, those sent since the latest flush: nobody knows when they are spoken

    @property
    def unspoken(self) -> int:
        """Characters, white space aside, up to the latest `flush`, whose alignment has not come yet."""
        return max(self._unspoken - self._undue, 0)

    def initialize(self, data: Mapping[str, Any] | None = None) -> str:
        """`initializeConnection`: {voice_settings?, generation_config?, …}, first and once; its text is a space."""
        frame = encode("initializeConnection", {**(data or {}), "text": OPENING_TEXT})
        self.state = self._after(_Step.INITIALIZE)
        return frame

    def send_text(self, data: Mapping[str, Any]) -> str:
        """`sendText`: {text, try_trigger_generation?, flush?, …}. An empty text ends the input."""
        text = data.get("text")
        if not isinstance(text, str):
            raise LocalProtocolError(f"sendText needs a text, a string, not {shown(text)}")
        if text == CLOSING_TEXT:
            self.state = self._after(_Step.FINISH)
            return '{"text":""}'
        frame = encode("sendText", dict(data))
        self.state = self._after(_Step.TEXT)
        characters = _visible(text)
        self._unspoken += characters
        self._undue = 0 if data.get("flush") else self._undue + characters
        self._cleared = self._cleared and not characters
        return frame

    def keep_alive(self) -> str:
        """The space that says nothing and puts off the inactivity time-out."""
        self.state = self._after(_Step.TEXT)
        return '{"text":" "}'

    def clear(self) -> None:
        """Speech of the texts so far is not wanted any more: it is dropped until the next text that is not blank.

        The protocol has no message for it and numbers nothing, so what comes after that text is taken for its speech.
        """
        self._cleared = True
        self._unspoken = self._undue = 0

    def close(self) -> None:
        """The socket is closed or closing: nothing more can be sent, and what still arrives is ignored."""
        self.state = State.CLOSED

    def receive(self, text: str | bytes) -> list[TTSEvent]:
        """The events of one WebSocket message, in order; none if it is malformed, cleared or came after the end."""
        if self.state in (State.FINISHED, State.CLOSED):
            return []
        try:
            return self._receive(_decode_message(text))
        # msgspec's, base64's and Unicode's errors are ValueErrors; deep nesting is a RecursionError.
        except (ValueError, RecursionError) as error:
            self.malformed += 1
            self.last_malformed = refusal_reason(error)
            return []

    def _receive(self, message: ServiceMessage) -> list[TTSEvent]:
        if message.message is not None:
            self.close()
            code = message.code if isinstance(message.code, int) else 0
            return [ErrorReceived(message.message, message.error or "", code)]
        events: list[TTSEvent] = []
        if message.audio or message.alignment or message.normalized_alignment:
            events += self._hear(message)
        elif message.audio is msgspec.UNSET and message.is_final is msgspec.UNSET:
            raise ValueError("neither audio, nor isFinal, nor an error message")
        if message.is_final is True:
            self.state = self._heard(_Step.FINAL)
            events.append(FinalReceived())
        return events

    def _hear(self, message: ServiceMessage) -> list[TTSEvent]:
        # validate=True is not only stricter but four times as fast.
        audio = pybase64.b64decode(message.audio, validate=True) if message.audio else b""
        if self._output_format.encoding == "pcm" and len(audio) % 2:
            raise ValueError(f"audio: {len(audio)} bytes are no whole number of 16-bit samples")
        self.state = self._heard(_Step.SPEECH)
        if self._cleared:
            self.cleared_speech += 1
            return []
        alignment = message.alignment or message.normalized_alignment
        if alignment is not None:
            self._unspoken = max(self._unspoken - _visible("".join(alignment.chars)), 0)
        return [SpeechReceived(audio, message.alignment, message.normalized_alignment)]

    def _after(self, step: _Step) -> State:
        try:
            return _NEXT[self.state, step]
        except KeyError:
            raise LocalProtocolError(f"{_REFUSALS[self.state]}; its state is {self.state.name}") from None

    def _heard(self, step: _Step) -> State:
        try:
            return _NEXT[self.state, step]
        except KeyError:
            raise ValueError(f"{step.name.lower()}: it came before the initialization") from None


def _visible(text: str) -> int:
    """Characters that are no white space, which the service adds and takes away as it likes."""
    return sum(not character.isspace() for character in text)
