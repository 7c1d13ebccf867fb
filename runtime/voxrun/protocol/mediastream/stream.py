"""`MediaStream`: one connection of a provider's, whatever its dialect: messages in, news out."""

from collections.abc import Callable
from functools import partial

from voxrun.protocol.mediastream.dialect import Dialect
from voxrun.protocol.mediastream.events import Events
from voxrun.protocol.mediastream.l16 import L16
from voxrun.protocol.mediastream.news import Breach, News, Started, Stopped, UnsupportedError
from voxrun.protocol.mediastream.plivo import PLIVO
from voxrun.protocol.mediastream.telnyx import Telnyx
from voxrun.protocol.mediastream.twilio import TWILIO
from voxrun.protocol.mediastream.voximplant import Voximplant

DIALECTS: dict[str, Callable[[], Dialect]] = {
    **{wording.name: partial(Events, wording) for wording in (TWILIO, PLIVO)},
    "telnyx": Telnyx,
    Voximplant.name: Voximplant,
    L16.name: L16,
}
"""Makes one for a connection, by its name."""

MOST_MALFORMED = 100
"""Messages that say nothing in the dialect, one after another, after which it is another one."""


class MediaStream:
    """Before its start there is nothing but the start, after its stop there is nothing any more."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.started: Started | None = None
        self.malformed = 0
        """Messages dropped: of no meaning, or out of place."""
        self._in_a_row = 0
        self._is_over = False

    def receive(self, message: str | bytes) -> News | Breach | None:
        """What a message from the far end tells."""
        if self._is_over:
            return None
        try:
            news = self.dialect.read(message)
        except UnsupportedError as error:
            return self._break(1003, str(error))
        except (ValueError, RecursionError):  # msgspec's and base64's errors are ValueErrors
            return self._count()
        if isinstance(news, Started):
            if self.started is not None:
                return self._break(1002, "a stream starts once")
            self.started = news
        elif isinstance(news, Stopped):
            self._is_over = True
        elif news is not None and self.started is None:
            return self._count()
        self._in_a_row = 0
        return news

    def _count(self) -> Breach | None:
        self.malformed += 1
        self._in_a_row += 1
        if self._in_a_row > MOST_MALFORMED:
            return self._break(1002, f"these are no messages of {self.dialect.name}")
        return None

    def _break(self, code: int, reason: str) -> Breach:
        self._is_over = True
        return Breach(code, reason)
