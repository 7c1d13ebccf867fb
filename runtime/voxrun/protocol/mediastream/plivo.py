"""Plivo audio streaming (plivo.com/docs/voice-agents/audio-streaming): JSON, mu-law or 16-bit linear.

Asked for with `bidirectional="true"` and, as the connection's end ends the call only so, without `keepCallAlive`. There
is no message of the stream's end: the connection closes. The byte order of `audio/x-l16` is nowhere said; programs that
are in use take it for little-endian. Audio to Plivo names its format each time.
"""

import re
from urllib.parse import unquote

from msgspec import Struct
from msgspec.json import Decoder

from voxrun.protocol.mediastream.dialect import parse_format
from voxrun.protocol.mediastream.events import Chunk, Message, Wording
from voxrun.protocol.mediastream.news import Started

_ENCODINGS = {"audio/x-mulaw": "ulaw", "audio/x-l16": "pcm"}


class _Format(Struct):
    encoding: str
    sampleRate: int


class _Start(Struct):
    streamId: str
    mediaFormat: _Format
    callId: str = ""


def _started(start: _Start, said: Message[_Start, Chunk]) -> Started:
    encoding = start.mediaFormat.encoding.partition(";")[0]
    pairs = (pair.partition("=") for pair in re.split(r"[;,]", said.extra_headers or "") if "=" in pair)
    return Started(
        start.streamId,
        parse_format(_ENCODINGS, encoding, start.mediaFormat.sampleRate),
        call_id=start.callId,
        parameters={name.strip(): unquote(value.strip()) for name, _, value in pairs},
    )


PLIVO = Wording(
    name="plivo",
    decoder=Decoder(Message[_Start, Chunk]),
    started=_started,
    encodings=_ENCODINGS,
    media='{"event":"playAudio","media":{"contentType":"%(encoding)s","sampleRate":%(rate)s,"payload":"',
    mark='{"event":"checkpoint","streamId":%(stream)s,"name":%(name)s}',
    clear='{"event":"clearAudio","streamId":%(stream)s}',
    digits='{"event":"sendDTMF","dtmf":%(digits)s}',
)
