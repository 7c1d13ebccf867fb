"""`voxrun check`: what is wrong in scenarios, found without running them."""

import json
import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from voxrun.api.surface import scenario_surface
from voxrun.cli.arguments import CommandParser, add_secrets
from voxrun.cli.env_file import given_secrets
from voxrun.cli.output import say
from voxrun.cli.paths import is_there, none_in
from voxrun.cli.status import OK, SCENARIO_FAILED
from voxrun.dsl.checker import check as check_program
from voxrun.dsl.diagnostic import Diagnostic, SyntaxMistake, as_json, decoded, render
from voxrun.dsl.nodes import Span
from voxrun.dsl.parser import parse
from voxrun.dsl.python_checker import check_python
from voxrun.dsl.sentence_checker import check_tests
from voxrun.dsl.source import Source
from voxrun.errors import ConfigurationError
from voxrun.session.loader import refuse_other_endings, text_of
from voxrun.testing.files_beside import FilesBeside
from voxrun.trace.words import visible

DESCRIPTION = """\
Find mistakes in scenarios without running them: syntax, names, events, methods,
parameters, payload fields, routes, secrets that are not set.

  voxrun check reception.vox scenario.py
  voxrun check scenarios --secret ELEVENLABS_API_KEY=any
"""

EPILOG = """\
exit status: 0 nothing found, 1 errors or warnings, 2 wrong use, or there were
             no scenarios
"""


def check(arguments: Sequence[str]) -> int:
    """Check them all; returns the exit status. ConfigurationError when there are none, or one can't be read."""
    options = _parser().parse(arguments)
    secrets = {**os.environ, **given_secrets(options.secret, options.env_file)}
    files = list(dict.fromkeys(file for path in options.files for file in _scenarios(path)))
    if not files:
        raise none_in(options.files, "scenarios")
    counts = {"error": 0, "warning": 0}
    for file in files:
        source, findings = _findings(file, secrets)
        for finding in findings:
            counts[finding.severity] += 1
            shown = (
                json.dumps(as_json(source, finding), ensure_ascii=False) if options.json else _shown(source, finding)
            )
            say(shown)
    if not options.json:
        say(_summary(counts, len(files)))
    return SCENARIO_FAILED if any(counts.values()) else OK


def _scenarios(path: Path) -> Iterator[Path]:
    """The file itself; the scenarios in and below a folder, hidden ones left out."""
    if not is_there(path):
        raise ConfigurationError(f"there is no scenario {path}: check the path")
    if path.is_dir():
        below = sorted(it for it in path.rglob("*") if it.suffix in (".vox", ".py") and os.path.isfile(it))
        shown = [it for it in below if not any(part.startswith(".") for part in it.relative_to(path).parts)]
        yield from (it for it in shown if it.suffix == ".vox" or b"voxrun" in _read(it))
    else:
        refuse_other_endings(path)
        yield path


def _findings(file: Path, secrets: Container[str]) -> tuple[Source, Sequence[Diagnostic]]:
    content = _read(file)
    if file.suffix != ".vox":
        return _python_findings(file, content, secrets)
    try:
        source = decoded(str(file), content)
        program = parse(source)
        found = check_program(program, scenario_surface(), known_secrets=secrets)
        return source, [*found, *check_tests(program, scenario_surface(), files=FilesBeside(file.parent))]
    except SyntaxMistake as mistake:
        return mistake.source, [mistake.diagnostic]


def _python_findings(file: Path, content: bytes, secrets: Container[str]) -> tuple[Source, Sequence[Diagnostic]]:
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # to Python, each of them ends a line
    try:
        source = Source(str(file), text_of(content, str(file)))
    except SyntaxError as error:
        source = Source(str(file), content.decode(errors="replace"))
        place = source.start(error.lineno or 1) + (error.offset or 1) - 1
        message, _, advice = error.msg.partition(": ")
        return source, [Diagnostic(Span(place, place + 1), "error", message, advice)]
    return source, check_python(source, scenario_surface(), known_secrets=secrets)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}") from error


def _shown(source: Source, finding: Diagnostic) -> str:
    return visible(render(source, finding).replace("\t", " ")) + "\n"


def _summary(counts: dict[str, int], files: int) -> str:
    found = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count]
    return f"{', '.join(found) or 'nothing wrong'} in {files} file{'' if files == 1 else 's'}"


def _parser() -> CommandParser:
    parser = CommandParser("voxrun check", DESCRIPTION, EPILOG)
    parser.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="a .vox or .py scenario, or a folder with some in it"
    )
    parser.add_argument("--json", action="store_true", help="print each finding as a JSON object on a line of its own")
    add_secrets(parser, "counts as set, as what the environment has does (may be repeated)")
    return parser
