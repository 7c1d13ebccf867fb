"""Twilio Media Streams (twilio.com/docs/voice/media-streams/websocket-messages): JSON, mu-law at 8 kHz.

Bidirectional, so by `<Connect><Stream>`. It takes no tones to send, and ends the call when the connection closes, if
its TwiML says no more.
"""

from msgspec import Struct, field
from msgspec.json import Decoder, encode
from pybase64 import b64decode, b64encode_as_string

from voxrun.protocol.mediastream.dialect import Dialect, parse_format
from voxrun.protocol.mediastream.news import Media, News, Played, Started, Stopped, Tone

_ENCODINGS = {"audio/x-mulaw": "ulaw"}


class _Format(Struct):
    encoding: str
    sampleRate: int


class _Start(Struct):
    streamSid: str
    mediaFormat: _Format
    callSid: str = ""
    customParameters: dict[str, str] = field(default_factory=dict)


class _Media(Struct):
    payload: str
    track: str = "inbound"


class _Digit(Struct):
    digit: str


class _Mark(Struct):
    name: str


class _Message(Struct):
    event: str
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None


_decoder = Decoder(_Message)


class Twilio(Dialect):
    """Knows the stream's id once it has started: every message to it carries that."""

    name = "twilio"

    def __init__(self) -> None:
        self._stream = ""  # `"streamSid":"MZ…"`

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = _decoder.decode(message)
        if said.media is not None and said.event == "media":
            return Media(b64decode(said.media.payload, validate=True)) if said.media.track == "inbound" else None
        match said:
            case _Message(event="start", start=_Start() as start):
                self._stream = f'"streamSid":{encode(start.streamSid).decode()}'
                return Started(
                    start.streamSid,
                    parse_format(_ENCODINGS, start.mediaFormat.encoding, start.mediaFormat.sampleRate),
                    call_id=start.callSid,
                    parameters=start.customParameters,
                )
            case _Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return Tone(digit)
            case _Message(event="mark", mark=_Mark(name=name)):
                return Played(name)
            case _Message(event="stop"):
                return Stopped()
            case _Message(event="start" | "media" | "dtmf" | "mark"):
                raise ValueError(f"a {said.event} message without its contents")
        return None

    def media(self, audio: bytes) -> str:
        """See `Dialect.media`."""
        return f'{{"event":"media",{self._stream},"media":{{"payload":"{b64encode_as_string(audio)}"}}}}'

    def mark(self, name: str) -> str:
        """See `Dialect.mark`."""
        return f'{{"event":"mark",{self._stream},"mark":{{"name":{encode(name).decode()}}}}}'

    def clear(self) -> str:
        """See `Dialect.clear`."""
        return f'{{"event":"clear",{self._stream}}}'
