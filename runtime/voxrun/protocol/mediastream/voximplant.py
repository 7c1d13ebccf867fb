"""VoxEngine's own media over WebSockets (docs.voximplant.ai, "Media over WebSockets"): JSON, both G.711 laws or PCM.

Its scenario opens the connection and sends the call's media to it, and the connection's to the call. Our stream has a
start of its own, in the format of theirs. There are no tones, marks or clearing: what was sent is played.

A stream that was stopped may start again (voximplant.com/docs/guides/media-streams/format): the call ends with the
connection, which VoxEngine does not close by itself when its own call ends.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.json import Decoder
from pybase64 import b64decode, b64encode_as_string

from voxrun.audio.frame import FRAME_MS
from voxrun.protocol.mediastream.dialect import Dialect, parse_format
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.protocol.mediastream.news import Media, News, Started, UnsupportedError

_ENCODINGS = {"ulaw": "ulaw", "alaw": "alaw", "pcm8": "pcm", "pcm16": "pcm"}


class _Format(Struct):
    encoding: str
    sampleRate: int


class _Start(Struct):
    mediaFormat: _Format
    tag: str = ""
    customParameters: str | dict[str, Any] | None = None


class _Media(Struct):
    payload: str
    tag: str = ""


class _Stop(Struct):
    tag: str = ""


class _Message(Struct):
    event: str = ""
    start: _Start | None = None
    media: _Media | None = None
    stop: _Stop | None = None


_decoder = Decoder(_Message)
_parameters = Decoder(dict[str, Any])


class Voximplant(Dialect):
    """Hears one stream until it stops, and then the next; what comes with another tag meanwhile is another stream."""

    name = "voximplant"

    def __init__(self) -> None:
        self._format: StreamFormat | None = None
        self._tag: str | None = None  # of what is heard now
        self._start = ""
        self._sent = 0  # messages of ours

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = _decoder.decode(message)
        match said:
            case _Message(event="media", media=_Media() as media):
                is_heard = self._is_heard(media.tag) or self._format is None  # without a start it's a mistake
                return Media(b64decode(media.payload, validate=True)) if is_heard else None
            case _Message(event="start", start=_Start() as start):
                return self._started(start) if self._tag is None else None
            case _Message(event="stop", stop=stop):
                if stop is None or self._is_heard(stop.tag):
                    self._tag = None
            case _Message(event="start" | "media"):
                raise ValueError(f"a {said.event} message without its contents")
        return None

    def begin(self) -> str:
        """See `Dialect.begin`."""
        return self._start

    def media(self, audio: bytes) -> str:
        """See `Dialect.media`."""
        self._sent += 1
        chunk = self._sent - 1
        return (
            f'{{"event":"media","sequenceNumber":{self._sent},"media":{{"chunk":{chunk},'
            f'"timestamp":{chunk * FRAME_MS},"payload":"{b64encode_as_string(audio)}"}}}}'
        )

    def _is_heard(self, tag: str) -> bool:
        return self._tag is not None and tag in ("", self._tag)

    def _started(self, start: _Start) -> Started | None:
        announced = start.mediaFormat
        stream_format = parse_format(_ENCODINGS, announced.encoding, announced.sampleRate)
        if self._format not in (None, stream_format):
            again = f"{announced.encoding[:40]!a} at {announced.sampleRate} Hz"
            raise UnsupportedError(f"the stream starts again in another format: {again}")
        self._tag = start.tag
        if self._format is not None:
            return None
        self._format = stream_format
        mine = {"mediaFormat": {"encoding": announced.encoding, "sampleRate": announced.sampleRate}}
        self._start = msgspec.json.encode({"event": "start", "sequenceNumber": 0, "start": mine}).decode()
        return Started(start.tag, stream_format, parameters=_texts(start.customParameters))


def _texts(parameters: str | dict[str, Any] | None) -> dict[str, str]:
    """Custom parameters, which come as an object or as the JSON of one; what is neither is `customData`."""
    found = parameters or {}
    if isinstance(found, str):
        try:
            found = _parameters.decode(found)
        except msgspec.DecodeError:
            return {"customData": str(parameters)}
    return {name: value if isinstance(value, str) else str(value) for name, value in found.items()}
