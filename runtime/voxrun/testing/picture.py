"""A session as a PNG: both voices, how long each answer took, and what happened. Drawn by Pillow, an extra."""

from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from voxrun.errors import ConfigurationError
from voxrun.trace.story import STEP, Mark, Story, Voice
from voxrun.trace.words import FREQUENT_EVENTS, description_of, line_of

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE = (1200, 376)
"""Pixels."""

_LEFT, _RIGHT = 16, 1184
_LANES = {"said": (104, "#0e7490", "caller says"), "heard": (224, "#15803d", "caller hears")}
"""The middle of each direction's waveform, its colour and name."""
_HALF_LANE = 30
_ABOVE = _HALF_LANE + 16
_WAIT_TOP, _WAIT_BOTTOM = 146, 166
_MARKS, _NOTES = 270, 286
_INK, _SOFT, _LINE, _WAIT, _BAD = "#17212b", "#5a6776", "#dfe4ea", "#b45309", "#b91c1c"
_TALK = {"ElevenLabs.Agents.UserTranscript": "said", "ElevenLabs.Agents.AgentResponse": "heard"}
_NOTE_ROWS = 4
_AXIS_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600)
"""Seconds from one label to the next."""


class Picture:
    """Draws a story; what is drawn last is on top."""

    def __init__(self, story: Story) -> None:
        image, drawing, font = _import_pillow()
        self._story = story
        self._seconds = max(story.end, story.said.end, 0.1)
        self._image = image.new("RGB", SIZE, "white")
        self._draw: ImageDraw = drawing.Draw(self._image)
        self._font, self._head = font.load_default(12), font.load_default(16)

    def save(self, path: str | PathLike[str]) -> None:
        """Draw it all into a file. OSError when it can't be written."""
        self._draw_head()
        self._draw_axis()
        self._draw_voice(self._story.said, "said")
        self._draw_voice(self._story.heard, "heard")
        self._draw_words()
        self._draw_answers()
        self._draw_interruptions()
        self._draw_marks()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._image.save(path, "PNG")

    def _x(self, time: float) -> float:
        return _LEFT + time / self._seconds * (_RIGHT - _LEFT)

    def _text(self, place: tuple[float, float], text: str, colour: str = _SOFT, room: float = SIZE[0]) -> None:
        """Text that begins at `place`, cut to what fits in `room` pixels."""
        if self._draw.textlength(text, self._font) > room:
            while text and self._draw.textlength(f"{text}...", self._font) > room:
                text = text[:-1]
            text = f"{text}..." if len(text) > 2 else ""
        self._draw.text(place, text, colour, self._font)

    def _draw_head(self) -> None:
        scenario = Path(str(self._story.about.get("scenario", "session"))).name
        failure = self._story.failure
        self._draw.text((_LEFT, 12), scenario, _INK, self._head)
        told = f"{self._seconds:.2f} s" if failure is None else f"failed at {failure.time:.3f} s: {_one_line(failure)}"
        left = _LEFT + self._draw.textlength(scenario, self._head) + 14
        self._text((left, 15), told, _SOFT if failure is None else _BAD, _RIGHT - left)

    def _draw_axis(self) -> None:
        step = next((size for size in _AXIS_STEPS if size * 14 >= self._seconds), self._seconds)
        for number in range(int(self._seconds / step) + 1):
            x = self._x(number * step)
            self._draw.line((x, 42, x, _MARKS + 10), _LINE)
            self._text((x + 3, 38), f"{number * step:g} s", room=_RIGHT - x)

    def _draw_voice(self, voice: Voice, direction: str) -> None:
        middle, colour, name = _LANES[direction]
        heights = np.maximum(10 ** (voice.peaks / 45) * _HALF_LANE, 0.5)
        for number, height in enumerate(heights):
            left, right = self._x(voice.begin + number * STEP), self._x(voice.begin + (number + 1) * STEP)
            self._draw.rectangle((left, middle - height, max(left, right - 1), middle + height), colour)
        self._text((_LEFT, middle - _ABOVE), name, colour)

    def _draw_words(self) -> None:
        """What was said, over its waveform: a transcript from where its turn began, an answer from when it came."""
        said, heard = (
            [mark for mark in self._story.marks if _TALK.get(mark.record.get("name", "")) == way] for way in _LANES
        )
        spoken = [
            (traced.turn.caller.begin, mark)
            for traced in self._story.turns
            for mark in said
            if traced.turn.caller and mark.time == traced.transcript
        ]
        for direction, words in (("said", spoken), ("heard", [(mark.time, mark) for mark in heard])):
            middle, colour, _ = _LANES[direction]
            ends = [time for time, _ in words[1:]] + [self._seconds]
            for (begin, mark), end in zip(words, ends, strict=False):
                left = max(self._x(begin), _LEFT + 84)
                self._text((left, middle - _ABOVE), _one_line(mark), colour, self._x(end) - left - 6)

    def _draw_answers(self) -> None:
        for traced in self._story.turns:
            turn = traced.turn
            if turn.caller is None or turn.answer is None:
                continue
            left, right = self._x(turn.caller.end), self._x(turn.answer.begin)
            self._draw.rectangle((left, _WAIT_TOP, right, _WAIT_BOTTOM), "#f3dfc8", _WAIT)
            self._text((right + 4, _WAIT_TOP + 3), f"{turn.timeToAnswer * 1000:.0f} ms", _WAIT)

    def _draw_interruptions(self) -> None:
        for found in self._story.interruptions:
            x = self._x(found.time)
            for top in range(46, _MARKS, 7):
                self._draw.line((x, top, x, top + 3), _BAD)
            self._text((x + 4, _MARKS - 22), f"silent after {found.seconds * 1000:.0f} ms", _BAD)

    def _draw_marks(self) -> None:
        """A dot for everything; below it, as far as there is room, what it was: errors first, and no talk."""
        marks = [mark for mark in self._story.marks if mark.record["kind"] != "wire"]
        for mark in sorted((mark for mark in marks if mark.record.get("name") not in FREQUENT_EVENTS), key=_is_bad):
            x, radius = self._x(mark.time), 4 if _is_bad(mark) else 2
            dot = (x - radius, _MARKS - radius, x + radius, _MARKS + radius)
            self._draw.ellipse(dot, _BAD if _is_bad(mark) else _SOFT)
        taken: list[list[tuple[float, float]]] = [[] for _ in range(_NOTE_ROWS)]
        notes = [mark for mark in marks if description_of(mark.record) and mark.record.get("name") not in _TALK]
        told = [mark for mark in notes if mark.record["kind"] != "event" or line_of(mark.record)]
        for mark in sorted(told, key=_is_bad, reverse=True):
            self._note(mark, taken)

    def _note(self, mark: Mark, taken: list[list[tuple[float, float]]]) -> None:
        """Write a mark's text into the first row with room for it, and say so in `taken`."""
        text, x = _one_line(mark), self._x(mark.time)
        width = min(self._draw.textlength(text, self._font), (_RIGHT - _LEFT) / 2)
        left = min(x, _RIGHT - width)
        for row, spans in enumerate(taken):
            if all(left > end or left + width < begin for begin, end in spans):
                spans.append((left, left + width + 12))
                self._text((left, _NOTES + row * 19), text, _BAD if _is_bad(mark) else _SOFT, width)
                return


def draw(story: Story, path: str | PathLike[str]) -> None:
    """Write `story` as a PNG. ConfigurationError when Pillow is missing, OSError when the file can't be written."""
    Picture(story).save(path)


def _is_bad(mark: Mark) -> bool:
    return mark.record["kind"] in ("error", "fault")


def _one_line(mark: Mark) -> str:
    return " ".join(mark.what.split())


def _import_pillow() -> tuple[ModuleType, ModuleType, ModuleType]:
    try:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError("a picture needs Pillow: pip install 'voxrun[testing]'") from None
    return Image, ImageDraw, ImageFont
