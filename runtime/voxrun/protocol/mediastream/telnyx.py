"""Telnyx media streaming (developers.telnyx.com, "Stream call media over WebSocket"): JSON, most codecs of RTP.

The start says what Telnyx sends; what it takes was said by whoever asked for the stream (developers.telnyx.com, "Start
streaming", whose values are PCMU, PCMA, G722, OPUS, AMR-WB and L16) and must be the same: `stream_bidirectional_mode`
rtp, `stream_codec` and `stream_bidirectional_codec` alike, for L16 `stream_bidirectional_sampling_rate` too. AMR-WB is
refused.

The order of messages is not guaranteed: chunks are numbered, from 1 on in each track.

L16 is little-endian here, other than in RTP. Telnyx's pages do not say so: those who have tried it do, and Telnyx's own
demonstration (github.com/team-telnyx/realtime-ai-demo) as others quote it.
"""

from typing import TypeAlias

from msgspec import Struct, field
from msgspec.json import Decoder
from pybase64 import b64decode

from voxrun.protocol.mediastream.dialect import parse_format
from voxrun.protocol.mediastream.events import Chunk, Events, Message, Wording
from voxrun.protocol.mediastream.news import Backlog, Media, News, Started
from voxrun.protocol.mediastream.order import Order

_ENCODINGS = {
    "pcmu": "ulaw",
    "pcma": "alaw",
    "l16": "pcm",
    "g722": "g722",
    "opus": "opus",
    "audio/x-mulaw": "ulaw",
    "audio/x-alaw": "alaw",
}


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


class _Numbered(Chunk):
    chunk: int | None = None


_Message: TypeAlias = Message[_Start, _Numbered]


def _started(start: _Start, said: _Message) -> Started:
    return Started(
        said.stream_id,
        parse_format(_ENCODINGS, start.media_format.encoding, start.media_format.sample_rate),
        call_id=start.call_control_id,
        callerid=start.from_,
        destination=start.to,
        parameters=_parameters(start),
    )


def _parameters(start: _Start) -> dict[str, str]:
    """The stream's own, and the call's `client_state`, which is text in base64, as `customData`."""
    parameters = start.custom_parameters or {}
    if start.client_state and "customData" not in parameters:
        try:
            state = b64decode(start.client_state, validate=True).decode()
        except ValueError:  # of no base64, of what is not even ASCII, and of bytes that are no text
            state = start.client_state
        return {**parameters, "customData": state}
    return parameters


_WORDING = Wording(
    name="telnyx",
    decoder=Decoder(_Message, strict=False),  # its numbers are texts
    started=_started,
    encodings=_ENCODINGS,
    media='{"event":"media","media":{"payload":"',
    mark='{"event":"mark","mark":{"name":%(name)s}}',
    clear='{"event":"clear"}',
)


class Telnyx(Events):
    """Puts the caller's chunks in order."""

    def __init__(self) -> None:
        super().__init__(_WORDING)
        self._order = Order()

    @property
    def late(self) -> int:
        """See `Dialect.late`."""
        return self._order.late

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = self._decode(message)
        heard = said.media
        if heard is None or said.event != "media":
            return self._read_rest(said)
        if "inbound" not in heard.track:
            return None
        audio = b64decode(heard.payload, validate=True)
        order, number = self._order, heard.chunk
        if number == order.next:
            order.next += 1
            return Media(audio)
        if number is None:
            return Media(audio)
        ready = order.put(number, audio)
        return Backlog(ready) if ready else None
