"""`Writer`: small pieces of Python's syntax tree, each with its position in a `.vox` file; it counts what they cost."""

import ast
from typing import Any, TypedDict

from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source


class Place(TypedDict):
    """Line and column where a node begins and ends, as Python's trees have them: columns are bytes in UTF-8, from 0."""

    lineno: int
    col_offset: int
    end_lineno: int
    end_col_offset: int


class Writer:
    """Makes pieces for the file `source`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._ascii = source.text.isascii()
        self._steps = 0
        self._serial = 0

    def _point(self, offset: int) -> tuple[int, int]:
        line, column = self._source.place(offset)
        return line, column - 1 if self._ascii else len(self._source.line(line)[: column - 1].encode())

    def _at(self, span: Span) -> Place:
        line, column = self._point(span[0])
        end_line, end_column = self._point(span[1])
        return {"lineno": line, "col_offset": column, "end_lineno": end_line, "end_col_offset": end_column}

    def _head(self, span: Span) -> Place:
        """Its first character."""
        return self._at(Span(span[0], span[0] + 1))

    @staticmethod
    def _load(name: str, at: Place) -> ast.expr:
        return ast.Name(name, ast.Load(), **at)

    @staticmethod
    def _store(name: str, at: Place) -> ast.Name:
        return ast.Name(name, ast.Store(), **at)

    @staticmethod
    def _constant(value: Any, at: Place) -> ast.expr:
        return ast.Constant(value, **at)

    def _helper(self, name: str, at: Place, *arguments: ast.expr) -> ast.expr:
        self._steps += 1
        return ast.Call(self._load(name, at), list(arguments), [], **at)

    def _do(self, name: str, at: Place, *arguments: ast.expr) -> ast.stmt:
        return ast.Expr(self._helper(name, at, *arguments), **at)

    def _awaited(self, at: Place, value: ast.expr) -> ast.expr:
        return ast.Await(self._helper("_awaited", at, value), **at)

    def _new_name(self) -> str:
        self._serial += 1
        return f"_t{self._serial}"

    def _temporary(self, value: ast.expr, at: Place) -> tuple[ast.expr, ast.expr]:
        """Keep a value under a new name: the expression that does, and the one that reads it."""
        name = self._new_name()
        return ast.NamedExpr(self._store(name, at), value, **at), self._load(name, at)

    def _charge(self, steps: int, at: Place) -> list[ast.stmt]:
        """`_budget.left -= steps; if _budget.left < 0: _budget.over()`."""
        budget, nothing = self._load("_budget", at), self._constant(0, at)
        counted = ast.Attribute(budget, "left", ast.Store(), **at)
        left = ast.Attribute(budget, "left", ast.Load(), **at)
        over = ast.Call(ast.Attribute(budget, "over", ast.Load(), **at), [], [], **at)
        return [
            ast.AugAssign(counted, ast.Sub(), self._constant(steps, at), **at),
            ast.If(ast.Compare(left, [ast.Lt()], [nothing], **at), [ast.Expr(over, **at)], [], **at),
        ]
