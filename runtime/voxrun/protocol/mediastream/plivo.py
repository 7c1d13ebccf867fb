"""Plivo audio streaming (plivo.com/docs/voice-agents/audio-streaming): JSON, mu-law or 16-bit linear.

Asked for with `bidirectional="true"` and, as the connection's end ends the call only so, without `keepCallAlive`. There
is no message of the stream's end: the connection closes.
"""

import re

from msgspec import Struct
from msgspec.json import Decoder, encode
from pybase64 import b64decode, b64encode_as_string

from voxrun.protocol.mediastream.dialect import Dialect, parse_format
from voxrun.protocol.mediastream.news import Media, News, Played, Started, Stopped, Tone

_ENCODINGS = {"audio/x-mulaw": "ulaw", "audio/x-l16": "pcm"}


class _Format(Struct):
    encoding: str
    sampleRate: int


class _Start(Struct):
    streamId: str
    mediaFormat: _Format
    callId: str = ""


class _Media(Struct):
    payload: str
    track: str = "inbound"


class _Digit(Struct):
    digit: str


class _Message(Struct):
    event: str
    name: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None
    extra_headers: str | None = None


_decoder = Decoder(_Message)


class Plivo(Dialect):
    """Audio to it names its format each time."""

    name = "plivo"

    def __init__(self) -> None:
        self._stream = ""  # `"streamId":"…"`
        self._media = ""

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = _decoder.decode(message)
        if said.media is not None and said.event == "media":
            return Media(b64decode(said.media.payload, validate=True)) if said.media.track == "inbound" else None
        match said:
            case _Message(event="start", start=_Start() as start):
                return self._started(start, said.extra_headers or "")
            case _Message(event="dtmf", dtmf=_Digit(digit=digit)):
                return Tone(digit)
            case _Message(event="playedStream", name=name):
                return Played(name)
            case _Message(event="stop"):
                return Stopped()
            case _Message(event="start" | "media" | "dtmf"):
                raise ValueError(f"a {said.event} message without its contents")
        return None

    def media(self, audio: bytes) -> str:
        """See `Dialect.media`."""
        return f'{self._media}{b64encode_as_string(audio)}"}}}}'

    def mark(self, name: str) -> str:
        """See `Dialect.mark`."""
        return f'{{"event":"checkpoint",{self._stream},"name":{encode(name).decode()}}}'

    def clear(self) -> str:
        """See `Dialect.clear`."""
        return f'{{"event":"clearAudio",{self._stream}}}'

    def digits(self, digits: str) -> str:
        """See `Dialect.digits`."""
        return f'{{"event":"sendDTMF","dtmf":{encode(digits).decode()}}}'

    def _started(self, start: _Start, extra_headers: str) -> Started:
        encoding = start.mediaFormat.encoding.partition(";")[0]
        stream_format = parse_format(_ENCODINGS, encoding, start.mediaFormat.sampleRate)
        content_type = "audio/x-mulaw" if stream_format.encoding == "ulaw" else "audio/x-l16"
        self._stream = f'"streamId":{encode(start.streamId).decode()}'
        announced = f'"contentType":"{content_type}","sampleRate":{stream_format.rate}'
        self._media = f'{{"event":"playAudio","media":{{{announced},"payload":"'
        pairs = (pair.partition("=") for pair in re.split(r"[;,]", extra_headers) if "=" in pair)
        parameters = {name.strip(): value for name, _, value in pairs}
        return Started(start.streamId, stream_format, call_id=start.callId, parameters=parameters)
