"""`check_python`: the checker's findings for a Python scenario, as far as they can be known."""

import ast
import warnings
from collections import Counter, deque
from collections.abc import Callable, Container
from itertools import takewhile
from typing import Any

from voxrun.absent import absent_parameter
from voxrun.dsl.arguments import (
    check_literal,
    check_object,
    check_value,
    expected_of,
    is_record,
    shapes_of,
    unset_secret,
    with_payload,
)
from voxrun.dsl.diagnostic import Diagnostic
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.python_arguments import check_count, check_takes, literal, written
from voxrun.dsl.python_names import (
    FunctionNode,
    Places,
    PythonScope,
    annotated,
    bind_import,
    bound_names,
    check_names,
)
from voxrun.dsl.routes import check_sink
from voxrun.dsl.sent_events import check_text, never_sent
from voxrun.dsl.source import Source
from voxrun.dsl.surface import (
    BYTES,
    EVENT,
    FUNCTION,
    NULL,
    PAYLOAD,
    SINK,
    Event,
    Function,
    Property,
    Surface,
    Type,
    Value,
)
from voxrun.dsl.types import (
    A_BOOLEAN,
    A_LIST,
    A_NULL,
    A_NUMBER,
    A_TEXT,
    AN_OBJECT,
    Known,
    Missing,
    Promise,
    Types,
    a,
    either,
    without_null,
)

_DICT = frozenset(dir(dict))

_CONSTANTS: dict[type, Known] = {
    str: A_TEXT,
    bytes: Value((BYTES,)),
    int: A_NUMBER,
    float: A_NUMBER,
    bool: A_BOOLEAN,
    type(None): A_NULL,
}

_NO_COROUTINE = (ast.If, ast.While, ast.Compare, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.FormattedValue)
"""Where a coroutine object has no use."""


def check_python(
    source: Source, surface: Surface, *, known_secrets: Container[str] | None = None
) -> tuple[Diagnostic, ...]:
    """All findings in the order of the text; a syntax error is the only one. See `checker.check`."""
    findings = Findings()
    places = Places(source.text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own, which come when the scenario is loaded
            tree = ast.parse(source.text, source.name)
            compile(source.text, source.name, "exec", dont_inherit=True)
        check_names(tree, surface, findings, places)
        _Walk(surface, findings, places, known_secrets).module(tree)
    except SyntaxError as error:
        _syntax_error(error, findings, source)
    except ValueError as error:  # a NUL
        findings.error(Span(0, 0), str(error))
    except (RecursionError, MemoryError):  # so Python's own parser says it
        findings.error(Span(0, 0), "this file has expressions that are nested too deeply")
    return findings.in_order()


def _syntax_error(error: SyntaxError, findings: Findings, source: Source) -> None:
    line = error.lineno or 1
    lines = source.text.split("\n")
    start = sum(len(each) + 1 for each in lines[: line - 1]) + max((error.offset or 1) - 1, 0)
    same_line = error.end_lineno == error.lineno and (error.end_offset or 0) > (error.offset or 0)
    length = (error.end_offset or 0) - (error.offset or 0) if same_line else 1
    findings.error(Span(min(start, len(source.text)), min(start + length, len(source.text))), error.msg)


class _Walk:
    """Goes through the code of one function after the other; `scope` is that of the one it is in."""

    def __init__(
        self, surface: Surface, findings: Findings, places: Places, known_secrets: Container[str] | None
    ) -> None:
        self._surface = surface
        self._findings = findings
        self._places = places
        self._known_secrets = known_secrets
        self._types = Types(surface)
        self._scope = PythonScope(None)
        self._functions: deque[tuple[FunctionNode, PythonScope]] = deque()
        self._payloads: dict[FunctionNode, list[Value]] = {}  # of the events that it is registered for
        self._read: Counter[str] = Counter()  # how often each name is
        self._tool_calls: list[Span] = []
        self._answers = False
        self._has_default = False
        self._is_async = False  # the function that it is in
        self._reply: Value | None = None  # what that one may return, if that matters
        self._rebound: Counter[str] = Counter()  # names that inner functions give other values to
        self._visit: dict[type, Callable[[Any], Known]] = {
            ast.Name: lambda node: self._scope.find(node.id),
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Await: self._await,
            ast.Lambda: self._lambda,
            ast.BoolOp: self._bool_op,
            ast.Constant: lambda node: _CONSTANTS.get(type(node.value)),
            ast.JoinedStr: lambda node: self._made(node, A_TEXT),
            ast.List: lambda node: self._made(node, A_LIST),
            ast.Dict: lambda node: self._made(node, AN_OBJECT),
            ast.NamedExpr: lambda node: self._known(node.value),
        }

    def module(self, tree: ast.Module) -> None:
        """Walk the file, then its functions, as they were met."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Global | ast.Nonlocal):
                self._rebound.update(dict.fromkeys(node.names, 2))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._read[node.id] += 1
        self._scope.bound = bound_names(tree.body) + self._rebound
        self._statements(tree.body)
        while self._functions:
            node, outer = self._functions.popleft()
            self._function(node, outer)
        for span in () if self._answers else self._tool_calls:
            what = "nobody answers this tool call: the agent waits for its result"
            advice = 'call `clientToolResult({"tool_call_id": …, "result": …})` in its handler'
            self._findings.warning(span, what, advice)

    def _function(self, node: FunctionNode, outer: PythonScope) -> None:
        body: list[ast.stmt] = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
        self._scope = PythonScope(outer, bound=bound_names(body) + self._rebound)
        self._is_async, self._reply = isinstance(node, ast.AsyncFunctionDef), None
        payloads = self._payloads_of(node, outer)
        parameters = [*node.args.posonlyargs, *node.args.args]
        for index, parameter in enumerate(parameters):
            known: Known = annotated(parameter.annotation, outer)
            if index == 0 and payloads:
                known = either([*payloads])
                self._reply = self._types.reply(known)
            self._scope.bound[parameter.arg] += 1
            self._scope.known[parameter.arg] = known
        for other in (*node.args.kwonlyargs, node.args.vararg, node.args.kwarg):
            if other is not None:
                self._scope.bound[other.arg] += 1
        if isinstance(node, ast.Lambda):
            self._returned(node.body)
        else:
            self._statements(node.body)

    def _payloads_of(self, node: FunctionNode, outer: PythonScope) -> list[Value]:
        """What it is called with first; nothing when that may be something else as well."""
        payloads = self._payloads.get(node, [])
        if not isinstance(node, ast.Lambda):
            calls = outer.called.get(node.name, []) if outer.bound[node.name] == 1 else []
            for arguments in () if node.decorator_list else calls:
                payloads = [*payloads, *arguments[:1]]
                check_takes(self._findings, self._places, node, len(arguments))
            if self._read[node.name] > (0 if node.decorator_list else len(calls)):
                return []  # the scenario calls it, or gives it to who knows whom
        return payloads if all(it.kinds for it in payloads) else []

    # Statements.

    def _statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom):
            bind_import(node, self._scope, self._surface, self._findings, self._places)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._decorated(node)
        elif isinstance(node, ast.ClassDef):
            outer, self._scope = self._scope, PythonScope(self._scope)
            self._statements(node.body)
            self._scope = outer
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            expected = self._settable(targets[0])
            known = (
                self._argument(node.value, expected, ast.unparse(targets[0])) if expected else self._known(node.value)
            )
            for target in targets:
                self._assign(target, known)
        elif isinstance(node, ast.Expr):
            self._settled(node.value)
        elif isinstance(node, ast.Return) and node.value is not None:
            self._returned(node.value)
        else:
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for loop in getattr(node, "generators", [node]):
            if isinstance(loop, ast.For | ast.AsyncFor | ast.comprehension) and isinstance(loop.target, ast.Name):
                value, name = self._quiet(loop.iter), loop.target.id
                # A comprehension's name is its own: what is around the function may have another one of that name.
                outer = self._scope.outer if isinstance(loop, ast.comprehension) else None
                is_told_apart = outer is None or outer.home(name) is None
                self._scope.known[name] = value.item if isinstance(value, Value) and is_told_apart else None
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._settled(child) if isinstance(node, _NO_COROUTINE) else self._known(child)
            elif isinstance(child, ast.stmt):
                self._statement(child)
            else:
                self._children(child)

    def _returned(self, node: ast.expr) -> None:
        """A coroutine object that a handler returns is awaited, unless the handler is a coroutine itself."""
        if self._reply is None:
            self._known(node)
            return
        known = self._settled(node) if self._is_async else self._known(node)
        known = known.value if isinstance(known, Promise) else known
        check_value(self._findings, self._types, known, self._reply, "a reply", self._places.span(node))

    def _settable(self, target: ast.expr) -> Value | None:
        """What a member of the API's takes that is assigned to."""
        owner = self._quiet(target.value) if isinstance(target, ast.Attribute) else None
        if not isinstance(target, ast.Attribute) or not isinstance(owner, Value) or not self._is_checked(owner):
            return None
        member = self._types.member(owner, target.attr)
        return member if isinstance(member, Value) else None

    def _assign(self, target: ast.expr, known: Known) -> None:
        if isinstance(target, ast.Name):
            self._scope.known[target.id] = known
        else:
            self._known(target)

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self._known(decorator)
        events = takewhile(bool, map(self._registered, reversed(node.decorator_list)))  # the function goes upwards
        payloads = [Value((event.payload,)) for event in events if event is not None]
        if payloads:
            self._payloads[node] = payloads
            check_takes(self._findings, self._places, node, 1)
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._known(default)
        self._functions.append((node, self._scope))

    def _registered(self, decorator: ast.expr) -> Event | None:
        """The event that it makes a function a handler of."""
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.args:
            function, event = self._quiet(decorator.func), self._quiet(decorator.args[0])
            if isinstance(function, Function) and function.name == "on" and isinstance(event, Event):
                return event
        return None

    # Expressions.

    def _known(self, node: ast.expr) -> Known:
        visit = self._visit.get(type(node))
        if visit is None:
            self._children(node)
            return None
        return visit(node)

    def _quiet(self, node: ast.expr) -> Known:
        """What it is known to be, when its findings are told already."""
        if isinstance(node, ast.Name):
            return self._scope.find(node.id)
        if isinstance(node, ast.Attribute):
            target = self._quiet(node.value)
            found = self._types.member(target, node.attr) if isinstance(target, Value) else None
            return None if isinstance(found, Missing) else found
        if isinstance(node, ast.Call):
            function = self._quiet(node.func)
            return function.result if isinstance(function, Function) and not function.promise else None
        return None

    def _settled(self, node: ast.expr) -> Known:
        """What it gives where a coroutine object has no use."""
        known = self._known(node)
        if not isinstance(known, Promise):
            return known
        advice = "put `await` before it, in an `async def`"
        if isinstance(node, ast.Name):
            advice = f"put `await` before it where `{node.id}` is assigned, in an `async def`"
            self._scope.known[node.id] = None  # said once
        self._findings.error(self._places.span(node), f"{known.maker} gives a promise", advice)
        return known.value

    def _await(self, node: ast.Await) -> Known:
        known = self._known(node.value)
        if isinstance(known, Promise):
            return known.value
        if isinstance(known, Value) and known.kinds:
            spelled = ast.unparse(node.value.func if isinstance(node.value, ast.Call) else node.value)
            self._findings.error(self._places.span(node), f"{spelled} gives no promise", "leave `await` out")
            return known
        return None

    def _lambda(self, node: ast.Lambda) -> Known:
        self._functions.append((node, self._scope))
        return Value((FUNCTION,))

    def _made(self, node: ast.expr, known: Known) -> Known:
        self._children(node)
        return known

    def _bool_op(self, node: ast.BoolOp) -> Known:
        outer, self._has_default = self._has_default, isinstance(node.op, ast.Or)
        first = self._known(node.values[0])
        self._has_default = outer
        others = [self._known(value) for value in node.values[1:]]
        return either([without_null(first), *others]) if isinstance(node.op, ast.Or) else None

    def _attribute(self, node: ast.Attribute) -> Known:
        target = self._settled(node.value)
        self._answers = self._answers or node.attr == "clientToolResult"
        if not isinstance(target, Value) or not self._is_checked(target):
            return None
        found = self._types.member(target, node.attr)
        if not isinstance(found, Missing):
            return found
        self._missing(found, node)
        return None

    def _is_checked(self, value: Value) -> bool:
        """Whether its members are those that the surface knows: texts, numbers and lists have Python's."""
        kinds = [kind for kind in value.kinds if kind != NULL]
        return bool(kinds) and all(kind in self._surface.types for kind in kinds)

    def _missing(self, missing: Missing, node: ast.Attribute) -> None:
        kind, name, span = missing.types[0], node.attr, self._places.member(node)
        if name.startswith("_") or (missing.open and name in _DICT) or name in (kind.classes or ()):
            return
        near = self._findings.nearest(name, missing.candidates())
        advice = self._findings.did_you_mean(name, missing.candidates())
        if missing.open:
            what = f"this message has no field `{name}`"
            self._findings.add(span, "error" if near else "warning", what if near else f"{what} that is known", advice)
        elif any(isinstance(it, Event) for it in kind.members.values()):
            self._findings.error(span, f"{kind.name} has no event `{name}`", advice)
        elif kind.classes is not None:
            self._findings.error(span, f"{kind.name} has no `{name}`", advice)
        elif is_record(kind) or near or "_" not in name:
            noun = "field" if is_record(kind) else "member"
            self._findings.error(span, f"{a(kind.name)} has no {noun} `{name}`", advice)

    # Calls.

    def _call(self, node: ast.Call) -> Known:
        function = self._known(node.func)
        if not isinstance(function, Function):
            self._check_class(node.func)
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._known(argument)
            return None
        target = self._quiet(node.func.value) if isinstance(node.func, ast.Attribute) else None
        spelled = ast.unparse(node.func)
        payload: Known = None
        places = function.parameters[: -1 if function.keywords and node.keywords else None]  # one object of both
        if any(isinstance(it, ast.Starred) for it in node.args):
            places = ()
        for argument, parameter in zip(node.args, places, strict=False):
            known = self._argument(argument, with_payload(parameter.value, payload), spelled)
            if parameter.value.kinds == (EVENT,):
                payload = self._event_argument(argument, known, target)
            elif parameter.value.kinds == (SINK,):
                check_sink(self._findings, self._types, known, self._places.span(argument))
        for argument in node.args[len(places) :]:
            self._known(argument)
        check_count(self._findings, self._places, self._surface, node, function, spelled)
        self._keywords(node, function, spelled)
        if function.name == "getSecretValue":
            self._check_secret(node)
        result: Known = payload if function.result.kinds == (PAYLOAD,) else function.result
        return Promise(result, spelled) if function.promise else result

    def _check_class(self, node: ast.expr) -> None:
        """A unit is made by a function of the API, if at all."""
        kind = self._types.get(self._scope.find_class(node.id)) if isinstance(node, ast.Name) else None
        if kind is not None and (kind.sends or kind.takes):
            maker = self._types.maker(kind.name)
            advice = f"write `{maker}(…)`" if maker else ""
            self._findings.error(self._places.span(node), f"{a(kind.name)} is not made by its class", advice)

    def _argument(self, node: ast.expr, expected: Value | None, what: str) -> Known:
        if expected is not None and expected.arguments is not None:
            if isinstance(node, ast.Lambda):
                self._payloads.setdefault(node, []).extend(it for it in expected.arguments[:1] if it.kinds)
                check_takes(self._findings, self._places, node, len(expected.arguments))
            elif isinstance(node, ast.Name) and (home := self._scope.home(node.id)):
                home.called.setdefault(node.id, []).append(expected.arguments)
        if isinstance(node, ast.Dict) and (shapes := shapes_of(self._types, expected)):
            written_out = literal(self._places, node)
            if written_out is not None:
                check_object(self._findings, self._types, written_out, shapes, what)
            for key, value in zip(node.keys, node.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
                self._argument(value, expected_of(shapes, name), f"`{name}`")
            return None
        if isinstance(node, ast.List) and expected is not None and expected.item is not None:
            for item in node.elts:
                self._argument(item, expected.item, what)
            return None
        known = self._settled(node)
        check_value(self._findings, self._types, known, expected, what, self._places.span(node))
        check_literal(self._findings, written(node), expected, what, self._places.span(node))
        return known

    def _event_argument(self, node: ast.expr, known: Known, target: Known) -> Known:
        span = self._places.span(node)
        if isinstance(known, Event):
            self._check_sent(target, known, ast.unparse(node), span)
            if known.name == "ClientToolCall":
                self._tool_calls.append(span)
            return Value((known.payload,))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            check_text(self._findings, self._types, target, node.value, span)
        return None

    def _check_sent(self, target: Known, event: Event, spelled: str, span: Span) -> None:
        wrong = None if self._findings.full else never_sent(self._types, self._surface, target, event)
        if wrong is not None:
            unit, whose = ("UNIT", f", with {wrong.others} for UNIT") if wrong.others else ("VoxEngine", "")
            advice = f"write `{unit}.on({spelled})`{whose}"
            self._findings.error(span, f"{wrong.sender} never sends {spelled}", advice)

    def _keywords(self, node: ast.Call, function: Function, spelled: str) -> None:
        kind = self._surface.types[function.keywords] if function.keywords else Type("", {})
        shape = kind.members
        own = {it.name: it.value for it in function.parameters[: -1 if function.keywords else None] if not it.nameless}
        nameless = [it.name for it in function.parameters if it.nameless and it.name not in shape]
        for keyword in node.keywords:
            name = keyword.arg or ""
            member = shape.get(name)
            expected = member.value if isinstance(member, Property) else own.get(name)
            self._argument(keyword.value, expected, f"`{name}`")
            if not name or name in shape or name in own or (kind.open and not self._findings.nearest(name, shape)):
                continue
            start = self._places.span(keyword).start
            if name in nameless:
                what = f"{spelled} takes `{name}` without its name"
                self._findings.error(Span(start, start + len(name)), what, f"leave `{name}=` out")
                continue
            advice = absent_parameter(name) or self._findings.did_you_mean(name, [*own, *shape])
            add = self._findings.warning if kind.open else self._findings.error
            add(Span(start, start + len(name)), f"{spelled} has no parameter `{name}`", advice)

    def _check_secret(self, node: ast.Call) -> None:
        first = node.args[0] if node.args else None
        if self._known_secrets is None or self._has_default or not isinstance(first, ast.Constant):
            return
        name = first.value
        if isinstance(name, str) and name not in self._known_secrets:
            unset_secret(self._findings, name, self._places.span(first))
