"""Telnyx media streaming (developers.telnyx.com, "Stream call media over WebSocket"): JSON, G.711.

Asked for with `stream_bidirectional_mode` rtp and the `stream_bidirectional_codec` that the call itself has. G.722,
Opus and L16, whose byte order is nowhere said, are refused.
"""

from binascii import Error as Base64Error

from msgspec import Struct, field
from msgspec.json import Decoder, encode
from pybase64 import b64decode, b64encode_as_string

from voxrun.protocol.mediastream.dialect import Dialect, parse_format
from voxrun.protocol.mediastream.news import Media, News, Played, Started, Stopped, Tone

_ENCODINGS = {"pcmu": "ulaw", "pcma": "alaw", "audio/x-mulaw": "ulaw", "audio/x-alaw": "alaw"}


class _Format(Struct):
    encoding: str
    sample_rate: int


class _Start(Struct):
    media_format: _Format
    call_control_id: str = ""
    from_: str = field(default="", name="from")
    to: str = ""
    client_state: str | None = None
    custom_parameters: dict[str, str] | None = None


class _Media(Struct):
    payload: str
    track: str = "inbound"


class _Digit(Struct):
    digit: str


class _Mark(Struct):
    name: str


class _Message(Struct):
    event: str
    stream_id: str = ""
    start: _Start | None = None
    media: _Media | None = None
    dtmf: _Digit | None = None
    mark: _Mark | None = None


_decoder = Decoder(_Message)


class Telnyx(Dialect):
    """Its messages of media may come out of order; over one TCP connection they have not been seen to."""

    name = "telnyx"

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = _decoder.decode(message)
        if said.media is not None and said.event == "media":
            return Media(b64decode(said.media.payload, validate=True)) if "inbound" in said.media.track else None
        match said:
            case _Message(event="start", start=_Start() as start):
                return Started(
                    said.stream_id,
                    parse_format(_ENCODINGS, start.media_format.encoding, start.media_format.sample_rate),
                    call_id=start.call_control_id,
                    callerid=start.from_,
                    destination=start.to,
                    parameters=_parameters(start),
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
        return f'{{"event":"media","media":{{"payload":"{b64encode_as_string(audio)}"}}}}'

    def mark(self, name: str) -> str:
        """See `Dialect.mark`."""
        return f'{{"event":"mark","mark":{{"name":{encode(name).decode()}}}}}'

    def clear(self) -> str:
        """See `Dialect.clear`."""
        return '{"event":"clear"}'


def _parameters(start: _Start) -> dict[str, str]:
    """The stream's own, and the call's `client_state`, which is text in base64, as `customData`."""
    parameters = start.custom_parameters or {}
    if start.client_state and "customData" not in parameters:
        try:
            state = b64decode(start.client_state, validate=True).decode()
        except (Base64Error, UnicodeDecodeError):
            state = start.client_state
        return {**parameters, "customData": state}
    return parameters
