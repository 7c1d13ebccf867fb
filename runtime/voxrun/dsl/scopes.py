"""`resolve`: which variable each name of a program means, and what its functions need to know of variables outside."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from voxrun.dsl import nodes
from voxrun.dsl.diagnostic import Slip
from voxrun.dsl.nodes import Identifier, Node

Maker: TypeAlias = nodes.Function | nodes.Lambda | nodes.Handler | nodes.After | nodes.Every
"""What makes a function."""

_TAKEN = ("None", "True", "False")
"""Names that Python keeps for itself even in a syntax tree."""


@dataclass(eq=False, slots=True)
class Variable:
    """`python` is its name in the compiled code, which no other variable of the program has."""

    name: str
    python: str
    constant: bool
    owner: "Routine"
    in_loop: bool
    captured: bool = False

    @property
    def is_boxed(self) -> bool:
        """Whether it lives in a box: functions made in a loop keep that of their round."""
        return self.in_loop and self.captured


@dataclass(eq=False, slots=True)
class Routine:
    """A function, a handler, or the program itself. `waits`: it is asynchronous."""

    outer: "Routine | None"
    waits: bool = False
    captures: dict[Variable, None] = field(default_factory=dict)
    """Variables of the routines around it that it, or one in it, uses."""
    assigns: dict[Variable, None] = field(default_factory=dict)
    """Those among them that it changes."""


@dataclass(slots=True)
class Scopes:
    """What `resolve` found: by the offset of a name, by the id of a node that makes a function, by that of a block."""

    variables: dict[int, Variable] = field(default_factory=dict)
    routines: dict[int, Routine] = field(default_factory=dict)
    blocks: dict[int, list[Variable]] = field(default_factory=dict)


def resolve(program: nodes.Program, names: Collection[str], modules: Mapping[str, Collection[str]]) -> Scopes:
    """Find them. Slip for a name that there isn't."""
    resolver = _Resolver(names, modules)
    resolver.block(program, program.statements, {})
    return resolver.scopes


class _Resolver:
    """Walks through a program once, in the order of its text."""

    def __init__(self, names: Collection[str], modules: Mapping[str, Collection[str]]) -> None:
        self.scopes = Scopes()
        self._modules = modules
        self._program = self._routine = Routine(None)
        self._in_loop = False
        self._taken = {*_TAKEN, *names, *(name for module in modules.values() for name in module)}
        self._serials: Counter[str] = Counter()
        self._visible: list[dict[str, Variable]] = [{name: self._given(name) for name in names}]

    def _given(self, name: str) -> Variable:
        return Variable(name, name, True, self._program, in_loop=False)

    # Scopes.

    def block(self, node: Node, statements: tuple[nodes.Statement, ...], inside: dict[str, Variable]) -> None:
        """Statements with names of their own; `inside` are around them, as a loop's variable is."""
        self._visible.append(inside)
        declared = self.scopes.blocks[id(node)] = list(inside.values())
        for statement in statements:
            if isinstance(statement, nodes.Require):
                self._require(statement)
        self._visible.append({})
        for statement in statements:
            if isinstance(statement, nodes.Declaration | nodes.Function):
                constant = not isinstance(statement, nodes.Declaration) or statement.constant
                declared.append(self._declare(statement.name, constant))
        # Names count from the start of their block, for functions that are called later; reading one too early is an
        # error of its own.
        for statement in statements:
            self.visit(statement)
        del self._visible[-2:]

    def _declare(self, name: Identifier, constant: bool) -> Variable:
        if name.text in self._visible[-1]:
            raise Slip(name.span, f"`{name.text}` is declared already", "give one of both another name")
        python = name.text
        while python in self._taken:
            self._serials[name.text] += 1
            python = f"{name.text}#{self._serials[name.text] + 1}"
        self._taken.add(python)
        variable = Variable(name.text, python, constant, self._routine, self._in_loop)
        self._visible[-1][name.text] = variable
        self.scopes.variables[name.span.start] = variable
        return variable

    def _named(self, names: Iterable[Identifier], *, constant: bool = False) -> dict[str, Variable]:
        """New variables, to be the first ones of a block."""
        self._visible.append({})
        for name in names:
            self._declare(name, constant)
        return self._visible.pop()

    def _use(self, name: str, span: nodes.Span) -> Variable:
        for scope in reversed(self._visible):
            if name in scope:
                break
        else:
            raise Slip(span, f"there is no `{name}`", "declare it with `const` or `let`")
        variable = self.scopes.variables[span.start] = scope[name]
        routine: Routine | None = self._routine
        while routine is not None and routine is not variable.owner:
            variable.captured = True
            routine.captures[variable] = None
            routine = routine.outer
        return variable

    def _make(self, node: Maker, parameters: tuple[Identifier, ...], *inside: Node | None) -> None:
        """A function: `inside` are its block and what else belongs to it."""
        outer, in_loop = self._routine, self._in_loop
        self._routine = self.scopes.routines[id(node)] = Routine(outer)
        self._in_loop = False
        self._visible.append(self._named(parameters))
        for part in inside:
            self.visit(part)
        self._visible.pop()
        self._routine, self._in_loop = outer, in_loop

    def _loop(self, node: nodes.For | nodes.While, names: tuple[Identifier, ...]) -> None:
        in_loop, self._in_loop = self._in_loop, True
        self.block(node.body, node.body.statements, self._named(names, constant=True))
        self._in_loop = in_loop

    # Nodes.

    def visit(self, node: Node | None) -> None:
        """A node and all that is in it."""
        if node is not None:
            special = _VISITS.get(type(node))
            if special is None:
                self._inside(node)
            else:
                special(self, node)

    def _inside(self, node: Node) -> None:
        for part in _PARTS[type(node)]:
            value = getattr(node, part)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Node):
                    self.visit(each)

    def _name(self, node: nodes.Name) -> None:
        self._use(node.name, node.span)

    def _path(self, node: nodes.Path) -> None:
        self._use(node.names[0].text, node.names[0].span)

    def _require(self, node: nodes.Require) -> None:
        if node.name.text not in self._modules:
            raise Slip(node.name.span, f"there is no module `{node.name.text}`", f"there is {', '.join(self._modules)}")
        for name in self._modules[node.name.text]:
            self._visible[1].setdefault(name, self._given(name))

    def _assignment(self, node: nodes.Assignment) -> None:
        self.visit(node.value)
        self.visit(node.target)
        if isinstance(node.target, nodes.Name):
            variable = self.scopes.variables[node.target.span.start]
            if variable.constant:
                raise Slip(node.target.span, f"`{variable.name}` is constant", "declare it with `let`")
            if variable.owner is not self._routine:
                self._routine.assigns[variable] = None

    def _unary(self, node: nodes.Unary) -> None:
        if node.operator == "await":
            self._wait(node)
        self.visit(node.operand)

    def _wait(self, node: Node) -> None:
        if self._routine.outer is None:
            raise Slip(node.span, "only functions and handlers can wait", "put it into `on AppEvents.Started { }`")
        self._routine.waits = True

    def _waiting(self, node: nodes.Wait | nodes.WaitFor) -> None:
        self._wait(node)
        self._inside(node)

    def _block(self, node: nodes.Block) -> None:
        self.block(node, node.statements, {})

    def _for(self, node: nodes.For) -> None:
        self.visit(node.value)
        self._loop(node, (node.name,))

    def _while(self, node: nodes.While) -> None:
        self.visit(node.condition)
        self._loop(node, ())

    def _try(self, node: nodes.Try) -> None:
        self.visit(node.body)
        names = () if node.error is None else (node.error,)
        self.block(node.handler, node.handler.statements, self._named(names))

    def _function(self, node: nodes.Function | nodes.Lambda) -> None:
        self._make(node, node.parameters, node.body)

    def _handler(self, node: nodes.Handler) -> None:
        self.visit(node.unit)
        self.visit(node.event)
        binding = node.binding
        names = binding.names if isinstance(binding, nodes.Fields) else () if binding is None else (binding,)
        self._make(node, names, node.condition, node.body)

    def _timer(self, node: nodes.After | nodes.Every) -> None:
        self.visit(node.duration)
        self._make(node, (), node.body)


_VISITS: dict[type, Callable[[_Resolver, Any], None]] = {
    nodes.Name: _Resolver._name,
    nodes.Path: _Resolver._path,
    nodes.Require: lambda _, __: None,
    nodes.Assignment: _Resolver._assignment,
    nodes.Unary: _Resolver._unary,
    nodes.Wait: _Resolver._waiting,
    nodes.WaitFor: _Resolver._waiting,
    nodes.Block: _Resolver._block,
    nodes.For: _Resolver._for,
    nodes.While: _Resolver._while,
    nodes.Try: _Resolver._try,
    nodes.Function: _Resolver._function,
    nodes.Lambda: _Resolver._function,
    nodes.Handler: _Resolver._handler,
    nodes.After: _Resolver._timer,
    nodes.Every: _Resolver._timer,
}
"""Those in which names are used or declared."""

_PARTS = {
    kind: tuple(name for name in kind.__dataclass_fields__ if name != "span")
    for kind in vars(nodes).values()
    if isinstance(kind, type) and issubclass(kind, Node)
}
