"""Arguments in a Python scenario: how many of a call's there are, and what is written out."""

import ast

from voxrun.absent import TWO_OF_ON
from voxrun.dsl import nodes
from voxrun.dsl.arguments import count
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.python_names import FunctionNode, Places, own_nodes
from voxrun.dsl.surface import Function, Property, Surface
from voxrun.dsl.types import A_NULL, OwnFunction


def check_count(
    findings: Findings, places: Places, surface: Surface, node: ast.Call, function: Function, spelled: str
) -> None:
    """As many arguments as it takes; those with names count where the function has parameters of these names."""
    if any(isinstance(it, ast.Starred) for it in node.args) or any(it.arg is None for it in node.keywords):
        return
    most = len(function.parameters)
    if len(node.args) > most:
        first, last = places.span(node.args[most]), places.span(node.args[-1])
        what = f"{spelled} takes {count(function.least, most)}, not {len(node.args)}"
        advice = TWO_OF_ON if spelled.endswith(".on") else "leave the others out"
        findings.error(Span(first.start, last.end), what, advice)
    given = {it.arg for it in node.keywords}
    left = function.parameters[len(node.args) :]
    needed: list[str] = []
    if function.keywords and left and left[-1] is function.parameters[-1]:
        kind = surface.types[function.keywords]
        left = left if kind.open and not given else left[:-1]
        if not kind.open:
            needed = [it.name for it in kind.members.values() if isinstance(it, Property) and it.required]
    missing = [it.name for it in left if it.required] + needed
    missing = [f"`{name}`" for name in missing if name not in given]
    if missing:
        findings.error(places.span(node), f"{spelled} needs {', '.join(missing)}", "add it between the brackets")


def check_takes(findings: Findings, places: Places, node: FunctionNode, given: int) -> None:
    """A function that the API calls takes as many arguments as it is given."""
    positional = len(node.args.posonlyargs) + len(node.args.args)
    least = positional - len(node.args.defaults)
    is_right = least <= given and (given <= positional or node.args.vararg is not None)
    if not is_right:
        name = "this function" if isinstance(node, ast.Lambda) else node.name
        what = f"{name} takes {count(least, positional)}, but is called with {given or 'none'}"
        findings.error(places.head(node), what, "a handler is called with the event, a timer's function with nothing")


def own_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> OwnFunction | None:
    """A function of the scenario's own; None for one whose calls give a generator."""
    inside = list(own_nodes(node.body))
    if any(isinstance(it, ast.Yield | ast.YieldFrom) for it in inside):
        return None
    gives = any(isinstance(it, ast.Return) and it.value is not None for it in inside)
    waits = isinstance(node, ast.AsyncFunctionDef)
    return OwnFunction(node.name, len(node.args.args), waits, result=None if gives else A_NULL)


def literal(places: Places, node: ast.Dict) -> nodes.Object | None:
    """A dict whose keys are all written out, as the language's own object."""
    pairs = []
    for key in node.keys:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        span = places.span(key)
        pairs.append(nodes.Pair(span, nodes.Identifier(span, key.value), nodes.Constant(span, None)))
    return nodes.Object(places.span(node), tuple(pairs))


def written(node: ast.expr) -> str | float | None:
    """A text or number that is written out, or how a text with values in it begins."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = written(node.operand)
        if isinstance(value, int | float):
            return -value if isinstance(node.op, ast.USub) else value
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    if not isinstance(first, ast.Constant) or isinstance(first.value, bool):
        return None
    return first.value if isinstance(first.value, str | int | float) else None
