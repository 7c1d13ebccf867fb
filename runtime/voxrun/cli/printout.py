"""`Printout`: the stdout of `voxrun serve` and its scenarios. No call waits for it, and none fails of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import BufferedIOBase, BufferedWriter, RawIOBase, TextIOWrapper
from select import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE_BYTES = 4096
"""A pipe that has room for anything has room for so much (select.PIPE_BUF on Linux)."""


@dataclass(slots=True)
class Missing:
    """What was printed and is nowhere: how often so far, and why the last time."""

    times: int = 0
    why: str = ""


class Printout(RawIOBase):
    """Takes all that is printed: what `out` does not take at once is `missing`."""

    def __init__(self, out: RawIOBase | BufferedIOBase, missing: Missing) -> None:
        self._out = out
        self._missing = missing

    def writable(self) -> bool:
        """See `RawIOBase`."""
        return True

    def fileno(self) -> int:
        """See `RawIOBase`."""
        return self._out.fileno()

    def isatty(self) -> bool:
        """See `RawIOBase`."""
        return self._out.isatty()

    def write(self, data: "ReadableBuffer", /) -> int:
        """See `RawIOBase`; never raises, never waits."""
        rest = memoryview(data).cast("B")
        size, why = len(rest), "nobody read them"
        try:
            while rest and _has_room(self._out):
                rest = rest[self._out.write(rest[:PIECE_BYTES]) or 0 :]
        except OSError as error:  # such as of a full disk
            why = error.strerror or str(error)
        if rest:
            self._missing.times += 1
            self._missing.why = why
        return size


@contextmanager
def printed_at_once() -> Iterator[Missing]:
    """Have stdout be one, line by line: in one piece, as other processes write there as well."""
    missing = Missing()
    stdout = sys.stdout
    if not isinstance(stdout, TextIOWrapper):  # the process began without one
        yield missing
        return
    raw: Any = getattr(stdout.buffer, "raw", stdout.buffer)  # without a buffer, as by PYTHONUNBUFFERED
    lines = TextIOWrapper(BufferedWriter(Printout(raw, missing)), stdout.encoding, stdout.errors, line_buffering=True)
    with lines, redirect_stdout(lines):
        yield missing


def _has_room(out: RawIOBase | BufferedIOBase) -> bool:
    """Not so a pipe that is full, or a terminal that Ctrl-S has stopped."""
    try:
        return bool(select([], [out], [], 0)[1])
    except (OSError, ValueError):  # it is no file, or this is Windows, which can't tell
        return True
