"""`check`: what is wrong in a scenario, as far as that can be known before it runs."""

from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any

from voxrun.dsl import nodes
from voxrun.dsl.arguments import check_value
from voxrun.dsl.diagnostic import Diagnostic
from voxrun.dsl.expressions import Expressions, spell
from voxrun.dsl.names import Frame, Role, Scope
from voxrun.dsl.nodes import Program, Span, Statement
from voxrun.dsl.operators import COMPARISONS
from voxrun.dsl.routes import check_both_ways, check_sink, check_source
from voxrun.dsl.surface import FUNCTION, LIST, OBJECT, TEXT, Function, Property, Surface, Value
from voxrun.dsl.types import A_LIST, A_TEXT, AN_ERROR, Known, Missing, OwnFunction, a, known_of
from voxrun.dsl.watch import Watch

_LOOPED = Value((LIST, TEXT, OBJECT))
"""What `for` walks over."""

_FIXED = {
    Role.API: "belongs to the API",
    Role.CONSTANT: "is a constant",
    Role.FUNCTION: "is a function",
    Role.ITEM: "belongs to the loop",
}
"""Names that keep their value, and why."""


def check(
    program: Program,
    surface: Surface,
    *,
    known_secrets: Container[str] | None = None,
    watch: Watch | None = None,
) -> tuple[Diagnostic, ...]:
    """All findings in the order of the text. What can't be known is taken for right.

    `known_secrets`: the names of those that are set; without it nothing is said of secrets. `watch` is told what is
    known of each place on the way.
    """
    return _Checker(surface, known_secrets, watch).check(program)


class _Checker:
    """Walks statements. What walks one says whether the code behind it is never reached."""

    def __init__(self, surface: Surface, known_secrets: Container[str] | None, watch: Watch | None) -> None:
        self._surface = surface
        self._expressions = Expressions(surface, known_secrets, self._walk, watch)
        self._findings = self._expressions.findings
        self._visit: dict[type, Callable[[Any], bool | None]] = {
            nodes.Require: lambda _: None,
            nodes.Declaration: self._declaration,
            nodes.Assignment: self._assignment,
            nodes.Evaluation: self._evaluation,
            nodes.Route: self._route,
            nodes.Stop: self._route,
            nodes.Log: self._log,
            nodes.Wait: self._wait,
            nodes.Return: self._return,
            nodes.Break: self._break,
            nodes.Continue: self._break,
            nodes.Breakpoint: lambda _: None,
            nodes.If: self._if,
            nodes.For: self._for,
            nodes.While: self._while,
            nodes.Try: self._try,
            nodes.Function: self._function,
            nodes.Handler: self._handler,
            nodes.After: self._timer,
            nodes.Every: self._timer,
        }

    def check(self, program: Program) -> tuple[Diagnostic, ...]:
        """All findings."""
        self._statements(program.statements, self._expressions.scope)
        self._expressions.finish()
        return self._findings.in_order()

    # Blocks.

    def _walk(self, block: nodes.Block, scope: Scope) -> bool:
        return self._statements(block.statements, scope)

    def _block(self, block: nodes.Block) -> bool:
        with self._expressions.within(self._expressions.frame) as scope:
            return self._statements(block.statements, scope)

    def _statements(self, statements: tuple[Statement, ...], scope: Scope) -> bool:
        for statement in statements:
            if type(statement) is nodes.Require:
                self._require(statement, scope)
        scope.declare(statements, self._findings)
        leaves = False
        for statement in statements:
            if leaves and type(statement) is not nodes.Function:
                self._findings.warning(statement.span, "this is never reached", "leave it out, or put it further up")
                leaves = False
            leaves = bool(self._visit[type(statement)](statement)) or leaves
        scope.close(self._findings)
        return leaves

    def _require(self, node: nodes.Require, scope: Scope) -> None:
        names = self._surface.modules.get(node.name.text)
        if names is None:
            advice = self._findings.did_you_mean(node.name.text, self._surface.modules)
            self._findings.error(node.name.span, f"there is no module `{node.name.text}`", advice)
            return
        for name in names:
            scope.bind(nodes.Identifier(node.name.span, name), Role.API, known_of(names[name]))

    # Statements.

    def _log(self, node: nodes.Log) -> None:
        self._expressions.valued(node.value)

    def _declaration(self, node: nodes.Declaration) -> None:
        known = self._expressions.known(node.value)
        binding = self._expressions.scope.names[node.name.text]
        binding.ready = True
        is_null = isinstance(node.value, nodes.Constant) and node.value.value is None  # code may ask for that
        if node.constant and not is_null:  # what is in a list may be changed
            binding.known = replace(known, item=None) if isinstance(known, Value) else known

    def _assignment(self, node: nodes.Assignment) -> None:
        (self._expressions.known if node.operator == "=" else self._expressions.settled)(node.value)
        target = node.target
        if not isinstance(target, nodes.Name):
            owner = self._expressions.settled(target.target)
            if isinstance(target, nodes.Index):
                self._expressions.settled(target.key)
            self._changed(owner, target)
            return
        binding = self._expressions.bound(target.name, target.span)
        if binding is None:
            what, advice = f"unknown name `{target.name}`", f"declare it: `let {target.name} = …`"
            self._findings.error(target.span, what, advice)
        elif binding.role in _FIXED:
            what = f"`{target.name}` {_FIXED[binding.role]}: nothing can be assigned to it"
            advice = "declare it with `let " if binding.role is Role.CONSTANT else "take another name: `let my"
            self._findings.error(target.span, what, f"{advice}{target.name} = …`")
        elif not binding.ready and binding.frame is self._expressions.frame:
            self._findings.error(target.span, f"`{target.name}` is used before it is declared", "declare it above")
        else:
            binding.known = None

    def _changed(self, owner: Known, target: nodes.Index | nodes.Member) -> None:
        """A member of something is assigned to, which only lists and objects let happen."""
        kinds = self._expressions.types.of(owner)
        if not kinds or any(it.open or it.name == A_LIST.kinds[0] for it in kinds):
            return
        what = f"`{spell(target)}` belongs to the API" if spell(target) else f"{a(kinds[0].name)} stays as it is"
        advice = "keep the value in a variable of your own: `let`"
        members = [it.members.get(target.name.text) for it in kinds] if isinstance(target, nodes.Member) else []
        if any(isinstance(it, Property) and FUNCTION in it.value.kinds for it in members):
            advice = f"write `on {spell(target.target) or 'UNIT'} {''.join(kinds[0].events or ())}.… as e {{ }}`"
        self._findings.error(target.span, f"{what}: nothing can be assigned to it", advice)

    def _evaluation(self, node: nodes.Evaluation) -> None:
        known, written = self._expressions.settled(node.expression), node.expression
        if isinstance(known, Function | OwnFunction):
            what = f"{spell(written) or 'this function'} is not called"
            self._findings.warning(written.span, what, f"write `{spell(written) or 'f'}()`")
        elif isinstance(written, nodes.Binary) and written.operator in COMPARISONS:
            advice = "`a = b` assigns, and `a -> b` sends audio"
            self._findings.warning(written.span, "this compares, and nobody asks for the result", advice)

    def _route(self, node: nodes.Route | nodes.Stop) -> None:
        types = self._expressions.types
        source, sink = self._expressions.settled(node.source), self._expressions.settled(node.sink)
        if node.both:
            check_both_ways(self._findings, types, source, node.source.span)
            check_both_ways(self._findings, types, sink, node.sink.span)
        else:
            check_source(self._findings, types, source, node.source.span)
            check_sink(self._findings, types, sink, node.sink.span)

    def _wait(self, node: nodes.Wait) -> None:
        self._expressions.must_wait(Span(node.span.start, node.span.start + len("wait")), "wait")
        self._expressions.duration(node.duration)

    def _return(self, node: nodes.Return) -> bool:
        reply = self._expressions.frame.reply
        if node.value is not None and reply is not None:
            known = self._expressions.settled(node.value)
            types = self._expressions.types
            check_value(self._findings, types, known, reply, "a reply", node.value.span)
        elif node.value is not None:
            self._expressions.known(node.value)
        if self._expressions.frame.is_program:
            span = Span(node.span.start, node.span.start + len("return"))
            self._findings.error(span, "`return` outside a function", "leave it out")
        return True

    def _break(self, node: nodes.Break | nodes.Continue) -> bool:
        if not self._expressions.frame.loops:
            word = "break" if isinstance(node, nodes.Break) else "continue"
            self._findings.error(node.span, f"`{word}` outside a loop", "a handler or a function ends with `return`")
        elif isinstance(node, nodes.Break):
            self._expressions.frame.breaks += 1
        return True

    def _if(self, node: nodes.If) -> bool:
        leaves = True
        for branch in node.branches:
            self._expressions.valued(branch.condition)
            leaves = self._block(branch.body) and leaves
        return node.otherwise is not None and self._block(node.otherwise) and leaves

    def _loop(self, body: nodes.Block) -> bool:
        """Walk it; True when a `break` leaves it."""
        frame = self._expressions.frame
        outer, frame.breaks = frame.breaks, 0
        frame.loops += 1
        self._block(body)
        frame.loops -= 1
        leaves, frame.breaks = frame.breaks > 0, outer
        return leaves

    def _for(self, node: nodes.For) -> None:
        value = self._expressions.settled(node.value)
        check_value(self._findings, self._expressions.types, value, _LOOPED, "`for`", node.value.span)
        item: Known = None
        if isinstance(value, Value):
            item = A_TEXT if value.kinds == (TEXT,) else value.item
        with self._expressions.within(self._expressions.frame) as scope:
            scope.bind(node.name, Role.ITEM, item)
            self._loop(node.body)

    def _while(self, node: nodes.While) -> bool:
        self._expressions.valued(node.condition)
        is_endless = isinstance(node.condition, nodes.Constant) and node.condition.value is True
        return not self._loop(node.body) and is_endless

    def _try(self, node: nodes.Try) -> bool:
        leaves = self._block(node.body)
        with self._expressions.within(self._expressions.frame) as scope:
            if node.error is not None:
                scope.bind(node.error, Role.PARAMETER, AN_ERROR)
            return self._block(node.handler) and leaves

    def _function(self, node: nodes.Function) -> None:
        declared = self._expressions.scope.names[node.name.text].known
        walked = self._expressions.function(node)
        if isinstance(declared, OwnFunction):
            declared.waits = walked.waits

    # Handlers and timers: code of their own.

    def _handler(self, node: nodes.Handler) -> None:
        payload = self._expressions.event(node.unit, node.event)
        tally = self._expressions.tally
        answers, own_calls = tally.answers, tally.own_calls
        with self._expressions.within(Frame(reply=self._expressions.types.reply(payload))) as scope:
            if isinstance(node.binding, nodes.Identifier):
                scope.bind(node.binding, Role.PAYLOAD, payload)
            elif node.binding is not None:
                self._bind_fields(node.binding, payload, scope)
            if node.condition is not None:
                self._expressions.valued(node.condition)
            self._block(node.body)
            scope.close(self._findings)
        if node.event.names[-1].text == "ClientToolCall" and tally.answers == answers:
            # who hears all tool calls may only count them, and leave the answers to other handlers
            others_may = node.condition is None or tally.own_calls > own_calls
            tally.unanswered.append((node.event.span, others_may))

    def _bind_fields(self, fields: nodes.Fields, payload: Known, scope: Scope) -> None:
        for name in fields.names:
            known: Known | Missing = None
            if isinstance(payload, Value):
                known = self._expressions.types.member(payload, name.text)
            if isinstance(known, Missing):
                what = f"{a(known.types[0].name.split()[0])} has no field `{name.text}`"
                self._findings.error(name.span, what, self._findings.did_you_mean(name.text, known.candidates()))
                known = None
            scope.bind_once(name, Role.PAYLOAD, known, self._findings)

    def _timer(self, node: nodes.After | nodes.Every) -> None:
        self._expressions.duration(node.duration)
        with self._expressions.within(Frame()):
            self._block(node.body)
