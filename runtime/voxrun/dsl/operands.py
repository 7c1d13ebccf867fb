"""Operands: values that are of no use to the operator between them, in the language and in Python."""

from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.surface import NUMBER, TEXT, Value
from voxrun.dsl.types import Known, Types, a

_A_TEXT, _A_NUMBER = frozenset((TEXT,)), frozenset((NUMBER,))


def check_mixed(findings: Findings, operator: str, left: Known, right: Known, span: Span, both: str = "") -> None:
    """A text and a number are never the same, have no order and can't be added.

    `both`: how a text with two values in it is written.
    """
    if {_kinds(left), _kinds(right)} != {_A_TEXT, _A_NUMBER}:
        return
    mixed = f"{a(*_kinds(left))} and {a(*_kinds(right))}"
    if operator == "+":
        findings.error(span, f"{mixed} can't be added", f"write a text with both in it, such as {both}")
    elif operator in ("==", "!="):
        findings.warning(span, f"{mixed} are never the same", "compare texts with texts, and numbers with numbers")
    elif operator in ("<", "<=", ">", ">="):
        findings.error(span, f"{mixed} have no order", "compare texts with texts, and numbers with numbers")


def check_operand(
    findings: Findings, types: Types, operator: str, known: Known, span: Span, *, is_alone: bool = False
) -> None:
    """What stands beside an operator that is for numbers only, or for texts as well, as + is."""
    kinds = _kinds(known)
    found = types.of(known) or ()
    wanted = _A_NUMBER | _A_TEXT if operator == "+" else _A_NUMBER
    if not (kinds and found) or kinds & wanted:
        return
    needs = "a number after it" if is_alone else "two numbers or two texts" if operator == "+" else "two numbers"
    advice = "`number(text)` is the number that a text says" if kinds == _A_TEXT else ""
    findings.error(span, f"{operator} needs {needs}, not {a(found[0].name)}", advice)


def _kinds(known: Known) -> frozenset[str]:
    """All that it may be; none when something else may do as well."""
    return frozenset(known.kinds) if isinstance(known, Value) and not known.open else frozenset()
