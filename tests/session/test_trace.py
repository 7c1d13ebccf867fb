"""The record of a session."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import Play, ScriptedLeg, Setting

from voxrun.events.message import Message
from voxrun.events.name import EventName
from voxrun.session.secrets import Secrets
from voxrun.session.session import Session
from voxrun.session.trace import KEPT_CHARACTERS, KEPT_RECORDS, Trace


def new_trace(secrets: Secrets | None = None) -> Trace:
    times = iter(range(10**9))
    return Trace(lambda: next(times) / 2, secrets or Secrets({}, {}))


@dataclass
class Told:
    text: str


def test_a_record_has_its_time_and_kind_first() -> None:
    trace = new_trace()
    trace.record("log", message="hello")
    trace.record("log", message="world")
    assert trace.lines() == ['{"t":0.0,"kind":"log","message":"hello"}', '{"t":0.5,"kind":"log","message":"world"}']


def test_subscribers_get_every_record_from_then_on() -> None:
    trace = new_trace()
    trace.record("log", message="before")
    first: list[str] = []
    second: list[str] = []
    trace.subscribe(first.append)
    trace.record("log", message="one")
    trace.subscribe(second.append)
    trace.record("log", message="two")
    assert first == trace.lines()[1:]
    assert second == trace.lines()[2:]


def test_memory_is_bounded_and_what_went_is_counted() -> None:
    trace = new_trace()
    seen: list[str] = []
    trace.subscribe(seen.append)
    for number in range(KEPT_RECORDS + 7):
        trace.record("log", message=number)
    assert trace.dropped == 7
    assert len(trace.lines()) == KEPT_RECORDS
    assert json.loads(trace.lines()[0])["message"] == 7
    assert len(seen) == KEPT_RECORDS + 7


def test_long_texts_are_kept_only_so_far() -> None:
    trace = new_trace()
    for number in range(40):
        trace.record("log", message=str(number).ljust(KEPT_CHARACTERS // 10))
    assert [json.loads(line)["message"].strip() for line in trace.lines()] == [str(number) for number in range(31, 40)]
    assert trace.dropped == 31
    trace.record("log", message=" " * 2 * KEPT_CHARACTERS)
    assert len(trace.lines()) == 1
    trace.record("log", message="short")
    assert [json.loads(line)["message"] for line in trace.lines()] == ["short"]


@pytest.mark.parametrize("wrap", [Told, lambda text: {"data": {"type": "a", "inner": [text]}}])
def test_so_are_those_in_what_events_tell_though_a_scenario_changes_it(wrap: Callable[[str], object]) -> None:
    trace = new_trace()
    payloads = [wrap("." * (KEPT_CHARACTERS // 10)) for _ in range(40)]
    for payload in payloads:
        trace.record("event", unit="agent-1", name="told", payload=payload)
        if isinstance(payload, dict):
            payload.clear()
    assert len(trace.lines()) == 9
    assert trace.dropped == 31


def test_what_is_kept_tells_how_much_is_missing_behind_the_first_record() -> None:
    trace = new_trace()
    trace.introduce(scenario="call.py")
    for number in range(KEPT_RECORDS - 1):
        trace.record("log", message=number)
    assert json.loads(trace.lines()[1])["kind"] == "log"
    for number in range(7):
        trace.record("log", message=KEPT_RECORDS - 1 + number)
    first, missing, next_one, *_ = map(json.loads, trace.lines())
    assert (first["kind"], first["scenario"]) == ("session", "call.py")
    assert missing == {"t": next_one["t"], "kind": "losses", "of": "the trace", "records_forgotten": 6}
    assert next_one["message"] == 6


def test_a_sessions_end_tells_what_was_dropped(play: Play) -> None:
    ran = play(f"for number in range({KEPT_RECORDS}):\n    Logger.write(number)\n")
    end = ran.of_kind("end")[0]
    # Three events and the clock besides, and the end itself when it is written.
    assert end["dropped_records"] == 4
    assert end["dropped_events"] == 0


@dataclass(frozen=True, slots=True)
class Payload:
    name: str
    data: object


class Count(int):
    """A number of a class of the scenario's own."""


class Mute:
    """What a scenario may put into an event's payload, and what can't say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    def __repr__(self) -> str:  # for the test's name
        return "mute"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (EventName[object]("Call.Connected"), "Call.Connected"),
        (Message({"a": {"b": [1, {"c": None}]}}), {"a": {"b": [1, {"c": None}]}}),
        (Payload("x", Message({"a": 1})), {"name": "x", "data": {"a": 1}}),
        ([Payload("x", 1)], [{"name": "x", "data": 1}]),
        (Payload, str(Payload)),
        (10**30, 10**30),
        (math.nan, None),
        (math.inf, None),
        (True, True),
        ((1, 2.5), [1, 2.5]),
        ({(1, 2): {3}}, {"(1, 2)": "{3}"}),
        ({None: b"\xff"}, {"None": "b'\\xff'"}),
        ("half a pair: \ud83d", "half a pair: \\ud83d"),
        (ValueError("why"), "why"),
        (np.float64(1.5), 1.5),
        (Count(2), 2),
        (np.array([1, 2]), [1, 2]),
        (np.array([1j]), "[0.+1.j]"),
        ([1, Mute()], [1, "<Mute>"]),
        pytest.param([10**5000], {"lost": "it has a number of too many digits"}, id="more digits than Python writes"),
    ],
    ids=repr,
)
def test_whatever_is_recorded_becomes_json(value: object, expected: object) -> None:
    trace = new_trace()
    trace.record("event", payload=value)
    assert json.loads(trace.lines()[0])["payload"] == expected


class Growing:
    """What a scenario may do to an event's payload while a thread reads the trace."""

    def __init__(self) -> None:
        self.inside: dict[object, object] = {"first": self, "second": 2}

    def __str__(self) -> str:
        self.inside["third"] = 3
        return "told"


def test_what_grows_while_it_is_read_is_told_as_it_was() -> None:
    trace = new_trace()
    trace.record("event", payload=Growing().inside)
    assert json.loads(trace.lines()[0])["payload"] == {"first": "told", "second": 2}


def test_what_holds_itself_costs_its_own_place_only() -> None:
    """A scenario may put what an event told it into itself."""
    headers: dict[str, object] = {}
    headers["all"] = [headers, headers]
    lines: list[str] = []
    trace = new_trace()
    trace.subscribe(lines.append)
    trace.record("event", name="Call.Connected", payload=headers)
    assert lines == trace.lines()
    payload = {"lost": "it is nested too deeply"}
    assert json.loads(lines[0]) == {"t": 0.0, "kind": "event", "name": "Call.Connected", "payload": payload}


def test_units_are_named(play: Play) -> None:
    ran = play("", Setting(leg=ScriptedLeg(), idle_seconds=0.1))
    [alerting] = [record for record in ran.of_kind("event") if record["name"] == "Application.CallAlerting"]
    assert alerting["unit"] == "session"
    assert alerting["payload"]["call"] == "<call-1>"


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
)


def check_line(value: object) -> None:
    """It is one line of JSON."""
    trace = new_trace(Secrets({"pin": "1234", "word": "true", "key": "kind", "quote": '"},{"'}, {}))
    trace.record("wire", payload=value, text=str(value))
    [line] = trace.lines()
    assert "\n" not in line
    record = json.loads(line)
    assert list(record) == ["t", "kind", "payload", "text"]
    assert record["kind"] == "wire"


@settings(max_examples=25)
@given(TREES)
def test_every_line_is_one_line_of_json(value: object) -> None:
    check_line(value)


@pytest.mark.slow
@settings(max_examples=300)
@given(TREES)
def test_each_of_many_lines_is_one_line_of_json(value: object) -> None:
    check_line(value)


def test_routes_and_the_state_of_the_call_are_traced(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.sendMediaTo(event.call)
            event.call.answer()
            event.call.stopMediaTo(event.call)
            setTimeout(event.call.hangup, 100)
        """,
        Setting(leg=ScriptedLeg()),
    )
    route = {"source": "call-1", "sink": "call-1"}
    assert [{k: r[k] for k in ("change", *route)} for r in ran.of_kind("route")] == [
        {"change": "connect", **route},
        {"change": "disconnect", **route},
    ]
    assert [record["state"] for record in ran.of_kind("call")] == ["CONNECTED", "TERMINATED"]


def test_kept_records_equal_what_subscribers_got(play: Play) -> None:
    sessions: list[Session] = []

    async def keep(session: Session) -> None:
        sessions.append(session)

    ran = play("Logger.write('hello')", Setting(meanwhile=keep))
    assert [json.loads(line) for line in sessions[0].trace_log.lines()] == ran.records


@pytest.mark.parametrize(
    "many", [[0] * 100_000, [[]] * 10_000, {f"key {n}": 0 for n in range(20_000)}, [[[[[[[[0] * 100_000]]]]]]]]
)
def test_what_is_no_text_is_kept_only_so_far_as_well(many: object) -> None:
    trace = new_trace()
    for _ in range(100):
        trace.record("event", unit="agent-1", name="told", payload={"data": many})
    assert trace.dropped > 70


def test_what_holds_itself_is_recorded() -> None:
    trace, payload = new_trace(), dict[str, object]()
    payload["itself"] = [payload]
    trace.record("event", payload=payload)
    trace.record("log", message="on it goes")
    assert json.loads(trace.lines()[-1])["message"] == "on it goes"
