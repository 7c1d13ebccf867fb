"""The messages of VoxEngine's media over WebSockets (docs.voximplant.ai, "Media over WebSockets"), alike both ways."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.json import Decoder
from pybase64 import b64encode_as_string

from voxrun.audio.frame import FRAME_MS, frame_size
from voxrun.protocol.encoding import encode
from voxrun.protocol.mediastream.dialect import parse_format
from voxrun.protocol.mediastream.format import StreamFormat

_RATES = {"pcm8": 8000, "pcm16": 16_000, "ulaw": 8000, "alaw": 8000, "opus": 48_000}
"""Hz, for a start that says none."""

_ENCODINGS = {"ulaw": "ulaw", "alaw": "alaw", "pcm8": "pcm", "pcm16": "pcm", "opus": "opus"}


class MediaFormat(Struct):
    """How a stream is encoded, in VoxEngine's words."""

    encoding: str
    sampleRate: int = 0

    def parse(self) -> StreamFormat:
        """The same in ours. UnsupportedError if there is none."""
        return parse_format(_ENCODINGS, self.encoding, self.sampleRate or _RATES.get(self.encoding.lower(), 0))


class Start(Struct):
    """A stream begins."""

    mediaFormat: MediaFormat
    tag: str = ""
    customParameters: str | dict[str, Any] | None = None


class Media(Struct):
    """Some of its audio."""

    payload: str
    tag: str = ""


class Stop(Struct):
    """It ends."""

    tag: str = ""


class Message(Struct):
    """Any of them."""

    event: str = ""
    start: Start | None = None
    media: Media | None = None
    stop: Stop | None = None


decode = Decoder(Message).decode

_parameters = Decoder(dict[str, Any])


def texts(parameters: str | dict[str, Any] | None) -> dict[str, str]:
    """Custom parameters, which come as an object or as the JSON of one; what is neither is `customData`."""
    found = parameters or {}
    if isinstance(found, str):
        try:
            found = _parameters.decode(found)
        except msgspec.DecodeError:
            return {"customData": str(parameters)}
    return {name: value if isinstance(value, str) else _json(value) for name, value in found.items()}


class Sender:
    """Our messages of one stream, which has a `tag` unless that is empty; each of its audio holds 20 ms.

    `chunk` and `timestamp` count as RTP's do: messages, and samples. `duration`, in the end, is in ms.
    LocalProtocolError for parameters that JSON has no words for.
    """

    def __init__(self, encoding: str, rate: int, tag: str = "", parameters: Mapping[str, object] | None = None) -> None:
        self._tagged = {"tag": tag} if tag else {}
        self._tag = f'"tag":{_json(tag)},' if tag else ""
        self._format = {"encoding": encoding, "sampleRate": rate}
        self._parameters = {"customParameters": encode("customParameters", parameters)} if parameters else {}
        self._size = frame_size(rate)
        self._sent = 0  # messages of audio
        self._bytes = 0

    def start(self) -> str:
        """The first. Custom parameters are JSON in JSON, as in VoxEngine."""
        start = {**self._tagged, "mediaFormat": self._format, **self._parameters}
        return _json({"event": "start", "sequenceNumber": 0, "start": start})

    def media(self, audio: bytes) -> str:
        """20 ms, encoded."""
        chunk = self._sent
        self._sent += 1
        self._bytes += len(audio)
        return (
            f'{{"event":"media","sequenceNumber":{self._sent},"media":{{{self._tag}"chunk":{chunk},'
            f'"timestamp":{chunk * self._size},"payload":"{b64encode_as_string(audio)}"}}}}'
        )

    def stop(self) -> str:
        """The last."""
        info = {"bytesSent": self._bytes, "duration": self._sent * FRAME_MS}
        stop = {**self._tagged, "mediaInfo": info}
        return _json({"event": "stop", "sequenceNumber": self._sent + 1, "stop": stop})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
