"""A session as plain text: who made a sound when, and below it what happened."""

import math
import string
from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap

import numpy as np

from voxrun.trace.story import STEP, Mark, Story, Voice
from voxrun.trace.words import FREQUENT_EVENTS

WIDTH = 100

_LABEL = 8
_SCALES = (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Seconds that a column may stand for."""

_AROUND_SCALE = 0.1
_LETTERS = string.ascii_letters
_STEPS = ((-50, "."), (-35, "-"), (-20, "+"), (1, "#"))
"""A column's highest level in dBFS is below the number."""


def timeline(story: Story, around: float | None = None, width: int = WIDTH) -> str:
    """Both voices and all that happened, `width` columns wide: a few seconds `around` a time, or else all of it.

    Nothing is longer than `width`, but errors and warnings go on in the next line; letters lead from the moment to its
    line.
    """
    columns = width - _LABEL
    begin, scale = _window(story, around, columns)
    end = begin + columns * scale
    marks = [mark for mark in story.marks if begin <= mark.time < end and not _is_quiet(mark, around)]
    rows = [
        f"{'s':<{_LABEL}}{_axis(begin, scale, columns, around)}",
        f"{'caller':<{_LABEL}}{_row(story.said, begin, scale, columns)}",
        f"{'hears':<{_LABEL}}{_row(story.heard, begin, scale, columns)}",
        f"{'':<{_LABEL}}{_letters(marks, begin, scale, columns)}",
    ]
    rows += [line for number, mark in enumerate(marks) for line in _lines(mark, number, width)]
    return "\n".join(row.rstrip() for row in rows)


def _window(story: Story, around: float | None, columns: int) -> tuple[float, float]:
    """When the picture begins, and how many seconds a column stands for."""
    seconds = max(story.end, story.said.end)
    whole = next((scale for scale in _SCALES if scale * columns > seconds), _SCALES[-1])
    if around is None or whole <= _AROUND_SCALE:
        return 0.0, whole
    latest = seconds - (columns - 10) * _AROUND_SCALE
    begin = max(min(around - columns * _AROUND_SCALE / 2, latest), 0.0)
    return round(begin, 1), _AROUND_SCALE


def _is_quiet(mark: Mark, around: float | None) -> bool:
    """Messages on the wire are too many to be told of a whole call."""
    if mark.record["kind"] == "wire":
        return around is None and mark.who != "scenario"
    return mark.record["kind"] == "event" and mark.record["name"] in FREQUENT_EVENTS


def _axis(begin: float, scale: float, columns: int, around: float | None) -> str:
    """A time each ten columns, and a `v` over the moment that matters."""
    decimals = 0 if (scale * 10).is_integer() and begin.is_integer() else 1
    axis = [*"".join(f"{begin + column * scale:<10.{decimals}f}" for column in range(0, columns, 10))[:columns]]
    place = -1 if around is None else _column(around, begin, scale)
    if 0 <= place < columns:
        axis[place] = "v"
    return "".join(axis)


def _column(time: float, begin: float, scale: float) -> int:
    return math.floor((time - begin) / scale + 1e-6)  # 8.0 s is in the column that begins then, however it is rounded


def _row(voice: Voice, begin: float, scale: float, columns: int) -> str:
    """A character for each column's highest level; blank where there was no call."""
    edges = np.round((begin + np.arange(columns + 1) * scale - voice.begin) / STEP).astype(int)
    pieces = [voice.peaks[max(first, 0) : max(last, first + 1, 0)] for first, last in pairwise(edges)]
    return "".join(_sign(int(piece.max())) if len(piece) else " " for piece in pieces)


def _sign(level: int) -> str:
    return next(sign for limit, sign in _STEPS if level < limit)


def _letters(marks: Sequence[Mark], begin: float, scale: float, columns: int) -> str:
    """The letter of the first thing that happened in each column; an error's place is never taken by another."""
    row = [" "] * columns
    for number, mark in enumerate(marks):
        place = min(_column(mark.time, begin, scale), columns - 1)
        if row[place] == " " or _letter(mark, number) == "!":
            row[place] = _letter(mark, number)
    return "".join(row)


def _letter(mark: Mark, number: int) -> str:
    return "!" if mark.record["kind"] in ("error", "fault") else _LETTERS[number % len(_LETTERS)]


def _lines(mark: Mark, number: int, width: int) -> list[str]:
    head = f"{_letter(mark, number)} {mark.time:9.3f}  {mark.who:<9} "
    line = f"{head}{' '.join(mark.what.split())}"
    if len(line) <= width:
        return [line]
    if mark.record["kind"] in ("error", "warning"):
        message = mark.what.partition("\n")[0]  # the place in the scenario comes behind it
        return wrap(f"{head}{message}", width, subsequent_indent=" " * len(head))
    return [f"{line[: width - 3]}..."]
