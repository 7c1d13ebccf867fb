"""`voxrun fmt`: `.vox` scenarios in their one layout."""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import complain, say, written
from voxrun.cli.paths import is_there, none_in
from voxrun.cli.status import OK, SCENARIO_FAILED
from voxrun.dsl.diagnostic import SyntaxMistake, decoded
from voxrun.dsl.formatter import formatted
from voxrun.errors import ConfigurationError
from voxrun.trace.words import visible

DESCRIPTION = """\
Bring .vox scenarios into the one layout. Comments, texts and empty lines stay.

  voxrun fmt reception.vox    write it in place
  voxrun fmt --check .        change nothing, show what would change
  voxrun fmt - < a.vox        from the input to the output
"""

EPILOG = """\
exit status: 0 all are formatted, 1 a file is no scenario, or --check found one
             that isn't formatted, 2 wrong use, or there were no .vox scenarios
"""


def fmt(arguments: Sequence[str]) -> int:
    """Format them all; returns the exit status. ConfigurationError without any, or if one can't be read or written."""
    options = _parser().parse(arguments)
    if "-" in options.files:
        if len(options.files) > 1 or options.check:
            raise ConfigurationError("`-` is the input and goes alone: voxrun fmt - < a.vox")
        return _format_input()
    paths = list(dict.fromkeys(path for name in options.files for path in _scenarios(Path(name))))
    if not paths:
        raise none_in(options.files, ".vox scenarios")
    return max(_format(path, only_check=options.check) for path in paths)


def _format_input() -> int:
    after = _formatted("<input>", sys.stdin.buffer.read())
    with written():
        sys.stdout.buffer.write(after or b"")
    return OK if after is not None else SCENARIO_FAILED


def _format(path: Path, *, only_check: bool) -> int:
    try:
        before = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from None
    after = _formatted(str(path), before)
    if after is None:
        return SCENARIO_FAILED
    if after == before:
        return OK
    if only_check:
        say(_difference(path, before, after))
        return SCENARIO_FAILED
    try:
        _replace(path.resolve(), after)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from None
    say(f"formatted {path}")
    return OK


def _formatted(name: str, content: bytes) -> bytes | None:
    """None, and what is wrong is said, when it is no scenario."""
    try:
        return formatted(decoded(name, content)).encode()
    except SyntaxMistake as error:
        complain(visible(str(error).replace("\t", " ")))
        return None


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; its mode stays."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(content)
            os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _difference(path: Path, before: bytes, after: bytes) -> str:
    """What would change, as `diff -u` shows it."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    lines = list(unified_diff(old, new, str(path), f"{path} formatted", lineterm=""))
    return "\n".join(visible(line) for line in lines) or f"{path}: only its line ends would change"


def _scenarios(path: Path) -> Iterator[Path]:
    """The file itself; the `.vox` files in and below a folder, hidden ones left out."""
    if not is_there(path):
        raise ConfigurationError(f"there is no scenario {path}: check the path")
    if path.is_dir():
        below = sorted(it for it in path.rglob("*.vox") if os.path.isfile(it))
        yield from (it for it in below if not any(part.startswith(".") for part in it.relative_to(path).parts))
    elif path.suffix != ".vox":
        raise ConfigurationError(f"{path} is no .vox scenario: others are not formatted here")
    else:
        yield path


def _parser() -> CommandParser:
    parser = CommandParser("voxrun fmt", DESCRIPTION, EPILOG)
    parser.add_argument("files", metavar="FILE", nargs="+", help="a .vox scenario, a folder with some in it, or -")
    parser.add_argument("--check", action="store_true", help="write nothing; show what would change")
    return parser
