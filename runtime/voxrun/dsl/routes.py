"""Routes: whether audio can go where a scenario sends it."""

from voxrun.dsl.findings import Findings
from voxrun.dsl.nodes import Span
from voxrun.dsl.types import Known, Types, a


def check_source(findings: Findings, types: Types, known: Known, span: Span) -> None:
    """It must have audio of its own."""
    if (kinds := types.of(known)) and not any(it.sends for it in kinds):
        what = "it only receives" if kinds[0].takes else "it has no audio"
        findings.error(
            span, f"{a(kinds[0].name)} has no audio to send", f"{what}: send from a call, a player, an agent …"
        )


def check_sink(findings: Findings, types: Types, known: Known, span: Span) -> None:
    """It must take audio."""
    if (kinds := types.of(known)) and not any(it.takes for it in kinds):
        what = "it only sends" if kinds[0].sends else "it has no audio"
        findings.error(span, f"{a(kinds[0].name)} takes no audio", f"{what}: send to a call, a recorder, an agent …")


def check_both_ways(findings: Findings, types: Types, known: Known, span: Span) -> None:
    """One end of `<->` must have audio and take it."""
    kinds = types.of(known)
    if not kinds or any(it.sends and it.takes for it in kinds):
        return
    what = a(kinds[0].name)
    if kinds[0].sends:
        findings.warning(span, f"{what} only sends, so audio goes one way", "write `a -> b`, with it in front")
    elif kinds[0].takes:
        findings.error(span, f"{what} only receives: it has no audio to send", "write `a -> b`, with it behind")
    else:
        findings.error(span, f"{what} has no audio", "`<->` is between calls, agents, conferences …")
