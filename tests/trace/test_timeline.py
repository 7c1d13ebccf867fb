"""A session as plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trace.traces import HEAD, event, level, route

from voxrun.testing import SimulatedCall
from voxrun.trace.story import tell
from voxrun.trace.timeline import timeline

TALK = [level(0.0, [-96] * 25 + [-10] * 25, [-40] * 50), level(1.0, [-25] * 50, [-96] * 50)]


def test_a_short_call() -> None:
    records = [HEAD, *TALK, route(0.5, "call-1", "agent-1"), {"t": 1.99, "kind": "error", "message": "it\nbroke"}]
    assert timeline(tell(records), width=60) == (
        "s       0.0       0.5       1.0       1.5       2.0       2.\n"
        "caller  ..........##########++++++++++++++++++++\n"
        "hears   --------------------....................\n"
        "                  a                            !\n"
        "a     0.500  route     call-1 -> agent-1\n"
        "!     1.990  error     it broke"
    )


def test_the_seconds_around_a_moment(call: SimulatedCall) -> None:
    rows = timeline(tell(call.records), around=8.0).splitlines()
    assert rows[0].startswith("s       3.4")
    place = rows[0].index("v")
    assert rows[1][place] != "."
    assert rows[1][place - 1] == "."
    assert rows[3][place] in "abcdefghijk"
    assert any("sends audio of event" in row for row in rows)
    assert any("speaks over the agent" in row for row in rows)
    assert not any("Hello" in row for row in rows)


def test_all_of_a_call_without_what_is_frequent(call: SimulatedCall) -> None:
    text = timeline(tell(call.records))
    assert "Hello, this is Riverside Dental." in text
    assert "Ping" not in text
    assert "sends audio" not in text


def test_an_errors_place_is_not_taken() -> None:
    records = [event(1.0, "ElevenLabs.Agents.Mine"), {"t": 1.0, "kind": "fault", "what": "cut"}, *TALK]
    rows = timeline(tell(records)).splitlines()
    assert rows[3].strip() == "!"
    assert rows[5] == "!     1.000  fault     cut"


def test_what_a_media_stream_was_like_is_no_moment_of_the_call() -> None:
    stream = {"t": 1.0, "kind": "stream", "of": "twilio", "times_cleared": 0, "least_ms_behind": 20}
    assert timeline(tell([HEAD, *TALK, stream])) == timeline(tell([HEAD, *TALK]))


def test_how_a_connection_failed_is_told() -> None:
    records = [
        event(1.0, "ElevenLabs.Agents.HTTPResponse", code=401, text="{}"),
        event(1.5, "ElevenLabs.Agents.WebSocketError", code=1008, reason="no such agent"),
        event(2.0, "ElevenLabs.Agents.WebSocketError") | {"payload": None},
    ]
    assert timeline(tell(records)).splitlines()[4:] == [
        "a     1.000  agent-1   HTTPResponse 401",
        "b     1.500  agent-1   WebSocketError 1008 no such agent",
        "c     2.000  agent-1   WebSocketError",
    ]


def test_an_error_is_told_whole() -> None:
    records = [{"t": 1.0, "kind": kind, "message": f"{kind} {'word ' * 30}"} for kind in ("log", "warning", "error")]
    rows = timeline(tell(records), width=60).splitlines()
    assert [row[:1] for row in rows[4:]] == ["a", "b", *" " * 4, "!", *" " * 4]
    assert rows[4].endswith("...")
    assert [sum(row.count("word") for row in rows[begin : begin + 5]) for begin in (5, 10)] == [30, 30]
    assert all(len(row) <= 60 for row in rows)


@pytest.mark.parametrize("around", [None, -5.0, 0.0, 12.9, 500.0])
def test_no_line_is_too_long(call: SimulatedCall, around: float | None) -> None:
    assert max(map(len, timeline(tell(call.records), around).splitlines())) <= 100


@given(
    st.lists(st.floats(0, 4000), max_size=80),
    st.floats(0, 4000),
    st.integers(0, 120),
    st.none() | st.floats(0, 4000),
    st.integers(40, 200),
)
def test_it_fits_whatever_happens(
    times: list[float], began: float, ticks: int, around: float | None, width: int
) -> None:
    records = [
        level(began, [-20] * ticks, [-96] * ticks),
        *({"t": t, "kind": "log", "message": "x" * 300} for t in times),
    ]
    rows = timeline(tell(records), around, width).split("\n")
    assert all(len(row) <= width for row in rows)
    assert len(rows) <= 4 + len(times)
    if around is None:
        assert len(rows) == 4 + len(times)
