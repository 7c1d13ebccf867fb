"""`voxrun test`: the tests of scenarios, in virtual time."""

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import trio

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import say
from voxrun.cli.paths import is_there, none_in
from voxrun.cli.status import INTERRUPTED, OK, SCENARIO_FAILED, WRONG_USE
from voxrun.errors import ConfigurationError, DeviceError

FILES_PER_PROCESS = 4
"""A further process takes longer to start than the tests of so many files."""

DESCRIPTION = """\
Run the tests of scenarios: `test "…" { }` in .vox files, and Python files named
test_*.py that use the fixture `simulate`. A minute of a call takes some tenths of a
second; nothing is sent anywhere.

  voxrun test                 all that there are here and below
  voxrun test menu.vox -k key those with `key` in their names
"""

EPILOG = """\
exit status: 0 all passed, 1 some failed, 2 wrong use, or there were none,
             130 interrupted
"""


def test(arguments: Sequence[str]) -> int:
    """Run them; returns the exit status.

    ConfigurationError without pytest, or tests, or a path that is not there, or a report that can't be written.
    """
    options = _parser().parse(arguments)
    missing = [name for name in ("pytest", "xdist") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"`voxrun test` needs {' and '.join(missing)}: pip install 'voxrun[testing]'")
    for path in options.paths:
        if not is_there(path):
            advice = "-k WORDS runs some of a file's tests" if "::" in path.name else "check the path"
            raise ConfigurationError(f"there is no {path}: {advice}")
    from voxrun.testing.watching import test_files, watch  # noqa: PLC0415 - after its libraries were looked for

    files = test_files(options.paths)
    if options.watch:
        trio.run(watch, options.paths, _again(options))
        return OK
    if not files:
        raise none_in(options.paths, "tests")
    if options.junit is not None:
        _check_writable(options.junit)
    options.paths = [path for path in options.paths if path.is_dir() or path in files]  # pytest refuses the others
    if options.processes is None:
        options.processes = min(os.cpu_count() or 1, len(files) // FILES_PER_PROCESS)
    return _run(options)


def _check_writable(report: Path) -> None:
    """Before the tests run: pytest would only find out when they are over."""
    place = Path(os.path.expandvars(report.expanduser()))  # as pytest does
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_file() or place.is_dir() or not place.exists():  # a pipe's reader would leave
            place.open("ab").close()
    except OSError as error:
        raise ConfigurationError(f"--junit {report} can't be written: {error.strerror}") from None


def _run(options: argparse.Namespace) -> int:
    import pytest  # noqa: PLC0415 - belongs to an extra

    from voxrun.testing.report import Report  # noqa: PLC0415

    report = Report(_say)
    given = [
        *map(str, options.paths),
        *_passed_on(options),
        "--continue-on-collection-errors",
        f"-n{options.processes if options.processes > 1 else 0}",
        "--tb=short",
        "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning",  # this process has loaded parts of us
    ]
    began = time.monotonic()
    status = pytest.main(given, plugins=[report])
    report.finish(time.monotonic() - began)
    if report.interrupted:
        return INTERRUPTED
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and not report.outcomes["failed"]:
        if not options.k:
            raise none_in(options.paths, "tests")
        _say("there is no such test\n")
        return WRONG_USE
    if status in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        return WRONG_USE
    return OK if status == pytest.ExitCode.OK else SCENARIO_FAILED


def _passed_on(options: argparse.Namespace) -> list[str]:
    """What pytest is told as well."""
    given = ["--update-golden"] if options.update_golden else []
    if options.k is not None:
        given += ["-k", options.k]
    if options.junit is not None:
        given.append(f"--junitxml={options.junit}")
    if options.timeline_png is not None:
        given.append(f"--timeline-png={options.timeline_png}")
    return given


def _again(options: argparse.Namespace) -> list[str]:
    """The command that runs the tests of the files which are named behind it."""
    words = [] if options.k is None else ["-k", options.k]
    words += [] if options.junit is None else ["--junit", str(options.junit)]
    words += [] if options.timeline_png is None else ["--timeline-png", str(options.timeline_png)]
    words += [] if options.processes is None else ["-n", str(options.processes)]
    words += ["--update-golden"] if options.update_golden else []
    return [sys.executable, "-m", "voxrun", "test", *words]


def _say(text: str) -> None:
    """Print it, as long as that can be done: the tests go on all the same, and the exit status tells of them."""
    with suppress(BrokenPipeError, DeviceError):
        say(text, end="")


def _processes(text: str) -> int:
    """How many. ArgumentTypeError when it is no number."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _parser() -> CommandParser:
    parser = CommandParser("voxrun test", DESCRIPTION, EPILOG)
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        type=Path,
        default=[Path()],
        help="a .vox scenario, a Python test, or a folder with some in it; this one if not given",
    )
    parser.add_argument("-k", metavar="WORDS", help="only tests with these words in their names: `busy and not agent`")
    parser.add_argument(
        "-n",
        metavar="N",
        dest="processes",
        type=_processes,
        help=f"in so many processes at once; if not given, one for {FILES_PER_PROCESS} files, and no more than cores",
    )
    parser.add_argument("--watch", action="store_true", help="again whenever something that they use is saved")
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write a report that CI servers read")
    parser.add_argument("--timeline-png", metavar="FOLDER", type=Path, help="draw the calls of tests that fail")
    parser.add_argument(
        "--update-golden", action="store_true", help="write golden recordings anew instead of comparing with them"
    )
    return parser
