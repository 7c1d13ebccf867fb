"""`CommonTable`: what the workers behind one port must know of each other: sessions, connections, and what was shown.

It is memory that all of them share, so nobody waits for another process; what a dead worker held is given back by its
supervisor.
"""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_UN, lockf

_DIGEST_BYTES = 16
_BUCKETS = 4096
_IN_BUCKET = 24
_COUNT_BYTES = 4

_HASHES, _COLUMNS = 4, 8192
"""An address has a column by each hash. It may share some with others, but hardly all: the least counts."""

_SESSIONS, _HANDICAP, _CONNECTIONS, _HEAD = range(4)
"""Places in a row before those of the connections from each address; a row without a handicap has no worker."""

_ROW_BYTES = (_HEAD + _HASHES * _COLUMNS) * _COUNT_BYTES

MOST_SEEN = _BUCKETS * _IN_BUCKET
"""Names that are remembered. Each has a bucket, whose oldest one makes room: at 10,000 a minute, the chance that a name
is forgotten within that minute is 10^-15.
"""

_SEEN_BYTES = MOST_SEEN * _DIGEST_BYTES


class CommonTable:
    """Of one process alone, or in the file of that descriptor, in which each worker has a `row`."""

    def __init__(self, file: int | None = None, row: int = 0) -> None:
        self._file = file
        self._begin = row * _ROW_BYTES // _COUNT_BYTES
        self._memory = mmap(-1, self.size(0)) if file is None else mmap(file, 0)
        self._rows = memoryview(self._memory)[_SEEN_BYTES:].cast("I")
        """One row of each worker: what the head names, then its connections by hash and column."""

    @staticmethod
    def size(workers: int) -> int:
        """How many bytes its file has, all of them 0 to begin with."""
        return _SEEN_BYTES + (workers + 1) * _ROW_BYTES

    @property
    def sessions(self) -> int:
        """How many all workers have."""
        return self._in_all_rows(_SESSIONS)

    def sessions_in(self, row: int) -> int:
        """How many the worker with that row has."""
        return self._column(_SESSIONS)[row]

    def take(self, most: int) -> bool:
        """One more session here; False when all together have `most` already."""
        with self._alone():
            if self.sessions >= most:
                return False
            self._add([_SESSIONS], 1)
            return True

    def give_back(self) -> None:
        """One session less here."""
        self._add([_SESSIONS], -1)

    def excess(self, further: int = 0) -> int:
        """By how much this worker has more than the one with the least; `further` counts as its own.

        That is sessions and connections: of many that come at once, none has begun its session yet.
        """
        self._rows[self._begin + _HANDICAP] = 1 + further
        everybody = zip(*map(self._column, range(_HEAD)), strict=True)
        least: int = min(sum(counts) for counts in everybody if counts[_HANDICAP])
        return sum(self._rows[self._begin : self._begin + _HEAD]) - least

    def come(self, peer: str, most: float) -> bool:
        """One more connection from that address here; False when all together have `most` already."""
        columns = _columns(peer)
        with self._alone():
            if min(map(self._in_all_rows, columns)) >= most:
                return False
            self._add([_CONNECTIONS, *columns], 1)
            return True

    def go(self, peer: str) -> None:
        """One less of them here."""
        self._add([_CONNECTIONS, *_columns(peer)], -1)

    def forget(self, row: int) -> None:
        """The worker with that row is dead, and all that it had with it."""
        begin = _SEEN_BYTES + row * _ROW_BYTES
        self._memory[begin : begin + _ROW_BYTES] = bytes(_ROW_BYTES)

    def again(self, name: str) -> bool:
        """Whether `name` was shown before, to whichever worker; it counts as shown from now on."""
        digest = hashlib.sha256(name.encode()).digest()[:_DIGEST_BYTES]
        begin = int.from_bytes(digest) % _BUCKETS * _IN_BUCKET * _DIGEST_BYTES
        end = begin + _IN_BUCKET * _DIGEST_BYTES
        with self._alone():
            bucket = self._memory[begin:end]
            if any(bucket[at : at + _DIGEST_BYTES] == digest for at in range(0, len(bucket), _DIGEST_BYTES)):
                return True
            self._memory[begin:end] = digest + bucket[:-_DIGEST_BYTES]
            return False

    def _in_all_rows(self, place: int) -> int:
        return sum(self._column(place))

    def _column(self, place: int) -> memoryview:
        return self._rows[place :: _ROW_BYTES // _COUNT_BYTES]

    def _add(self, places: list[int], count: int) -> None:
        for place in places:
            self._rows[self._begin + place] += count

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock is a process's own, and goes with it if it dies."""
        if sys.platform == "win32" or self._file is None:  # there all is one process
            yield
        else:
            lockf(self._file, LOCK_EX)
            try:
                yield
            finally:
                lockf(self._file, LOCK_UN)


def _columns(peer: str) -> list[int]:
    """Where in a row its connections are counted, one place for each hash."""
    digest = hashlib.sha256(peer.encode()).digest()
    return [_HEAD + at * _COLUMNS + int.from_bytes(digest[2 * at : 2 * at + 2]) % _COLUMNS for at in range(_HASHES)]
