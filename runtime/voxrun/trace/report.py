"""A trace in figures, as plain text: the turns with their latencies, interruptions, routes and losses."""

import statistics

from voxrun.trace.story import Story, TracedTurn
from voxrun.trace.timeline import WIDTH, timeline

_TURNS = "turn   caller speaks        transcript     audio came  answer heard"


def report(story: Story, width: int = WIDTH) -> str:
    """All that is worth knowing of a session, in sections; its timeline is `width` columns wide."""
    sections = [_head(story), [timeline(story, width=width)]]
    sections += [_turns(story), _interruptions(story)] if story.call else []
    sections += [_routes(story), _losses(story)]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def hops_of(traced: TracedTurn) -> tuple[float | None, float | None, float | None]:
    """Seconds from the caller's last sound to the transcript, the answer's first audio, and its first sound heard."""
    turn = traced.turn
    if turn.caller is None or turn.answer is None:
        return None, None, None
    end = turn.caller.end
    transcript, audio = (None if time is None else time - end for time in (traced.transcript, traced.audio))
    return transcript, audio, turn.timeToAnswer


def _head(story: Story) -> list[str]:
    scenario = story.about.get("scenario", "a session")
    how = "has no end: the process was ended, or still runs" if story.reason is None else f"ended: {story.reason}"
    lines = [f"{scenario}: {story.end:.2f} s, {how}"]
    return lines if story.failure is None else [*lines, f"failed at {story.failure.time:.3f} s: {story.failure.what}"]


def _turns(story: Story) -> list[str]:
    lines = [_TURNS]
    for number, traced in enumerate(story.turns, start=1):
        turn = traced.turn
        speaks = "says nothing yet" if turn.caller is None else f"{turn.caller.begin:.2f}-{turn.caller.end:.2f} s"
        hops = "".join(f"{_milliseconds(hop):>15}" for hop in hops_of(traced))
        at = "  no answer" if turn.answer is None else f"  at {turn.answer.begin:.2f} s"
        lines.append(f"{number:4}   {speaks:<16}{hops}{at}")
    times = [traced.turn.timeToAnswer for traced in story.turns if hops_of(traced)[2] is not None]
    if times:
        median, longest = (_milliseconds(time).strip("+") for time in (statistics.median(times), max(times)))
        lines.append(f"time to answer: median {median}, longest {longest}")
    return lines if story.turns else []


def _interruptions(story: Story) -> list[str]:
    return [
        f"interruption at {found.time:.3f} s: silent after {_milliseconds(found.seconds).strip('+')}"
        for found in story.interruptions
    ]


def _routes(story: Story) -> list[str]:
    return [
        f"route  {route.source} -> {route.sink}  {route.span}"
        + ("" if route.peak is None else f"  peak {route.peak} dBFS")
        for route in story.routes
    ]


def _losses(story: Story) -> list[str]:
    buffers = [f"buffer {most.unit}  at most {most.seconds:.2f} s, within {most.span}" for most in story.waiting]
    losses = [f"lost   {loss.count} {loss.what}, of {loss.of}" for loss in story.losses]
    return [*buffers, *(losses or ["nothing was lost"] * bool(story.call))]


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"+{seconds * 1000:.0f} ms"
