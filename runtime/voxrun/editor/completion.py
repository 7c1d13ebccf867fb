"""`complete`: what may be written at a place of a text that is being written."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, TypeAlias

from voxrun.dsl import nodes, sentences
from voxrun.dsl.names import Binding, Role, Scope
from voxrun.dsl.native import FUNCTIONS
from voxrun.dsl.parser import tokens
from voxrun.dsl.sentence_checker import SETTINGS, event_named
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Event, Function, Member, Property, Surface, Type, Value
from voxrun.dsl.types import Known, Types
from voxrun.editor.analysis import Analysis, parsed, repaired
from voxrun.editor.meanings import MEANINGS
from voxrun.editor.sentence_words import SentencePlace, sentence_place
from voxrun.editor.walk import all_nodes
from voxrun.editor.words import described_binding, described_member

Kind: TypeAlias = Literal["function", "method", "property", "event", "module", "variable", "constant", "keyword"]

WORDS = (
    *("require", "const", "let", "if", "else", "for", "while", "try", "fn", "return", "break", "continue"),
    *("on", "after", "every", "wait", "stop", "log", "breakpoint"),
)
"""What begins a statement, and `else`."""

_CURSOR = "cursor0x2038"
"""Stands where the cursor is, so that there is something to parse."""

_NO_CODE = ("STRANGE", "FOREIGN", "LINE_COMMENT", "BLOCK_COMMENT", "TEXT", "NUMBER", "DURATION")
_TAILS = ("", " {}", " } {}", " = null", " in [] {}")
"""What may be missing behind the cursor for a statement to be whole."""

_BLOCK = re.compile(r"(^(on|fn|after|every|test)\b.*\{\r?\n)(?:[ \t].*\n|\r?\n)*\}(?=[ \t\r]*$)", re.MULTILINE)
"""An outermost block as `voxrun fmt` lays it out: how it begins, and its first word."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One possibility, how it is written in full, and what it does."""

    name: str
    kind: Kind
    written: str = ""
    doc: str = ""


def complete(text: str, offset: int, surface: Surface) -> tuple[Completion, ...]:
    """What may stand at the place, whatever of it is there already. The editor leaves out what doesn't fit."""
    start, end = _start_of_word(text, offset), _end_of_word(text, offset)
    near = _without_other_blocks(text, start)
    if text[start:offset][:1].isdigit() or _is_no_code(near, start):
        return ()
    if (place := sentence_place(near, start)) is not None:
        return tuple(_in_test(place, surface))
    program = _program_with_cursor(near, start, end) or _program_with_cursor(text, start, end)
    if program is None:
        return ()
    found = {it.name: it for it in _Completer(Analysis(text, program, surface), start).all() if it.name != _CURSOR}
    return tuple(found.values())


def _start_of_word(text: str, offset: int) -> int:
    while offset > 0 and _is_of_word(text[offset - 1]):
        offset -= 1
    return offset


def _end_of_word(text: str, offset: int) -> int:
    while offset < len(text) and _is_of_word(text[offset]):
        offset += 1
    return offset


def _is_of_word(character: str) -> bool:
    return character.isalnum() or f"a{character}".isidentifier()


def _without_other_blocks(text: str, start: int) -> str:
    """The text with spaces for the outermost blocks that the place is not in, of which it sees but names of functions.

    All that is done with a text takes the longer the more there is in it.
    """

    def emptied(found: re.Match[str]) -> str:
        if found.start() <= start <= found.end():
            return found[0]
        head = found[1] if found[2] == "fn" else ""
        tail = "}" if head else ""
        return head + " " * (len(found[0]) - len(head) - len(tail)) + tail

    return _BLOCK.sub(emptied, text)


def _is_no_code(text: str, start: int) -> bool:
    """Whether the place is in a text, a comment or a number."""
    for token in tokens(Source("", text)):
        if token.end_pos > start or (token.end_pos == start and token.type in ("LINE_COMMENT", "STRANGE", "NUMBER")):
            in_text = token.type.startswith("TEXT") and token.start_pos < start
            return in_text or (token.start_pos < start and token.type in _NO_CODE)
    return False


def _program_with_cursor(text: str, start: int, end: int) -> nodes.Program | None:
    """The tree of a text with a name at the cursor; without what breaks it elsewhere."""
    head = text[:start] + _CURSOR
    attempts = [head + tail + rest for rest in (text[end:], "") for tail in _TAILS]
    trees = chain(map(parsed, attempts), (repaired(attempt, keep=start) for attempt in attempts))
    return next((tree for tree in trees if tree is not None), None)


def _in_test(place: SentencePlace, surface: Surface) -> Iterator[Completion]:
    types = Types(surface)
    for word, part in place.words():
        yield Completion(word, "keyword", *(MEANINGS[part] if part else ()))
    if not place.takes_event:
        return
    for space, kind in _event_spaces(surface, types):
        for name in kind.members if place.namespace in ("", space) else ():
            shown = name if place.namespace else f"{space}.{name}"
            yield Completion(shown, "event", *described_member(kind.members[name], types))


def _event_spaces(surface: Surface, types: Types) -> Iterator[tuple[str, Type]]:
    """`CallEvents` and the others, required or not."""
    for names in (surface.names, *surface.modules.values()):
        for name in filter(lambda name: name.endswith("Events"), names):
            member = names[name]
            kinds = types.of(member.value) if isinstance(member, Property) else None
            yield from ((name, kind) for kind in kinds or ())


class _Completer:
    """Knows what the name at the cursor is in the tree."""

    def __init__(self, analysis: Analysis, start: int) -> None:
        self._analysis = analysis
        self._types = analysis.types
        self._surface = analysis.surface
        self._start = start

    def all(self) -> Iterator[Completion]:
        """All possibilities."""
        for node in all_nodes(self._analysis.program):
            match node:
                case nodes.Require(name=name) if self._is_here(name):
                    yield from (Completion(module, "module") for module in self._surface.modules)
                    return
                case sentences.Action(party=party, deed=sentences.Has(values=values)) if self._is_in(values):
                    taken = {pair.key.text for pair in values.pairs}
                    yield from (Completion(name, "property") for name in SETTINGS[party.who] if name not in taken)
                    return
                case sentences.Fires(event=event, fields=nodes.Object() as values) if self._is_in(values):
                    named = event_named(event, self._surface)
                    payload = self._types.get(named.payload) if named is not None else None
                    taken = {pair.key.text for pair in values.pairs}
                    yield from self._of_type(payload, taken) if payload else ()
                    return
                case nodes.Handler(binding=nodes.Fields(names=names)) if any(map(self._is_here, names)):
                    yield from self._fields(node, {name.text for name in names})
                    return
        if keys := list(self._keys()):
            yield from keys
            return
        for target, span in self._analysis.notes.events:
            if span.start == self._start:
                yield from self._events(target)
        for read in self._analysis.notes.members:
            if read.span.start == self._start:
                yield from self._members(read.target)
                return
        for found in self._analysis.notes.names:
            if found.span.start == self._start:
                yield from self._names(found.scope)
                return

    def _is_here(self, name: nodes.Identifier) -> bool:
        return name.span.start == self._start

    def _is_in(self, values: nodes.Object) -> bool:
        return any(self._is_here(pair.key) for pair in values.pairs)

    def _members(self, target: Known) -> Iterator[Completion]:
        kinds = self._types.of(target) or ()
        for kind in kinds:
            yield from self._of_type(kind)

    def _of_type(self, kind: Type, taken: Container[str] = ()) -> Iterator[Completion]:
        """Its members, but for those that are there already."""
        for name in kind.members:
            if name not in taken:
                yield self._completion(kind.members[name], "method")

    def _events(self, target: Known) -> Iterator[Completion]:
        """That a unit sends, with their namespaces."""
        sent = {name for kind in self._types.of(target) or () for name in kind.events or ()}
        for name, kind in _event_spaces(self._surface, self._types):
            if name in sent:
                yield from (_under(name, it) for it in self._of_type(kind))

    def _fields(self, handler: nodes.Handler, taken: set[str]) -> Iterator[Completion]:
        """Of the payload of the handler's event."""
        place = handler.event.names[-1].span
        for read in self._analysis.notes.members:
            if read.span == place and isinstance(read.found, Event):
                payload = self._types.get(read.found.payload)
                if payload is not None:
                    yield from self._of_type(payload, taken)

    def _keys(self) -> Iterator[Completion]:
        """Of the object of parameters that the cursor is in."""
        for node, shapes in self._analysis.notes.objects:
            keys = [pair.key for pair in node.pairs]
            if any(map(self._is_here, keys)):
                taken = {key.text for key in keys}
                for shape in shapes:
                    yield from self._of_type(shape, taken)

    def _names(self, scope: Scope) -> Iterator[Completion]:
        for name in scope.visible():
            binding = scope.find(name)
            if binding is not None and binding.role is not Role.API:
                written, doc = described_binding(binding, self._types)
                yield Completion(name, _kind_of_binding(binding), written, doc)
        for names in (FUNCTIONS, self._surface.names, *self._surface.modules.values()):
            for name in names:
                yield self._completion(names[name], "function")
        if any(it.span.start == self._start for it in all_nodes(self._analysis.program) if _is_statement(it)):
            yield from (Completion(word, "keyword") for word in WORDS)

    def _completion(self, member: Member, function: Kind) -> Completion:
        written, doc = described_member(member, self._types)
        if isinstance(member, Function):
            return Completion(member.name, function, written, doc)
        if isinstance(member, Event):
            return Completion(member.name, "event", written, doc)
        return Completion(member.name, "module" if _is_namespace(member, self._types) else "property", written, doc)


def _under(namespace: str, found: Completion) -> Completion:
    return replace(found, name=f"{namespace}.{found.name}")


def _kind_of_binding(binding: Binding) -> Kind:
    if binding.role is Role.FUNCTION:
        return "function"
    return "constant" if binding.role is Role.CONSTANT else "variable"


def _is_namespace(member: Property, types: Types) -> bool:
    return member.value == Value((member.name,)) and types.get(member.name) is not None


def _is_statement(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Evaluation | nodes.Assignment)
