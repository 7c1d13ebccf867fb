"""VoxEngine's own media over WebSockets (docs.voximplant.ai, "Media over WebSockets"): JSON, both G.711 laws or PCM.

Its scenario opens the connection and sends the call's media to it, and the connection's to the call. Our stream has a
start of its own, in the format of theirs. There are no tones, marks or clearing: what was sent is played.

A stream that was stopped may start again (voximplant.com/docs/guides/media-streams/format): the call ends with the
connection, which VoxEngine does not close by itself when its own call ends.
"""

from pybase64 import b64decode

from voxrun.protocol.mediastream import voximplant_messages as messages
from voxrun.protocol.mediastream.dialect import Dialect
from voxrun.protocol.mediastream.format import StreamFormat
from voxrun.protocol.mediastream.news import Media, News, Started, UnsupportedError


class Voximplant(Dialect):
    """Hears one stream until it stops, and then the next; what comes with another tag meanwhile is another stream."""

    name = "voximplant"

    def __init__(self) -> None:
        self._format: StreamFormat | None = None
        self._tag: str | None = None  # of what is heard now
        self._sender: messages.Sender

    def read(self, message: str | bytes) -> News | None:
        """See `Dialect.read`."""
        said = messages.decode(message)
        match said:
            case messages.Message(event="media", media=messages.Media() as media):
                is_heard = self._is_heard(media.tag) or self._format is None  # without a start it's a mistake
                return Media(b64decode(media.payload, validate=True)) if is_heard else None
            case messages.Message(event="start", start=messages.Start() as start):
                return self._started(start) if self._tag is None else None
            case messages.Message(event="stop", stop=stop):
                if stop is None or self._is_heard(stop.tag):
                    self._tag = None
            case messages.Message(event="start" | "media"):
                raise ValueError(f"a {said.event} message without its contents")
        return None

    def begin(self) -> str:
        """See `Dialect.begin`."""
        return self._sender.start()

    def media(self, audio: bytes) -> str:
        """See `Dialect.media`."""
        return self._sender.media(audio)

    def _is_heard(self, tag: str) -> bool:
        return self._tag is not None and tag in ("", self._tag)

    def _started(self, start: messages.Start) -> Started | None:
        announced = start.mediaFormat
        stream_format = announced.parse()
        if self._format not in (None, stream_format):
            again = f"{announced.encoding[:40]!a} at {announced.sampleRate} Hz"
            raise UnsupportedError(f"the stream starts again in another format: {again}")
        self._tag = start.tag
        if self._format is not None:
            return None
        self._format = stream_format
        self._sender = messages.Sender(announced.encoding, stream_format.rate)
        return Started(start.tag, stream_format, parameters=messages.texts(start.customParameters))
