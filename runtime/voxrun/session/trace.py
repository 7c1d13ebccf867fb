"""`Trace`: the record of one session. Always on, bounded in memory, without secrets once it leaves."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import msgspec
import numpy as np

from voxrun.session.secrets import SCRUBBED, Secrets
from voxrun.trace.records import FORMAT

KEPT_RECORDS = 5_000
"""What a session keeps in memory; the oldest go first, and are counted."""

KEPT_CHARACTERS = 4_000_000
"""Of the texts in them, such as lines of the log, and of all else about as much; only the newest may have more."""

_HOLDER_SIZE, _VALUE_SIZE = 100, 2
"""What a list or an object counts for, and a number or the like."""

Subscriber = Callable[[str], None]
"""Gets each record as one line of JSON, secrets already replaced, without a line end."""


class Trace:
    """Records `{"t": seconds since the session began, "kind": …, …}` and hands them to subscribers as JSON lines."""

    def __init__(self, now: Callable[[], float], secrets: Secrets) -> None:
        self.dropped = 0
        self._now = now
        self._secrets = secrets
        self._head: dict[str, object] | None = None
        self._records: deque[dict[str, object]] = deque()
        self._characters = 0  # in them
        self._sizes: deque[int] = deque()  # of each when it came: a scenario may change what an event told it
        self._subscribers: list[Subscriber] = []
        self._observers: list[Callable[[Mapping[str, object]], None]] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Send every record from now on to `subscriber`."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Send nothing more to `subscriber`."""
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def observe(self, observer: Callable[[Mapping[str, object]], None]) -> None:
        """Give every record from now on to `observer` as it is: cheaper than a line, and with all secrets in it."""
        self._observers.append(observer)

    def record(self, kind: str, **fields: object) -> None:
        """Add a record."""
        record = {"t": round(self._now(), 4), "kind": kind, **fields}
        self._keep(record)
        for observer in self._observers:
            observer(record)
        if self._subscribers:
            line = self._line(record)
            for subscriber in tuple(self._subscribers):
                subscriber(line)

    def _keep(self, record: dict[str, object]) -> None:
        records, sizes = self._records, self._sizes
        records.append(record)
        sizes.append(_size_of(record))
        self._characters += sizes[-1]
        while len(records) > KEPT_RECORDS or (self._characters > KEPT_CHARACTERS and len(records) > 1):
            records.popleft()
            self._characters -= sizes.popleft()
            self.dropped += 1

    def introduce(self, **about: object) -> None:
        """Add the record that comes first, and is never dropped: which format they have, and what they are `about`."""
        self.record("session", format=FORMAT, **about)
        self._head = self._records[-1]

    def lines(self) -> list[str]:
        """All that is kept, as JSON lines."""
        kept = list(self._records)
        if self._head is not None and kept[0] is not self._head:
            forgotten = self.dropped - 1  # as the head itself is not
            lost = {"t": kept[0]["t"], "kind": "losses", "of": "the trace", "records_forgotten": forgotten}
            kept[:0] = [self._head, lost]
        return [self._line(record) for record in kept]

    def _line(self, record: dict[str, object]) -> str:
        plain = {
            name: value if name == "kind" or type(value) in (int, float) else self._whole(value)
            for name, value in record.items()
        }
        return msgspec.json.encode(plain).decode()

    def _whole(self, value: object) -> object:
        try:
            return self._plain(value)
        except RecursionError:  # a message may be so, and a scenario may put what an event told it into itself
            return {"lost": "it is nested too deeply"}
        except ValueError:  # from Python, of a number
            return {"lost": "it has a number of too many digits"}

    def _plain(self, value: object) -> object:
        """`value` as what JSON knows, with no secret in it; a unit is its name."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            plain = int(value) if isinstance(value, int) else float(value)  # JSON knows no others, such as numpy's
            return SCRUBBED if self._secrets.scrub(str(plain)) == SCRUBBED else plain
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            return value.tolist()
        if isinstance(value, Mapping):
            # In one go, as a thread may read the trace while the scenario changes what an event told it.
            return {self._text(key): self._plain(inner) for key, inner in tuple(value.items())}
        if isinstance(value, list | tuple):
            return [self._plain(inner) for inner in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self._plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return self._text(value)

    def _text(self, value: object) -> str:
        # Half a surrogate pair, which some agent or environment variable may hold, is nothing that UTF-8 can say.
        said = value if type(value) is str else _said(value)
        return self._secrets.scrub(said).encode(errors="backslashreplace").decode()


def _said(value: object) -> str:
    """What `value` says that it is; only its class if that is the scenario's and can't say it."""
    with suppress(Exception):
        return str(value)
    return f"<{type(value).__name__}>"


def _size_of(record: object) -> int:
    """In characters, about; of what is much too large, or holds itself, only so much as shows it."""
    size = 0
    todo: list[Iterable[object]] = [(record,)]
    while todo and size <= KEPT_CHARACTERS:
        for value in todo.pop():
            if isinstance(value, str):
                size += len(value)
            elif isinstance(value, Mapping):
                size += _HOLDER_SIZE
                todo += (value.keys(), value.values())
            elif isinstance(value, list | tuple):
                size += _HOLDER_SIZE
                todo.append(value)
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                todo.append([getattr(value, field.name) for field in dataclasses.fields(value)])
            else:
                size += _VALUE_SIZE
    return size
