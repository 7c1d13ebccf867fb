"""`Story`: a session as its trace tells it: the two voices of a call, what happened, the turns, routes and losses."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxrun.trace.spans import Span, spans_of
from voxrun.trace.turns import Turn, silence_after, turns_of
from voxrun.trace.words import Record, description_of

STEP = 0.02
"""Seconds that one level stands for."""

SILENCE = -96
"""dBFS."""

PAUSE_SECONDS = 0.3
"""Shorter pauses don't end what somebody says."""

_AT_LEAST, _AT_MOST = -50, -30
_QUIETER, _ABOVE_NOISE = 0.2, 12
"""dB: what counts as a voice is so much louder than the quieter fifth of the time, within the two limits in dBFS."""

_COUNTING = {"losses": "", "clock": "the media clock", "end": "the session"}
"""Kinds of records that count what was lost, and of whom unless they say so."""

_NO_LOSSES = {"t", "packets_received", "packets_sent", "dropped_records"}
"""Numbers beside these counts. Records that were dropped are missing in memory; the trace itself may have them."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """One direction of a call: `peaks` in dBFS, int8 of shape (n,), one for each 20 ms from `begin` on."""

    begin: float
    peaks: NDArray[np.int8]

    @property
    def end(self) -> float:
        """When the last level ends."""
        return self.begin + len(self.peaks) * STEP

    @property
    def threshold(self) -> float:
        """dBFS from which on it is a voice and no noise."""
        last = len(self.peaks) - 1
        # np.quantile, in the middle of calls, would first have to load more of numpy, for which there may be no files.
        noise = float(np.interp(_QUIETER * last, np.arange(last + 1), np.sort(self.peaks))) if last >= 0 else SILENCE
        return min(max(noise + _ABOVE_NOISE, _AT_LEAST), _AT_MOST)

    def sounds(self) -> tuple[Span, ...]:
        """When there is a voice."""
        return spans_of(self.peaks >= self.threshold, 1 / STEP, self.begin, PAUSE_SECONDS)

    def peak(self, begin: float, end: float) -> int:
        """The highest level between two times."""
        first, last = (round((time - self.begin) / STEP) for time in (max(begin, self.begin), min(end, self.end)))
        return int(self.peaks[first:last].max(initial=SILENCE))


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: when, who, what, and the trace's record of it."""

    time: float
    who: str
    what: str
    record: Record


@dataclass(frozen=True, slots=True)
class TracedTurn:
    """A turn and the moments on its way: the transcript came, the first audio of the answer came; None if unknown."""

    turn: Turn
    transcript: float | None
    audio: float | None


@dataclass(frozen=True, slots=True)
class Interruption:
    """The agent was interrupted at `time`, and the caller heard it for `seconds` more."""

    time: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """Who sent to whom, when; `peak` in dBFS is known for what a call says and hears."""

    source: str
    sink: str
    span: Span
    peak: int | None


@dataclass(frozen=True, slots=True)
class Loss:
    """Something got lost: `what` of it, `of` whom; `time` is when that was told."""

    time: float
    of: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many `seconds` of audio waited in a unit when most did, which was within `span`; looked at once a second."""

    span: Span
    unit: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that a trace tells of a session, as of its `end`; without a call both voices are empty."""

    about: Record
    records: Sequence[Record]
    end: float
    call: str
    said: Voice
    heard: Voice
    marks: tuple[Mark, ...]
    turns: tuple[TracedTurn, ...]
    interruptions: tuple[Interruption, ...]
    routes: tuple[Route, ...]
    losses: tuple[Loss, ...]
    waiting: tuple[Waiting, ...]

    @property
    def reason(self) -> str | None:
        """Why it ended; None when the trace has no end, as that of a process that was killed."""
        return next((str(record["reason"]) for record in self.records if record["kind"] == "end"), None)

    @property
    def failure(self) -> Mark | None:
        """The first error."""
        return next((mark for mark in self.marks if mark.record["kind"] == "error"), None)


def tell(records: Sequence[Record]) -> Story:
    """The story in a trace's records, with or without the first one."""
    about = records[0] if records and records[0]["kind"] == "session" else {}
    end = max((float(record["t"]) for record in records), default=0.0)
    call = next((str(record["unit"]) for record in records if record["kind"] == "level"), "")
    levels = [record for record in records if record["kind"] == "level" and record["unit"] == call]
    said, heard = (_voice(levels, name) for name in ("said", "heard"))
    sounds = heard.sounds()
    interrupted = _times(records, "ElevenLabs.Agents.Interruption")
    transcripts = tuple(_times(records, "ElevenLabs.Agents.UserTranscript"))
    audio = tuple(float(it["t"]) for it in records if it["kind"] == "wire" and it.get("type") == "audio")
    return Story(
        about=about,
        records=records,
        end=end,
        call=call,
        said=said,
        heard=heard,
        marks=tuple(_marks(records)),
        turns=tuple(_traced(turn, transcripts, audio) for turn in turns_of(said.sounds(), sounds)),
        interruptions=tuple(Interruption(time, silence_after(time, sounds)) for time in interrupted),
        routes=tuple(_routes(records, call, said, heard, end)),
        losses=tuple(_losses(records)),
        waiting=tuple(_waiting(records)),
    )


def lost_in(record: Mapping[str, Any]) -> dict[str, int]:
    """What such a record counts, none included; of packets more may come than were sent, but that makes no loss."""
    counts = {name: value for name, value in record.items() if type(value) is int and name not in _NO_LOSSES}
    return {name: max(count, 0) for name, count in counts.items()}


def _voice(levels: Sequence[Record], direction: str) -> Voice:
    if not levels:
        return Voice(0.0, np.zeros(0, np.int8))
    begin = min(float(record["began"]) for record in levels)
    pieces = [(round((record["began"] - begin) / STEP), record[direction]) for record in levels]
    peaks = np.full(max(place + len(piece) for place, piece in pieces), SILENCE, np.int8)
    for place, piece in pieces:
        peaks[place : place + len(piece)] = piece
    return Voice(begin, peaks)


def _marks(records: Iterable[Record]) -> Iterator[Mark]:
    for record in records:
        description = description_of(record)
        if description is not None:
            yield Mark(float(record["t"]), *description, record)


def _times(records: Iterable[Record], event: str) -> Iterator[float]:
    return (float(record["t"]) for record in records if record["kind"] == "event" and record["name"] == event)


def _traced(turn: Turn, transcripts: Sequence[float], audio: Sequence[float]) -> TracedTurn:
    """The transcript is the last that came since the caller began; the audio the first since, or since the end."""
    if turn.answer is None:
        return TracedTurn(turn, None, None)
    begin, end = (0.0, 0.0) if turn.caller is None else turn.caller
    until = turn.answer.begin + STEP  # levels tell no more than the frame
    came = [time for time in transcripts if turn.caller and begin <= time <= until]
    since = came[-1] if came else end
    return TracedTurn(turn, came[-1] if came else None, next((time for time in audio if since <= time <= until), None))


def _routes(records: Sequence[Record], call: str, said: Voice, heard: Voice, end: float) -> Iterator[Route]:
    began: dict[tuple[str, str], float] = {}

    def ended(source: str, sink: str, time: float) -> Route:
        span = Span(began.pop((source, sink)), time)
        voice = said if source == call else heard if sink == call else None
        return Route(source, sink, span, voice.peak(*span) if voice else None)

    for record in records:
        if record["kind"] == "route":
            ends = str(record["source"]), str(record["sink"])
            if record["change"] == "connect":
                began[ends] = float(record["t"])
            elif ends in began:
                yield ended(*ends, float(record["t"]))
    for ends in list(began):
        yield ended(*ends, end)


def _losses(records: Iterable[Record]) -> Iterator[Loss]:
    for record in records:
        if record["kind"] in _COUNTING:
            of = str(record.get("of", _COUNTING[record["kind"]]))
            counts = lost_in(record).items()
            yield from (Loss(float(record["t"]), of, name.replace("_", " "), count) for name, count in counts if count)


def _waiting(records: Iterable[Record]) -> Iterable[Waiting]:
    most: dict[str, Waiting] = {}
    for record in records:
        for unit, seconds in record["waiting"].items() if record["kind"] == "level" else ():
            if unit not in most or seconds > most[unit].seconds:
                most[unit] = Waiting(Span(float(record["began"]), float(record["t"])), unit, float(seconds))
    return most.values()
