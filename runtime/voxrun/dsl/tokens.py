"""`Tokens`: a `.vox` file's words, signs and texts, one after the other."""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import normalize

from lark.common import LexerConf
from lark.lexer import Lexer, LexerState, PatternStr, TerminalDef

from voxrun.dsl.nodes import Span

_TEXT_GOES_ON = ("TEXT_MIDDLE", "TEXT_END")
"""What a `}` begins when it closes a `${`."""


class Token:
    """A light stand-in for lark's own, which costs three times as much to make. lark reads these names."""

    __slots__ = ("end_pos", "start_pos", "type", "value")

    line = column = end_line = end_column = None
    """lark asks for them at the end of the text; our places are offsets."""

    def __init__(self, type: str, value: str, start_pos: int, end_pos: int) -> None:
        self.type = type
        self.value = value
        self.start_pos = start_pos
        self.end_pos = end_pos

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start_pos, self.end_pos)


class Tokens(Lexer):
    """lark's lexer for `scenario.lark`, whose terminals it follows. lark's own could not read values in texts."""

    __future_interface__ = 2

    def __init__(self, conf: LexerConf) -> None:
        terminals = {terminal.name: terminal for terminal in conf.terminals}
        self._ignored = frozenset(conf.ignore)
        self.words = {
            terminal.pattern.value: terminal.name
            for terminal in conf.terminals
            if isinstance(terminal.pattern, PatternStr) and terminal.pattern.value.isalpha()
        }
        for name in self.words.values():
            del terminals[name]
        self._text = _alternatives([terminals.pop(name) for name in _TEXT_GOES_ON])
        self._code = _alternatives(list(terminals.values()))

    def lex(self, lexer_state: LexerState, parser_state: Any) -> Iterator[Any]:
        """What the grammar does not ignore."""
        return self.code(lexer_state.text.text)

    def code(self, text: str) -> Iterator[Token]:
        """All but white space and comments."""
        return (token for token in self.all(text) if token.type not in self._ignored)

    def all(self, text: str) -> Iterator[Token]:
        """All of the text."""
        words, match = self.words, self._code.match
        braces: list[str] = []
        offset, length = 0, len(text)
        while offset < length:
            found = match(text, offset)
            assert found is not None
            kind = found.lastgroup
            assert kind is not None
            if kind == "RBRACE" and braces and braces.pop() == "TEXT_BEGIN":
                found = self._text.match(text, offset) or found
                kind = found.lastgroup or kind
            start, offset, value = offset, found.end(), found[0]
            if kind == "NAME":
                if text[offset : offset + 1] > "~" or not value.isascii():
                    offset = _end_of_name(text, offset)
                    value = normalize("NFC", text[start:offset])
                kind = words.get(value, kind)
            elif kind in ("LBRACE", "TEXT_BEGIN"):
                braces.append(kind)
            elif kind == "TEXT_MIDDLE":
                braces.append("TEXT_BEGIN")
            yield Token(kind, value, start, offset)


def _end_of_name(text: str, offset: int) -> int:
    """Where a name ends that goes on at least to `offset`: it may have marks, as Hindi has, which are no `\\w`."""
    while offset < len(text) and f"a{text[offset]}".isidentifier():
        offset += 1
    return offset


def _alternatives(terminals: list[TerminalDef]) -> re.Pattern[str]:
    """One expression for all, in lark's order: priority first, then the longer spelling."""
    ordered = sorted(terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    return re.compile("|".join(f"(?P<{terminal.name}>{terminal.pattern.to_regexp()})" for terminal in ordered))
