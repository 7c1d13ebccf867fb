"""Twilio Media Streams (twilio.com/docs/voice/media-streams/websocket-messages): JSON, mu-law at 8 kHz.

Bidirectional, so by `<Connect><Stream>`. It takes no tones to send, and ends the call when the connection closes, if
its TwiML says no more.
"""

from msgspec import Struct, field
from msgspec.json import Decoder

from voxrun.protocol.mediastream.dialect import parse_format
from voxrun.protocol.mediastream.events import Chunk, Message, Wording
from voxrun.protocol.mediastream.news import Started

_ENCODINGS = {"audio/x-mulaw": "ulaw"}


class _Format(Struct):
    encoding: str
    sampleRate: int


class _Start(Struct):
    streamSid: str
    mediaFormat: _Format
    callSid: str = ""
    customParameters: dict[str, str] = field(default_factory=dict)


def _started(start: _Start, _: Message[_Start, Chunk]) -> Started:
    return Started(
        start.streamSid,
        parse_format(_ENCODINGS, start.mediaFormat.encoding, start.mediaFormat.sampleRate),
        call_id=start.callSid,
        parameters=start.customParameters,
    )


TWILIO = Wording(
    name="twilio",
    decoder=Decoder(Message[_Start, Chunk]),
    started=_started,
    encodings=_ENCODINGS,
    media='{"event":"media","streamSid":%(stream)s,"media":{"payload":"',
    mark='{"event":"mark","streamSid":%(stream)s,"mark":{"name":%(name)s}}',
    clear='{"event":"clear","streamSid":%(stream)s}',
)
