"""The nodes of a `.vox` file: what its text says, and where. Each is made by the grammar's rule of the same name."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lark import ast_utils

if TYPE_CHECKING:
    from voxrun.dsl.sentences import Test

_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}


class Span(NamedTuple):
    """A piece of the source: from the character at `start` to the one before `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node(ast_utils.Ast):
    """What all nodes have. Two that say the same are equal wherever they stand."""

    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Identifier(Node):
    """A name where it is written: declared, read, or a member's."""

    text: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """Names with dots between them: a unit or an event."""

    names: tuple[Identifier, ...]

    @property
    def spelled(self) -> str:
        """As it is written."""
        return ".".join(name.text for name in self.names)


# Expressions


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable, or a name of the API."""

    name: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, whole or with a decimal point."""

    value: int | float


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """`250ms`, `30s`, `10min`, `1h`."""

    value: int | float
    unit: str

    @property
    def milliseconds(self) -> int | float:
        """Its value."""
        return self.value * _MILLISECONDS[self.unit]


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A quoted text without a value in it."""

    value: str


@dataclass(frozen=True, slots=True)
class Template(Node):
    """A quoted text with `${ }` in it: texts and the expressions between them."""

    parts: tuple["str | Expression", ...]


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """`true`, `false`, `null`."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class List(Node):
    """`[a, b]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Pair(Node):
    """`key: value` in an object; `value` is a Name of the same text when only the key was written."""

    key: Identifier
    value: "Expression"


@dataclass(frozen=True, slots=True)
class Object(Node):
    """`{ key: value }`."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    """A function without a name."""

    parameters: tuple[Identifier, ...]
    body: "Block"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`."""

    function: "Expression"
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`target[key]`."""

    target: "Expression"
    key: "Expression"


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`target.name`, or `target?.name`, which is null when the target is null or has no such member."""

    target: "Expression"
    name: Identifier
    optional: bool


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`not`, `-` or `await` and what it is about."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two expressions with an operator between them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class WaitFor(Node):
    """`wait for unit EVENT within D`: the event's payload, or null when it did not fire in time."""

    unit: Path | None
    event: Path
    within: "Expression | None"


Expression: TypeAlias = (
    Name
    | Number
    | Duration
    | Text
    | Template
    | Constant
    | List
    | Object
    | Lambda
    | Call
    | Index
    | Member
    | Unary
    | Binary
    | WaitFor
)
"""WaitFor only as a whole statement or as the value of a declaration, an assignment or a return."""


# Statements


@dataclass(frozen=True, slots=True)
class Require(Node):
    """`require ElevenLabs`: the module and, under their short names, its `Events` and `AgentsEvents`."""

    name: Identifier


@dataclass(frozen=True, slots=True)
class Declaration(Node):
    """`const name = value`, `let name = value`."""

    constant: bool
    name: Identifier
    value: Expression


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`target = value`; also `+=` and `-=`."""

    target: Name | Index | Member
    operator: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Evaluation(Node):
    """An expression that stands alone."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Route(Node):
    """`source -> sink`, or `both` ways with `<->`."""

    source: Expression
    both: bool
    sink: Expression


@dataclass(frozen=True, slots=True)
class Stop(Node):
    """`stop source -> sink`."""

    source: Expression
    both: bool
    sink: Expression


@dataclass(frozen=True, slots=True)
class Log(Node):
    """`log text`."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Wait(Node):
    """`wait 2s`."""

    duration: Expression


@dataclass(frozen=True, slots=True)
class Return(Node):
    """`return`, `return value`."""

    value: Expression | None


@dataclass(frozen=True, slots=True)
class Break(Node):
    """Leaves the innermost loop."""


@dataclass(frozen=True, slots=True)
class Continue(Node):
    """Goes on with the next round of the innermost loop."""


@dataclass(frozen=True, slots=True)
class Breakpoint(Node):
    """Stops in the debugger."""


@dataclass(frozen=True, slots=True)
class Block(Node):
    """Statements in braces."""

    statements: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """A condition and what is done when it holds."""

    condition: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class If(Node):
    """The first branch whose condition holds, else `otherwise`. `else if` is a branch more, not an If in an If."""

    branches: tuple[Branch, ...]
    otherwise: Block | None


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for name in value { }`: over a list, the keys of an object or the characters of a text."""

    name: Identifier
    value: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class While(Node):
    """`while condition { }`."""

    condition: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class Try(Node):
    """`try { } catch error { }`."""

    body: Block
    error: Identifier | None
    handler: Block


@dataclass(frozen=True, slots=True)
class Function(Node):
    """`fn name(parameters) { }`."""

    name: Identifier
    parameters: tuple[Identifier, ...]
    body: Block


@dataclass(frozen=True, slots=True)
class Fields(Node):
    """`{ call, callerid }` after `as`: fields of the event's payload, each under its name."""

    names: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Handler(Node):
    """`on unit EVENT as binding where condition { }`; without a unit, of the session."""

    unit: Path | None
    event: Path
    binding: Identifier | Fields | None
    condition: Expression | None
    body: Block


@dataclass(frozen=True, slots=True)
class After(Node):
    """`after 10min { }`: once."""

    duration: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class Every(Node):
    """`every 30s { }`: again and again."""

    duration: Expression
    body: Block


Statement: TypeAlias = (
    Require
    | Declaration
    | Assignment
    | Evaluation
    | Route
    | Stop
    | Log
    | Wait
    | Return
    | Break
    | Continue
    | Breakpoint
    | If
    | For
    | While
    | Try
    | Function
    | Handler
    | After
    | Every
)


@dataclass(frozen=True, slots=True)
class Program(Node):
    """A whole file."""

    statements: tuple[Statement, ...]
    tests: tuple["Test", ...] = ()
