"""What is at a place of a text: `hover`, `define`, and the `outline` of all of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voxrun.dsl import nodes
from voxrun.dsl.expressions import spell
from voxrun.dsl.names import Binding, Role
from voxrun.dsl.nodes import Node, Span
from voxrun.dsl.sentence_checker import event_named
from voxrun.dsl.surface import Member
from voxrun.editor.analysis import Analysis, MemberRead
from voxrun.editor.meanings import MEANINGS, part_at
from voxrun.editor.walk import all_nodes
from voxrun.editor.words import described_binding, described_member

SymbolKind: TypeAlias = Literal["function", "event", "timer", "constant", "variable"]


@dataclass(frozen=True, slots=True)
class Hover:
    """How the thing at `span` is written in full, and what it does."""

    span: Span
    written: str
    doc: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A part of a scenario: where it is, where its name is, and the parts in it."""

    name: str
    kind: SymbolKind
    span: Span
    name_span: Span
    inner: tuple["Symbol", ...] = ()


def hover(analysis: Analysis, offset: int) -> Hover | None:
    """About the name at the place, or the part of a test's sentence."""
    for read in analysis.notes.members:
        if _holds(read.span, offset) and (member := _member(analysis, read)) is not None:
            return Hover(read.span, *described_member(member, analysis.types))
    for node, shapes in analysis.notes.objects:
        for pair in node.pairs:
            member = next((shape.members[pair.key.text] for shape in shapes if pair.key.text in shape.members), None)
            if _holds(pair.key.span, offset) and member is not None:
                return Hover(pair.key.span, *described_member(member, analysis.types))
    found = _binding(analysis, offset)
    if found is None:
        return _in_test(analysis, offset)
    span, binding = found
    api = analysis.surface.names.get(binding.name)
    if api is not None and binding.role is Role.API:
        return Hover(span, *described_member(api, analysis.types))
    return Hover(span, *described_binding(binding, analysis.types))


def _in_test(analysis: Analysis, offset: int) -> Hover | None:
    """About the event that is named at the place, or the part of the sentence."""
    for node in (node for test in analysis.program.tests for node in all_nodes(test)):
        if isinstance(node, nodes.Path) and _holds(node.span, offset):
            event = event_named(node, analysis.surface)
            return Hover(node.span, *described_member(event, analysis.types)) if event else None
    part = part_at(analysis.program, offset)
    return None if part is None else Hover(part.span, *MEANINGS[type(part)])


def define(analysis: Analysis, offset: int) -> Span | None:
    """Where the name at the place is declared, if the scenario does so."""
    found = _binding(analysis, offset)
    return found[1].span if found is not None and found[1].span.end > 0 else None


def outline(root: Node) -> tuple[Symbol, ...]:
    """The functions, handlers, timers and names of the file, each with those in it."""
    return tuple(_symbols(root, is_outermost=True))


def _symbols(node: Node, *, is_outermost: bool) -> Iterator[Symbol]:
    match node:
        case nodes.Declaration(constant=constant, name=name) if is_outermost:
            yield Symbol(name.text, "constant" if constant else "variable", node.span, name.span)
        case nodes.Function(name=name, body=body):
            yield Symbol(name.text, "function", node.span, name.span, tuple(_inner(body)))
        case nodes.Handler(unit=unit, event=event, body=body):
            title = " ".join(path.spelled for path in (unit, event) if path is not None)
            yield Symbol(f"on {title}", "event", node.span, event.span, tuple(_inner(body)))
        case nodes.After(duration=duration, body=body) | nodes.Every(duration=duration, body=body):
            word = type(node).__name__.lower()
            yield Symbol(f"{word} {_short(duration)}", "timer", node.span, duration.span, tuple(_inner(body)))
        case nodes.Program(statements=statements) | nodes.Block(statements=statements):
            for statement in statements:
                yield from _symbols(statement, is_outermost=isinstance(node, nodes.Program))
        case nodes.If(branches=branches, otherwise=otherwise):
            for body in (*(branch.body for branch in branches), *([otherwise] if otherwise else [])):
                yield from _inner(body)
        case nodes.For(body=body) | nodes.While(body=body):
            yield from _inner(body)
        case nodes.Try(body=body, handler=handler):
            yield from _inner(body)
            yield from _inner(handler)


def _inner(body: nodes.Block) -> Iterator[Symbol]:
    return _symbols(body, is_outermost=False)


def _short(duration: nodes.Expression) -> str:
    if isinstance(duration, nodes.Duration):
        return f"{duration.value:g}{duration.unit}"
    return spell(duration) or "…"


def _binding(analysis: Analysis, offset: int) -> tuple[Span, Binding] | None:
    """Of the name that is read or declared at the place."""
    for read in analysis.notes.names:
        if _holds(read.span, offset) and read.binding is not None:
            return read.span, read.binding
    return next(((it.span, it) for it in analysis.bindings if _holds(it.span, offset)), None)


def _member(analysis: Analysis, read: MemberRead) -> Member | None:
    name = analysis.text[read.span.start : read.span.end]
    kinds = analysis.types.of(read.target) or ()
    return next((kind.members[name] for kind in kinds if name in kind.members), None)


def _holds(span: Span, offset: int) -> bool:
    return span.start <= offset <= span.end
