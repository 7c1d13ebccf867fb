"""`judge`: what a test in a `.vox` file expected of its call and did not get."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.dsl import nodes, sentences
from voxrun.dsl.nodes import Span
from voxrun.dsl.sentences import Action, Cue, Expectation, Hears, Limit, Party
from voxrun.errors import ConfigurationError
from voxrun.session.session import FAILED
from voxrun.testing.agent_connection import AgentConnection
from voxrun.testing.caller_play import PAUSE_SECONDS
from voxrun.testing.event_names import known_fields, known_message
from voxrun.testing.simulated_call import SimulatedCall
from voxrun.testing.sounds import render
from voxrun.testing.track import NothingToJudgeError, Track
from voxrun.testing.turn_taking import interruptionToSilence
from voxrun.testing.vox_plan import event_value, seconds
from voxrun.testing.vox_tests import VoxTest
from voxrun.testing.wanted import SHOWN, Found, Mistake, Wanted, did_you_mean, instead_of, listed, slips, times_of
from voxrun.trace.words import Record
from voxrun.transports.sound_library import SPEECH_RATE

_TICK_SECONDS = FRAME_SECONDS
"""Times are those of ticks."""

_FAINT = 0.3
"""Any two sounds are so like one another."""


def judge(test: VoxTest, call: SimulatedCall) -> list[Mistake]:
    """All that is wrong, in the order of the test; nothing when it has passed.

    When the scenario's own code failed, and the test does not say that it does, that alone: the rest follows from it.
    """
    judgement = _Judgement(test, call)
    wrong = list(judgement.unsaid())
    if call.outcome.reason != FAILED or judgement.is_to_fail:
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

    @property
    def is_to_fail(self) -> bool:
        """Whether the test says that the scenario fails."""
        return any(isinstance(it.claim, sentences.ScenarioFails) for it in self._test.expectations)

    def of(self, expectation: Expectation) -> list[Mistake]:
        """What is wrong with one."""
        claim = expectation.claim
        try:
            return list(self._claims[type(claim)](claim, expectation.limit, expectation.span))
        except _NeverCame as never:
            return [never.mistake]
        except (ConfigurationError, NothingToJudgeError) as error:
            return [Mistake(expectation.span, str(error))]

    def unsaid(self) -> Iterable[Mistake]:
        """What every test expects: no failure, answers to tools as the agent wants them, and all as it was recorded."""
        error = self._call.outcome.error
        if error is not None and not self.is_to_fail:
            yield Mistake(self._test.node.name.span, "the scenario failed", str(error))
        missed = [] if error else self._call.missed
        for awaited in [] if error else self._call.awaited:
            span = self._test.plan.span_of(awaited.step.action) or self._test.node.name.span
            if awaited.why:
                yield Mistake(span, "this was not done", awaited.why)
            else:
                what = "this was not done, as what it waits for never came"
                yield Mistake(span, what, f"it waits for: {awaited.cue}")
        yield from () if error else self._vain()
        for unmet in [*(unmet for connection in self._call.agents for unmet in connection.unmet), *missed]:
            yield Mistake(self._place_of(unmet), unmet)
        for difference in self._call.differences:
            yield Mistake(self._test.node.name.span, "this is not what was recorded", difference)

    def _vain(self) -> Iterable[Mistake]:
        """Who waited for somebody that did not come, and what was to be understood and never said."""
        yield from (Mistake(self._place_of(alone), alone) for alone in self._call.alone)
        for action in self._actions():
            if isinstance(action.deed, sentences.Understands) and action.deed.text.value in self._call.unheard:
                yield Mistake(action.span, "the agent heard the end of no turn for this")

    def _actions(self) -> Iterable[Action]:
        return (sentence for sentence in self._test.node.sentences if isinstance(sentence, Action))

    def _place_of(self, unmet: str) -> Span:
        """The sentence with the agent's tool, the address or the refusal that is spoken of."""
        for action in self._actions():
            match action.deed:
                case sentences.Calls(tool=nodes.Text(value=tool)) if f"'{tool}'" in unmet:
                    return action.span
                case sentences.Answers(url=url) if f" {url.value} " in unmet:
                    return action.span
                case sentences.Refuses() if unmet.startswith(f"{_whom(action.party)} was to refuse"):
                    return action.span
                case sentences.Interrupted() if "to be interrupted" in unmet:
                    return action.span
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
            return listed(event_value(cue.event), self._call.events.names)
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
        if begin > end or (begin == end and isinstance(limit.end, nodes.Duration)):  # much may come in one moment
            assert limit.end is not None, "what has no end goes on for ever"
            raise _NeverCame(Mistake(limit.span, f"no time is from {begin:g} s until {end:g} s, so nothing could come"))
        since = "" if begin == -math.inf else f" from {begin:g} s"
        return [_Window(begin, end, since + ("" if end == math.inf else f" until {end:g} s"))]

    def _must_be_in_time(self, window: _Window) -> None:
        """NothingToJudgeError for what lies after the end of it all: nothing can come there."""
        if window.begin > self._call.seconds + _TICK_SECONDS:
            over = f"the session was over at {self._call.seconds:.3f} s"
            raise NothingToJudgeError(f"{over}: nothing could come{window.told}")

    def _point(self, point: nodes.Duration | sentences.Later | None, otherwise: float) -> float:
        if isinstance(point, sentences.Later):
            return self._times(point.cue)[0] + (0.0 if point.delay is None else seconds(point.delay))
        return otherwise if point is None else seconds(point)

    # What was heard.

    def _hears(self, claim: Hears, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        who, track = claim.party.who, self._track_of(claim.party)
        if claim.what == "silence":
            yield from self._silence(claim.party, limit, span)
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
                when = ", ".join(str(it) for it in spans[:SHOWN])
                yield Mistake(span, f"the {who} heard {what}{window.told}", f"it was heard at {when}" if when else "")

    def _unheard(self, claim: Hears, window: _Window, span: Span) -> Iterable[Mistake]:
        track, what = self._track_of(claim.party), claim.what
        assert not isinstance(what, str), "the grammar has no `hears no silence`"
        if isinstance(what, nodes.Text):
            self._must_be_right(what.value)
        source = self._said_by(what) if isinstance(what, Party) else self._sound_of(claim.party, what.value)
        self._must_be_in_time(window)
        if window.begin == window.end:
            raise NothingToJudgeError(f"this is one moment, in which nothing is heard:{window.told}")
        margin = min(_TICK_SECONDS, (window.end - window.begin) / 4)
        begin, end = window.begin + margin, window.end - margin
        if len(track.samples) and claim.party.who == "caller":  # an agent is sent nothing when there is nothing
            track.slice(window.begin, window.end)
        spans = [(max(it.begin, begin), min(it.end, end)) for it in track.spansOf(source)]
        pieces = [track.slice(*span) for span in spans if span[0] < span[1]]
        heard = [it for piece in pieces for it in piece.audible()]  # of what is alike, silence may be a part
        if heard:
            when = ", ".join(map(str, heard[:SHOWN]))
            yield Mistake(span, f"the {claim.party.who} heard it{window.told}", f"it was heard at {when}")

    def _silence(self, party: Party, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        track = self._track_of(party)
        if isinstance(limit, sentences.Within):
            times = self._times(limit.cue)
            if party.who == "agent":  # who is sent nothing when there is nothing
                times = [time for time in times if time <= track.end]
                if not times:
                    return
            for time, taken in zip(times, interruptionToSilence(times, track), strict=True):
                if taken > seconds(limit.duration) + 1e-6:
                    how_long = f"{taken * 1000:.0f} ms" if taken < 1 else f"{taken:.2f} s"
                    yield Mistake(span, f"it took {how_long} from {time:.3f} s until there was silence")
            return
        (window,) = self._windows(limit)
        begin, end = (window.end, math.inf) if isinstance(limit, sentences.By) else (window.begin, window.end)
        verdict = track.silentBetween(max(begin, track.begin), end)
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
        begin = max(window.begin - _TICK_SECONDS, track.begin)
        heard = track.slice(begin, end) if begin < min(end, track.end) else Track(track.samples[:0], track.rate)
        match = heard.contains(sound)
        if not match:
            parts = [str(it) for it in track.spansOf(sound)][:SHOWN]
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
        by_caller = party.who == "agent"
        sound = Track(render(self._test.plan.sound_of(text, by_caller=by_caller), rate, folders), rate)
        if not sound.audible():
            raise ConfigurationError("this is silent: write `hears silence`")
        return sound

    def _must_be_right(self, text: str) -> None:
        """ConfigurationError for a text that nobody says, but for its signs and capitals: that would never be heard."""
        plan = self._test.plan
        said = {*self._call.spoken, *plan.caller_sounds, *(it for agent in plan.agents.values() for it in agent.sounds)}
        near = [it for it in said if _letters(it) == _letters(text)]
        if near and text not in said:
            raise ConfigurationError(f"nobody says this, but {near[0]!r}")

    def _track_of(self, party: Party) -> Track:
        return self._call.caller.heard if party.who == "caller" else self._connection(party).heard

    def _said_by(self, party: Party) -> Track:
        return self._call.caller.said if party.who == "caller" else self._connection(party).said

    def _connection(self, party: Party) -> AgentConnection:
        number = _number(party)
        if number > len(self._call.agents):
            count = len(self._call.agents)
            raise _NeverCame(Mistake(party.span, f"there was no such connection to the agent, but {count}"))
        return self._call.agents[number - 1]

    # What was sent and written.

    def _receives(self, claim: sentences.Receives, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        text = claim.text.value
        if claim.party.who == "control":
            replies = [Found(it.time, it.content, {}) for it in self._call.replies]
            wanted = Wanted(f"reply {text!r}", claim.no, None, None)
            yield from self._compare(wanted, [it for it in replies if text in it.what], replies, limit, span)
            return
        if claim.keys or claim.party.who in ("speech", "web"):
            there = self._all_that_came(claim)
            came = text in there if text else bool(there)  # without a text: anything
            if came is claim.no:
                yield Mistake(span, f"the {claim.party.who} received {there!r}")
            return
        connection = self._connection(claim.party)
        all_ = [Found(it.time, it.type, it.data) for it in connection.messages]
        wanted_type = known_message(text)
        names = known_fields(wanted_type)
        wrong = [pair for pair in claim.fields.pairs if pair.key.text not in names] if claim.fields else []
        if wrong:
            what = f"the message {text} has no `{wrong[0].key.text}`"
            yield Mistake(wrong[0].key.span, what, did_you_mean(wrong[0], names))
            return
        found = [it for it in all_ if it.what == wanted_type]
        yield from self._compare(Wanted(f"message {text}", claim.no, None, claim.fields), found, all_, limit, span)

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
        yield from self._compare(Wanted(f"event {name}", claim.no, count, claim.fields), found, all_, limit, span)

    def _notes(self, claim: sentences.Notes, limit: Limit | None, span: Span) -> Iterable[Mistake]:
        text = claim.text.value
        if claim.kind == "file":
            all_ = [Found(0.0, path.name, {}) for path in self._call.files if path.stat().st_size]
            found = [it for it in all_ if it.what == Path(text).name]
        else:
            all_ = [_found(record) for record in self._call.ofKind(claim.kind)]
            found = [it for it in all_ if text in it.what]
        yield from self._compare(Wanted(f"{claim.kind} {text!r}", claim.no, None, None), found, all_, limit, span)

    def _compare(
        self, wanted: Wanted, found: list[Found], all_: list[Found], limit: Limit | None, span: Span
    ) -> Iterable[Mistake]:
        fits = [it for it in found if wanted.fits(it)]
        for window in self._windows(limit):
            count = sum(it.time in window for it in fits)
            if wanted.is_met(count):
                self._must_be_in_time(window)
                yield from slips(wanted.fields, [it.fields for it in found]) if wanted.no else ()
                continue
            if wanted.no or wanted.count is not None:
                yield Mistake(span, f"{wanted.what} came {count} time{'s' * (count != 1)}{window.told}", times_of(fits))
            else:
                yield Mistake(span, f"{wanted.what} did not come{window.told}", instead_of(wanted, found, fits, all_))

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


def _whom(party: Party) -> str:
    return f"agent {_number(party)}" if party.who == "agent" else party.who


def _number(party: Party) -> int:
    """Of which connection to the agent."""
    return 1 if party.number is None else int(party.number.value)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


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
