"""`render`: text with places where a line may be broken, as lines of at most so many columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

INDENT = 4


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line may end, or with `hard` must; in one line it is the text `flat`.

    With `blank` an empty line follows. `closes`: behind it, the indented part is over.
    """

    flat: str = " "
    hard: bool = False
    blank: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment in the midst of a line. One that `ends` it is put off until the line is over, and so are those behind.

    `shown` is its text with the spaces that it needs in the line. `breaks`: the group around it is broken.
    """

    text: str
    shown: str = ""
    ends: bool = False
    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """Text that is there only when the group around it is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Indent:
    """Lines in it begin further right."""

    inner: "Document"
    steps: int = 1


class Group:
    """All lines right in it are broken, or none. `forced`: they must be. `whole`: else they are not, fit or no fit."""

    __slots__ = ("forced", "inner", "whole")

    def __init__(self, inner: "Document", *, forced: bool = False, whole: bool = False) -> None:
        self.inner = inner
        self.forced = forced or _forces(inner)
        self.whole = whole


class Choice:
    """`short` when its first line fits with its last part broken, else `long`."""

    __slots__ = ("forced", "long", "short", "short_broken")

    def __init__(self, short: "Document", short_broken: "Document", long: Group) -> None:
        self.short = short
        self.short_broken = short_broken
        self.long = long
        self.forced = _forces(short)


Document: TypeAlias = str | Line | Remark | Broken | Indent | Group | Choice | Sequence["Document"]

_Work: TypeAlias = tuple[int, bool, Document]
"""The indentation, whether lines are broken, and what is to be shown."""


def _forces(document: Document) -> bool:
    match document:
        case str() | Broken():
            return False
        case Line(hard=hard):
            return hard
        case Remark(breaks=breaks):
            return breaks
        case Indent(inner=inner):
            return _forces(inner)
        case Group(forced=forced) | Choice(forced=forced):
            return forced
    return any(map(_forces, document))


def render(document: Document, columns: int) -> str:
    """The text, without spaces at the ends of its lines."""
    return _Page(columns).text(document)


class _Page:
    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._parts: list[str] = []
        self._column = 0
        self._late: list[str] = []

    def text(self, document: Document) -> str:
        work: list[_Work] = [(0, True, document)]
        while work:
            indent, broken, document = work.pop()
            match document:
                case str():
                    self._write(document)
                case Line():
                    self._line(document, indent, broken)
                case Remark():
                    self._remark(document)
                case Broken(text=text):
                    self._write(text if broken else "")
                case Indent(inner=inner, steps=steps):
                    work.append((indent + steps * INDENT, broken, inner))
                case Group() | Choice():
                    work.append(self._decided(indent, broken, document, work))
                case _:
                    work.extend((indent, broken, part) for part in reversed(document))
        return "".join(self._parts)

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._column = len(text) - text.rfind("\n") - 1 if "\n" in text else self._column + len(text)

    def _remark(self, remark: Remark) -> None:
        if remark.ends or self._late:
            self._late.append(remark.text)
        else:
            self._write(remark.shown)

    def _line(self, line: Line, indent: int, broken: bool) -> None:
        if not (broken or line.hard):
            is_emptied = line.closes and self._parts[-1] == "{"  # the comments between the brackets were put off
            self._write("" if is_emptied else line.flat)
            return
        margin = "\n" + " " * (indent + line.closes * INDENT)
        ends = [margin * (index > 0) + " " * (index == 0) + text for index, text in enumerate(self._late)]
        self._late.clear()
        self._parts += [*ends, "\n" * line.blank, "\n", " " * indent]
        self._column = indent

    def _decided(self, indent: int, broken: bool, document: Group | Choice, rest: list[_Work]) -> _Work:
        """Broken or not, whichever it needs."""
        short = document.inner if isinstance(document, Group) else document.short
        if not document.forced:
            whole = isinstance(document, Group) and document.whole
            if not broken or whole or self._fits([(indent, False, short)], rest):
                return indent, False, short
        if isinstance(document, Group):
            return indent, True, short
        if self._fits([(indent, True, document.short_broken)], rest):
            return indent, True, document.short_broken
        return indent, True, document.long

    def _fits(self, work: list[_Work], rest: list[_Work]) -> bool:
        """Whether what comes up to the next line's end fits into this line."""
        room = self._columns - self._column
        after = len(rest)
        is_late = bool(self._late)
        while room >= 0:
            if not work:
                if after == 0:
                    return True
                after -= 1
                work.append(rest[after])
            indent, broken, document = work.pop()
            match document:
                case Remark(ends=ends) if ends or is_late:
                    is_late = True
                case str(text) | Remark(shown=text):
                    if "\n" in text:
                        return room >= text.index("\n")
                    room -= len(text)
                case Line(flat=flat, hard=hard):
                    if broken or hard:
                        return True
                    room -= len(flat)
                case Broken(text=text):
                    room -= len(text) if broken else 0
                case Indent(inner=inner):
                    work.append((indent, broken, inner))
                case Group(inner=inner, forced=forced, whole=whole):
                    work.append((indent, forced or (broken and not whole), inner))
                case Choice(forced=forced):
                    can_break = forced or broken
                    work.append((indent, can_break, document.short_broken if can_break else document.short))
                case _:
                    work.extend((indent, broken, part) for part in reversed(document))
        return False
