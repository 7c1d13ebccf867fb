"""`Analysis`: what the checker has found out about each place of a text, whole or broken."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from voxrun.dsl.checker import check
from voxrun.dsl.diagnostic import Diagnostic, SyntaxMistake
from voxrun.dsl.names import Binding, Scope
from voxrun.dsl.nodes import Object, Program, Span
from voxrun.dsl.parser import parse, tokens
from voxrun.dsl.sentence_checker import check_tests
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Surface, Type
from voxrun.dsl.types import Known, Missing, Types

_CLOSED_BY = {"{": "}", "(": ")", "[": "]"}
_REPAIRS = 8
"""How many broken lines are left out before a text is given up."""


@dataclass(frozen=True, slots=True)
class NameRead:
    """A name that is read at `span`, where the names of `scope` can be seen."""

    span: Span
    scope: Scope
    binding: Binding | None


@dataclass(frozen=True, slots=True)
class MemberRead:
    """A member's name at `span`, and what it is a member of."""

    span: Span
    target: Known
    found: Known | Missing


@dataclass(slots=True)
class Notes:
    """What the checker tells while it walks: a `Watch`."""

    names: list[NameRead] = field(default_factory=list)
    members: list[MemberRead] = field(default_factory=list)
    objects: list[tuple[Object, tuple[Type, ...]]] = field(default_factory=list)
    events: list[tuple[Known, Span]] = field(default_factory=list)

    def name(self, span: Span, scope: Scope, binding: Binding | None) -> None:
        """A name was read."""
        self.names.append(NameRead(span, scope, binding))

    def member(self, span: Span, target: Known, found: Known | Missing) -> None:
        """A member was read."""
        self.members.append(MemberRead(span, target, found))

    def parameters(self, node: Object, shapes: tuple[Type, ...]) -> None:
        """An object of parameters."""
        self.objects.append((node, shapes))

    def event(self, target: Known, span: Span) -> None:
        """An event of `target` is named at `span`."""
        self.events.append((target, span))


class Analysis:
    """Of a text that can be parsed: its tree and the checker's notes."""

    def __init__(self, text: str, program: Program, surface: Surface) -> None:
        self.text = text
        self.program = program
        self.surface = surface
        self.types = Types(surface)
        self.notes = Notes()
        check(program, surface, watch=self.notes)

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """The names of the scenario's own that something reads."""
        found = {id(it.binding): it.binding for it in self.notes.names if it.binding is not None}
        return tuple(it for it in found.values() if it.span.end > 0)


def diagnose(source: Source, surface: Surface) -> tuple[Diagnostic, ...]:
    """What is wrong: the first mistake in the syntax, or else all that the checker finds."""
    try:
        program = _tree(source.text)
    except SyntaxMistake as mistake:
        return (mistake.diagnostic,)
    return (*check(program, surface), *check_tests(program, surface))


def analyse(text: str, surface: Surface) -> Analysis | None:
    """The analysis of a text; lines that break it are left out, and None is given when that doesn't help."""
    program: Program | None
    try:
        program = _tree(text)
    except SyntaxMistake:
        program = repaired(text)
    return None if program is None else Analysis(text, program, surface)


@lru_cache(maxsize=1)
def _tree(text: str) -> Program:
    """Kept until the text is another one: nothing takes longer, and an editor asks wherever the pointer goes."""
    return parse(Source("", text))


def closed(text: str) -> str:
    """The text with the brackets and quotes closed that it leaves open."""
    missing: list[str] = []
    for token in tokens(Source("", text)):
        if token.type == "TEXT_BEGIN":
            missing.append('}"')
        elif token.type == "TEXT_END" and missing:
            missing.pop()
        elif token.value in _CLOSED_BY:
            missing.append(_CLOSED_BY[token.value])
        elif missing and token.value == missing[-1]:
            missing.pop()
    missing.reverse()
    in_text = missing[:1] == ['}"']
    return text + ("\n" if missing and not in_text else "") + "".join(missing)


def parsed(text: str) -> Program | None:
    """The tree of a text when only closing brackets are missing at its end."""
    try:
        return parse(Source("", closed(text)))
    except SyntaxMistake:
        return None


def repaired(text: str, keep: int = -1) -> Program | None:
    """The tree of a text without its broken lines, the others in their places; the line with the place `keep` stays."""
    for _ in range(_REPAIRS):
        try:
            return parse(Source("", closed(text)))
        except SyntaxMistake as mistake:
            place = mistake.diagnostic.span.start
        start = text.rfind("\n", 0, place) + 1
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if start <= keep <= end or not text[start:end].strip():
            return None
        text = text[:start] + " " * (end - start) + text[end:]
    return None
