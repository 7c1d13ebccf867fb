"""`formatted`: a scenario in its one layout.

Lines have at most 100 columns where they can be broken; blocks are indented by four spaces. What is broken has one item
in a line, each with its comma. A block of one statement stays in one line when it was written so and fits; a list or an
object whose first item was written in a line of its own stays broken. Empty lines are kept, but at most one; so are all
comments, and texts and numbers as they are written. Parentheses that change nothing are left out, and so is `;`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from voxrun.dsl import nodes
from voxrun.dsl.document import Broken, Choice, Document, Group, Indent, Line, Remark, render
from voxrun.dsl.nodes import Binary, Block, Call, Expression, Index, Member, Node, Program, Unary
from voxrun.dsl.operators import COMPARISON, INFIX, PREFIX
from voxrun.dsl.parser import parse
from voxrun.dsl.sentence_layout import laid_out
from voxrun.dsl.sentences import Action, Expectation, Secret, Sentence, Test
from voxrun.dsl.source import Source
from voxrun.dsl.trivia import Comment, Trivia

COLUMNS = 100

_TIGHTEST = max(PREFIX.values()) + 1
_HUGGED = (nodes.Object, nodes.List, nodes.Lambda)
_SMALL = (nodes.Name, nodes.Number, nodes.Duration, nodes.Text, nodes.Constant, nodes.Member)
_SMALL_COLUMNS = 40
"""How long the other arguments may be together when one stands in the line of the call and goes on below."""

_CALLS_IN_A_CHAIN = 2
_HAS_BLOCK = (
    nodes.If,
    nodes.For,
    nodes.While,
    nodes.Try,
    nodes.Function,
    nodes.Handler,
    nodes.After,
    nodes.Every,
)


def formatted(source: Source) -> str:
    """The text in its layout; lines end as the first one does. SyntaxMistake when it is no scenario."""
    program = parse(source)  # first of all: a printer takes the tokens of nothing else
    text = render(_Printer(source).program(program), COLUMNS).removeprefix("\n")
    first, newline, _ = source.text.partition("\n")
    return text.replace("\n", "\r\n") if newline and first.endswith("\r") else text


class _Printer:
    """Takes the tokens of the file in their order, and makes a document of them, with the comments between."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._trivia = Trivia(source)
        self._follows = False
        self._in_text = False
        self._visit: dict[type, Callable[[Any], Document]] = {
            nodes.Name: self._leaf,
            nodes.Number: self._leaf,
            nodes.Duration: self._leaf,
            nodes.Text: self._leaf,
            nodes.Constant: self._leaf,
            nodes.Identifier: self._leaf,
            nodes.Path: self._path,
            nodes.Template: self._template,
            nodes.List: lambda node: self._listed("[", node.items),
            nodes.Object: lambda node: self._listed("{", node.pairs, pad=" "),
            nodes.Pair: self._pair,
            nodes.Fields: lambda node: self._listed("{", node.names, pad=" "),
            nodes.Lambda: self._lambda,
            nodes.Call: self._postfix,
            nodes.Index: self._postfix,
            nodes.Member: self._postfix,
            nodes.Unary: self._unary,
            nodes.Binary: self._binary,
            nodes.WaitFor: self._wait_for,
            nodes.Require: lambda node: [self._word("require"), " ", self._leaf(node.name)],
            nodes.Declaration: self._declaration,
            nodes.Assignment: self._assignment,
            nodes.Evaluation: lambda node: self._begun(node.expression),
            nodes.Route: self._route,
            nodes.Stop: lambda node: [self._word("stop"), " ", self._fenced(node.source), *self._sink(node)],
            nodes.Log: lambda node: [self._word("log"), " ", self._show(node.value)],
            nodes.Wait: lambda node: [self._word("wait"), " ", self._fenced(node.duration)],
            nodes.Return: self._return,
            nodes.Break: lambda _: self._word("break"),
            nodes.Continue: lambda _: self._word("continue"),
            nodes.Breakpoint: lambda _: self._word("breakpoint"),
            nodes.If: self._if,
            nodes.For: self._for,
            nodes.While: lambda node: self._headed(self._condition("while", node.condition), node.body),
            nodes.Try: self._try,
            nodes.Function: self._function,
            nodes.Handler: self._handler,
            nodes.After: lambda node: self._headed(self._condition("after", node.duration), node.body),
            nodes.Every: lambda node: self._headed(self._condition("every", node.duration), node.body),
            Test: self._test,
            Action: self._sentence,
            Secret: self._sentence,
            Expectation: self._sentence,
        }

    def program(self, program: Program) -> Document:
        """The whole file."""
        parts = sorted([*program.statements, *program.tests], key=lambda it: it.span.start)
        statements = self._statements(parts, Line("", hard=True))
        shown = [*statements, *self._rows(self._trivia.gap(self._trivia.end).rows(), first=not parts)]
        return [*shown, Line(hard=True)] if shown else ""

    def _show(self, node: Node) -> Document:
        return self._visit[type(node)](node)

    # Tokens, and what is between them.

    def _take(self, index: int, *, tight: bool = False, breaks: bool = False) -> Document:
        """A token that never begins a line. `tight`: there is no space before it."""
        comments = self._trivia.gap(index).comments
        text = self._trivia.take(index)
        if not comments:
            return text
        remarks = [
            Remark(it.text, ends=True, breaks=breaks)
            if it.ends_line
            else Remark(it.text, f" {it.text}" if tight else f"{it.text} ")
            for it in comments
        ]
        return [*remarks, text]

    def _word(self, *texts: str, tight: bool = False) -> Document:
        return self._take(self._trivia.next(*texts), tight=tight)

    def _leaf(self, node: Node) -> Document:
        return self._take(self._trivia.index(node.span.start))

    def _line(self, index: int, line: Line, *, first: bool = False, blanks: bool = False) -> Document:
        """A line's end, or where one may be, before the token at `index`, with the comments there.

        `first`: a bracket is before it. `blanks`: empty lines are kept.
        """
        gap = self._trivia.gap(index)
        if not gap.comments:
            return Line(line.flat, hard=line.hard, blank=blanks and not first and gap.lines > 1)
        rows = gap.rows()
        has_space = line.flat or line.hard or _breaks(rows)
        leading = rows.pop() if not gap.lines or not has_space else []
        above = self._rows(rows or [[]], first=first, blanks=blanks)
        lines = leading[0].lines if leading else gap.lines
        is_first = first and not above
        return [
            *above,
            Line(line.flat, hard=line.hard or _breaks(rows), blank=blanks and not is_first and lines > 1),
            *(Remark(comment.text, f"{comment.text} ") for comment in leading),
        ]

    def _soft(self, index: int, line: Line) -> Document:
        """Where a line may be broken, if it is not in a text, whose values no line end may be in but in brackets."""
        return line.flat if self._in_text else self._line(index, line)

    def _rows(self, rows: list[list[Comment]], *, first: bool, blanks: bool = True, space: str = " ") -> list[Document]:
        """Comments behind a token and a space in its line, and below it in lines of their own."""
        beside, *below = rows
        shown: list[Document] = [
            Remark(it.text, "" if it.ends_line else f"{space}{it.text}", ends=it.ends_line, breaks=it.ends_line)
            for it in beside
        ]
        for row in below:
            blank = blanks and row[0].lines > 1 and not (first and not shown)
            shown += [Line(hard=True, blank=blank), " ".join(comment.text for comment in row)]
        return shown

    def _closed(self, index: int, line: Line, *, empty: bool) -> tuple[list[Document], Document]:
        """The comments before a closing bracket, which belong to the inside, and the bracket behind a line's end."""
        rows = self._trivia.gap(index).rows()
        inside = self._rows(rows, first=empty, space=" " if line.flat or not empty else "")
        if empty and not inside:
            return [], self._trivia.take(index)
        return inside, [Line(line.flat, hard=line.hard or _breaks(rows), closes=True), self._trivia.take(index)]

    # Things in a row.

    def _listed(self, opening: str, items: Sequence[Node], *, pad: str = "") -> Document:
        """Items in brackets: in one line, or each in its own."""
        begin = self._word(opening, tight=opening == "(")
        end = self._trivia.partner
        lines, shown, commas = self._items(items, pad, keeps=opening != "(")
        rest, close = self._closed(end, Line(pad), empty=not items)
        return Group([begin, Indent([*_zipped(lines, shown, commas), *rest]), close])

    def _items(
        self, items: Sequence[Node], pad: str = "", *, keeps: bool = False
    ) -> tuple[list[Document], list[Document], list[Document]]:
        """What is before each, each, and what is behind each. `keeps`: what began in a line of its own stays so."""
        lines, shown, commas = [], [], []
        outer, self._in_text = self._in_text, False
        for number, item in enumerate(items, 1):
            is_kept = keeps and number == 1 and self._trivia.has_line_end(self._start(item))
            line = Line(pad if number == 1 else " ", hard=is_kept)
            lines.append(self._line(self._start(item), line, first=number == 1, blanks=True))
            shown.append(self._show(item))
            is_last = number == len(items)
            commas.append(Broken(",") if is_last else self._take(self._trivia.next(","), tight=True, breaks=True))
        self._in_text = outer
        return lines, shown, commas

    def _arguments(self, node: Call) -> Document:
        """An object, list or function among them begins in the call's line and goes on below, if the rest is short."""
        begin = self._word("(", tight=True)
        end = self._trivia.partner
        lines, shown, commas = self._items(node.arguments)
        rest, close = self._closed(end, Line(""), empty=not node.arguments)
        long = Group([begin, Indent([*_zipped(lines, shown, commas), *rest]), close])
        hugged = _hugged(node)
        if hugged is None or rest or not all(isinstance(it, Line) for it in lines):
            return long
        shut = ")"
        gaps: list[Document] = ["", *[" "] * (len(shown) - 1)]
        commas[-1] = ""
        broken = [*shown[:hugged], _broken(shown[hugged]), *shown[hugged + 1 :]]
        return Choice([begin, *_zipped(gaps, shown, commas), shut], [begin, *_zipped(gaps, broken, commas), shut], long)

    def _block(self, block: Block, *, short: bool) -> Document:
        return self._braces(block.statements, short=short)

    def _braces(self, statements: Sequence[Node], *, short: bool) -> Document:
        begin = self._word("{")
        end = self._trivia.partner
        shown = self._statements(statements, Line(hard=not short))
        rest, close = self._closed(end, Line(hard=not short), empty=not statements)
        return [begin, Indent([*shown, *rest]), close]

    def _statements(self, statements: Sequence[Node], line: Line) -> list[Document]:
        """Each behind the end of a line."""
        shown: list[Document] = []
        outer, self._in_text = self._in_text, False
        for statement in statements:
            is_first = not shown
            shown.append(self._line(self._start(statement), line, first=is_first, blanks=True))
            self._follows = not is_first
            shown.append(self._show(statement))
        self._in_text = outer
        return shown

    # Expressions.

    def _path(self, path: nodes.Path) -> Document:
        first, *others = path.names
        shown = [self._leaf(first)]
        for name in others:
            shown += [self._word(".", tight=True), self._leaf(name)]
        return shown

    def _template(self, node: nodes.Template) -> Document:
        """It stays in one line, whatever its length, if it can."""
        shown = [self._leaf(node)]
        outer, self._in_text = self._in_text, True
        for part in node.parts:
            if not isinstance(part, str):
                shown += [self._show(part), self._word("TEXT_MIDDLE", "TEXT_END", tight=True)]
        self._in_text = outer
        return Group(shown, whole=True)

    def _pair(self, node: nodes.Pair) -> Document:
        key = self._leaf(node.key)
        if node.key.span == node.value.span:
            return key
        return [key, self._word(":", tight=True), " ", self._show(node.value)]

    def _lambda(self, node: nodes.Lambda) -> Document:
        head = [self._word("fn"), " ", self._listed("(", node.parameters), " "]
        return [*head, Group(self._block(node.body, short=self._is_short(node.body, node.body)))]

    def _postfix(self, node: Expression) -> Document:
        """Calls, members and indexes in a row; broken before members that are called, if these are several."""
        steps: list[Call | Index | Member] = []
        root = node
        while isinstance(root, Call | Index | Member):
            steps.insert(0, root)
            root = root.function if isinstance(root, Call) else root.target
        shown: list[Document] = [self._operand(root, _TIGHTEST)]
        called = [isinstance(it, Member) and isinstance(after, Call) for it, after in pairwise(steps)]
        is_chain = sum(called) >= _CALLS_IN_A_CHAIN
        for step, is_called in zip(steps, [*called, False], strict=True):
            if isinstance(step, Call):
                shown.append(self._arguments(step))
            elif isinstance(step, Index):
                shown += [self._word("[", tight=True), self._show(step.key), self._word("]", tight=True)]
            else:
                dot = self._trivia.next("?." if step.optional else ".")
                if is_chain and is_called:
                    shown.append(self._soft(dot, Line("")))
                shown += [self._take(dot, tight=True), self._leaf(step.name)]
        return Group([shown[0], Indent(shown[1:])]) if is_chain else shown

    def _unary(self, node: Unary) -> Document:
        space = "" if node.operator == "-" else " "
        return [self._word(node.operator), space, self._operand(node.operand, PREFIX[node.operator] + (not space))]

    def _binary(self, node: Binary) -> Document:
        """Broken before the operators that bind equally tightly."""
        tightness = INFIX[node.operator]
        rows = [node]
        least = tightness + (tightness == COMPARISON)
        while isinstance(left := rows[-1].left, Binary) and least <= INFIX[left.operator] == tightness:
            rows.append(left)
        rows.reverse()
        others: list[Document] = []
        first = self._operand(rows[0].left, least)
        for row in rows:
            operator = self._trivia.next(row.operator)
            others += [self._soft(operator, Line()), self._take(operator), " "]
            others.append(self._operand(row.right, tightness + 1))
        return Group([first, Indent(others)])

    def _operand(self, node: Expression, least: int) -> Document:
        """In parentheses when it binds less tightly than `least`."""
        return self._show(node) if _tightness(node) >= least else self._parenthesised(node)

    def _parenthesised(self, node: Node) -> Document:
        opening = self._trivia.opens(node.span.start)
        if opening is None:
            return ["(", self._show(node), ")"]
        begin = self._take(opening)
        closing = self._trivia.partner
        return [begin, self._show(node), self._take(closing, tight=True)]

    def _fenced(self, node: Expression) -> Document:
        """Where a brace would open a block."""
        return self._parenthesised(node) if _first_token(node) == "{" else self._show(node)

    def _begun(self, node: Expression) -> Document:
        """At the beginning of a statement, where a minus would go on with the one before."""
        goes_on = self._follows and _first_token(node) == "-"
        return self._parenthesised(node) if goes_on else self._fenced(node)

    def _wait_for(self, node: nodes.WaitFor) -> Document:
        shown = [self._word("wait"), " ", self._word("for"), " ", *self._unit_and_event(node)]
        if node.within is not None:
            shown += [" ", self._word("within"), " ", self._fenced(node.within)]
        return shown

    def _unit_and_event(self, node: nodes.WaitFor | nodes.Handler) -> list[Document]:
        unit = [] if node.unit is None else [self._path(node.unit), " "]
        return [*unit, self._path(node.event)]

    # Statements.

    def _declaration(self, node: nodes.Declaration) -> Document:
        word = self._word("const" if node.constant else "let")
        return [word, " ", self._leaf(node.name), " ", self._word("="), " ", self._show(node.value)]

    def _assignment(self, node: nodes.Assignment) -> Document:
        return [self._begun(node.target), " ", self._word(node.operator), " ", self._show(node.value)]

    def _route(self, node: nodes.Route) -> Document:
        return [self._begun(node.source), *self._sink(node)]

    def _sink(self, node: nodes.Route | nodes.Stop) -> list[Document]:
        return [" ", self._word("<->" if node.both else "->"), " ", self._fenced(node.sink)]

    def _return(self, node: nodes.Return) -> Document:
        word = self._word("return")
        return word if node.value is None else [word, " ", self._show(node.value)]

    def _if(self, node: nodes.If) -> Document:
        last = [] if node.otherwise is None else [node.otherwise]
        short = self._is_short(node, *(branch.body for branch in node.branches), *last)
        shown: list[Document] = []
        for branch in node.branches:
            if shown:
                shown += [*self._clause("else"), " "]
            shown += [*self._condition("if", branch.condition), self._block(branch.body, short=short)]
        for block in last:
            shown += [*self._clause("else"), " ", self._block(block, short=short)]
        return Group(shown)

    def _clause(self, word: str) -> list[Document]:
        """A word that goes on behind a block: in a line of its own only when comments are before it."""
        index = self._trivia.next(word)
        before = self._line(index, Line(hard=True)) if self._trivia.has_comment_line(index) else " "
        return [before, self._take(index)]

    def _for(self, node: nodes.For) -> Document:
        head = [self._word("for"), " ", self._leaf(node.name), " ", self._word("in"), " "]
        return self._headed([*head, Indent(self._show(node.value)), " "], node.body)

    def _try(self, node: nodes.Try) -> Document:
        short = self._is_short(node, node.body, node.handler)
        shown = [self._word("try"), " ", self._block(node.body, short=short), *self._clause("catch"), " "]
        if node.error is not None:
            shown += [self._leaf(node.error), " "]
        return Group([*shown, self._block(node.handler, short=short)])

    def _function(self, node: nodes.Function) -> Document:
        head = [self._word("fn"), " ", self._leaf(node.name), self._listed("(", node.parameters), " "]
        return self._headed(head, node.body)

    def _handler(self, node: nodes.Handler) -> Document:
        head = [self._word("on"), " ", *self._unit_and_event(node)]
        if node.binding is not None:
            head += [" ", self._word("as"), " ", self._show(node.binding)]
        if node.condition is not None:
            where = self._trivia.next("where")
            line = self._line(where, Line())
            head.append(Indent([line, self._take(where), " ", self._fenced(node.condition)], steps=2))
        return self._headed([Group(head), " "], node.body)

    def _condition(self, word: str, condition: Expression) -> list[Document]:
        return [self._word(word), " ", Indent(self._fenced(condition)), " "]

    def _headed(self, head: Sequence[Document], body: Block) -> Document:
        return Group([*head, self._block(body, short=self._is_short(body, body))])

    def _is_short(self, node: Node, *blocks: Block) -> bool:
        """Whether a node with such blocks stays in one line: it was written so, and they have one statement at most."""
        if "\n" in self._source.text[node.span.start : node.span.end]:
            return False
        return all(
            len(block.statements) <= 1 and not any(isinstance(it, _HAS_BLOCK) for it in block.statements)
            for block in blocks
        )

    # Tests.

    def _test(self, node: Test) -> Document:
        head = [self._word("test"), " ", self._leaf(node.name), " "]
        if node.scenario is not None:
            head += [self._word("of"), " ", self._leaf(node.scenario), " "]
        is_short = len(node.sentences) <= 1 and "\n" not in self._source.text[node.span.start : node.span.end]
        return Group([*head, self._braces(node.sentences, short=is_short)])

    def _sentence(self, node: Sentence) -> Document:
        def show(part: Node | int) -> Document:
            is_comma = isinstance(part, int) and self._trivia.text(part) == ","
            return self._show(part) if isinstance(part, Node) else self._take(part, tight=is_comma)

        return laid_out(node, self._trivia, lambda index: self._line(index, Line()), show)

    def _start(self, node: Node) -> int:
        return self._trivia.index(_first(node).span.start)


def _zipped(lines: list[Document], shown: list[Document], commas: list[Document]) -> list[Document]:
    return [part for parts in zip(lines, shown, commas, strict=True) for part in parts]


def _hugged(node: Call) -> int | None:
    """Which of the arguments is an object, a list or a function, if only one is and the others are short."""
    places = [number for number, it in enumerate(node.arguments) if isinstance(it, _HUGGED)]
    others = [it for it in node.arguments if not isinstance(it, _HUGGED)]
    columns = sum(it.span.end - it.span.start for it in others)
    is_small = columns <= _SMALL_COLUMNS and all(isinstance(it, _SMALL) for it in others)
    return places[0] if len(places) == 1 and is_small and not _is_empty(node.arguments[places[0]]) else None


def _is_empty(node: Expression) -> bool:
    return (isinstance(node, nodes.Object) and not node.pairs) or (isinstance(node, nodes.List) and not node.items)


def _broken(document: Document) -> Document:
    """Its last part broken."""
    if isinstance(document, Group):
        return Group(document.inner, forced=True)
    assert isinstance(document, list)
    return [*document[:-1], _broken(document[-1])]


def _breaks(rows: list[list[Comment]]) -> bool:
    """Whether comments can't all stay in the line."""
    return len(rows) > 1 or any(comment.ends_line for row in rows for comment in row)


def _tightness(node: Expression) -> int:
    if isinstance(node, Binary):
        return INFIX[node.operator]
    return PREFIX[node.operator] if isinstance(node, Unary) else _TIGHTEST


def _first_token(node: Expression) -> str:
    """`-`, `{` or `(` when what is written of it begins so."""
    first = _first(node)
    if isinstance(first, Unary):
        return first.operator
    if isinstance(first, nodes.Object):
        return "{"
    return "(" if isinstance(first, Binary | Call | Index | Member) else ""


def _first(node: Node) -> Node:
    """What is written of it begins with this part, once the parentheses are gone that change nothing."""
    match node:
        case Binary(left=part):
            least = INFIX[node.operator]
        case Call(function=part) | Index(target=part) | Member(target=part):
            least = _TIGHTEST
        case _:
            return node
    return _first(part) if _tightness(part) >= least else node
