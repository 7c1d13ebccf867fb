"""Outputs that may fail: the terminal's pipe, a file on a full disk."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from voxrun.errors import DeviceError


def guarded(show: Callable[[str], object], on_failure: Callable[[OSError], None]) -> Callable[[str], None]:
    """`show`, up to its first OSError: `on_failure` gets that, and nothing more is shown."""
    failed = False

    def show_guarded(line: str) -> None:
        nonlocal failed
        if failed:
            return
        try:
            show(line)
        except OSError as error:
            failed = True
            on_failure(error)

    return show_guarded


def say(text: str, end: str = "\n") -> None:
    """Print what a command has to tell; raises what `written` does."""
    with written():
        print(text, end=end)  # noqa: T201 - the command line speaks here


def complain(text: str) -> None:
    """Print to stderr what went wrong. When that can't be done either, the exit status tells of it."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line speaks here
    except OSError:
        silence_output(sys.stderr)


@contextmanager
def written() -> Iterator[None]:
    """What is put into stdout within gets out of this process.

    BrokenPipeError when nobody reads it any more, DeviceError when it can't be written; then all the rest goes nowhere.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        silence_output(sys.stdout)
        if is_left(error):
            raise BrokenPipeError from None
        raise DeviceError(f"the output can't be written: {error.strerror}") from None


def is_left(error: OSError) -> bool:
    """Whether it says that nobody reads a pipe any more, which Windows calls an invalid argument."""
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def silence_output(out: TextIO) -> None:
    """Lead what can't be written any more nowhere, lest Python complain when it flushes it at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
