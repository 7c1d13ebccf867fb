"""From nodes to Python's syntax tree, with the true position of everything, one method for each kind of node.

The compiled code has no builtins and calls only the names that `runtime.py` puts into its namespace; they begin with an
underscore, which no name of a scenario does.
"""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

from voxrun.dsl import nodes
from voxrun.dsl.diagnostic import Diagnostic, Slip, SyntaxMistake
from voxrun.dsl.nodes import Expression, Node, Span
from voxrun.dsl.operators import COMPARISONS
from voxrun.dsl.parts import functions_first, parted
from voxrun.dsl.scopes import Maker, Routine, Variable, resolve
from voxrun.dsl.source import Source
from voxrun.dsl.values import number
from voxrun.dsl.writer import Place, Writer

_FUNCTION_STEPS = 4
"""What a call of a function of the scenario's own counts for, besides its body."""

_OPERATORS = {
    "+": "_add",
    "-": "_subtract",
    "*": "_multiply",
    "/": "_divide",
    "%": "_remainder",
    "==": "_equal",
    "<": "_less",
    "<=": "_less_or_equal",
    ">": "_greater",
    ">=": "_greater_or_equal",
}


def compile_program(
    program: nodes.Program, source: Source, path: str, names: Collection[str], modules: Mapping[str, Collection[str]]
) -> tuple[CodeType, ...]:
    """The code of the whole file at `path`, of which `source` may have a shorter name, in parts to be run in a row.

    `names` are there without asking, those of `modules` after `require`. SyntaxMistake.
    """
    try:
        parts = _Compiler(source, program, names, modules).parts(program)
        return tuple(compile(part, path, "exec", dont_inherit=True) for part in parts)
    except Slip as slip:
        raise SyntaxMistake(source, slip.diagnostic) from None
    except (SyntaxError, RecursionError) as error:  # Python allows 20 blocks inside one another
        start = source.start(getattr(error, "lineno", None) or 1)
        found = Diagnostic(
            Span(start, start + 1), "error", "this is nested too deeply", "make a function of a part of it"
        )
        raise SyntaxMistake(source, found) from None


class _Compiler(Writer):
    """Holds where it is: the function being made, and what must stand before the statement being made."""

    def __init__(
        self, source: Source, program: nodes.Program, names: Collection[str], modules: Mapping[str, Collection[str]]
    ) -> None:
        super().__init__(source)
        self._scopes = resolve(program, names, modules)
        self._before: list[ast.stmt] = []

    def parts(self, program: nodes.Program) -> Iterator[ast.Module]:
        """The whole file, one after the other."""
        for statements in parted(functions_first(program.statements)):
            yield ast.Module(self._counted(program, statements, program.span), [])

    def _read(self, variable: Variable, at: Place) -> ast.expr:
        name = self._load(variable.python, at)
        return ast.Attribute(name, "value", ast.Load(), **at) if variable.is_boxed else name

    def _write(self, variable: Variable, value: ast.expr, at: Place) -> ast.stmt:
        target: ast.expr = self._store(variable.python, at)
        if variable.is_boxed:
            target = ast.Attribute(self._load(variable.python, at), "value", ast.Store(), **at)
        return ast.Assign([target], value, **at)

    def _variable(self, identifier: nodes.Identifier | nodes.Name) -> Variable:
        return self._scopes.variables[identifier.span.start]

    # Blocks.

    def _counted(self, node: Node, statements: Iterable[nodes.Statement], span: Span, more: int = 0) -> list[ast.stmt]:
        """A block that counts its steps each time it runs."""
        outer, self._steps = self._steps, more
        body = self._statements(node, statements)
        steps, self._steps = self._steps + 1, outer
        return [*self._charge(steps, self._head(span)), *body]

    def _block(self, block: nodes.Block) -> list[ast.stmt]:
        return self._statements(block, block.statements) or [ast.Pass(**self._at(block.span))]

    def _statements(self, node: Node, statements: Iterable[nodes.Statement]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for variable in self._scopes.blocks[id(node)]:
            if variable.is_boxed:
                at = self._head(node.span)
                box = self._helper("_Box", at, self._constant(variable.name, at))
                made.append(ast.Assign([self._store(variable.python, at)], box, **at))
        for statement in functions_first(statements):
            self._steps += 1
            outer, self._before = self._before, []
            these = _STATEMENTS[type(statement)](self, statement)
            made += [*self._before, *these]
            self._before = outer
        return made

    # Functions.

    def _define(self, node: Maker, name: str, parameters: list[str], body: Callable[[], list[ast.stmt]]) -> ast.stmt:
        """`def name(parameters)`: what it is given more than that doesn't matter; boxes it keeps from here."""
        at = self._at(node.span)
        head = self._head(node.span)
        routine = self._scopes.routines[id(node)]
        boxes = [variable.python for variable in routine.captures if variable.is_boxed]
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(parameter, **head) for parameter in parameters],
            vararg=ast.arg("_more", **head),
            kwonlyargs=[ast.arg(box, **head) for box in boxes],
            kw_defaults=[self._load(box, head) for box in boxes],
            defaults=[],
        )
        (outer, self._steps), (before, self._before) = (self._steps, _FUNCTION_STEPS), (self._before, [])
        made = body()
        steps, self._steps, self._before = self._steps, outer + 2, before
        inside = [*_changes(routine, head), *self._charge(steps, head), *made]
        kind = ast.AsyncFunctionDef if routine.waits else ast.FunctionDef
        return kind(name, arguments, inside, [], **at)

    def _make(self, node: Maker, name: str, parameters: list[str], body: Callable[[], list[ast.stmt]]) -> ast.expr:
        """A function without a name of its own, defined before the statement that it is in."""
        made = self._define(node, name, parameters, body)
        self._before.append(made)
        return self._load(name, self._head(node.span))

    def _parameters(self, identifiers: Iterable[nodes.Identifier]) -> list[str]:
        return [self._variable(identifier).python for identifier in identifiers]

    def function(self, node: nodes.Function) -> list[ast.stmt]:
        variable = self._variable(node.name)
        at = self._at(node.name.span)
        name = f"{variable.python}#fn" if variable.is_boxed else variable.python
        made = self._define(node, name, self._parameters(node.parameters), lambda: self._block(node.body))
        return [made, self._write(variable, self._load(name, at), at)] if variable.is_boxed else [made]

    def lambda_(self, node: nodes.Lambda) -> ast.expr:
        parameters = self._parameters(node.parameters)
        return self._make(node, f"fn#{self._new_name()}", parameters, lambda: self._block(node.body))

    def handler(self, node: nodes.Handler) -> list[ast.stmt]:
        at = self._at(Span(node.span[0], node.event.span[1]))
        event = self._path(node.event)
        name = " ".join(["on", *(path.spelled for path in (node.unit, node.event) if path is not None)])
        parameters = self._parameters([node.binding]) if isinstance(node.binding, nodes.Identifier) else ["_event"]
        made = self._make(node, name, parameters, lambda: self._handle(node))
        if node.unit is None:
            return [self._do("_call", at, self._load("_listen", at), event, made)]
        unit = self._path(node.unit)
        return [self._do("_call_member", at, unit, self._constant("addEventListener", at), event, made)]

    def _handle(self, node: nodes.Handler) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        if isinstance(node.binding, nodes.Fields):
            for field in node.binding.names:
                at = self._at(field.span)
                value = self._helper("_member", at, self._load("_event", at), self._constant(field.text, at))
                made.append(self._write(self._variable(field), value, at))
        if node.condition is not None:
            at = self._at(node.condition.span)
            unless = ast.UnaryOp(ast.Not(), self._condition(node.condition), **at)
            made += [*self._before, ast.If(unless, [ast.Return(None, **at)], [], **at)]
            self._before = []
        return [*made, *self._block(node.body)]

    def after(self, node: nodes.After) -> list[ast.stmt]:
        return self._timer(node, "after", "_after")

    def every(self, node: nodes.Every) -> list[ast.stmt]:
        return self._timer(node, "every", "_every")

    def _timer(self, node: nodes.After | nodes.Every, name: str, helper: str) -> list[ast.stmt]:
        at = self._at(Span(node.span[0], node.duration.span[1]))
        duration = self._helper("_duration", self._at(node.duration.span), self.value(node.duration))
        made = self._make(node, name, [], lambda: self._block(node.body))
        return [self._do("_call", at, self._load(helper, at), made, duration)]

    # Statements.

    def require(self, node: nodes.Require) -> list[ast.stmt]:
        return [ast.Pass(**self._at(node.span))]

    def declaration(self, node: nodes.Declaration) -> list[ast.stmt]:
        return [self._write(self._variable(node.name), self.value(node.value), self._at(node.span))]

    def assignment(self, node: nodes.Assignment) -> list[ast.stmt]:
        at, target = self._at(node.span), node.target
        if isinstance(target, nodes.Name):
            variable = self._variable(target)
            old = self._read(variable, self._at(target.span))
            return [self._write(variable, self._stepped(node, old), at)]
        owner = self.value(target.target)
        member = isinstance(target, nodes.Member)
        key = self._constant(target.name.text, at) if isinstance(target, nodes.Member) else self.value(target.key)
        helper = "_set_member" if member else "_set_index"
        if node.operator == "=":
            return [self._do(helper, at, owner, key, self.value(node.value))]
        (keep_owner, owner), (keep_key, key) = self._temporary(owner, at), self._temporary(key, at)
        old = self._helper("_member" if member else "_index", at, owner, key)
        return [self._do(helper, at, keep_owner, keep_key, self._stepped(node, old))]

    def _stepped(self, node: nodes.Assignment, old: ast.expr) -> ast.expr:
        value = self.value(node.value)
        if node.operator == "=":
            return value
        return self._helper(_OPERATORS[node.operator[0]], self._at(node.span), old, value)

    def evaluation(self, node: nodes.Evaluation) -> list[ast.stmt]:
        return [self._do("_done", self._at(node.span), self.value(node.expression))]

    def route(self, node: nodes.Route) -> list[ast.stmt]:
        return [self._routed(node, "sendMediaTo", "_send_between")]

    def stop(self, node: nodes.Stop) -> list[ast.stmt]:
        return [self._routed(node, "stopMediaTo", "_stop_between")]

    def _routed(self, node: nodes.Route | nodes.Stop, one_way: str, both_ways: str) -> ast.stmt:
        at = self._at(node.span)
        source, sink = self.value(node.source), self.value(node.sink)
        if node.both:
            return self._do("_call", at, self._load(both_ways, at), source, sink)
        return self._do("_call_member", at, source, self._constant(one_way, at), sink)

    def log(self, node: nodes.Log) -> list[ast.stmt]:
        return [self._do("_log", self._at(node.span), self.value(node.value))]

    def wait(self, node: nodes.Wait) -> list[ast.stmt]:
        at = self._at(node.span)
        return [ast.Expr(self._awaited(at, self._helper("_sleep", at, self.value(node.duration))), **at)]

    def return_(self, node: nodes.Return) -> list[ast.stmt]:
        return [ast.Return(None if node.value is None else self.value(node.value), **self._at(node.span))]

    def break_(self, node: nodes.Break) -> list[ast.stmt]:
        return [ast.Break(**self._at(node.span))]

    def continue_(self, node: nodes.Continue) -> list[ast.stmt]:
        return [ast.Continue(**self._at(node.span))]

    def breakpoint_(self, node: nodes.Breakpoint) -> list[ast.stmt]:
        return [self._do("_breakpoint", self._at(node.span))]

    def if_(self, node: nodes.If) -> list[ast.stmt]:
        made = [] if node.otherwise is None else self._block(node.otherwise)
        # What a condition needs before it, functions, does nothing until it is called: it may stand before all of them.
        for branch in reversed(node.branches):
            at = self._at(Span(branch.span[0], branch.condition.span[1]))
            made = [ast.If(self._condition(branch.condition), self._block(branch.body), made, **at)]
        return made

    def for_(self, node: nodes.For) -> list[ast.stmt]:
        at = self._at(Span(node.span[0], node.value.span[1]))
        variable = self._variable(node.name)
        walked = self._helper("_each", self._at(node.value.span), self.value(node.value))
        body = self._counted(node.body, node.body.statements, node.span)
        if not variable.is_boxed:
            return [ast.For(self._store(variable.python, at), walked, body, [], **at)]
        keep, item = f"{variable.python}#item", self._at(node.name.span)
        boxes = sum(it.is_boxed for it in self._scopes.blocks[id(node.body)])
        body.insert(2 + boxes, self._write(variable, self._load(keep, item), item))
        return [ast.For(self._store(keep, at), walked, body, [], **at)]

    def while_(self, node: nodes.While) -> list[ast.stmt]:
        at = self._at(Span(node.span[0], node.condition.span[1]))
        before = self._steps
        condition = self._condition(node.condition)
        body = self._counted(node.body, node.body.statements, node.span, self._steps - before)
        return [ast.While(condition, body, [], **at)]

    def try_(self, node: nodes.Try) -> list[ast.stmt]:
        at, caught_at = self._at(node.span), self._head(node.handler.span)
        body = self._block(node.body)
        name = self._new_name()
        caught = self._helper("_caught", caught_at, self._load(name, caught_at))
        first: ast.stmt = ast.Expr(caught, **caught_at)
        handler = self._block(node.handler)
        position = 0
        if node.error is not None:
            variable = self._variable(node.error)
            first = self._write(variable, caught, self._at(node.error.span))
            position = sum(it.is_boxed for it in self._scopes.blocks[id(node.handler)])
        handler.insert(position, first)
        catch = ast.ExceptHandler(self._load("_CATCHABLE", caught_at), name, handler, **caught_at)
        return [ast.Try(body, [catch], [], [], **at)]

    # Expressions.

    def value(self, node: Expression) -> ast.expr:
        """An expression's value."""
        self._steps += 1
        return _EXPRESSIONS[type(node)](self, node)

    def _condition(self, node: Expression) -> ast.expr:
        """An expression as true or false."""
        at = self._at(node.span)
        if isinstance(node, nodes.Unary) and node.operator == "not":
            return ast.UnaryOp(ast.Not(), self._condition(node.operand), **at)
        if isinstance(node, nodes.Binary) and node.operator in ("and", "or"):
            operator = ast.And() if node.operator == "and" else ast.Or()
            return ast.BoolOp(operator, [self._condition(node.left), self._condition(node.right)], **at)
        value = self.value(node)
        return value if _is_yes_or_no(node) else self._helper("_truth", at, value)

    def _path(self, path: nodes.Path) -> ast.expr:
        first, *rest = path.names
        value = self._read(self._variable(first), self._at(first.span))
        for name in rest:
            at = self._at(name.span)
            value = self._helper("_member", at, value, self._constant(name.text, at))
        return value

    def name(self, node: nodes.Name) -> ast.expr:
        return self._read(self._variable(node), self._at(node.span))

    def number(self, node: nodes.Number) -> ast.expr:
        return self._constant(number(node.value), self._at(node.span))

    def duration(self, node: nodes.Duration) -> ast.expr:
        return self._constant(number(node.milliseconds), self._at(node.span))

    def text(self, node: nodes.Text) -> ast.expr:
        return self._constant(node.value, self._at(node.span))

    def template(self, node: nodes.Template) -> ast.expr:
        at = self._at(node.span)
        parts = [self._constant(it, at) if isinstance(it, str) else self.value(it) for it in node.parts]
        return self._helper("_template", at, *parts)

    def constant(self, node: nodes.Constant) -> ast.expr:
        return self._constant(node.value, self._at(node.span))

    def list(self, node: nodes.List) -> ast.expr:
        return ast.List([self.value(item) for item in node.items], ast.Load(), **self._at(node.span))

    def object(self, node: nodes.Object) -> ast.expr:
        keys: list[ast.expr | None] = [self._constant(pair.key.text, self._at(pair.key.span)) for pair in node.pairs]
        return ast.Dict(keys, [self.value(pair.value) for pair in node.pairs], **self._at(node.span))

    def call(self, node: nodes.Call) -> ast.expr:
        called = node.function
        if not isinstance(called, nodes.Member):
            at = self._at(node.span)
            return self._helper("_call", at, self.value(called), *map(self.value, node.arguments))
        at = self._at(Span(called.name.span[0], node.span[1]))
        target, name = self.value(called.target), self._constant(called.name.text, at)
        if not called.optional:
            return self._helper("_call_member", at, target, name, *map(self.value, node.arguments))
        keep, kept = self._temporary(target, at)
        is_there = self._helper("_has", at, keep, name)
        made = self._helper("_call_member", at, kept, name, *map(self.value, node.arguments))
        return ast.IfExp(is_there, made, self._constant(None, at), **at)

    def index(self, node: nodes.Index) -> ast.expr:
        return self._helper("_index", self._at(node.span), self.value(node.target), self.value(node.key))

    def member(self, node: nodes.Member) -> ast.expr:
        at = self._at(node.name.span)
        helper = "_optional" if node.optional else "_member"
        return self._helper(helper, at, self.value(node.target), self._constant(node.name.text, at))

    def unary(self, node: nodes.Unary) -> ast.expr:
        at = self._at(node.span)
        if node.operator == "await":
            return self._awaited(at, self.value(node.operand))
        if node.operator == "not":
            return self._condition(node)
        return self._helper("_negative", at, self.value(node.operand))

    def binary(self, node: nodes.Binary) -> ast.expr:
        at = self._at(node.span)
        if node.operator in ("and", "or", "??"):
            return self._either(node, at)
        if node.operator in ("==", "!="):
            return self._same(node, at)
        return self._helper(_OPERATORS[node.operator], at, self.value(node.left), self.value(node.right))

    def _either(self, node: nodes.Binary, at: Place) -> ast.expr:
        keep, kept = self._temporary(self.value(node.left), at)
        other = self.value(node.right)
        if node.operator == "??":
            is_null = ast.Compare(keep, [ast.Is()], [self._constant(None, at)], **at)
            return ast.IfExp(is_null, other, kept, **at)
        is_true = self._helper("_truth", at, keep)
        return (
            ast.IfExp(is_true, other, kept, **at) if node.operator == "and" else ast.IfExp(is_true, kept, other, **at)
        )

    def _same(self, node: nodes.Binary, at: Place) -> ast.expr:
        """`==` and `!=`: Python's own for a text that is written down, which equals nothing but texts."""
        left, right = self.value(node.left), self.value(node.right)
        texts = isinstance(node.left, nodes.Text), isinstance(node.right, nodes.Text)
        unequal = node.operator == "!="
        if any(texts) and _gives_no_promise(node.right if texts[0] else node.left):
            return ast.Compare(left, [ast.NotEq() if unequal else ast.Eq()], [right], **at)
        same = self._helper("_equal", at, left, right)
        return ast.UnaryOp(ast.Not(), same, **at) if unequal else same

    def wait_for(self, node: nodes.WaitFor) -> ast.expr:
        at = self._at(node.span)
        unit = self._load("_application", at) if node.unit is None else self._path(node.unit)
        within = self._constant(None, at) if node.within is None else self.value(node.within)
        return self._awaited(at, self._helper("_wait_for", at, unit, self._path(node.event), within))


def _changes(routine: Routine, at: Place) -> list[ast.stmt]:
    """`global` and `nonlocal` for the variables of other functions that this one assigns to."""
    changed = [variable for variable in routine.assigns if not variable.is_boxed]
    outermost = [variable.python for variable in changed if variable.owner.outer is None]
    others = [variable.python for variable in changed if variable.owner.outer is not None]
    made: list[ast.stmt] = []
    if outermost:
        made.append(ast.Global(outermost, **at))
    if others:
        made.append(ast.Nonlocal(others, **at))
    return made


def _is_yes_or_no(node: Expression) -> bool:
    if isinstance(node, nodes.Binary):
        return node.operator in COMPARISONS
    return isinstance(node, nodes.Unary) and node.operator == "not"


def _gives_no_promise(node: Expression) -> bool:
    return isinstance(node, nodes.Member | nodes.Index | nodes.Text | nodes.Template)


_STATEMENTS: dict[type, Callable[[_Compiler, Any], list[ast.stmt]]] = {
    nodes.Require: _Compiler.require,
    nodes.Declaration: _Compiler.declaration,
    nodes.Assignment: _Compiler.assignment,
    nodes.Evaluation: _Compiler.evaluation,
    nodes.Route: _Compiler.route,
    nodes.Stop: _Compiler.stop,
    nodes.Log: _Compiler.log,
    nodes.Wait: _Compiler.wait,
    nodes.Return: _Compiler.return_,
    nodes.Break: _Compiler.break_,
    nodes.Continue: _Compiler.continue_,
    nodes.Breakpoint: _Compiler.breakpoint_,
    nodes.If: _Compiler.if_,
    nodes.For: _Compiler.for_,
    nodes.While: _Compiler.while_,
    nodes.Try: _Compiler.try_,
    nodes.Function: _Compiler.function,
    nodes.Handler: _Compiler.handler,
    nodes.After: _Compiler.after,
    nodes.Every: _Compiler.every,
}

_EXPRESSIONS: dict[type, Callable[[_Compiler, Any], ast.expr]] = {
    nodes.Name: _Compiler.name,
    nodes.Number: _Compiler.number,
    nodes.Duration: _Compiler.duration,
    nodes.Text: _Compiler.text,
    nodes.Template: _Compiler.template,
    nodes.Constant: _Compiler.constant,
    nodes.List: _Compiler.list,
    nodes.Object: _Compiler.object,
    nodes.Lambda: _Compiler.lambda_,
    nodes.Call: _Compiler.call,
    nodes.Index: _Compiler.index,
    nodes.Member: _Compiler.member,
    nodes.Unary: _Compiler.unary,
    nodes.Binary: _Compiler.binary,
    nodes.WaitFor: _Compiler.wait_for,
}
