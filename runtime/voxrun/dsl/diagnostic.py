"""`Diagnostic`: something wrong in a scenario file, where, and what to do; `render` shows it in its line."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source
from voxrun.errors import ScenarioError

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What is wrong with the text at `span`, and, when there is any, advice."""

    span: Span
    severity: Severity
    message: str
    advice: str = ""


class Slip(Exception):  # noqa: N818 - it is the writer's, not ours
    """Raised from within a parse, which knows the source and makes a SyntaxMistake of it."""

    def __init__(self, span: Span, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(span, "error", message, advice)


class SyntaxMistake(ScenarioError):  # noqa: N818 - SyntaxError is Python's
    """The text is no scenario. Its message is the rendered diagnostic."""

    def __init__(self, source: Source, diagnostic: Diagnostic) -> None:
        super().__init__(render(source, diagnostic))
        self.source = source
        self.diagnostic = diagnostic


def decoded(name: str, content: bytes) -> Source:
    """The text of a file. SyntaxMistake where it is none."""
    try:
        return Source(name, content.decode())
    except UnicodeDecodeError as error:
        place = len(content[: error.start].decode())
        said = Diagnostic(Span(place, place + 1), "error", "this is no text in UTF-8", "save the file as UTF-8")
        raise SyntaxMistake(Source(name, content.decode(errors="replace")), said) from None


def render(source: Source, diagnostic: Diagnostic) -> str:
    """The diagnostic as a person reads it: place and message, the line, carets under the exact place, the advice."""
    line, column = source.place(diagnostic.span.start)
    text = source.line(line)
    marked = text[column - 1 :][: diagnostic.span.end - diagnostic.span.start]
    margin = " " * len(str(line))
    before = "".join("\t" if character == "\t" else " " * _width(character) for character in text[: column - 1])
    shown = [
        f"{source.name}:{line}:{column}: {diagnostic.severity}: {diagnostic.message}",
        f"{margin} |",
        f"{line} | {text}",
        f"{margin} | {before}{'^' * max(1, sum(map(_width, marked)))}",
    ]
    if diagnostic.advice:
        shown.append(f"{margin} = {diagnostic.advice}".replace("\n", f"\n{margin}   "))
    return "\n".join(shown)


def _width(character: str) -> int:
    """How many columns of a terminal it takes."""
    if unicodedata.combining(character):
        return 0
    return 1 + (unicodedata.east_asian_width(character) in ("W", "F"))


def any_of(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def as_json(source: Source, diagnostic: Diagnostic) -> dict[str, str | int]:
    """The diagnostic for editors: lines and columns from 1, columns in characters, the end after the last one."""
    line, column = source.place(diagnostic.span.start)
    end_line, end_column = source.place(diagnostic.span.end)
    return {
        "file": source.name,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "advice": diagnostic.advice,
    }
