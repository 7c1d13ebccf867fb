"""A trace as a web page that stands alone: `page.html` with the story's data put into it."""

from importlib.resources import files
from typing import Any

import msgspec

from voxrun.trace.report import hops_of
from voxrun.trace.spans import Span
from voxrun.trace.story import Mark, Story, TracedTurn, Voice

_TITLE, _DATA = "{{title}}", "{{data}}"


def page(story: Story, title: str, around: float | None = None) -> str:
    """The whole page, which needs nothing from the network. `title` names it.

    It opens with ten seconds `around` a time in view, or else with all of it.
    """
    title = title.encode(errors="backslashreplace").decode()  # a file's name may be no text
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    head, _, rest = template.partition(_TITLE)
    middle, _, tail = rest.partition(_DATA)
    escaped = title.replace("&", "&amp;").replace("<", "&lt;")
    return f"{head}{escaped}{middle}{_json({**_data(story, title), 'around': around})}{tail}"


def _json(data: object) -> str:
    """As JSON that no text in it can end the script element of."""
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _data(story: Story, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "scenario": story.about.get("scenario", ""),
        "reason": story.reason,
        "failure": None if story.failure is None else {"t": story.failure.time, "what": story.failure.what},
        "end": max(story.end, story.said.end),
        "said": _voice(story.said),
        "heard": _voice(story.heard),
        "marks": [_mark(mark) for mark in story.marks],
        "turns": [_turn(traced) for traced in story.turns],
        "interruptions": [{"t": found.time, "seconds": round(found.seconds, 4)} for found in story.interruptions],
        "routes": [
            {"source": route.source, "sink": route.sink, "span": route.span, "peak": route.peak}
            for route in story.routes
        ],
        "losses": [{"t": loss.time, "of": loss.of, "what": loss.what, "count": loss.count} for loss in story.losses],
        "waiting": [{"span": most.span, "unit": most.unit, "seconds": most.seconds} for most in story.waiting],
    }


def _voice(voice: Voice) -> dict[str, object]:
    return {"begin": voice.begin, "peaks": voice.peaks.tolist()}


def _mark(mark: Mark) -> dict[str, object]:
    return {"t": mark.time, "who": mark.who, "what": mark.what, "record": mark.record}


def _turn(traced: TracedTurn) -> dict[str, object]:
    turn = traced.turn
    return {
        "caller": _span(turn.caller),
        "answer": _span(turn.answer),
        "transcript": traced.transcript,
        "hops": [None if hop is None else round(hop, 4) for hop in hops_of(traced)],
    }


def _span(span: Span | None) -> list[float] | None:
    return None if span is None else [round(time, 4) for time in span]
