"""`Events`: the JSON messages that Twilio, Telnyx and Plivo have nearly alike; a `Wording` says where they differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Struct
from msgspec.json import Decoder, encode
from pybase64 import b64decode, b64encode_as_string

from voxrun.protocol.mediastream.dialect import Dialect
from voxrun.protocol.mediastream.news import Media, News, Played, Started, Stopped, Tone

Start = TypeVar("Start")
Audio = TypeVar("Audio", bound="Chunk")


class Chunk(Struct):
    """Some audio of one of the tracks."""

    payload: str
    track: str = "inbound"


class _Digit(Struct):
    digit: str


class _Mark(Struct):
    name: str


class Message(Struct, Generic[Start, Audio]):
    """Any message from any of them; what it does not say is empty. `Start` and `Audio` are the provider's own."""

    event: str
    stream_id: str = ""
    name: str = ""
    start: Start | None = None
    media: Audio | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None
    extra_headers: str | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """How one provider says it: what we send, as templates of `%(stream)s`, which is the stream's id, and other values.

    All of these are JSON already, quotes included, but `%(encoding)s` and `%(rate)s`: the provider's name of the
    format, and Hz.
    """

    name: str
    decoder: Decoder[Message[Any, Any]]
    started: Callable[[Any, Message[Any, Any]], Started]
    """Of the provider's start, and of the message that it came in."""
    encodings: Mapping[str, str]
    """Ours, by the provider's names, in lower case."""
    media: str
    """What stands before the payload; after it come a quote and two braces."""
    mark: str
    clear: str
    digits: str | None = None
    """None where tones can't be sent as a message."""


class Events(Dialect):
    """One provider's."""

    def __init__(self, wording: Wording) -> None:
        self.name = wording.name
        self._wording = wording
        self._decode = wording.decoder.decode
        self._stream = ""
        self._media = ""

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = self._decode(message)
        if said.media is not None and said.event == "media":
            return Media(b64decode(said.media.payload, validate=True)) if "inbound" in said.media.track else None
        return self._read_rest(said)

    def media(self, audio: bytes) -> str:
        """See `Dialect.media`."""
        return f'{self._media}{b64encode_as_string(audio)}"}}}}'

    def mark(self, name: str) -> str:
        """See `Dialect.mark`."""
        return self._wording.mark % {"stream": self._stream, "name": _quoted(name)}

    def clear(self) -> str:
        """See `Dialect.clear`."""
        return self._wording.clear % {"stream": self._stream}

    def digits(self, digits: str) -> str | None:
        """See `Dialect.digits`."""
        return self._wording.digits and self._wording.digits % {"digits": _quoted(digits)}

    def _read_rest(self, said: Message[Any, Any]) -> News | None:
        """Of what comes seldom."""
        match said:
            case Message(event="start", start=start) if start is not None:
                return self._begin(self._wording.started(start, said))
            case Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return Tone(digit)
            case Message(event="mark", mark=_Mark(name=name)) | Message(event="playedStream", name=name):
                return Played(name)
            case Message(event="stop"):
                return Stopped()
            case Message(event="start" | "media" | "dtmf" | "mark"):
                raise ValueError(f"a {said.event} message without its contents")
        return None

    def _begin(self, started: Started) -> Started:
        kind = started.format
        encoding = next(theirs for theirs, ours in self._wording.encodings.items() if ours == kind.encoding)
        self._stream = _quoted(started.stream_id)
        self._media = self._wording.media % {"stream": self._stream, "encoding": encoding, "rate": kind.rate}
        return started


def _quoted(text: str) -> str:
    return encode(text).decode()
