"""What a media stream has to tell, in whatever dialect it was said."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from voxrun.protocol.mediastream.format import StreamFormat


class Started(Struct, frozen=True):
    """The stream begins. What the provider does not say is empty."""

    stream_id: str
    format: StreamFormat
    call_id: str = ""
    callerid: str = ""
    destination: str = ""
    parameters: Mapping[str, str] = {}


class Media(Struct, frozen=True):
    """Audio of the caller's, encoded in the stream's format."""

    audio: bytes


class Backlog(Struct, frozen=True):
    """Audio that had to wait for what was said before it: that of several messages, in order."""

    audio: Sequence[bytes]


class Tone(Struct, frozen=True):
    """The caller pressed a key."""

    digit: str


class Played(Struct, frozen=True):
    """All that was sent before the mark of that name was heard, or cleared."""

    name: str


class Stopped(Struct, frozen=True):
    """The stream, and with it the call, is over."""


class Breach(Struct, frozen=True):
    """The far end broke the protocol: close the connection with this code and reason (RFC 6455 section 7.4)."""

    code: int
    reason: str


News: TypeAlias = Started | Media | Backlog | Tone | Played | Stopped
"""What a dialect understands."""


class UnsupportedError(Exception):
    """A dialect's start announces what can't be served; the message says what."""
