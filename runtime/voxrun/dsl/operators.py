"""Operators: how tightly each binds, and `bind`, which makes a tree of operands and operators in a row."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from voxrun.dsl.diagnostic import Slip
from voxrun.dsl.nodes import Binary, Expression, Span, Unary
from voxrun.dsl.tokens import Token

COMPARISON = 4

INFIX = {
    "or": 1,
    "and": 2,
    "==": COMPARISON,
    "!=": COMPARISON,
    "<": COMPARISON,
    "<=": COMPARISON,
    ">": COMPARISON,
    ">=": COMPARISON,
    "??": 5,
    "+": 6,
    "-": 6,
    "*": 7,
    "/": 7,
    "%": 7,
}
"""Operators between two operands. The higher number binds more tightly; of equals, the left one goes first."""

COMPARISONS = frozenset(operator for operator, tightness in INFIX.items() if tightness == COMPARISON)

PREFIX = {"not": 3, "-": 8, "await": 9}
"""Operators before their operand, and how tightly they hold what follows. Calls and members hold more tightly still."""


class Group(NamedTuple):
    """An expression in parentheses, and where these are."""

    span: Span
    expression: Expression


Row: TypeAlias = Sequence[Token | Expression | Group]
"""Operands, and the operators between and before them."""


def bind(row: Row) -> Expression:
    """The tree that a row stands for. Slip when comparisons are chained."""
    return _Binder(row).group(0).expression


class _Binder:
    def __init__(self, row: Row) -> None:
        self._row = row
        self._next = 0

    def group(self, least: int) -> Group:
        """What comes next and is held together by operators that bind more tightly than `least`."""
        span, left = self._operand()
        compared = False
        while self._next < len(self._row):
            operator = self._row[self._next]
            assert isinstance(operator, Token)
            tightness = INFIX[operator.value]
            if tightness <= least:
                break
            if compared and tightness == COMPARISON:
                raise Slip(operator.span, "comparisons can't be chained", "compare two at a time: `a < b and b < c`")
            compared = tightness == COMPARISON
            self._next += 1
            other, right = self.group(tightness)
            span = Span(span.start, other.end)
            left = Binary(span, operator.value, left, right)
        return Group(span, left)

    def _operand(self) -> Group:
        operand = self._row[self._next]
        self._next += 1
        if isinstance(operand, Token):
            end, inner = self.group(PREFIX[operand.value])
            span = Span(operand.start_pos, end.end)
            return Group(span, Unary(span, operand.value, inner))
        return operand if isinstance(operand, Group) else Group(operand.span, operand)
