"""Arguments: as many as a function takes, each of a kind that it takes, and objects with the right names in them."""

from collections.abc import Sequence

from voxrun.absent import absent_parameter
from voxrun.dsl import nodes
from voxrun.dsl.diagnostic import any_of
from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Object, Span
from voxrun.dsl.surface import (
    ANYTHING,
    BOOLEAN,
    BYTES,
    EVENT,
    FUNCTION,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    PAYLOAD,
    SINK,
    TEXT,
    Function,
    Property,
    Type,
    Value,
)
from voxrun.dsl.types import Known, OwnFunction, Types, a

_PLAIN = frozenset((TEXT, NUMBER, BOOLEAN, LIST, FUNCTION, BYTES))
_ELSEWHERE = frozenset((EVENT, SINK, PAYLOAD))
"""Kinds that are looked at where they are special."""


def check_count(
    findings: Findings, function: Function | OwnFunction, spelled: str, given: Sequence[Span], at: Span
) -> None:
    """As many arguments as it takes; `at` is the call's own place."""
    if isinstance(function, OwnFunction):
        least = most = function.parameters
        missing = ""
    else:
        least, most = function.least, len(function.parameters)
        missing = ", ".join(f"`{it.name}`" for it in function.parameters[len(given) : least])
    if len(given) < least:
        advice = f"it needs {missing}" if missing else ""
        findings.error(at, f"{spelled} takes {count(least, most)}, not {len(given)}", advice)
    elif len(given) > most:
        extra = Span(given[most].start, given[-1].end)
        findings.error(extra, f"{spelled} takes {count(least, most)}, not {len(given)}", "leave the others out")


def check_callback(findings: Findings, known: Known, expected: Value | None, span: Span) -> Known:
    """A function of the scenario's that the API calls may have no more parameters than it is given; `known` again."""
    given = expected.arguments if expected is not None else None
    if isinstance(known, OwnFunction) and given is not None and known.parameters > len(given):
        what = (
            f"{known.name} takes {count(known.parameters, known.parameters)}, but is called with {len(given) or 'none'}"
        )
        findings.error(span, what, "what else it needs, it can take from names around it: `fn () { f(a, b) }`")
    return known


def check_value(findings: Findings, types: Types, known: Known, expected: Value | None, what: str, span: Span) -> None:
    """A value is of one of the kinds that `what` takes; those of the scenario's own can't be known."""
    if expected is None or expected.open or not expected.kinds or _ELSEWHERE & {*expected.kinds}:
        return
    given = known.kinds if isinstance(known, Value) else ()
    if isinstance(known, Function | OwnFunction):
        given = (FUNCTION,)
    if given and not any(_fits(types, kind, expected) for kind in given):
        wanted = any_of(dict.fromkeys(_named(types, kind) for kind in expected.kinds if kind != NULL))
        works_somehow = BOOLEAN in expected.kinds  # whatever is no boolean counts as true or false
        add = findings.warning if works_somehow else findings.error
        is_called = given == (NULL,) and FUNCTION in expected.kinds
        advice = "give it the function itself: a call, with `( )`, gives what the function returns" if is_called else ""
        if names := dict.fromkeys(name for shape in shapes_of(types, expected) for name in shape.members):
            advice = f"give each parameter by its name: {any_of(f'`{name}`' for name in names)}"
        add(span, f"{what} takes {wanted}, not {_named(types, given[0])}", advice)


def check_literal(findings: Findings, given: str | float | None, expected: Value | None, what: str, span: Span) -> None:
    """What is written out, or begins so, is within the bounds of what `what` takes; None: nothing is written out."""
    if given is None or expected is None or expected.bound is None:
        return
    if wanted := expected.bound.fault(given):
        findings.error(span, f"{what} takes {wanted}")


def written(node: nodes.Expression) -> str | float | None:
    """A text or number that is written out, or how a text with values in it begins."""
    if isinstance(node, nodes.Text | nodes.Number):
        return node.value
    if isinstance(node, nodes.Duration):
        return node.milliseconds
    if isinstance(node, nodes.Unary) and node.operator == "-":
        value = written(node.operand)
        return -value if isinstance(value, int | float) else None
    first = node.parts[0] if isinstance(node, nodes.Template) else None
    return first if isinstance(first, str) else None


def _fits(types: Types, given: str, expected: Value) -> bool:
    """Whether a value of kind `given` may be one that is expected."""
    if given in expected.kinds or (given == NUMBER and BOOLEAN in expected.kinds):
        return True
    if given in _PLAIN or given == NULL:
        return False
    kind = types.get(given)
    if given == OBJECT or (kind is not None and kind.open):
        return OBJECT in expected.kinds or any(map(_is_object, map(types.get, expected.kinds)))
    if kind is not None and is_record(kind):
        return not {*expected.kinds} <= {*_PLAIN, NULL}
    is_unit = kind is not None and (kind.sends or kind.takes)
    return not is_unit or not {*expected.kinds} <= {*_PLAIN, NULL, OBJECT}


def _is_object(kind: Type | None) -> bool:
    return kind is not None and (kind.open or is_record(kind))


def _named(types: Types, kind: str) -> str:
    if kind == BYTES:
        return kind
    if kind == NULL:
        return types.null.name
    return a(OBJECT) if _is_object(types.get(kind)) else a(kind)


def check_object(findings: Findings, node: Object, shapes: tuple[Type, ...], what: str) -> None:
    """The names in an object of parameters, and that those are there that must be."""
    given = {pair.key.text: pair for pair in node.pairs}
    known = dict.fromkeys(name for shape in shapes for name in shape.members)
    is_open = any(shape.open for shape in shapes)
    for name, pair in given.items():
        if name in known:
            continue
        left = [each for each in known if each not in given]
        if not is_open:
            advice = absent_parameter(name) or findings.did_you_mean(name, left or known)
            findings.error(pair.key.span, f"{what} has no parameter `{name}`", advice)
        elif near := findings.nearest(name, left):
            findings.warning(pair.key.span, f"{what} has no parameter `{name}`", findings.did_you_mean(name, [near]))
    if len(shapes) == 1 and not is_open:
        needed = [it.name for it in shapes[0].members.values() if isinstance(it, Property) and it.required]
        missing = ", ".join(f"`{name}`" for name in needed if name not in given)
        if missing:
            findings.error(node.span, f"{what} needs {missing}", "add it to the object")


def shapes_of(types: Types, value: Value | None) -> tuple[Type, ...]:
    """The objects of parameters among what a value may be; none when it may be any object."""
    if value is None:
        return ()
    found = [it for kind in value.kinds if (it := types.get(kind)) is not None]
    return tuple(it for it in found if is_record(it))


def is_record(kind: Type) -> bool:
    """Whether it is an object of plain fields: an event's payload, parameters, a message."""
    return bool(kind.members) and all(isinstance(it, Property) for it in kind.members.values())


def expected_of(shapes: tuple[Type, ...], name: str) -> Value | None:
    """What the parameter `name` takes."""
    members = [shape.members[name] for shape in shapes if name in shape.members]
    values = [member.given for member in members if isinstance(member, Property)]
    if len(values) < 2:
        return values[0] if values else None
    kinds = dict.fromkeys(kind for value in values for kind in value.kinds)
    return Value(tuple(kinds)) if all(value.kinds for value in values) else None


def with_payload(expected: Value, payload: Known) -> Value:
    """What a callback is called with, now that the event is known."""
    if expected.arguments and expected.arguments[0].kinds == (PAYLOAD,):
        return Value(expected.kinds, arguments=(payload if isinstance(payload, Value) else ANYTHING,))
    return expected


def unset_secret(findings: Findings, name: str, span: Span) -> None:
    """A secret that is asked for, and that nobody set."""
    advice = f"set it in the environment, or with `--secret {name}=…` or `--env-file FILE`"
    findings.warning(span, f"the secret {name} is not set", advice)


def count(least: int, most: int) -> str:
    """How many arguments a function takes, in words."""
    if most == 0:
        return "no arguments"
    count = str(most) if least == most else f"{least} to {most}" if least else f"at most {most}"
    return f"{count} argument{'' if most == 1 else 's'}"
