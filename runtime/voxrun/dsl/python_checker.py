"""`check_python`: the checker's findings for a Python scenario, as far as they can be known."""

import ast
import warnings
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from itertools import takewhile

from voxrun.dsl.arguments import check_value
from voxrun.dsl.diagnostic import Diagnostic
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.python_arguments import check_takes, own_function
from voxrun.dsl.python_expressions import PythonExpressions
from voxrun.dsl.python_functions import Functions
from voxrun.dsl.python_names import (
    FunctionNode,
    Places,
    PythonScope,
    annotated,
    bind_import,
    bound_names,
    check_names,
)
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Event, Function, Surface, Value
from voxrun.dsl.types import Known, Missing, Promise, either


def check_python(
    source: Source, surface: Surface, *, known_secrets: Container[str] | None = None
) -> tuple[Diagnostic, ...]:
    """All findings in the order of the text; a syntax error is the only one. See `checker.check`."""
    findings = Findings()
    places = Places(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own, which come when the scenario is loaded
            tree = ast.parse(source.text, source.name)
            compile(source.text, source.name, "exec", dont_inherit=True)
        check_names(tree, surface, findings, places)
        functions = Functions(tree, findings, places)
        expressions = PythonExpressions(surface, findings, places, known_secrets, functions)
        _Walk(surface, findings, places, functions, expressions).module(tree)
    except SyntaxError as error:
        _syntax_error(error, findings, source)
    except ValueError as error:  # a NUL
        findings.error(Span(0, 0), str(error))
    except (RecursionError, MemoryError):  # so Python's own parser says it
        findings.error(Span(0, 0), "this file has expressions that are nested too deeply")
    return findings.in_order()


def _syntax_error(error: SyntaxError, findings: Findings, source: Source) -> None:
    start = source.start(error.lineno or 1) + max((error.offset or 1) - 1, 0)
    same_line = error.end_lineno == error.lineno and (error.end_offset or 0) > (error.offset or 0)
    length = (error.end_offset or 0) - (error.offset or 0) if same_line else 1
    advice = "write `async def` where the function begins" if error.msg == "'await' outside async function" else ""
    findings.error(Span(min(start, len(source.text)), min(start + length, len(source.text))), error.msg, advice)


class _Walk:
    """Goes through the statements of one function after the other."""

    def __init__(
        self, surface: Surface, findings: Findings, places: Places, functions: Functions, expressions: PythonExpressions
    ) -> None:
        self._surface = surface
        self._findings = findings
        self._places = places
        self._functions = functions
        self._expressions = expressions
        self._is_async = False  # the function that it is in
        self._reply: Value | None = None  # what that one may return, if that matters
        self._rebound: Counter[str] = Counter()  # names that inner functions give other values to

    def module(self, tree: ast.Module) -> None:
        """Walk the file, then its functions."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Global | ast.Nonlocal):
                self._rebound.update(dict.fromkeys(node.names, 2))
        self._expressions.scope.bound = bound_names(tree.body) + self._rebound
        top = self._expressions.scope
        for statement in tree.body:
            with suppress(RecursionError):  # it runs all the same: Python's compiler goes deeper
                self._expressions.scope = top
                self._statement(statement)
        for function, outer in self._functions:
            with suppress(RecursionError):
                self._function(function, outer)
        for span in () if self._expressions.answers else self._expressions.tool_calls:
            what = "nobody answers this tool call: the agent waits for its result"
            advice = 'call `clientToolResult({"tool_call_id": …, "result": …})` in its handler'
            self._findings.warning(span, what, advice)

    def _function(self, node: FunctionNode, outer: PythonScope) -> None:
        body: list[ast.stmt] = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
        self._expressions.scope = PythonScope(outer, bound=bound_names(body) + self._rebound)
        self._is_async, self._reply = isinstance(node, ast.AsyncFunctionDef), None
        payloads = self._functions.payloads(node, outer)
        parameters = [*node.args.posonlyargs, *node.args.args]
        for index, parameter in enumerate(parameters):
            known: Known = annotated(parameter.annotation, outer)
            if index == 0 and payloads:
                known = either([*payloads])
                self._reply = self._expressions.types.reply(known)
            self._expressions.scope.bound[parameter.arg] += 1
            self._expressions.scope.known[parameter.arg] = known
        for other in (*node.args.kwonlyargs, node.args.vararg, node.args.kwarg):
            if other is not None:
                self._expressions.scope.bound[other.arg] += 1
        if isinstance(node, ast.Lambda):
            self._returned(node.body)
        else:
            self._statements(node.body)

    # Statements.

    def _statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom):
            bind_import(node, self._expressions.scope, self._surface, self._findings, self._places)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._decorated(node)
        elif isinstance(node, ast.ClassDef):
            self._expressions.parts(node)
            outer = self._expressions.scope
            self._expressions.scope = PythonScope(outer, bound=bound_names(node.body) + self._rebound, of_class=True)
            self._statements(node.body)
            self._expressions.scope = outer
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            expected = self._member(targets[0])
            if isinstance(expected, Value):
                known = self._expressions.argument(node.value, expected, ast.unparse(targets[0]))
            else:
                known = self._expressions.known(node.value)
            if isinstance(node.value, ast.Constant) and node.value.value is None:
                known = None  # code may ask for that
            for target in targets:
                self._assign(target, known)
        elif isinstance(node, ast.Expr):
            self._expressions.valued(node.value)
        elif isinstance(node, ast.Return) and node.value is not None:
            self._returned(node.value)
        else:
            self._expressions.parts(node)
            self._inside(node)

    def _inside(self, node: ast.AST) -> None:
        """The statements in it."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
            elif not isinstance(child, ast.expr):
                self._inside(child)

    def _returned(self, node: ast.expr) -> None:
        """A coroutine object that a handler returns is awaited, unless the handler is a coroutine itself."""
        if self._reply is None:
            self._expressions.known(node)
            return
        known = self._expressions.settled(node) if self._is_async else self._expressions.known(node)
        known = known.value if isinstance(known, Promise) else known
        check_value(self._findings, self._expressions.types, known, self._reply, "a reply", self._places.span(node))

    def _member(self, target: ast.expr) -> Known | Missing:
        """The member of the API's that is assigned to, if it is one."""
        if not isinstance(target, ast.Attribute):
            return None
        owner = self._expressions.quiet(target.value)
        if not isinstance(owner, Value) or not self._expressions.is_checked(owner):
            return None
        return self._expressions.types.member(owner, target.attr)

    def _assign(self, target: ast.expr, known: Known) -> None:
        if isinstance(target, ast.Name):
            self._expressions.scope.known[target.id] = known
        elif isinstance(self._member(target), Function | Event):
            what = f"`{ast.unparse(target)}` belongs to the API: nothing can be assigned to it"
            self._findings.error(self._places.span(target), what, "keep the value in a variable of your own")
        else:
            self._expressions.known(target)

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            known = self._expressions.known(decorator)
            if isinstance(known, Function) and known.name == "on":
                spelled = ast.unparse(decorator)
                advice = f"write `@{spelled}(…)` with an event such as `CallEvents.Connected`"
                self._findings.error(self._places.span(decorator), f"`@{spelled}` names no event", advice)
        events = takewhile(bool, map(self._registered, reversed(node.decorator_list)))  # the function goes upwards
        payloads = [Value((event.payload,)) for event in events if event is not None]
        if payloads:
            self._functions.register(node, payloads)
            check_takes(self._findings, self._places, node, 1)
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._expressions.known(default)
        if len(payloads) == len(node.decorator_list):  # so that it stays what it is
            self._expressions.scope.known[node.name] = own_function(node)
        self._functions.met(node, self._expressions.scope)

    def _registered(self, decorator: ast.expr) -> Event | None:
        """The event that it makes a function a handler of."""
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.args:
            function, event = self._expressions.quiet(decorator.func), self._expressions.quiet(decorator.args[0])
            if isinstance(function, Function) and function.name == "on" and isinstance(event, Event):
                return event
        return None
