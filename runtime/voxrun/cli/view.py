"""What the terminal shows of a session: the conversation as it happens, line by line, from the trace's records."""

import json
from typing import TextIO

from voxrun.cli.output import complain
from voxrun.trace.words import line_of, visible

INDENT = 19
"""Where what somebody says begins: after the time and the name."""


class PlainView:
    """One line of text for each thing worth knowing; errors go to stderr."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, line: str) -> None:
        """Show one record of the trace, given as a line of JSON. OSError when nobody can read it."""
        record = json.loads(line)
        shown = line_of(record)
        if shown is not None:
            who, what = shown
            indented = what.replace("\n", "\n" + " " * INDENT)  # so that no peer can make a line of its own
            text = f"{record['t']:7.2f}  {who:<9} {indented}"
            if who == "error":
                complain(text)
            else:
                print(text, file=self._out, flush=True)


class JsonView:
    """Every record as it is, a line each; errors are told on stderr as well."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, line: str) -> None:
        """Show one record. OSError when nobody can read it."""
        print(visible(line), file=self._out, flush=True)
        record = json.loads(line) if '"kind":"error"' in line else {}
        if record.get("kind") == "error":  # and no peer's message in it
            complain(visible(record["message"]))
