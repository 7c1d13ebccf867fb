"""`explain`: what to say about a token that can't stand where it is."""

import unicodedata
from collections.abc import Iterable, Set
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

from lark import Lark, UnexpectedToken

from voxrun.dsl.diagnostic import Slip, any_of
from voxrun.dsl.nodes import Span
from voxrun.dsl.sentence_advice import sentence_slip
from voxrun.dsl.slips import SLIPS, STRANGE, WORDS, Advice
from voxrun.dsl.tokens import Token, Tokens

_CLOSING = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE", "TEXT_BEGIN": "TEXT_END"}
_SIGN = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "TEXT_BEGIN": "${"}
_LINE_ENDS = frozenset(("NEWLINE", "SEMICOLON"))
_AFTER_A_WORD = frozenset(
    ("NAME", "TEXT", "TEXT_BEGIN", "NUMBER", "LPAR", "LBRACE", "BLOCK", "COLON", "FN", "NEWLINE", "END")
)
_TYPOGRAPHIC = frozenset("“”„«»")
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"))
_STATEMENT_ENDS = frozenset(("END", "$END", "RBRACE"))
_NO_MEANING = Advice("`{found}` has no meaning here", "")
_PHRASES = (
    ("a value", {"NAME", "NUMBER", "TEXT"}),
    ("a name", {"NAME"}),
    ("a block, `{ … }`", {"BLOCK"}),
    ("`{`", {"OBJECT"}),
    ("`,`", {"COMMA"}),
    ("`)`", {"RPAR"}),
    ("`]`", {"RSQB"}),
    ("`}`", {"RBRACE"}),
    ("`}`", {"TEXT_END"}),
    ("`:`", {"COLON"}),
    ("`=`", {"EQUAL"}),
    ("`in`", {"IN"}),
    ("`for`", {"FOR"}),
    ("`catch`", {"CATCH"}),
    ("`->` or `<->`", {"TO"}),
    ("an operator", {"PLUS"}),
    ("`(`", {"LPAR"}),
    ("the end of the line", {"END"}),
)
"""What may stand somewhere, in plain words, and the terminals that tell. Each terminal is named once."""


def explain(error: UnexpectedToken, text: str, lark: Lark) -> Slip:
    """The slip in `text` that made the parser stop with `error`."""
    mistake = _Mistake(error, text, lark)
    return (
        mistake.open_value()
        or mistake.strange()
        or mistake.sentence()
        or mistake.word()
        or mistake.bracket()
        or mistake.example()
        or mistake.unexpected()
    )


class _Mistake:
    """The wrong token (None: the text ends too early), those before it, and the brackets that are open there."""

    def __init__(self, error: UnexpectedToken, text: str, lark: Lark) -> None:
        self._error = error
        self._text = text
        self._lark = lark
        self._wrong = error.token if isinstance(error.token, Token) else None
        self._end = self._wrong.start_pos if self._wrong else len(text)
        self._before = list(takewhile(lambda token: token.start_pos < self._end, Tokens(lark.lexer_conf).code(text)))
        self._open = _open(self._before)

    @property
    def _span(self) -> Span:
        """The wrong token, of a line's end only the first character; or the place after all others."""
        if self._wrong is None:
            end = next((token.end_pos for token in reversed(self._before) if token.type not in _LINE_ENDS), 0)
            return Span(end, end)
        start, end = self._wrong.span
        return Span(start, start + 1 if self._wrong.type == "END" else end)

    @property
    def _found(self) -> str:
        if self._wrong is None:
            return "the end of the file"
        return "the end of the line" if "\n" in self._wrong.value else f"`{_short(self._wrong.value)}`"

    def open_value(self) -> Slip | None:
        """A `${` that was not closed in its text."""
        if not self._open or self._open[-1].type != "TEXT_BEGIN":
            return None
        opening, wrong = self._open[-1], self._wrong
        if wrong and wrong.value[0] != '"' and "\n" not in self._text[opening.end_pos : wrong.end_pos]:
            return None
        return Slip(Span(opening.end_pos - 2, opening.end_pos), "this `${` is not closed", 'write `"${value}"`')

    def strange(self) -> Slip | None:
        """What no scenario has."""
        if not self._wrong or self._wrong.type not in ("FOREIGN", "STRANGE"):
            return None
        span, found = self._wrong.span, self._wrong.value
        if unicodedata.category(found[0]) in _INVISIBLE:
            return Slip(span, f"there is an invisible character here: U+{ord(found[0]):04X}", "delete it")
        advice = STRANGE.get(found) or STRANGE.get(_look(found), _NO_MEANING)
        return _slip(span, found, advice)

    def sentence(self) -> Slip | None:
        """In a test: its words mean nothing elsewhere."""
        return sentence_slip(self._wrong, self._before, self._error.accepts)

    def word(self) -> Slip | None:
        """A word of another language: the wrong token, or what led to it in its line."""
        wrong = self._wrong
        if wrong and wrong.type == "NAME" and wrong.value in WORDS:
            return _slip(wrong.span, wrong.value, WORDS[wrong.value])
        after = wrong
        for token in takewhile(lambda token: token.type not in _LINE_ENDS, reversed(self._before)):
            if token.type == "NAME" and token.value in WORDS and after and after.type in _AFTER_A_WORD:
                return _slip(token.span, token.value, WORDS[token.value])
            after = token
        return None

    def bracket(self) -> Slip | None:
        """One that is not closed, or closed by another, or closed but not open."""
        wrong = self._wrong
        if wrong is None:
            return _not_closed(_culprit(self._before)) if self._open else None
        if wrong.type in _CLOSING.values():
            if not self._open:
                return Slip(
                    wrong.span, f"this `{wrong.value}` closes nothing", "delete it, or open what it should close"
                )
            if _CLOSING[self._open[-1].type] != wrong.type:
                return _not_closed(self._open[-1])
        return self._open_on_the_line_before(wrong)

    def _open_on_the_line_before(self, wrong: Token) -> Slip | None:
        """`call.play(url` and on the next line a statement."""
        if not self._open or self._open[-1].type not in ("LPAR", "LSQB"):
            return None
        inside = self._text[self._open[-1].end_pos : wrong.start_pos].rstrip()
        starts_line = not self._text[: wrong.start_pos].rpartition("\n")[2].strip()
        return _not_closed(self._open[-1]) if starts_line and "\n" not in inside else None

    def example(self) -> Slip | None:
        """A slip that is told by an example of it: in the same place of the grammar, or after another value."""
        place = _place(self._error)
        advice = self._example(place, exactly=True)
        if not advice and "PLUS" in place.accepts:
            advice = self._example(place, exactly=False)
        return _slip(self._span, self._wrong.value if self._wrong else "", advice) if advice else None

    def _example(self, place: "_Place", *, exactly: bool) -> Advice | None:
        """lark takes the first example that ends in the same place; we leave out those that end in another token."""

        def parse(example: str) -> Any:
            other = _ending(example, self._lark)
            if _alike(other.token, self._wrong, self._lark):
                state = other.place if exactly else other.place.accepts
                raise UnexpectedToken(other.token, set(), state=state)  # type: ignore[no-untyped-call]

        self._error.state = place if exactly else place.accepts
        return self._error.match_examples(parse, SLIPS, use_accepts=False)

    def unexpected(self) -> Slip:
        """What stands there, and what might."""
        accepted = self._error.accepts
        phrases = [phrase for phrase, terminals in _PHRASES if terminals <= accepted]
        if "a value" in phrases:
            phrases = [phrase for phrase in phrases if phrase not in ("a name", "`(`", "`{`")]
        early = self._wrong is None or self._wrong.type == "END"
        message = f"{self._found} {'comes too early' if early else 'has no meaning here'}"
        return Slip(self._span, message, f"here may stand: {any_of(dict.fromkeys(phrases))}" if phrases else "")


def _slip(span: Span, found: str, advice: Advice) -> Slip:
    message, to_do = (text.replace("{found}", _short(found)) for text in advice)
    return Slip(span, message, to_do)


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _look(strange: str) -> str:
    """The key of a strange text in STRANGE."""
    first = strange[0]
    if strange.startswith("/*"):
        return "/*"
    return "0" if first.isdigit() else "“" if first in _TYPOGRAPHIC else first


def _open(tokens: Iterable[Token]) -> list[Token]:
    """The brackets that `tokens` leave open."""
    opened: list[Token] = []
    for token in tokens:
        if token.type in _CLOSING:
            opened.append(token)
        elif token.type in _CLOSING.values() and opened:
            opened.pop()
    return opened


def _culprit(tokens: list[Token]) -> Token:
    """Which bracket lacks its end: the first whose partner is indented less, else the innermost open one."""
    opened: list[tuple[Token, int]] = []
    line_start = indentation = 0
    first = True
    for token in tokens:
        if token.type == "NEWLINE":
            line_start, first = token.end_pos, True
            continue
        if first:
            indentation = token.start_pos - line_start
        if token.type in _CLOSING:
            opened.append((token, indentation))
        elif token.type in _CLOSING.values() and opened:
            partner, its_indentation = opened.pop()
            if first and its_indentation > indentation:
                return partner
        first = False
    return opened[-1][0]


def _not_closed(opening: Token) -> Slip:
    sign = _SIGN[opening.type]
    closing = {"(": ")", "[": "]"}.get(sign, "}")
    return Slip(
        Span(opening.end_pos - len(sign), opening.end_pos), f"this `{sign}` is not closed", f"a `{closing}` is missing"
    )


class _Place(NamedTuple):
    """Where the parser is: which rules have begun, and what may follow, but for the end of the statement."""

    position: int
    accepts: frozenset[str]


class _Ending(NamedTuple):
    """Where an example ends, and in which token."""

    place: _Place
    token: Token | None


def _place(error: UnexpectedToken) -> _Place:
    return _Place(error.interactive_parser.parser_state.position, frozenset(error.accepts - _STATEMENT_ENDS))


@cache
def _ending(example: str, lark: Lark) -> _Ending:
    try:
        lark.parse(example)
    except UnexpectedToken as error:
        return _Ending(_place(error), error.token if isinstance(error.token, Token) else None)
    raise AssertionError(f"this is no slip: {example}")


def _alike(example: Token | None, wrong: Token | None, lark: Lark) -> bool:
    if example is None or wrong is None:
        return example is wrong
    if example.value == "log":
        return wrong.value in _words(lark)
    if example.type == "NAME":
        return wrong.type == "NAME" and example.value in ("any", wrong.value)
    return example.type == wrong.type


@cache
def _words(lark: Lark) -> Set[str]:
    return set(Tokens(lark.lexer_conf).words)
