"""`main`: arguments in, exit status out."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from voxrun.cli.commands import COMMANDS
from voxrun.cli.options import parse
from voxrun.cli.output import complain
from voxrun.cli.run import run
from voxrun.cli.status import INTERRUPTED, status_of
from voxrun.errors import VoxrunError
from voxrun.session.failure import first_of
from voxrun.trace.words import visible


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # `voxrun … >&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:  # `voxrun … 2>&-`
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as above
    if sys.stdin is None:  # `voxrun … <&-`
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as above
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal that knows no UTF-8 shows what it can
        sys.stdout.reconfigure(errors="backslashreplace")
        if sys.platform == "win32" and not sys.stdout.isatty():  # a file or a program gets what it gets elsewhere
            sys.stdout.reconfigure(encoding="utf-8")
    status = INTERRUPTED
    try:
        status = _run(arguments)
    except* VoxrunError as errors:
        error = first_of(errors)
        complain(f"voxrun: {visible(str(error))}")
        status = status_of(error)
    except* (KeyboardInterrupt, BrokenPipeError):  # `voxrun trace … | head`: whoever read this has seen enough
        pass
    return status


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        return run(parse(arguments))
    command = getattr(import_module(f"voxrun.cli.{name}"), name)
    status: int = command(arguments[1:])
    return status
