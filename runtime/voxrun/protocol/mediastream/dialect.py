"""`Dialect`: the messages of one provider, there and back; each connection has one of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from voxrun.errors import ConfigurationError
from voxrun.protocol.mediastream.format import ONLY_RATES, StreamFormat
from voxrun.protocol.mediastream.news import News, UnsupportedError


class Dialect(ABC):
    """What a dialect has no message for is None."""

    name: str
    """As in the path `/media/NAME`."""

    @property
    def late(self) -> int:
        """Messages with audio that came too late to be put before what was said after it."""
        return 0

    @abstractmethod
    def read(self, message: str | bytes) -> News | None:
        """What a message says; None when it says nothing of use here.

        ValueError (msgspec's errors are some) for what is no message of this dialect, UnsupportedError for a stream
        that can't be served.
        """

    @abstractmethod
    def media(self, audio: bytes) -> str | bytes:
        """Audio for the caller, in the stream's format."""

    def begin(self) -> str | None:
        """What must be said before the first audio."""
        return None

    def mark(self, name: str) -> str | None:
        """Have `Played` come back once all audio before it was heard."""
        return None

    def clear(self) -> str | None:
        """Forget the audio that was not heard yet."""
        return None

    def digits(self, digits: str) -> str | None:
        """Send tones to the caller."""
        return None

    def hang_up(self) -> str | None:
        """End the call; closing the connection follows in any case."""
        return None


def parse_format(encodings: Mapping[str, str], encoding: str, rate: int) -> StreamFormat:
    """The format that a start announces; `encodings` are the dialect's names. UnsupportedError if there is none.

    What a codec that has one rate only is announced with may be the RTP clock's, or the bandwidth's: it is not looked
    at.
    """
    ours = encodings.get(encoding.lower(), "")
    try:
        return StreamFormat(ours, ONLY_RATES.get(ours, rate))
    except ValueError:
        known = ", ".join(dict.fromkeys(encodings))
        raise UnsupportedError(f"no audio in {encoding[:40]!a} at {rate} Hz: send {known}") from None
    except ConfigurationError as error:
        raise UnsupportedError(f"no audio in {encoding[:40]!a}: {error}") from error
