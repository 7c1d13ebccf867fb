"""`Layout`: the tokens of a `.vox` file as the grammar wants them, with the meaning of line ends and braces decided."""

from collections.abc import Iterator

from voxrun.dsl.diagnostic import Slip
from voxrun.dsl.tokens import Token

_TEST_WORDS = (
    "agent answers at breaks by call caller calls cassette closes control disk error event exactly expect expecting "
    "fails file from hangs has hears interrupted is keys lasting lasts least most network no nobody of plays presses "
    "receives refuses says scenario secret sends silence socket sound speech stalls starts stops takes tone tool "
    "understands until up vanishes warning web when with"
)
SENTENCE_WORDS = {word: word.upper() for word in _TEST_WORDS.split()} | {"times": "OFTEN"}
"""The words of tests that are names everywhere else, and their terminals."""

DEEPEST = 100
"""How deep the tree of a statement may be: brackets, members, operators and branches, one in the other or in a row."""

DEEPEST_BLOCK = 16
"""How many blocks may be one in the other. Python takes 20 loops."""

MOST_TOKENS = 500_000
"""How many words, numbers, marks and line ends a file has at most: as many are read in 2 s."""

_OPENS_EXPRESSION = frozenset(
    (
        "EQUAL",
        "STEP",
        "COLON",
        "COMMA",
        "LPAR",
        "LSQB",
        "RETURN",
        "AWAIT",
        "NOT",
        "MINUS",
        "PLUS",
        "TIMES",
        "COMPARISON",
        "COALESCE",
        "AND",
        "OR",
        "AS",
        "LOG",
        "IN",
        "TEXT_BEGIN",
        "TEXT_MIDDLE",
        "HAS",
        "SENDS",
        "WITH",
    )
)
"""After one of these a `{` begins an object (or the names of fields), not a block."""

_GOES_ON = (_OPENS_EXPRESSION - {"RETURN"}) | frozenset(
    ("TO", "BOTH", "DOT", "OPTIONAL", "BLOCK", "OBJECT", "END", "WITHIN", "WHERE", "WAIT", "STOP")
)
"""After one of these no statement ends, so a line end means nothing."""

_CONTINUES = frozenset(
    (
        "DOT",
        "OPTIONAL",
        "TO",
        "BOTH",
        "AND",
        "OR",
        "COALESCE",
        "COMPARISON",
        "PLUS",
        "MINUS",
        "TIMES",
        "AS",
        "WHERE",
        "WITHIN",
        "ELSE",
        "CATCH",
        "BLOCK",
        "RBRACE",
        "AT",
        "BY",
        "EXPECTING",
        "FROM",
        "LASTING",
        "UNTIL",
        "WHEN",
        "WITH",
    )
)
"""Before one of these no statement has ended."""

_CONTINUES_SENTENCE = _CONTINUES | {"AFTER", "DURATION"}
_MEMBER_FOLLOWS = frozenset(("DOT", "OPTIONAL"))
_LINE_ENDS = frozenset(("NEWLINE", "SEMICOLON"))
_HOLDS_STATEMENTS = frozenset(("", "BLOCK"))
_BRACES = frozenset(("BLOCK", "OBJECT", "TEXT_BEGIN"))
_DEEPENS = frozenset(
    (
        "DOT",
        "OPTIONAL",
        "AND",
        "OR",
        "COALESCE",
        "COMPARISON",
        "PLUS",
        "MINUS",
        "TIMES",
        "NOT",
        "AWAIT",
        "ELSE",
        "LPAR",
        "LSQB",
    )
)
_DIVIDES = frozenset(("COMMA", "END", "TEXT_MIDDLE"))
_OPENS = frozenset(("BLOCK", "OBJECT", "LPAR", "LSQB", "TEXT_BEGIN"))
_CLOSES = frozenset(("RBRACE", "RPAR", "RSQB", "TEXT_END"))


class Layout:
    """lark's `postlex`."""

    always_accept = ("LBRACE", "NEWLINE", "SEMICOLON", "FOREIGN", "STRANGE")
    """Terminals that no rule has."""

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The tokens of `stream`, without line ends that mean nothing. Slip when they nest too deeply."""
        depth = _Depth()
        last = "END"
        end: Token | None = None
        in_test = False
        for number, token in enumerate(stream):
            if number == MOST_TOKENS:
                raise Slip(
                    token.span, f"a scenario has at most {MOST_TOKENS} words and marks", "split it into several files"
                )
            kind = token.type
            if kind in _LINE_ENDS and depth.bracket in _HOLDS_STATEMENTS:
                if last not in _GOES_ON and (end is None or kind == "SEMICOLON"):
                    end = token
                continue
            if kind == "NEWLINE" and depth.bracket != "TEXT_BEGIN":
                continue
            if kind == "LBRACE":
                is_object = last in _OPENS_EXPRESSION or (in_test and last == "NUMBER")  # `with 409 { … }`
                kind = token.type = "OBJECT" if is_object else "BLOCK"
            elif kind == "NAME":
                if in_test and last not in _MEMBER_FOLLOWS and depth.bracket in _HOLDS_STATEMENTS:
                    kind = token.type = SENTENCE_WORDS.get(token.value, kind)
            elif token.value.isalpha():
                kind = token.type = self._word(kind, last, depth.bracket)
            if end is not None and kind not in _going_on(end, in_test):
                end.type = "END"
                depth.see(end)
                yield end
            end = None
            depth.see(token)
            in_test = kind == "TEST" or (in_test and not (kind == "RBRACE" and depth.bracket == ""))
            last = kind
            yield token

    @staticmethod
    def _word(kind: str, last: str, bracket: str) -> str:
        """A word of the language, unless it names a member or stands where an object's keys do."""
        if last in _MEMBER_FOLLOWS:
            return "NAME"
        return "KEY" if bracket == "OBJECT" and last in ("OBJECT", "COMMA") else kind


def _going_on(end: Token, in_test: bool) -> frozenset[str]:
    """Before which tokens nothing has ended."""
    if end.type != "NEWLINE":
        return _CLOSES
    return _CONTINUES_SENTENCE if in_test else _CONTINUES


class _Depth:
    """The open brackets, and how deep the tree becomes at most: what stands in a row counts as one in the other."""

    def __init__(self) -> None:
        self.bracket = ""
        self._outside: list[tuple[str, int, int, int]] = []
        self._row = 0
        self._inner = 0
        self._deepest = 0
        self._blocks = 0

    def see(self, token: Token) -> None:
        kind = token.type
        if kind in _DEEPENS:
            self._row += 1
            if self._row + len(self._outside) > DEEPEST:
                raise _too_deep(token)
        if kind in _OPENS:
            self._open(token)
        elif kind in _CLOSES and self._outside:
            self._close(token)
        elif kind in _DIVIDES:
            self._deepest = max(self._deepest, self._row + self._inner)
            self._row = self._inner = 0

    def _open(self, token: Token) -> None:
        self._outside.append((self.bracket, self._row, self._inner, self._deepest))
        self.bracket = token.type
        self._row = self._inner = self._deepest = 0
        if token.type == "BLOCK":
            self._blocks += 1
            if self._blocks > DEEPEST_BLOCK:
                raise Slip(
                    token.span,
                    f"more than {DEEPEST_BLOCK} blocks, one in the other",
                    "give a part a name: `fn part() { … }`",
                )
        if len(self._outside) > DEEPEST:
            raise _too_deep(token)

    def _close(self, token: Token) -> None:
        inside = max(self._deepest, self._row + self._inner) + (self.bracket in _BRACES)
        self._blocks -= self.bracket == "BLOCK"
        self.bracket, self._row, inner, self._deepest = self._outside.pop()
        self._inner = max(inner, inside)
        if self._row + self._inner > DEEPEST:
            raise _too_deep(token)


def _too_deep(token: Token) -> Slip:
    return Slip(
        token.span,
        "this goes too deep",
        f"give a part a name with `const`: at most {DEEPEST} operators, members and brackets hang together",
    )
