"""`Scope`: the names that can be seen from a place, and what is known of each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain

from voxrun.absent import absent_in_language
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Declaration, Function, Identifier, Span, Statement
from voxrun.dsl.slips import FOREIGN_NAMES
from voxrun.dsl.surface import Value
from voxrun.dsl.types import Known, OwnFunction


class Role(Enum):
    """How a name came to be."""

    API = auto()
    CONSTANT = auto()
    VARIABLE = auto()
    FUNCTION = auto()
    PARAMETER = auto()  # also a caught error: they are there whether needed or not
    ITEM = auto()  # a loop's variable
    PAYLOAD = auto()


_NEVER_USED = {
    Role.CONSTANT: "the constant `{}` is never used",
    Role.VARIABLE: "the variable `{}` is never used",
    Role.FUNCTION: "the function `{}` is never called",
    Role.PAYLOAD: "`{}` is never used",
}


@dataclass(slots=True, eq=False)
class Frame:
    """A piece of code that runs as one: the file, a function, a handler. `reply`: what it may return, if that matters.

    `waits`: it has an `await` or a `wait`. `loops`: how many there are around the place that was come to, `breaks`: how
    many leave the innermost one.
    """

    is_program: bool = False
    waits: bool = False
    loops: int = 0
    breaks: int = 0
    reply: Value | None = None


@dataclass(slots=True, eq=False)
class Binding:
    """One name. `ready`: its declaration has been passed."""

    name: str
    role: Role
    span: Span
    frame: Frame
    known: Known = None
    ready: bool = True
    used: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """The names of one block, in those of the blocks around it."""

    outer: "Scope | None"
    frame: Frame
    names: dict[str, Binding] = field(default_factory=dict)

    def find(self, name: str) -> Binding | None:
        """The binding that `name` means here."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None

    def visible(self) -> Iterator[str]:
        """All names that can be seen from here, nearest first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.outer

    def bind(self, name: Identifier, role: Role, known: Known = None, *, ready: bool = True) -> Binding:
        """Add a name."""
        binding = self.names[name.text] = Binding(name.text, role, name.span, self.frame, known, ready)
        return binding

    def bind_once(self, name: Identifier, role: Role, known: Known, findings: Findings) -> None:
        """`bind`, where each name may stand once: parameters, and fields."""
        if name.text in self.names:
            findings.error(name.span, f"`{name.text}` is there already", "give one of both another name")
        self.bind(name, role, known)

    def declare(self, statements: tuple[Statement, ...], findings: Findings) -> None:
        """Add what the statements of the block declare: functions ready to be called, the others not ready yet."""
        for statement in statements:
            if isinstance(statement, Declaration):
                role, known = (Role.CONSTANT if statement.constant else Role.VARIABLE), None
            elif isinstance(statement, Function):
                role, known = Role.FUNCTION, OwnFunction(statement.name.text, len(statement.parameters))
            else:
                continue
            name = statement.name
            if name.text in self.names and self.names[name.text].role is not Role.API:
                what = f"`{name.text}` is declared in this block already"
                findings.error(name.span, what, "give one of them another name, or assign: `name = value`")
            self.bind(name, role, known, ready=role is Role.FUNCTION)

    def close(self, findings: Findings) -> None:
        """Tell of names that nobody used."""
        for binding in self.names.values():
            if not binding.used and binding.role in _NEVER_USED:
                findings.warning(binding.span, _NEVER_USED[binding.role].format(binding.name), "leave it out")


def unknown_name(findings: Findings, name: str, names: Iterable[str], modules: Mapping[str, str]) -> str:
    """Advice on a name that is none of `names`; `modules` says which module would bring which names."""
    if name in modules:
        return f"write `require {modules[name]}` at the top"
    if name in FOREIGN_NAMES:
        return FOREIGN_NAMES[name]
    if advice := absent_in_language(name):
        return advice
    if near := findings.nearest(name, chain(names, modules)):
        return f"did you mean `{near}`?"
    return "declare it: `const name = value`, or `let` when it changes"
