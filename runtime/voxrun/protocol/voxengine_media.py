"""A scenario's end of media over a WebSocket (docs.voximplant.ai, "Media over WebSockets"): streams there and back.

Each stream has a tag, which may be empty, and goes from a start to a stop.
"""

import enum
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.json import Decoder
from pybase64 import b64decode

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.protocol.mediastream import voximplant_messages as messages
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.protocol.mediastream.news import UnsupportedError

MOST_STREAMS = 100
"""Of the peer's, at the same time."""


class WebSocketAudioEncoding(enum.StrEnum):
    """How audio is encoded: 16 bits little-endian at 8 or 16 kHz, G.711 at 8 kHz, or Opus."""

    PCM8 = "PCM8"
    PCM16_8KHZ = "PCM8"
    PCM16 = "PCM16"
    PCM16_16KHZ = "PCM16"
    ALAW = "ALAW"
    ULAW = "ULAW"
    OPUS = "OPUS"


class OutgoingStream:
    """A stream of ours. ConfigurationError when the library of its encoding is missing.

    LocalProtocolError for parameters that JSON has no words for.
    """

    def __init__(self, encoding: WebSocketAudioEncoding, tag: str, parameters: Mapping[str, object] | None) -> None:
        try:
            self.format = messages.MediaFormat(encoding.value).parse()
        except UnsupportedError as error:
            raise ConfigurationError(str(error)) from error
        self._sender = messages.Sender(encoding.value, self.format.rate, tag, parameters)
        self.start = self._sender.start
        self.stop = self._sender.stop

    def media(self, frame: Samples) -> str:
        """The message for 20 ms at the format's rate."""
        return self._sender.media(self.format.encode(frame))


class StreamStarted(Struct, frozen=True):
    """A stream of the peer's begins, or begins anew."""

    tag: str
    encoding: str
    """In the peer's word."""
    rate: int
    """Hz."""
    parameters: Mapping[str, str]


class AudioCame(Struct, frozen=True):
    """Some audio of a stream's, at its rate."""

    tag: str
    samples: Samples


class StreamStopped(Struct, frozen=True):
    """It ends."""

    tag: str


class TextCame(Struct, frozen=True):
    """A message that is none of media."""

    text: str


PeerNews: TypeAlias = StreamStarted | AudioCame | StreamStopped | TextCame


class _Named(Struct):
    event: str


_named = Decoder(_Named).decode


class PeerMedia:
    """What the peer sends. What is wrong in it is counted and dropped."""

    def __init__(self) -> None:
        self.malformed = 0
        self.last_malformed = ""
        """Why."""
        self._formats: dict[str, StreamFormat] = {}  # of the streams that are open, by tag

    def receive(self, message: str | bytes) -> PeerNews | None:
        """What a message tells; None when nothing is to be done."""
        try:
            return self._read(message)
        except (ValueError, RecursionError) as error:  # msgspec's and base64's errors are ValueErrors
            if isinstance(message, str) and not _is_of_media(message):
                return TextCame(message)
            why = str(error)
        except UnsupportedError as error:
            why = str(error)
        self.malformed += 1
        self.last_malformed = why
        return None

    def _read(self, message: str | bytes) -> PeerNews:
        """ValueError for what is wrong, UnsupportedError for a stream that can't be heard."""
        if isinstance(message, bytes):
            raise ValueError("a binary message")
        said = messages.decode(message)
        match said:
            case messages.Message(event="media", media=messages.Media(payload, tag)):
                found = self._formats.get(tag)
                if found is None:
                    raise ValueError(f"media of the tag {tag[:40]!a}, which has no start")
                return AudioCame(tag, found.decode(b64decode(payload, validate=True)))
            case messages.Message(event="start", start=messages.Start() as start):
                return self._start(start)
            case messages.Message(event="stop", stop=stop):
                tag = stop.tag if stop else ""
                if self._formats.pop(tag, None) is None:
                    raise ValueError(f"a stop of the tag {tag[:40]!a}, which has no start")
                return StreamStopped(tag)
            case messages.Message(event="start" | "media"):
                raise ValueError(f"a {said.event} message without its contents")
        return TextCame(message)

    def _start(self, start: messages.Start) -> StreamStarted:
        self._formats.pop(start.tag, None)
        if len(self._formats) >= MOST_STREAMS:
            raise ValueError(f"a start while there are {MOST_STREAMS} streams already")
        found = self._formats[start.tag] = start.mediaFormat.parse()
        parameters = messages.texts(start.customParameters)
        return StreamStarted(start.tag, start.mediaFormat.encoding, found.rate, parameters)


def _is_of_media(message: str) -> bool:
    """Whether what can't be read was meant for us."""
    try:
        return _named(message).event in ("start", "media", "stop")
    except (ValueError, RecursionError):
        return False
