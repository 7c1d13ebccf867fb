"""`voxrun new`: a folder with a scenario to begin with, its tests and a README."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from voxrun.cli.arguments import CommandParser
from voxrun.cli.output import say
from voxrun.cli.paths import is_there
from voxrun.cli.status import OK
from voxrun.errors import ConfigurationError

DESCRIPTION = """\
Begin a scenario: a folder NAME with NAME.py, its tests and a README. What is there
already is never overwritten.

  voxrun new mycall
  voxrun test mycall
"""

EPILOG = """\
exit status: 0 written, 2 wrong use, or it is there already
"""

_NAME = re.compile(r"[^\W\d_]\w*")
_OF_PYTEST = re.compile(r"test_.*|.*_test|conftest")
"""Names of Python files that pytest runs by itself, where a scenario fails: it has no session."""

_TEMPLATE_NAME = "scenario"


def new(arguments: Sequence[str]) -> int:
    """Write it; returns the exit status. ConfigurationError when it can't be, or is there already."""
    options = _parser().parse(arguments)
    folder: Path = options.name
    if not _NAME.fullmatch(folder.name):
        name = folder.name or folder  # a dot has none, nor has the root
        raise ConfigurationError(f"'{name}' is no name for a scenario: take a letter, then letters, digits and _")
    if options.language == "python" and _OF_PYTEST.fullmatch(folder.name):
        raise ConfigurationError(f"pytest would run {folder.name}.py by itself, as it does tests: take another name")
    if is_there(folder):
        raise ConfigurationError(f"there is a {folder} already: take another name")
    content = {
        folder / template.name.replace(_TEMPLATE_NAME, folder.name): _named(template.read_text("utf-8"), folder.name)
        for template in (files("voxrun.cli") / "templates" / options.language).iterdir()
        if template.is_file()
    }
    try:
        folder.mkdir(parents=True)
        for path, text in content.items():
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be written: {error.strerror}") from error
    for path in sorted(content):
        say(str(path))
    say(f"\nTry it: voxrun test {folder}")
    return OK


def _named(text: str, name: str) -> str:
    """The template's text for a scenario of that name."""
    return re.sub(
        rf"\b(test_)?{_TEMPLATE_NAME}(?=\.(py|vox)\b)|(?<=^# ){_TEMPLATE_NAME}$", rf"\g<1>{name}", text, flags=re.M
    )


def _parser() -> CommandParser:
    parser = CommandParser("voxrun new", DESCRIPTION, EPILOG)
    parser.add_argument("name", metavar="NAME", type=Path, help="what it is called; it may be in another folder")
    parser.add_argument(
        "--vox",
        dest="language",
        action="store_const",
        const="vox",
        default="python",
        help="in the scenario language: NAME.vox",
    )
    return parser
