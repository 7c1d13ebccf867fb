"""`Trivia`: the tokens of a file, and what stands between them: comments and line ends."""

from bisect import bisect_left
from dataclasses import dataclass

from voxrun.dsl.parser import tokens
from voxrun.dsl.source import Source
from voxrun.dsl.tokens import Token

_CLOSED_BY = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_LEFT_OUT = frozenset(("LPAR", "RPAR", "COMMA", "SEMICOLON"))


@dataclass(frozen=True, slots=True)
class Comment:
    """Its text, and how many line ends are between it and what is before it."""

    text: str
    lines: int

    @property
    def ends_line(self) -> bool:
        """Whether nothing can follow it in its line."""
        return self.text.startswith("//")


@dataclass(frozen=True, slots=True)
class Gap:
    """The comments between two tokens that stay, and how many line ends are behind them."""

    comments: tuple[Comment, ...]
    lines: int

    def rows(self) -> list[list[Comment]]:
        """Comments by line. The first are in the line of the token before: there may be none."""
        rows: list[list[Comment]] = [[]]
        for comment in self.comments:
            if comment.lines:
                rows.append([])
            rows[-1].append(comment)
        return rows


class Trivia:
    """Goes through the tokens of a file that can be parsed. `at` is the index of the last one taken."""

    def __init__(self, source: Source) -> None:
        self.at = -1
        self._seen = -1
        self._tokens: list[Token] = []
        self._partners: dict[int, int] = {}
        self._gaps: list[Gap] = []
        self._read(source)
        self._starts = [token.start_pos for token in self._tokens]

    @property
    def end(self) -> int:
        """The index after the last token."""
        return len(self._tokens)

    @property
    def partner(self) -> int:
        """The index of the bracket that closes the one just taken."""
        return self._partners[self.at]

    def index(self, offset: int) -> int:
        """The index of the token that begins at `offset`."""
        return bisect_left(self._starts, offset)

    def start(self, index: int) -> int:
        """Where a token begins."""
        return self._starts[index]

    def text(self, index: int) -> str:
        """What a token says."""
        return self._tokens[index].value

    def next(self, *texts: str) -> int:
        """The index of the next token that is one of `texts`, or begins with one that ends a value in a text."""
        index = self.at + 1
        while self._tokens[index].value not in texts and self._tokens[index].type not in texts:
            assert self._tokens[index].type in _LEFT_OUT, self._tokens[index].value
            index += 1
        return index

    def opens(self, offset: int) -> int | None:
        """The index of the parenthesis right before the token at `offset`, if there is one not yet taken."""
        index = self.index(offset) - 1
        return index if index > self.at and self._tokens[index].type == "LPAR" else None

    def has_line_end(self, index: int) -> bool:
        """Whether one is between the token taken last and the one at `index`."""
        gaps = self._gaps[self.at + 1 : index + 1]
        return any(gap.lines or any(it.lines or "\n" in it.text for it in gap.comments) for gap in gaps)

    def has_comment_line(self, index: int) -> bool:
        """Whether a comment between them ends its line or has one of its own."""
        return any(gap.comments for gap in self._gaps[self.at + 1 : index + 1]) and self.has_line_end(index)

    def take(self, index: int) -> str:
        """The token's text. All tokens before it are left out."""
        assert self._is_left_out(index)
        self.at = index
        return self._tokens[index].value

    def gap(self, index: int) -> Gap:
        """What is before the token at `index` and was not yet given."""
        assert index < self.end or self._is_left_out(self.end), "a part of the file was passed over"
        gaps = self._gaps[self._seen + 1 : index + 1]
        self._seen = max(self._seen, index)
        comments: list[Comment] = []
        lines = 0
        for gap in gaps:
            for comment in gap.comments:
                comments.append(Comment(comment.text, comment.lines + lines))
                lines = 0
            lines += gap.lines
        return Gap(tuple(comments), lines)

    def _is_left_out(self, end: int) -> bool:
        return all(token.type in _LEFT_OUT for token in self._tokens[self.at + 1 : end])

    def _read(self, source: Source) -> None:
        comments: list[Comment] = []
        open_brackets: list[int] = []
        lines = 1
        for token in tokens(source):
            if token.type == "NEWLINE":
                lines += token.value.count("\n")
            elif token.type in ("LINE_COMMENT", "BLOCK_COMMENT"):
                comments.append(Comment(token.value.replace("\r\n", "\n").rstrip(), lines))
                lines = 0
            elif token.type != "SPACE":
                if token.type in _CLOSED_BY:
                    open_brackets.append(len(self._tokens))
                elif token.type in _CLOSED_BY.values():
                    self._partners[open_brackets.pop()] = len(self._tokens)
                self._tokens.append(token)
                self._gaps.append(Gap(tuple(comments), lines))
                comments.clear()
                lines = 0
        self._gaps.append(Gap(tuple(comments), lines))
