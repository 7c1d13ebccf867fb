"""`PythonExpressions`: what the value of each expression is known to be in Python, and what is wrong in it."""

import ast
from collections.abc import Callable, Container
from typing import Any

from voxrun.absent import absent_parameter
from voxrun.dsl.arguments import (
    check_literal,
    check_object,
    check_value,
    count,
    expected_of,
    is_record,
    shapes_of,
    unset_secret,
    with_payload,
)
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.operands import check_mixed
from voxrun.dsl.python_arguments import check_count, check_takes, literal, written
from voxrun.dsl.python_functions import Functions
from voxrun.dsl.python_names import Places, PythonScope
from voxrun.dsl.routes import check_sink
from voxrun.dsl.sent_events import AN_EVENT, check_text, is_no_event, never_sent
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
    OwnFunction,
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

_NO_COROUTINE = (ast.If, ast.While, ast.UnaryOp, ast.FormattedValue)
"""Where neither a coroutine object nor a function of the API's has a use."""

_OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


class PythonExpressions:
    """Walks expressions; `scope` is that of the function it has come to."""

    def __init__(
        self,
        surface: Surface,
        findings: Findings,
        places: Places,
        known_secrets: Container[str] | None,
        functions: Functions,
    ) -> None:
        self.types = Types(surface, "None")
        self.scope = PythonScope(None)
        self.tool_calls: list[Span] = []
        self.answers = False
        """Whether anything answers them."""
        self._surface = surface
        self._findings = findings
        self._places = places
        self._known_secrets = known_secrets
        self._functions = functions
        self._has_default = False
        self._visit: dict[type, Callable[[Any], Known]] = {
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Call: self._call,
            ast.Await: self._await,
            ast.Lambda: self._lambda,
            ast.BoolOp: self._bool_op,
            ast.Constant: lambda node: _CONSTANTS.get(type(node.value)),
            ast.JoinedStr: lambda node: self._made(node, A_TEXT),
            ast.List: lambda node: self._made(node, A_LIST),
            ast.Dict: lambda node: self._made(node, AN_OBJECT),
            ast.BinOp: self._bin_op,
            ast.Compare: self._compare,
            ast.Subscript: self._subscript,
            ast.NamedExpr: lambda node: self.known(node.value),
        }

    def known(self, node: ast.expr) -> Known:
        """What `node` gives, a promise included."""
        visit = self._visit.get(type(node))
        if visit is None:
            self.parts(node)
            return None
        return visit(node)

    def parts(self, node: ast.AST) -> None:
        """Walk the expressions in it; its statements are somebody else's."""
        for loop in getattr(node, "generators", [node]):
            if isinstance(loop, ast.For | ast.AsyncFor | ast.comprehension) and isinstance(loop.target, ast.Name):
                value, name = self.quiet(loop.iter), loop.target.id
                # A comprehension's name is its own: what is around the function may have another one of that name.
                outer = self.scope.outer if isinstance(loop, ast.comprehension) else None
                is_told_apart = outer is None or outer.home(name) is None
                self.scope.known[name] = value.item if isinstance(value, Value) and is_told_apart else None
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.valued(child) if isinstance(node, _NO_COROUTINE) else self.known(child)
            elif not isinstance(child, ast.stmt):
                self.parts(child)

    def _name(self, node: ast.Name) -> Known:
        if isinstance(node.ctx, ast.Load):
            self._functions.passed(node.id)
        return self.scope.find(node.id)

    def quiet(self, node: ast.expr) -> Known:
        """What it is known to be, when its findings are told already."""
        if isinstance(node, ast.Name):
            return self.scope.find(node.id)
        if isinstance(node, ast.Attribute):
            target = self.quiet(node.value)
            found = self.types.member(target, node.attr) if isinstance(target, Value) else None
            return None if isinstance(found, Missing) else found
        if isinstance(node, ast.Call):
            function = self.quiet(node.func)
            return function.result if isinstance(function, Function) and not function.promise else None
        return None

    def settled(self, node: ast.expr) -> Known:
        """What it gives where a coroutine object has no use."""
        known = self.known(node)
        if not isinstance(known, Promise):
            return known
        advice = "put `await` before it, in an `async def`"
        if isinstance(node, ast.Name):
            advice = f"put `await` before it where `{node.id}` is assigned, in an `async def`"
            self.scope.known[node.id] = None  # said once
        self._findings.error(self._places.span(node), f"{known.maker} gives a promise", advice)
        return None if known.value == A_NULL else known.value  # which would be a finding of its own

    def valued(self, node: ast.expr) -> Known:
        """What it gives where a function has no use either: it must have been called."""
        known = self.settled(node)
        self._check_called(node, known)
        return known

    def _check_called(self, node: ast.expr, known: Known) -> None:
        if not isinstance(known, Function) or not isinstance(node, ast.Attribute):
            return
        spelled = ast.unparse(node)
        self._findings.warning(self._places.span(node), f"{spelled} is not called", f"write `{spelled}()`")

    def _await(self, node: ast.Await) -> Known:
        known = self.known(node.value)
        if isinstance(known, Promise):
            return known.value
        if isinstance(known, Value) and known.kinds:
            spelled = ast.unparse(node.value.func if isinstance(node.value, ast.Call) else node.value)
            self._findings.error(self._places.span(node), f"{spelled} gives no promise", "leave `await` out")
            return known
        return None

    def _lambda(self, node: ast.Lambda) -> Known:
        self.parts(node.args)
        self._functions.met(node, self.scope)
        return Value((FUNCTION,))

    def _made(self, node: ast.expr, known: Known) -> Known:
        self.parts(node)
        return known

    def _bool_op(self, node: ast.BoolOp) -> Known:
        outer, self._has_default = self._has_default, isinstance(node.op, ast.Or)
        first = self.known(node.values[0])
        self._has_default = outer
        others = [self.known(value) for value in node.values[1:]]
        return either([without_null(first), *others]) if isinstance(node.op, ast.Or) else None

    def _bin_op(self, node: ast.BinOp) -> Known:
        left, right = self.valued(node.left), self.valued(node.right)
        operator, span = _OPERATORS.get(type(node.op), ""), self._places.span(node)
        check_mixed(self._findings, operator, left, right, span, both='f"{a}{b}"')
        return A_TEXT if left == right == A_TEXT and operator else None

    def _compare(self, node: ast.Compare) -> Known:
        sides = [(side, self.settled(side)) for side in (node.left, *node.comparators)]
        for operator, (left, one), (right, other) in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(one, Value):  # a function may be compared with another one
                self._check_called(right, other)
            if isinstance(other, Value):
                self._check_called(left, one)
            check_mixed(self._findings, _OPERATORS.get(type(operator), ""), one, other, self._places.span(node))
        return A_BOOLEAN

    def _subscript(self, node: ast.Subscript) -> Known:
        """A message's fields are there by their keys as well, while a list has none."""
        target, key = self.settled(node.value), self.settled(node.slice)
        if not isinstance(target, Value):
            return None
        span = self._places.span(node.slice)
        if target.kinds == A_LIST.kinds:
            if key == A_TEXT:
                check_value(self._findings, self.types, key, A_NUMBER, "a place in a list", span)
            return target if isinstance(node.slice, ast.Slice) else target.item
        name = node.slice.value if isinstance(node.slice, ast.Constant) else None
        is_message = all(it.open for it in self.types.of(target) or ())
        if not isinstance(name, str) or not isinstance(node.ctx, ast.Load) or not is_message:
            return None
        found = self.types.member(target, name)
        if not isinstance(found, Missing):
            return found
        self._missing(found, name, span)
        return None

    def _attribute(self, node: ast.Attribute) -> Known:
        target = self.settled(node.value)
        self.answers = self.answers or node.attr == "clientToolResult"
        if not node.attr.startswith("_"):
            self._check_called(node.value, target)
        if not isinstance(target, Value) or not self.is_checked(target):
            return None
        found = self.types.member(target, node.attr)
        if not isinstance(found, Missing):
            return found
        is_of_all = node.attr.startswith("_") or (found.open and node.attr in _DICT)
        if not is_of_all:
            self._missing(found, node.attr, self._places.member(node))
        return None

    def is_checked(self, value: Value) -> bool:
        """Whether its members are those that the surface knows: texts, numbers and lists have Python's."""
        kinds = [kind for kind in value.kinds if kind != NULL]
        return bool(value.kinds) and all(kind in self._surface.types for kind in kinds)

    def _missing(self, missing: Missing, name: str, span: Span) -> None:
        kind = missing.types[0]
        if name in (kind.classes or ()):
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
        function = self.known(node.func)
        if not isinstance(function, Function):
            self._check_class(node.func)
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.known(argument)
            if isinstance(function, OwnFunction):
                return Promise(function.result, function.name) if function.waits else function.result
            return None
        target = self.quiet(node.func.value) if isinstance(node.func, ast.Attribute) else None
        spelled = ast.unparse(node.func)
        payload: Known = None
        places = function.parameters[: -1 if function.keywords and node.keywords else None]  # one object of both
        if any(isinstance(it, ast.Starred) for it in node.args):
            places = ()
        for argument, parameter in zip(node.args, places, strict=False):
            known = self.argument(argument, with_payload(parameter.given, payload), spelled)
            if parameter.value.kinds == (EVENT,):
                payload = self._event_argument(argument, known, target)
            elif parameter.value.kinds == (SINK,):
                check_sink(self._findings, self.types, known, self._places.span(argument))
        for argument in node.args[len(places) :]:
            self.known(argument)
        check_count(self._findings, self._places, self._surface, node, function, spelled)
        self._keywords(node, function, spelled)
        if function.name == "getSecretValue":
            self._check_secret(node)
        result: Known = payload if function.result.kinds == (PAYLOAD,) else function.result
        return Promise(result, spelled) if function.promise else result

    def _check_class(self, node: ast.expr) -> None:
        """A unit is made by a function of the API, if at all."""
        kind = self.types.get(self.scope.find_class(node.id)) if isinstance(node, ast.Name) else None
        if kind is not None and (kind.sends or kind.takes):
            maker = self.types.maker(kind.name)
            advice = f"write `{maker}(…)`" if maker else ""
            self._findings.error(self._places.span(node), f"{a(kind.name)} is not made by its class", advice)

    def argument(self, node: ast.expr, expected: Value | None, what: str) -> Known:
        """One argument, or a part of one, where the API says what it expects."""
        if expected is not None and expected.arguments is not None:
            if isinstance(node, ast.Lambda):
                self._functions.register(node, (it for it in expected.arguments[:1] if it.kinds))
                check_takes(self._findings, self._places, node, len(expected.arguments))
            elif isinstance(node, ast.Name) and (home := self.scope.home(node.id)):
                home.called.setdefault(node.id, []).append(expected.arguments)
        if isinstance(node, ast.Dict) and (shapes := shapes_of(self.types, expected)):
            written_out = literal(self._places, node)
            if written_out is not None:
                check_object(self._findings, written_out, shapes, what)
            for key, value in zip(node.keys, node.values, strict=True):
                name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
                self.argument(value, expected_of(shapes, name), f"`{name}`")
            return None
        if isinstance(node, ast.List) and expected is not None and expected.item is not None:
            for item in node.elts:
                self.argument(item, expected.item, what)
            return None
        known = self.settled(node)
        if isinstance(known, Function) and expected is not None and expected.arguments is not None:
            self._check_callback(node, known, expected.arguments)
        check_value(self._findings, self.types, known, expected, what, self._places.span(node))
        check_literal(self._findings, written(node), expected, what, self._places.span(node))
        return known

    def _check_callback(self, node: ast.expr, function: Function, given: tuple[Value, ...]) -> None:
        """A function of the API's that the API is to call."""
        spelled, span, most = ast.unparse(node), self._places.span(node), len(function.parameters)
        if not function.least <= len(given) <= most:
            what = f"{spelled} takes {count(function.least, most)}, but is called with {len(given) or 'none'}"
            self._findings.error(span, what, "put a `lambda` around it")
        for value, parameter in zip(given, function.parameters, strict=False):
            known = value if value.kinds else None
            check_value(self._findings, self.types, known, parameter.given, spelled, span)

    def _event_argument(self, node: ast.expr, known: Known, target: Known) -> Known:
        span = self._places.span(node)
        if isinstance(known, Event):
            self._check_sent(target, known, ast.unparse(node), span)
            if known.name == "ClientToolCall":
                self.tool_calls.append(span)
            return Value((known.payload,))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            check_text(self._findings, self.types, target, node.value, span)
        elif is_no_event(known):
            self._findings.error(span, f"{ast.unparse(node)} is no event", AN_EVENT)
        return None

    def _check_sent(self, target: Known, event: Event, spelled: str, span: Span) -> None:
        wrong = None if self._findings.full else never_sent(self.types, self._surface, target, event)
        if wrong is not None:
            unit, whose = ("UNIT", f", with {wrong.others} for UNIT") if wrong.others else ("VoxEngine", "")
            advice = f"write `{unit}.on({spelled})`{whose}"
            self._findings.error(span, f"{wrong.sender} never sends {spelled}", advice)

    def _keywords(self, node: ast.Call, function: Function, spelled: str) -> None:
        kind = self._surface.types[function.keywords] if function.keywords else Type("", {})
        shape = kind.members
        own = {it.name: it.given for it in function.parameters[: -1 if function.keywords else None] if not it.nameless}
        nameless = [it.name for it in function.parameters if it.nameless and it.name not in shape]
        for keyword in node.keywords:
            name = keyword.arg or ""
            member = shape.get(name)
            expected = member.given if isinstance(member, Property) else own.get(name)
            self.argument(keyword.value, expected, f"`{name}`")
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
