"""`judge`: what a test in a `.vox` file expected of its call and did not get."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.dsl import nodes, sentences
from voxrun.dsl.nodes import Span
from voxrun.dsl.sentences import Cue, Expectation, Hears, Limit, Party
from voxrun.errors import ConfigurationError
from voxrun.nearest import nearest
from voxrun.session.session import FAILED
from voxrun.testing.agent_connection import AgentConnection
from voxrun.testing.caller_play import PAUSE_SECONDS
from voxrun.testing.event_names import known_message
from voxrun.testing.given import is_number
from voxrun.testing.simulated_call import SimulatedCall
from voxrun.testing.sounds import render
from voxrun.testing.track import Track
from voxrun.testing.turn_taking import interruptionToSilence
from voxrun.testing.vox_plan import event_value, seconds, value_of
from voxrun.testing.vox_tests import VoxTest
from voxrun.trace.words import Record
from voxrun.transports.sound_library import SPEECH_RATE

_TICK_SECONDS = FRAME_SECONDS
"""Times are those of ticks."""

_SHOWN = 5
_FAINT = 0.3
"""Any two sounds are so like one another."""


class Mistake(NamedTuple):
    """What was not as a place of the test says, and what was the case instead."""

    span: Span
    why: str
    instead: str = ""


class Found(NamedTuple):
    """Something of the kind that was expected, and when it came."""

    time: float
    what: str
    fields: Mapping[str, Any]


def judge(test: VoxTest, call: SimulatedCall) -> list[Mistake]:
    """All that is wrong, in the order of the test; nothing when it has passed.

    When the scenario's own code failed, that alone: the rest follows from it.
    """
    judgement = _Judgement(test, call)
    wrong = list(judgement.unsaid())
    if call.outcome.reason != FAILED:
        wrong += [mistake for expectation in test.expectations for mistake in judgement.of(expectation)]
    return sorted(wrong, key=lambda mistake: mistake.span.start)


@dataclass(frozen=True, slots=True)
class _Window:
    """Where something is to begin: at `begin` or later, before `end`; and how that is told."""

    begin: float
    end: float
    told: str

    def __contains__(self, time: object) -> bool:
        return isinstance(time, float) and self.begin - _TICK_SECONDS <= time <= self.end + _TICK_SECONDS


class _Judgement:
    """Holds a call against what its test says of it."""

    def __init__(self, test: VoxTest, call: SimulatedCall) -> None:
        self._test = test
        self._call = call
        self._claims: dict[type, Callable[[Any, Limit | None, Span], Iterable[Mistake]]] = {
            sentences.Hears: self._hears,
            sentences.Receives: self._receives,
            sentences.Fires: self._fires,
            sentences.Notes: self._notes,
            sentences.Lasts: self._lasts,
            sentences.ScenarioFails: self._fails,
        }

    def of(self, expectation: Expectation) -> list[Mistake]:
        """What is wrong with one."""
        claim = expectation.claim
        try:
            return list(self._claims[type(claim)](claim, expectation.limit, expectation.span))
        except _NeverCame as never:
            return [never.mistake]
        except ConfigurationError as error:
            return [Mistake(expectation.span, str(error))]

    def unsaid(self) -> Iterable[Mistake]:
        """What every test expects: no failure, answers to tools as the agent wants them, and all as it was recorded."""
        error = self._call.outcome.error
        fails = any(isinstance(expectation.claim, sentences.ScenarioFails) for expectation in self._test.expectations)
        if error is not None and not fails:
            yield Mistake(self._test.node.name.span, "the scenario failed", str(error))
        missed = [] if error else self._call.missed
        for awaited in [] if error else self._call.awaited:
            span = self._test.plan.span_of(awaited.step.action) or self._test.node.name.span
            yield Mistake(span, "this was not done, as what it waits for never came", f"it waits for: {awaited.cue}")
        for unmet in [*(unmet for connection in self._call.agents for unmet in connection.unmet), *missed]:
            yield Mistake(self._place_of(unmet), unmet)
        for difference in self._call.differences:
            yield Mistake(self._test.node.name.span, "this is not what was recorded", difference)

    def _place_of(self, unmet: str) -> Span:
        """The sentence in which the agent calls the tool that is spoken of."""
        for sentence in self._test.node.sentences:
            if isinstance(sentence, sentences.Action) and isinstance(sentence.deed, sentences.Calls):
                tool = sentence.deed.tool
                if tool is not None and f"'{tool.value}'" in unmet:
                    return sentence.span
        return self._test.node.name.span

    # When.

    def _times(self, cue: Cue) -> list[float]:
        """When it came; the n-th time alone if the test says so."""
        times = self._all_times(cue)
        if cue.count is not None:
            times = times[int(cue.count.value) - 1 :][:1]
        if not times:
            raise _NeverCame(Mistake(cue.span, "this never came, so nothing could follow", self._what_came(cue)))
        return times

    def _all_times(self, cue: Cue) -> list[float]:
        match cue:
            case sentences.EventCue(event=path):
                return [event.time for event in self._call.events.named(event_value(path))]
            case sentences.TurnCue(party=party, stops=stops):
                track = self._call.caller.said if party.who == "caller" else self._call.caller.heard
                return [span.end if stops else span.begin for span in track.audible(PAUSE_SECONDS)]
            case sentences.ScenarioCue(sends=True, name=name):
                return [it.time for agent in self._call.agents for it in agent.received(name.value)]
        return sorted(time for agent in self._call.agents for time in _answers(agent, cue.name.value, self._call))

    def _what_came(self, cue: Cue) -> str:
        count = len(self._all_times(cue))
        if count:
            return f"it came {count} time{'s' * (count > 1)} only"
        if isinstance(cue, sentences.EventCue):
            return _listed(event_value(cue.event), self._call.events.names)
        return ""

    def _windows(self, limit: Limit | None) -> list[_Window]:
        """Where what is expected has to be; in each of them when there are several."""
        match limit:
            case None:
                return [_Window(-math.inf, math.inf, "")]
            case sentences.By(time=time):
                return [_Window(-math.inf, seconds(time), f" by {seconds(time):g} s")]
            case sentences.Within(duration=duration, cue=cue):
                length = seconds(duration)
                return [
                    _Window(time, time + length, f" from {time:.3f} to {time + length:.3f} s")
                    for time in self._times(cue)
                ]
        begin, end = self._point(limit.begin, -math.inf), self._point(limit.end, math.inf)
        if begin > end:
            assert limit.end is not None, "what has no end goes on for ever"
            raise _NeverCame(Mistake(limit.span, f"no time is from {begin:g} s until {end:g} s, so nothing could come"))
        since = "" if begin == -math.inf else f" from {begin:g} s"
        return [_Window(begin, end, since + ("" if end == math.inf else f" until {end:g} s"))]

    def _point(self, point: nodes.Duration | sentences.Later | None, otherwise: float) -> float:
        if isinstance(point, sentences.Later):
            return self._times(point.cue)[0] + (0.0 if point.delay is None else seconds(point.delay))
        return otherwise if point is None else seconds(point)

    # What was heard.

    def _hears(self, claim: Hears, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        who, track = claim.party.who, self._track_of(claim.party)
        if claim.what == "silence":
            yield from self._silence(track, limit, span)
            return
        for window in self._windows(limit):
            if claim.no:
                yield from self._unheard(claim, window, span)
                continue
            if isinstance(claim.what, nodes.Text):
                yield from self._sound(claim, claim.what.value, window, limit, span)
                continue
            spans = track.audible() if claim.what == "sound" else track.spansOf(self._said_by(claim.what))
            if not any(it.begin in window or (it.begin <= window.begin < it.end) for it in spans):
                what = "nothing" if claim.what == "sound" else f"nothing of the {claim.what.who}"
                when = ", ".join(str(it) for it in spans[:_SHOWN])
                yield Mistake(span, f"the {who} heard {what}{window.told}", f"it was heard at {when}" if when else "")

    def _unheard(self, claim: Hears, window: _Window, span: Span) -> Iterable[Mistake]:
        track, what = self._track_of(claim.party), claim.what
        assert not isinstance(what, str), "the grammar has no `hears no silence`"
        source = self._said_by(what) if isinstance(what, Party) else self._sound_of(claim.party, what.value)
        begin, end = window.begin + _TICK_SECONDS, window.end - _TICK_SECONDS
        pieces = [track.slice(max(it.begin, begin), min(it.end, end)) for it in track.spansOf(source)]
        heard = [it for piece in pieces for it in piece.audible()]  # of what is alike, silence may be a part
        if heard:
            when = ", ".join(map(str, heard[:_SHOWN]))
            yield Mistake(span, f"the {claim.party.who} heard it{window.told}", f"it was heard at {when}")

    def _silence(self, track: Track, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        if isinstance(limit, sentences.Within):
            times = self._times(limit.cue)
            for time, taken in zip(times, interruptionToSilence(times, track), strict=True):
                if taken > seconds(limit.duration) + 1e-6:
                    how_long = f"{taken * 1000:.0f} ms" if taken < 1 else f"{taken:.2f} s"
                    yield Mistake(span, f"it took {how_long} from {time:.3f} s until there was silence")
            return
        (window,) = self._windows(limit)
        begin, end = (window.end, math.inf) if isinstance(limit, sentences.By) else (window.begin, window.end)
        verdict = track.silentBetween(max(begin, track.begin), min(end, max(track.end, begin)))
        if not verdict:
            yield Mistake(span, verdict.why, verdict.detail)

    def _sound(self, claim: Hears, text: str, window: _Window, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        folder, track = self._test.path.parent, self._track_of(claim.party)
        if claim.exactly:
            verdict = track.slice(max(window.begin, track.begin), window.end).matchesGolden(folder / text)
            if not verdict:
                yield Mistake(span, verdict.why, verdict.detail)
            return
        sound = self._sound_of(claim.party, text)
        end = window.end if isinstance(limit, sentences.During) else window.end + sound.seconds + _TICK_SECONDS
        match = track.slice(max(window.begin - _TICK_SECONDS, track.begin), end).contains(sound)
        if not match:
            parts = [str(it) for it in track.spansOf(sound)][:_SHOWN]
            nearest_ = repr(match) if match.likeness > _FAINT else "nothing like it was heard"
            instead = f"it, or a part of it, was heard at {', '.join(parts)}" if parts else nearest_
            yield Mistake(span, f"the {claim.party.who} did not hear all of this{window.told}", instead)

    def _sound_of(self, party: Party, text: str) -> Track:
        """What the party is to hear, as it was said: at another rate a test signal is another one."""
        caller = [self._call.caller.said.rate] if text in self._test.plan.caller_sounds else []
        agents = [plan.rate for plan in self._test.plan.agents.values() if text in plan.sounds]
        rates = (*caller, *agents) if party.who == "agent" else (*agents, *caller)
        rate = next(iter(rates), SPEECH_RATE)  # the speech service's
        folders = (self._test.path.parent, self._test.scenario.parent)
        return Track(render(self._test.plan.sound_of(text), rate, folders), rate)

    def _track_of(self, party: Party) -> Track:
        return self._call.caller.heard if party.who == "caller" else self._connection(party).heard

    def _said_by(self, party: Party) -> Track:
        return self._call.caller.said if party.who == "caller" else self._connection(party).said

    def _connection(self, party: Party) -> AgentConnection:
        number = 1 if party.number is None else int(party.number.value)
        if number > len(self._call.agents):
            count = len(self._call.agents)
            raise _NeverCame(Mistake(party.span, f"there was no such connection to the agent, but {count}"))
        return self._call.agents[number - 1]

    # What was sent and written.

    def _receives(self, claim: sentences.Receives, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        text = claim.text.value
        if claim.party.who == "control":
            replies = [Found(it.time, it.content, {}) for it in self._call.replies]
            wanted = _Wanted(f"reply {text!r}", claim.no, None, None)
            yield from self._compare(wanted, [it for it in replies if text in it.what], replies, limit, span)
            return
        if claim.keys or claim.party.who in ("speech", "web"):
            there = self._all_that_came(claim)
            if (text in there) is claim.no:
                yield Mistake(span, f"the {claim.party.who} received {there!r}")
            return
        connection = self._connection(claim.party)
        all_ = [Found(it.time, it.type, it.data) for it in connection.messages]
        wanted_type = known_message(text)
        found = [it for it in all_ if it.what == wanted_type]
        yield from self._compare(_Wanted(f"message {text}", claim.no, None, claim.fields), found, all_, limit, span)

    def _all_that_came(self, claim: sentences.Receives) -> str:
        """In one text: when it came is not known."""
        call = self._call
        if claim.keys:
            return call.caller.digits
        if claim.party.who == "speech":
            return "".join(call.spoken)
        asked = [
            f"{it.method} {it.headers.get('host', '')}{it.target} {it.body.decode('utf-8', 'replace')}"
            for it in call.webRequests
        ]
        return "\n".join(map(str.rstrip, asked))

    def _fires(self, claim: sentences.Fires, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        name = event_value(claim.event)
        all_ = [Found(it.time, it.name, it.payload) for it in self._call.events]
        found = [it for it in all_ if it.what == name]
        count = None if claim.count is None else int(claim.count.value)
        yield from self._compare(_Wanted(f"event {name}", claim.no, count, claim.fields), found, all_, limit, span)

    def _notes(self, claim: sentences.Notes, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        text = claim.text.value
        if claim.kind == "file":
            all_ = [Found(0.0, path.name, {}) for path in self._call.files if path.stat().st_size]
            found = [it for it in all_ if it.what == Path(text).name]
        else:
            all_ = [_found(record) for record in self._call.ofKind(claim.kind)]
            found = [it for it in all_ if text in it.what]
        yield from self._compare(_Wanted(f"{claim.kind} {text!r}", claim.no, None, None), found, all_, limit, span)

    def _compare(
        self, wanted: "_Wanted", found: list[Found], all_: list[Found], limit: Limit | None, span: Span
    ) -> Iterable[Mistake]:
        fits = [it for it in found if wanted.fits(it)]
        for window in self._windows(limit):
            count = sum(it.time in window for it in fits)
            if wanted.is_met(count):
                continue
            if wanted.no or wanted.count is not None:
                yield Mistake(span, f"{wanted.what} came {count} time{'s' * (count != 1)}{window.told}", _times(fits))
            else:
                yield Mistake(span, f"{wanted.what} did not come{window.told}", _instead(wanted, found, fits, all_))

    # The call as a whole.

    def _lasts(self, claim: sentences.Lasts, _: Limit | None, span: Span) -> Iterable[Mistake]:
        connected, ended = (self._call.events.named(name) for name in ("Call.Connected", "Call.Disconnected"))
        if not connected:
            yield Mistake(span, "the call was never connected")
            return
        lasted = (ended[0].time if ended else self._call.seconds) - connected[0].time
        limit = seconds(claim.duration)
        if (lasted < limit - _TICK_SECONDS) if claim.least else (lasted > limit + _TICK_SECONDS):
            yield Mistake(span, f"the call lasted {lasted:.2f} s")

    def _fails(self, claim: sentences.ScenarioFails, _: Limit | None, span: Span) -> Iterable[Mistake]:
        error = self._call.outcome.error
        if error is None:
            yield Mistake(span, "the scenario did not fail")
        elif claim.text is not None and claim.text.value not in str(error):
            yield Mistake(span, "the scenario failed otherwise", str(error))


class _NeverCame(Exception):  # noqa: N818 - a mistake of the test's, or the scenario's
    """What an expectation counts from is not there."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.why)
        self.mistake = mistake


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to come `count` times, at least once if None, or never with `no`."""

    what: str
    no: bool
    count: int | None
    fields: nodes.Object | None

    def fits(self, found: Found) -> bool:
        """Whether its fields are as they should be."""
        return self.fields is None or _is_part(value_of(self.fields), found.fields)

    def is_met(self, count: int) -> bool:
        """Whether so many are right."""
        came = count > 0 if self.count is None else count == self.count
        return came is not self.no


def _is_part(wanted: Any, there: Any) -> bool:
    """Whether all that is wanted is there; there may be more in objects."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(key in there and _is_part(wanted[key], there[key]) for key in wanted)
    if isinstance(wanted, list):
        return (
            isinstance(there, Sequence)
            and len(there) == len(wanted)
            and all(_is_part(one, other) for one, other in zip(wanted, there, strict=True))
        )
    return wanted == there and (type(wanted) is type(there) or (is_number(wanted) and is_number(there)))


def _instead(wanted: _Wanted, found: list[Found], fits: list[Found], all_: list[Found]) -> str:
    """What came in its place."""
    if fits:
        return _times(fits)
    if found:
        return "\n".join(f"at {it.time:.3f} s it was {_shown(wanted, it)}" for it in found[:_SHOWN])
    kind, _, name = wanted.what.partition(" ")
    near = "" if kind == "event" else nearest(name, [it.what for it in all_])
    if near:
        return f"there was {near!r}"
    return _listed(name, [it.what for it in all_])


def _shown(wanted: _Wanted, found: Found) -> str:
    names = [pair.key.text for pair in wanted.fields.pairs] if wanted.fields else []
    return ", ".join(f"{name}: {found.fields.get(name)!r}" for name in names)


def _times(found: list[Found]) -> str:
    return f"it came at {', '.join(f'{it.time:.3f} s' for it in found[:_SHOWN])}" if found else ""


def _listed(wanted: str, there: Iterable[str]) -> str:
    """What there was instead; of its own kind, if there was any such."""
    names = list(dict.fromkeys(there))
    alike = [name for name in names if name.rpartition(".")[0] == wanted.rpartition(".")[0]]
    return f"there were {', '.join(alike or names)}" if names else "there was none at all"


def _found(record: Record) -> Found:
    return Found(float(record["t"]), record["message"], {})


def _answers(agent: AgentConnection, tool: str, call: SimulatedCall) -> Iterable[float]:
    """When the scenario answered that tool."""
    ids = {
        it.payload.data.client_tool_call.tool_call_id
        for it in call.events.named("ElevenLabs.Agents.ClientToolCall")
        if it.payload.data.client_tool_call.tool_name == tool
    }
    return [it.time for it in agent.received("client_tool_result") if it.data.get("tool_call_id") in ids]
