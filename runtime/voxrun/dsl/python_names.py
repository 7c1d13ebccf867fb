"""The names of a Python scenario: what it imports from voxrun, and names that nothing in the file brings."""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

from voxrun.absent import absent_in_python
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source
from voxrun.dsl.surface import Surface, Value
from voxrun.dsl.types import Known, known_of

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_ALWAYS = frozenset(
    (
        *dir(builtins),
        *("__name__", "__file__", "__doc__", "__annotations__", "__builtins__", "WindowsError"),
        *("__class__", "__module__", "__qualname__"),  # in classes
    )
)

_MAKE_NAMES = frozenset(("globals", "vars", "locals", "exec"))
"""A file that uses one of them may have names that nobody sees in it."""

_ASK_KINDS = frozenset(("isinstance", "hasattr"))

_TYPE_PARAMETERS = tuple(vars(ast)[name] for name in ("TypeVar", "TypeVarTuple", "ParamSpec") if hasattr(ast, name))
"""`T` in `def first[T](…)`. Python has them from 3.12 on."""


class Places:
    """Where the nodes of a Python file are in its text."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def span(self, node: ast.expr | ast.alias | ast.keyword) -> Span:
        """All of it."""
        end = self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self.offset(node.lineno, node.col_offset), end)

    def member(self, node: ast.Attribute) -> Span:
        """The name behind the dot."""
        end = self.span(node).end
        return Span(end - len(node.attr), end)

    def head(self, node: FunctionNode) -> Span:
        """A lambda, or a function's name."""
        if isinstance(node, ast.Lambda):
            return self.span(node)
        before = "async def " if isinstance(node, ast.AsyncFunctionDef) else "def "
        start = self.offset(node.lineno, node.col_offset) + len(before)
        return Span(start, start + len(node.name))

    def offset(self, line: int, column: int) -> int:
        """Characters from the beginning; `line` is from 1, `column` in bytes of UTF-8 from 0."""
        text = self._source.line(line)
        characters = column if text.isascii() else len(text.encode()[:column].decode(errors="ignore"))
        return self._source.start(line) + characters


@dataclass(slots=True)
class PythonScope:
    """What is known of the names of a module, class or function. `classes`: names of classes, with their types.

    `called`: with what the API calls functions that are registered by their names.
    """

    outer: "PythonScope | None"
    known: dict[str, Known] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    bound: Counter[str] = field(default_factory=Counter)
    called: dict[str, list[tuple[Value, ...]]] = field(default_factory=dict)
    of_class: bool = False

    def home(self, name: str) -> "PythonScope | None":
        """Where `name` is bound, from here outwards."""
        scope: PythonScope | None = self
        while scope is not None and (name not in scope.bound or (scope.of_class and scope is not self)):
            scope = scope.outer  # a class's names are not those of the functions in it
        return scope

    def find(self, name: str) -> Known:
        """What the value of `name` is known to be here."""
        home = self.home(name)
        return home.known.get(name) if home is not None and home.bound[name] == 1 else None

    def find_class(self, name: str) -> str:
        """The type of the class `name`, empty when it is none of the API's."""
        home = self.home(name)
        return home.classes.get(name, "") if home is not None and home.bound[name] == 1 else ""


def bound_names(body: list[ast.stmt]) -> Counter[str]:
    """How often each name is bound in the statements, those of inner functions left out.

    So is one whose kind is asked for: where the answer holds, it is something else.
    """
    return Counter(name for node in own_nodes(body) if (name := _bound(node) or _asked(node)))


def own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes in the statements, without those in inner functions and classes."""
    waiting: list[ast.AST] = list(reversed(body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(reversed([*node.decorator_list, *node.args.defaults]))
        elif not isinstance(node, ast.Lambda | ast.ClassDef):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def bind_import(node: ast.ImportFrom, scope: PythonScope, surface: Surface, findings: Findings, places: Places) -> None:
    """Names from voxrun: those that there are, and what they are."""
    names = surface.python.get(node.module or "") if not node.level else None
    if names is None:
        return
    for alias in node.names:
        if alias.name == "*":
            for name in names.keys() - scope.bound.keys():  # of the others, the file has its own
                scope.bound[name] = 1
                _bind(name, name, scope, surface, names)
        elif alias.name in names:
            _bind(alias.asname or alias.name, alias.name, scope, surface, names)
        elif not alias.name.startswith("_") and find_spec(f"{node.module}.{alias.name}") is None:
            advice = absent_in_python(alias.name) or findings.did_you_mean(alias.name, names)
            findings.error(places.span(alias), f"{node.module} has no `{alias.name}`", advice)


def _bind(local: str, name: str, scope: PythonScope, surface: Surface, names: Mapping[str, str]) -> None:
    members = (surface.names, *surface.modules.values())
    member = next((it[name] for it in members if name in it and name in names), None)
    if member is not None:
        scope.known[local] = known_of(member)
    elif names[name]:
        scope.classes[local] = names[name]


def check_names(tree: ast.Module, surface: Surface, findings: Findings, places: Places) -> None:
    """Names that are read somewhere and bound nowhere in the file."""
    bound: set[str] = set(_ALWAYS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            if (brought := surface.python.get(node.module or "")) is None:
                return
            bound.update(brought)
        elif isinstance(node, ast.Name) and node.id in _MAKE_NAMES:
            return
        elif isinstance(node, ast.Global | ast.Nonlocal):
            bound.update(node.names)
        elif name := _bound(node):
            bound.add(name)
    importable = surface.python["voxrun"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in bound:
            imports = f"write `from voxrun import {node.id}` at the top"
            advice = imports if node.id in importable else absent_in_python(node.id)
            near = findings.nearest(node.id, sorted(bound)) if not advice else ""
            findings.error(
                places.span(node), f"unknown name `{node.id}`", advice or (f"did you mean `{near}`?" if near else "")
            )


def annotated(node: ast.expr | None, scope: PythonScope) -> Value | None:
    """What an annotation says, when it names one of the API's classes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        name = scope.find_class(node.value)
        return Value((name,)) if name else None
    if isinstance(node, ast.Name):
        name = scope.find_class(node.id)
        return Value((name,)) if name else None
    return None


def _bound(node: ast.AST) -> str:
    """The name that a node binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.alias(name=name, asname=other):
            return (other or name).partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return name
        case ast.MatchMapping(rest=str(name)):
            return name
    return str(vars(node)["name"]) if isinstance(node, _TYPE_PARAMETERS) else ""


def _asked(node: ast.AST) -> str:
    """The name that `isinstance(name, …)`, `hasattr(name, …)` or `match name` looks at."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ASK_KINDS and node.args:
        subject: ast.expr | None = node.args[0]
    else:
        subject = node.subject if isinstance(node, ast.Match) else None
    return subject.id if isinstance(subject, ast.Name) else ""
