"""Scenarios with a marked place, `«here»`, for the checker's tests."""

from collections.abc import Container

from voxrun.api.surface import scenario_surface
from voxrun.dsl.checker import check
from voxrun.dsl.diagnostic import Diagnostic
from voxrun.dsl.nodes import Span
from voxrun.dsl.parser import parse
from voxrun.dsl.python_checker import check_python
from voxrun.dsl.source import Source


def unmarked(text: str) -> tuple[str, tuple[Span, ...]]:
    """The text without its marks, and the places that they are around, in order."""
    spans = []
    while (begin := text.find("«")) >= 0:
        end = text.index("»") - 1
        text = text.replace("«", "", 1).replace("»", "", 1)
        spans.append(Span(begin, end))
    return text, tuple(spans)


def findings(text: str, secrets: Container[str] | None = None) -> tuple[Diagnostic, ...]:
    """What is wrong in a `.vox` scenario."""
    return check(parse(Source("a.vox", text)), scenario_surface(), known_secrets=secrets)


def python_findings(text: str, secrets: Container[str] | None = None) -> tuple[Diagnostic, ...]:
    """What is wrong in a `.py` scenario."""
    return check_python(Source("a.py", text), scenario_surface(), known_secrets=secrets)


def in_call(statements: str) -> str:
    """Statements with a `call`, and an `agent`, at hand."""
    return (
        "require ElevenLabs\non AppEvents.CallAlerting as { call } {\n"
        '    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: "k", agentId: "a" })\n    call <-> agent\n'
        f"{statements}\n}}\n"
    )
