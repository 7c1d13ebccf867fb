"""`voxrun trace FILE`: what a trace tells, as text or as a page."""

import argparse
import math
import shutil
from codecs import getincrementaldecoder
from pathlib import Path

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import say
from voxrun.cli.paths import real
from voxrun.cli.status import OK
from voxrun.errors import ConfigurationError
from voxrun.trace.page import page
from voxrun.trace.records import LATEST, read_records
from voxrun.trace.report import report
from voxrun.trace.story import Story, tell
from voxrun.trace.timeline import WIDTH, timeline

NARROWEST = 40
"""Columns: a terminal that has less breaks the lines."""

DESCRIPTION = """\
Read a trace (voxrun SCENARIO --trace FILE): who spoke when, what happened, how long each turn took, which routes there
were and what was lost.
"""


def trace(arguments: list[str]) -> int:
    """Run the sub-command; returns the exit status."""
    options = _parser().parse(arguments)
    story = read_story(options.file)
    if options.html is not None and real(options.html) == real(options.file):
        raise ConfigurationError(f"--html {options.html} would overwrite the trace: give another name")
    width = max(shutil.get_terminal_size((WIDTH, 0)).columns, NARROWEST)
    if options.html is not None:
        _write_page(options.html, page(story, options.file.name, options.around))
    elif options.around is not None:
        say(timeline(story, options.around, width))
    else:
        say(report(story, width))
    return OK


def read_story(path: Path) -> Story:
    """What the trace in a file tells. ConfigurationError when there is none, with the line that is wrong."""
    try:
        with path.open("rb") as file:
            decoder = getincrementaldecoder("utf-8-sig")()  # a killed process may leave half a character behind
            return tell(read_records(map(decoder.decode, file), str(path)))
    except OSError as error:
        raise ConfigurationError(f"can't read the trace {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is no trace: it is not UTF-8 text") from None


def _write_page(path: Path, markup: str) -> None:
    try:
        path.write_text(markup, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"--html {path} can't be written: {error.strerror}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not abs(seconds) < LATEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return seconds


def _parser() -> CommandParser:
    parser = CommandParser("voxrun trace", DESCRIPTION)
    parser.add_argument("file", metavar="FILE", type=Path, help="the trace")
    parser.add_argument(
        "--around",
        metavar="SECONDS",
        type=_seconds,
        help="only the moments around this one, in full; a page opens with them in view",
    )
    parser.add_argument("--html", metavar="OUT.html", type=Path, help="write a page to look at in a browser instead")
    return parser
