"""Outputs that may fail in the middle of a call: the terminal's pipe, a file on a full disk."""

import os
import sys
from collections.abc import Callable


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


def silence_output() -> None:
    """Lead stdout, which can't be written any more, nowhere, lest Python complain when it flushes it at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
