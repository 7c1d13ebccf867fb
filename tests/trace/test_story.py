"""What the records of a session tell."""

import pytest
from tests.trace.traces import HEAD, event, level, route

from voxrun.testing import SimulatedCall
from voxrun.testing.turn_taking import turns
from voxrun.trace.spans import Span
from voxrun.trace.story import Loss, Waiting, tell

TALK = [-96] * 25 + [-10] * 25


def test_a_trace_tells_the_turns_that_the_audio_has(call: SimulatedCall) -> None:
    story = tell(call.records)
    heard = turns(call.caller.said, call.caller.heard, gap=0.3)
    assert len(story.turns) == len(heard) == 3
    for traced, turn in zip(story.turns, heard, strict=True):
        assert traced.turn.answer is not None
        assert turn.answer is not None
        assert traced.turn.answer.begin == pytest.approx(turn.answer.begin, abs=0.021)
        assert traced.turn.timeToAnswer == pytest.approx(turn.timeToAnswer, abs=0.041)


def test_each_turn_has_its_hops(call: SimulatedCall) -> None:
    transcripts = [found.time for found in call.events.named("ElevenLabs.Agents.UserTranscript")]
    audio = [record["t"] for record in call.ofKind("wire") if record["type"] == "audio"]
    story = tell(call.records)
    assert [traced.transcript for traced in story.turns] == [None, *transcripts]
    assert [traced.audio for traced in story.turns] == audio


def test_an_interruption_is_timed_until_it_is_silent(call: SimulatedCall) -> None:
    [found] = tell(call.records).interruptions
    assert found.time == 8.0
    assert found.seconds == pytest.approx(0.04)


def test_levels_in_a_wrong_order_are_put_where_they_were() -> None:
    story = tell([level(2.0, [-20] * 10, [-96] * 10), level(1.0, [-10] * 10, [-96] * 10)])
    assert [tuple(span) for span in story.said.sounds()] == [(1.0, 1.2), (2.0, 2.2)]


def test_levels_are_joined_and_gaps_are_silent() -> None:
    story = tell([level(1.0, TALK, [-96] * 50), level(2.5, [-20] * 10, [-96] * 10)])
    assert len(story.said.peaks) == 85
    assert story.said.peaks[50:75].max() == -96
    assert [tuple(span) for span in story.said.sounds()] == [(1.5, 2.0), (2.5, 2.7)]
    assert (story.said.peak(0, 2), story.said.peak(2.5, 9), story.said.peak(5, 6)) == (-10, -20, -96)


@pytest.mark.parametrize(("noise", "heard_as_voice"), [(-96, -49), (-70, -49), (-50, -37), (-35, -29), (-5, -4)])
def test_a_voice_is_what_is_louder_than_the_noise(noise: int, heard_as_voice: int) -> None:
    story = tell([level(0.0, [noise] * 45 + [heard_as_voice] * 5, [-96] * 50)])
    sounds = story.said.sounds()
    assert sounds[-1].end == pytest.approx(1.0)
    assert (sounds[-1].begin == pytest.approx(0.9)) == (noise < -30)


def test_routes_have_times_and_the_peaks_of_the_call() -> None:
    story = tell(
        [
            route(0.0, "call-1", "agent-1"),
            route(0.0, "player-1", "agent-1"),
            level(0.0, TALK, [-96] * 50),
            route(0.4, "call-1", "agent-1", "disconnect"),
            route(0.5, "call-1", "agent-1"),
            route(0.6, "x", "y", "disconnect"),
        ]
    )
    found = [(each.source, *each.span, each.peak) for each in story.routes]
    assert found == [("call-1", 0.0, 0.4, -96), ("player-1", 0.0, 1.0, None), ("call-1", 0.5, 1.0, -10)]


def test_losses_are_what_was_counted() -> None:
    story = tell(
        [
            HEAD,
            level(0.0, [-96], [-96], agent=3.5, call=0.02),
            level(1.0, [-96], [-96], agent=2.5, call=0.04),
            {"t": 2.0, "kind": "losses", "of": "agent-1", "messages_not_sent": 0, "samples_too_many": 7},
            {"t": 2.1, "kind": "end", "reason": "x", "error": None, "dropped_events": 2, "dropped_records": 0},
            {"t": 2.2, "kind": "clock", "late_ticks": 3, "skipped_ticks": 0},
        ]
    )
    assert story.losses == (
        Loss(2.0, "agent-1", "samples too many", 7),
        Loss(2.1, "the session", "dropped events", 2),
        Loss(2.2, "the media clock", "late ticks", 3),
    )
    assert story.waiting == (Waiting(Span(0.0, 0.02), "agent", 3.5), Waiting(Span(1.0, 1.02), "call", 0.04))


def test_what_came_is_not_lost_nor_what_came_twice() -> None:
    numbers = {"packets_lost": -4, "packets_received": 434, "packets_sent": 300, "packets_lost_there": -2}
    assert tell([HEAD, {"t": 2.0, "kind": "losses", "of": "RTP at 127.0.0.1:4000", **numbers}]).losses == ()


def test_records_are_lost_only_where_they_are_missing() -> None:
    end = {"t": 2.1, "kind": "end", "reason": "x", "error": None, "dropped_events": 0, "dropped_records": 7}
    assert tell([HEAD, end]).losses == ()
    missing = {"t": 2.0, "kind": "losses", "of": "the trace", "records_forgotten": 7}
    assert tell([HEAD, missing, end]).losses == (Loss(2.0, "the trace", "records forgotten", 7),)


def test_the_first_error_is_the_failure() -> None:
    errors = [{"t": time, "kind": "error", "message": str(time)} for time in (2.0, 3.0)]
    failure = tell([HEAD, *errors]).failure
    assert failure is not None
    assert (failure.time, failure.what) == (2.0, "2.0")
    assert tell([HEAD]).failure is None


def test_a_session_without_a_call_is_a_story_too() -> None:
    story = tell([HEAD, event(1.0, "ElevenLabs.Agents.Interruption")])
    assert (story.call, story.turns, story.end) == ("", (), 1.0)
    assert story.interruptions[0].seconds == 0
    assert tell([]).marks == ()
