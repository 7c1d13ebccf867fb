"""ToneScript: `parse_tone_script` reads "480@-19,620@-19;10(.5/.5/1+2)" into the bursts that are heard."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from lark import Token, Transformer, UnexpectedCharacters, UnexpectedInput, v_args
from lark.exceptions import VisitError

from voxrun.audio.tones import FULL_SCALE_DBM0, Burst, Tone
from voxrun.dsl.grammar import grammar
from voxrun.errors import ScenarioError

HIGHEST_HERTZ = 4000
"""What a telephone carries."""

LONGEST = 1000
"""Characters. Reading takes time that all calls wait for, and so does playing very many tones at once."""

SHORTEST_SECONDS = 0.001
"""Of a segment or a section: a player would never get through many that take less than a sample."""

_WORDS = {
    "COMMA": "','",
    "SEMICOLON": "';'",
    "LPAR": "'('",
    "RPAR": "')'",
    "SLASH": "'/'",
    "PLUS": "'+'",
    "AT": "'@'",
    "NUMBER": "a number",
    "FOREVER": "'*'",
    "SIGN": "a sign",
    "$END": "the end",
}

_MISTAKES = {
    "a tone is a frequency and its level, such as 425@-19": ["425;*(1/1/1)", "425,440@-19;*(1/1/1)"],
    "after the tones and a ';' comes a cadence, such as *(1/4/1)": ["425@-19", "425@-19,440@-19", "425@-19;"],
    "a cadence is how long and its segments in brackets, such as 10(.5/.5/1)": [
        "425@-19;10",
        "425@-19;*",
        "425@-19;1/4/1",
    ],
    "a segment is seconds on, seconds off and the tones, such as 1/4/1+2": [
        "425@-19;*()",
        "425@-19;*(1)",
        "425@-19;*(1/4)",
        "425@-19;*(1/4/)",
        "425@-19;*(1/4/*)",
    ],
    "the bracket is not closed": ["425@-19;*(1/4/1", "425@-19;*(1/4/1,1/2/1+1"],
}
"""Advice, and scripts that call for it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Tones on for a time, then nothing for a time, in seconds; either may be infinite."""

    on: float
    off: float
    tones: tuple[Tone, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Segments over and over again for `seconds`, which may be infinite."""

    seconds: float
    segments: tuple[Segment, ...]

    def bursts(self) -> Iterator[Burst]:
        """What is heard of it."""
        left = self.seconds
        for segment in cycle(self.segments):
            for seconds, tones in ((segment.on, segment.tones), (segment.off, ())):
                length = min(seconds, left)
                if length > 0:
                    yield Burst(length, tones)
                left -= seconds
                if not left > 0:  # an endless burst has left nothing that is a number
                    return


@dataclass(frozen=True, slots=True)
class ToneScript:
    """Sections, one after the other."""

    sections: tuple[Section, ...]

    @property
    def seconds(self) -> float:
        """How long it is, or infinity."""
        return sum(section.seconds for section in self.sections)

    def bursts(self) -> Iterator[Burst]:
        """What is heard; endless when the script is."""
        for section in self.sections:
            yield from section.bursts()


def parse_tone_script(text: str) -> ToneScript:
    """Read a ToneScript. ScenarioError, with the place and advice, when it is none."""
    if len(text) > LONGEST:
        raise ScenarioError(f"no ToneScript: it has {len(text)} characters, and none has more than {LONGEST}")
    parser = grammar("tonescript")
    try:
        return _Reader(text).transform(parser.parse(text))
    except UnexpectedInput as error:
        advice = error.match_examples(parser.parse, _MISTAKES, use_accepts=True)
        column = error.column if isinstance(error.column, int) and error.column > 0 else len(text) + 1
        raise _mistake(text, column, str(advice) if advice else _expected(error)) from None
    except VisitError as error:
        raise error.orig_exc from None


def _expected(error: UnexpectedInput) -> str:
    names = error.allowed if isinstance(error, UnexpectedCharacters) else getattr(error, "expected", ())
    return f"there should be {' or '.join(sorted(_WORDS[name] for name in names or () if name in _WORDS))}"


def _mistake(text: str, column: int, what: str) -> ScenarioError:
    return ScenarioError(f"no ToneScript: {what}\n    {text}\n    {' ' * (column - 1)}^")


@v_args(inline=True)
class _Reader(Transformer[Token, ToneScript]):
    """From the tree to what is heard, while the numbers are checked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._tones: list[Tone] = []

    def tone(self, hertz: Token, dbm0: float) -> None:
        if not 0 < float(hertz) <= HIGHEST_HERTZ:
            raise self._wrong(hertz, f"a frequency lies above 0 and is {HIGHEST_HERTZ} Hz at most")
        self._tones.append(Tone(float(hertz), dbm0))

    def level(self, *parts: Token) -> float:
        dbm0 = float("".join(parts))
        if dbm0 > FULL_SCALE_DBM0:
            raise self._wrong(parts[0], "a level is 3 dBm0 at most, and mostly far below 0: did you forget the '-'?")
        return dbm0

    def time(self, seconds: Token) -> tuple[float, Token]:
        return (math.inf if seconds == "*" else float(seconds)), seconds

    def segment(self, on: tuple[float, Token], off: tuple[float, Token], *numbers: Token) -> Segment:
        tones = []
        for number in numbers:
            if number == "0":
                continue
            if number not in map(str, range(1, len(self._tones) + 1)):
                raise self._wrong(number, f"there is no tone {number}: they are numbered from 1 to {len(self._tones)}")
            tones.append(self._tones[int(number) - 1])
        self._check_heard(on[0] + off[0], on[1])
        return Segment(on[0], off[0], tuple(tones))

    def section(self, length: tuple[float, Token], *segments: Segment) -> Section:
        seconds, token = length
        if not seconds:
            raise self._wrong(token, "a section can't last for 0 s")
        self._check_heard(seconds, token)
        if not any(segment.on + segment.off for segment in segments):
            raise self._wrong(token, "this section has only segments of 0 s")
        return Section(seconds, segments)

    def start(self, *parts: Section | None) -> ToneScript:
        return ToneScript(tuple(part for part in parts if part is not None))

    def _check_heard(self, seconds: float, token: Token) -> None:
        if 0 < seconds < SHORTEST_SECONDS:
            shortest = f"{SHORTEST_SECONDS * 1000:g} ms"
            raise self._wrong(token, f"this is too short to be heard: it takes {shortest} at least")

    def _wrong(self, token: Token, what: str) -> ScenarioError:
        return _mistake(self._text, token.column or 1, what)
