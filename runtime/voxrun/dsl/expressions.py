"""`Expressions`: what the value of each expression is known to be, and what is wrong in it."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from voxrun.dsl import nodes
from voxrun.dsl.arguments import (
    check_callback,
    check_count,
    check_literal,
    check_object,
    check_value,
    expected_of,
    is_record,
    shapes_of,
    unset_secret,
    with_payload,
    written,
)
from voxrun.dsl.findings import Findings
from voxrun.dsl.names import Binding, Frame, Role, Scope, unknown_name
from voxrun.dsl.native import FUNCTIONS, NATIVE
from voxrun.dsl.nodes import Expression, Span
from voxrun.dsl.operands import check_mixed, check_operand
from voxrun.dsl.operators import COMPARISONS
from voxrun.dsl.routes import check_sink
from voxrun.dsl.sent_events import AN_EVENT, SESSION, check_text, is_no_event, never_sent
from voxrun.dsl.surface import (
    BYTES,
    EVENT,
    NULL,
    NUMBER,
    PAYLOAD,
    SINK,
    TEXT,
    Event,
    Function,
    Property,
    Surface,
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
    OwnResult,
    Promise,
    Types,
    a,
    either,
    known_of,
    without_null,
)
from voxrun.dsl.watch import Watch

_ARITHMETIC = frozenset(("+", "-", "*", "/", "%"))
_SECRETS = frozenset(("secret", "getSecretValue"))

Walk = Callable[[nodes.Block, Scope], bool]


@dataclass(slots=True)
class Tally:
    """Counted while walking: answers to tool calls, and calls of functions that may be the scenario's and hold some."""

    answers: int = 0
    own_calls: int = 0
    unanswered: list[tuple[Span, bool]] = field(default_factory=list)


class Expressions:
    """Walks expressions; `scope` and `frame` are those of the place it has come to."""

    def __init__(self, surface: Surface, known_secrets: Container[str] | None, body: Walk, watch: Watch | None) -> None:
        self.findings = Findings()
        self.types = Types(surface)
        self.frame = Frame(is_program=True)
        self._api = Scope(None, self.frame)
        self.scope = Scope(self._api, self.frame)
        self.tally = Tally()
        self._surface = surface
        self._known_secrets = known_secrets
        self._body = body
        self._watch = watch
        self._brought = {name: module for module, names in surface.modules.items() for name in names}
        self._own_results: list[tuple[OwnFunction, Span, str]] = []
        self._has_default = False
        self._visit: dict[type, Callable[[Any], Known]] = {
            nodes.Name: self._name,
            nodes.Number: lambda _: A_NUMBER,
            nodes.Duration: lambda _: A_NUMBER,
            nodes.Text: lambda _: A_TEXT,
            nodes.Constant: lambda node: A_NULL if node.value is None else A_BOOLEAN,
            nodes.Template: self._template,
            nodes.List: self._list,
            nodes.Object: self._object,
            nodes.Lambda: self.function,
            nodes.Call: self._call,
            nodes.Index: self._index,
            nodes.Member: self._member,
            nodes.Unary: self._unary,
            nodes.Binary: self._binary,
            nodes.WaitFor: self._wait_for,
        }

    @contextmanager
    def within(self, frame: Frame) -> Iterator[Scope]:
        """Names of its own for what is walked meanwhile, in this frame."""
        outer = self.scope, self.frame
        self.scope, self.frame = Scope(self.scope, frame), frame
        yield self.scope
        self.scope, self.frame = outer

    def known(self, node: Expression) -> Known:
        """What `node` gives, a promise included."""
        return self._visit[type(node)](node)

    def settled(self, node: Expression) -> Known:
        """What it gives where a promise has no use: it must have been awaited."""
        known = self._visit[type(node)](node)
        if type(known) is Promise:
            self._missing_await(node, f"{known.maker} gives a promise")
            return known.value
        if type(known) is OwnResult:
            self._own_results.append((known.function, node.span, known.function.name))
            return None
        return known

    def valued(self, node: Expression) -> Known:
        """What it gives where a function has no use either: it must have been called."""
        known = self.settled(node)
        self._check_called(node, known)
        return known

    def _check_called(self, node: Expression, known: Known) -> None:
        if isinstance(known, Function) and isinstance(node, nodes.Member):
            self.findings.warning(node.span, f"{spell(node)} is not called", f"write `{spell(node)}()`")

    def finish(self) -> None:
        """What is only known at the end."""
        for function, span, name in self._own_results:
            if function.waits:
                self.findings.error(span, f"{name} waits, so it gives a promise", "put `await` before it")
        for span, others_may in self.tally.unanswered:
            if not (others_may and self.tally.answers):
                what = "nobody answers this tool call: the agent waits for its result"
                self.findings.warning(span, what, "call `clientToolResult({ tool_call_id: …, result: … })` in it")

    def function(self, node: nodes.Lambda | nodes.Function, arguments: tuple[Value, ...] | None = None) -> OwnFunction:
        """Walk a function; `arguments` is what it is called with, when that is known."""
        name = node.name.text if isinstance(node, nodes.Function) else "this function"
        function = OwnFunction(name, len(node.parameters))
        with self.within(Frame(reply=self.types.reply(arguments[0]) if arguments else None)) as scope:
            for index, parameter in enumerate(node.parameters):
                known = arguments[index] if arguments is not None and index < len(arguments) else None
                known = known if known and known.kinds else None
                scope.bind_once(parameter, Role.PARAMETER, known, self.findings)
            self._body(node.body, scope)
        function.waits = scope.frame.waits
        return function

    def find(self, name: str) -> Binding | None:
        """What `name` means here; names of the API are looked at only when somebody asks."""
        binding = self.scope.find(name)
        if binding is None and (member := FUNCTIONS.get(name) or self._surface.names.get(name)):
            return self._api.bind(nodes.Identifier(Span(0, 0), name), Role.API, known_of(member))
        return binding

    def path(self, path: nodes.Path) -> Known:
        """What a unit or an event is that is written as names with dots."""
        first, *others = path.names
        known = self._look_up(first.text, first.span)
        spelled = first.text
        for name in others:
            known = self._member_of(known, name, spelled, optional=False)
            spelled = f"{spelled}.{name.text}"
        return known

    def event(self, unit: nodes.Path | None, event: nodes.Path) -> Known:
        """The payload of an event, which the unit, or else the session, must send."""
        target: Known = Value((SESSION,)) if unit is None else self.path(unit)
        if unit is None:
            self._surface.names.get(SESSION)  # to look at the name makes its type known
        elif isinstance(target, Promise):
            self.findings.error(unit.span, f"{target.maker} gives a promise", "put `await` before it")
            target = target.value
        elif (kinds := self.types.of(target)) and not any(it.events is not None for it in kinds):
            self.findings.error(unit.span, f"{a(kinds[0].name)} sends no events", "name a call, an agent, a player …")
        if self._watch is not None:
            self._watch.event(target, event.span)
        return self._payload_of(self.path(event), target, event.spelled, event.span)

    def must_wait(self, span: Span, what: str) -> None:
        """`what` stands here, which only code that can be held up may have."""
        self.frame.waits = True
        if self.frame.is_program:
            advice = "put it into a handler such as `on AppEvents.Started { }`, or a function"
            self.findings.error(span, f"`{what}` outside a function", advice)

    def duration(self, node: Expression) -> None:
        """It is no text nor anything else than a number; one that says no unit is likely meant as seconds."""
        known = self.settled(node)
        kinds = known.kinds if isinstance(known, Value) and not known.open else ()
        if kinds and NUMBER not in kinds:
            is_quoted = isinstance(node, nodes.Text | nodes.Template)
            advice = "write `5s`, without quotes" if is_quoted else "write a duration such as `5s`"
            self.findings.error(node.span, f"{a(kinds[0])} is no duration", advice)
        self.check_duration(node)

    def check_duration(self, node: Expression) -> None:
        """One that is written out."""
        given = written(node)
        if isinstance(given, int | float) and given < 0:
            self.findings.error(node.span, "a duration can't be less than 0")
        if isinstance(node, nodes.Number) and node.value:
            shown = f"{node.value:g}" if node.value < 1e6 else str(node.value)
            advice = f"write `{shown}s` or `{shown}ms`"
            self.findings.warning(node.span, f"how long is {shown}? A bare number is milliseconds", advice)

    # Expressions, one method for each node that has something to say.

    def _name(self, node: nodes.Name) -> Known:
        return self._look_up(node.name, node.span)

    def bound(self, name: str, span: Span) -> Binding | None:
        """What a name that is written at `span` stands for."""
        binding = self.find(name)
        if self._watch is not None:
            self._watch.name(span, self.scope, binding)
        return binding

    def _look_up(self, name: str, span: Span) -> Known:
        binding = self.bound(name, span)
        if binding is None:
            names = chain(FUNCTIONS, self._surface.names, self.scope.visible())
            advice = unknown_name(self.findings, name, names, self._brought)
            self.findings.error(span, f"unknown name `{name}`", advice)
            return None
        binding.used = True
        if not binding.ready and binding.frame is self.frame:
            self.findings.error(span, f"`{name}` is used before it is declared", "declare it above")
            binding.ready = True
        return binding.known

    def _template(self, node: nodes.Template) -> Known:
        for part in node.parts:
            if not isinstance(part, str):
                self.valued(part)
        return A_TEXT

    def _list(self, node: nodes.List) -> Known:
        for item in node.items:
            self.known(item)
        return A_LIST

    def _object(self, node: nodes.Object) -> Known:
        self._check_keys(node)
        for pair in node.pairs:
            self.known(pair.value)
        return AN_OBJECT

    def _index(self, node: nodes.Index) -> Known:
        target = self.settled(node.target)
        key = self.settled(node.key)
        if isinstance(target, Value) and target.kinds == A_LIST.kinds:
            check_value(self.findings, self.types, key, A_NUMBER, "a place in a list", node.key.span)
        return target.item if isinstance(target, Value) and target.kinds == A_LIST.kinds else None

    def _unary(self, node: nodes.Unary) -> Known:
        if node.operator != "await":
            known = self.valued(node.operand)
            if node.operator == "-":
                check_operand(self.findings, self.types, "-", known, node.operand.span, is_alone=True)
            return A_BOOLEAN if node.operator == "not" else A_NUMBER
        self.must_wait(Span(node.span.start, node.span.start + len("await")), "await")
        known = self.known(node.operand)
        return known.value if isinstance(known, Promise) else None if isinstance(known, OwnResult) else known

    def _binary(self, node: nodes.Binary) -> Known:
        operator = node.operator
        outer, self._has_default = self._has_default, operator in ("??", "or")
        left = self.settled(node.left)
        self._has_default = outer
        right = self.settled(node.right)
        if isinstance(right, Value):  # a function may be compared with another one
            self._check_called(node.left, left)
        if isinstance(left, Value):
            self._check_called(node.right, right)
        check_mixed(self.findings, operator, left, right, node.span, both='"${a}${b}"')
        if operator in _ARITHMETIC:
            for side, known in ((node.left, left), (node.right, right)):
                check_operand(self.findings, self.types, operator, known, side.span)
        if operator in COMPARISONS:
            return A_BOOLEAN
        if operator in ("and", "or"):
            return either([left, right])
        if operator == "??":
            return either([without_null(left), right])
        return (A_TEXT if A_TEXT in (left, right) else None) if operator == "+" else A_NUMBER

    def _wait_for(self, node: nodes.WaitFor) -> Known:
        self.must_wait(Span(node.span.start, node.span.start + len("wait")), "wait for")
        payload = self.event(node.unit, node.event)
        if node.within is None:
            return payload
        self.duration(node.within)
        return Value((*payload.kinds, NULL)) if isinstance(payload, Value) else None

    def _member(self, node: nodes.Member) -> Known:
        target = self.settled(node.target)
        found = self._member_of(target, node.name, node.target, optional=node.optional)
        if isinstance(found, Function) and any(found in kind.members.values() for kind in NATIVE.values()):
            # unlike one of the API, it is no value
            spelled = spell(node) or node.name.text
            self.findings.error(node.span, f"{spelled} is not called", f"write `{spelled}()`")
            return found.result
        return found

    def _member_of(self, target: Known, name: nodes.Identifier, owner: Expression | str, *, optional: bool) -> Known:
        if name.text == "clientToolResult":
            self.tally.answers += 1
        if type(target) is not Value:
            return None
        found = self.types.member(target, name.text)
        if self._watch is not None:
            self._watch.member(name.span, target, found)
        if isinstance(found, Missing):
            if optional and found.types == (self.types.null,):
                return None
            self._missing_member(found, name, owner if isinstance(owner, str) else spell(owner), optional=optional)
            return None
        if isinstance(found, Value) and {*found.kinds} - {NULL} == {BYTES}:
            self._bytes_member(target, name)
        return found

    def _bytes_member(self, target: Value, name: nodes.Identifier) -> None:
        members = [it for kind in self.types.of(target) or () for it in kind.members.values()]
        texts = [it.name for it in members if isinstance(it, Property) and TEXT in it.value.kinds]
        what = f"`{name.text}` is bytes, if anything, which no .vox scenario has a use for"
        self.findings.warning(name.span, what, self.findings.did_you_mean(name.text, texts))

    def _missing_member(self, missing: Missing, name: nodes.Identifier, owner: str, *, optional: bool) -> None:
        kind = missing.types[0]
        advice = self.findings.did_you_mean(name.text, missing.candidates())
        if missing.open:
            what = f"this message has no field `{name.text}`"
            if self.findings.nearest(name.text, missing.candidates()) and not optional:
                self.findings.error(name.span, what, advice)
            elif not optional:
                self.findings.warning(name.span, f"{what} that is known", advice)
        elif any(isinstance(it, Event) for it in kind.members.values()):
            self.findings.error(name.span, f"{kind.name} has no event `{name.text}`", advice)
        elif kind.name == owner:
            self.findings.error(name.span, f"{owner} has no `{name.text}`", advice)
        else:
            noun = "field" if is_record(kind) else "member"
            self.findings.error(name.span, f"{a(kind.name)} has no {noun} `{name.text}`", advice)

    # Calls.

    def _call(self, node: nodes.Call) -> Known:
        target: Known = None
        if isinstance(node.function, nodes.Member):
            target = self.settled(node.function.target)
            callee = node.function
            function = self._member_of(target, callee.name, callee.target, optional=callee.optional)
        else:
            function = self.known(node.function)
        if function is None or isinstance(function, OwnFunction):
            self.tally.own_calls += 1
        if isinstance(function, OwnFunction):
            check_count(self.findings, function, spell(node.function), [it.span for it in node.arguments], node.span)
        if not isinstance(function, Function):
            for argument in node.arguments:
                self.known(argument)
            if isinstance(function, Value) and function.kinds and "function" not in function.kinds:
                self._not_callable(node, function)
            return OwnResult(function) if isinstance(function, OwnFunction) else None
        return self._call_of_api(node, function, target)

    def _call_of_api(self, node: nodes.Call, function: Function, target: Known) -> Known:
        if function.name == "on":
            what = f"{spell(node.function)} is for Python: here, nothing is decorated"
            self.findings.error(node.function.span, what, "write `on call CallEvents.Connected { … }`")
        else:
            check_count(self.findings, function, spell(node.function), [it.span for it in node.arguments], node.span)
        if function.name in _SECRETS:
            self._check_secret(node)
        payload: Known = None
        for argument, parameter in zip(node.arguments, function.parameters, strict=False):
            expected = with_payload(parameter.given, payload)
            known = self._argument(argument, expected, spell(node.function))
            if expected.kinds == (EVENT,):
                if isinstance(argument, nodes.Text):
                    check_text(self.findings, self.types, target, argument.value, argument.span)
                payload = self._payload_of(known, target, spell(argument) or "this", argument.span)
            elif expected.kinds == (SINK,):
                check_sink(self.findings, self.types, known, argument.span)
            if function.name == "waitFor" and parameter.name == "timeout":
                self.check_duration(argument)
        for argument in node.arguments[len(function.parameters) :]:
            self.known(argument)
        result: Known = function.result if function.result.kinds else None
        if function.result.kinds == (PAYLOAD,):
            result = payload
        return Promise(result, spell(node.function)) if function.promise else result

    def _argument(self, node: Expression, expected: Value | None, what: str) -> Known:
        """One argument, or a part of one, where the API says what it expects."""
        if isinstance(node, nodes.Lambda):
            known: Known = self.function(node, expected.arguments if expected else None)
            check_value(self.findings, self.types, known, expected, what, node.span)
            return check_callback(self.findings, known, expected, node.span)
        if isinstance(node, nodes.Object) and (shapes := shapes_of(self.types, expected)):
            self._check_keys(node)
            if self._watch is not None:
                self._watch.parameters(node, shapes)
            check_object(self.findings, node, shapes, what)
            for pair in node.pairs:
                self._argument(pair.value, expected_of(shapes, pair.key.text), f"`{pair.key.text}`")
            return AN_OBJECT
        if isinstance(node, nodes.List) and expected is not None and expected.item is not None:
            for item in node.items:
                self._argument(item, expected.item, what)
            return A_LIST
        known = self.settled(node)
        check_value(self.findings, self.types, known, expected, what, node.span)
        check_literal(self.findings, written(node), expected, what, node.span)
        return check_callback(self.findings, known, expected, node.span)

    def _payload_of(self, event: Known, target: Known, spelled: str, span: Span) -> Known:
        """What an event carries, which `target` must send."""
        if is_no_event(event):
            self.findings.error(span, f"{spelled} is no event", AN_EVENT)
        wrong = None if self.findings.full else never_sent(self.types, self._surface, target, event)
        if wrong is not None:
            unit, whose = ("UNIT ", f", with {wrong.others} for UNIT") if wrong.others else ("", "")
            advice = f"write `on {unit}{spelled} {{ }}`{whose}"
            self.findings.error(span, f"{wrong.sender} never sends {spelled}", advice)
        return Value((event.payload,)) if isinstance(event, Event) else None

    def _check_secret(self, node: nodes.Call) -> None:
        names = [it.value for it in node.arguments if isinstance(it, nodes.Text)]
        if self._known_secrets is None or self._has_default or not names or names[0] in self._known_secrets:
            return
        unset_secret(self.findings, names[0], node.arguments[0].span)

    def _not_callable(self, node: nodes.Call, value: Value) -> None:
        if self.types.of(value) is None and value.kinds != (NULL,):
            return
        name = spell(node.function)
        hidden = f"this value hides the function `{name}`: give it another name; of an event, read `e.{name}`"
        advice = hidden if name in FUNCTIONS else "read it without `( )`"
        self.findings.error(node.function.span, f"{name or 'this'} is no function", advice)

    def _check_keys(self, node: nodes.Object) -> None:
        seen: set[str] = set()
        for pair in node.pairs:
            if pair.key.text in seen:
                self.findings.error(
                    pair.key.span, f"the key `{pair.key.text}` is there already", "leave one of them out"
                )
            seen.add(pair.key.text)

    def _missing_await(self, node: Expression, what: str) -> None:
        binding = self.scope.find(node.name) if isinstance(node, nodes.Name) else None
        if binding is None:
            self.findings.error(node.span, what, "put `await` before it")
            return
        advice = f"put `await` before it where `{binding.name}` is declared"
        self.findings.error(node.span, f"`{binding.name}` is a promise: {what}", advice)
        if isinstance(binding.known, Promise):
            binding.known = binding.known.value  # said once


def spell(node: Expression) -> str:
    """An expression as a message names it; empty when it has no name."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Member):
        return ".".join(filter(None, (spell(node.target), node.name.text)))
    return ""
