"""`Trace`: the record of one session. Always on, bounded in memory, without secrets once it leaves."""

import dataclasses
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from voxrun.session.secrets import Secrets

KEPT_RECORDS = 5_000
"""What a session keeps in memory; the oldest go first, and are counted."""

Subscriber = Callable[[str], None]
"""Gets each record as one line of JSON, secrets already replaced, without a line end."""


class Trace:
    """Records `{"t": seconds since the session began, "kind": …, …}` and hands them to subscribers as JSON lines."""

    def __init__(self, now: Callable[[], float], secrets: Secrets) -> None:
        self.dropped = 0
        self._now = now
        self._secrets = secrets
        self._records: deque[dict[str, object]] = deque(maxlen=KEPT_RECORDS)
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Send every record from now on to `subscriber`."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Send nothing more to `subscriber`."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def record(self, kind: str, **fields: object) -> None:
        """Add a record."""
        self.dropped += len(self._records) == KEPT_RECORDS
        record = {"t": round(self._now(), 4), "kind": kind, **fields}
        self._records.append(record)
        if self._subscribers:
            line = self._line(record)
            for subscriber in tuple(self._subscribers):
                subscriber(line)

    def lines(self) -> list[str]:
        """All that is kept, as JSON lines."""
        return [self._line(record) for record in self._records]

    def _line(self, record: dict[str, object]) -> str:
        plain = {name: value if name == "kind" else self._plain(value) for name, value in record.items()}
        return msgspec.json.encode(plain).decode()

    def _plain(self, value: object) -> object:
        """`value` as what JSON knows, with no secret in it; a unit is its name."""
        if value is None or isinstance(value, int | float):
            return value
        if isinstance(value, Mapping):
            return {self._text(key): self._plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._plain(inner) for inner in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self._plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return self._text(value)

    def _text(self, value: object) -> str:
        # Half a surrogate pair, which some agent or environment variable may hold, is nothing that UTF-8 can say.
        return self._secrets.scrub(str(value)).encode(errors="backslashreplace").decode()
