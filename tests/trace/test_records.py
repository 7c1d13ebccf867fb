"""Reading a trace back."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.trace.traces import HEAD, level

from voxrun.errors import ConfigurationError
from voxrun.testing import SimulatedCall
from voxrun.trace.page import page
from voxrun.trace.records import read_records
from voxrun.trace.report import report
from voxrun.trace.story import tell

GOLDEN = (Path(__file__).parent / "format_1.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
"""A trace as it was written when format 1 was new: every later version reads it."""

HEAD_LINE = json.dumps(HEAD) + "\n"


def shapes(records: list[dict[str, Any]]) -> dict[str, set[tuple[str, ...]]]:
    """The names of the fields that the records of each kind have."""
    found = defaultdict(set)
    for record in records:
        found[record["kind"]].add(tuple(record))
    return dict(found)


def test_the_first_format_is_read_as_ever() -> None:
    story = tell(read_records(GOLDEN, "golden"))
    assert story.about["format"] == 1
    assert story.end == 13.0
    assert [round(traced.turn.timeToAnswer, 2) for traced in story.turns[1:]] == [0.7, 0.7]
    assert [found.time for found in story.interruptions] == [8.0]
    assert next(mark.what for mark in story.marks if mark.who == "caller") == "What are your opening hours?"


def test_a_session_writes_the_format_that_is_documented(call: SimulatedCall) -> None:
    golden = read_records(GOLDEN, "golden")
    now, then = (
        {kind: fields for kind, fields in shapes(records).items() if kind != "session"}
        for records in (call.records, golden)
    )
    assert now == then


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "call.jsonl is empty"),
        (["hello\n"], "call.jsonl, line 1: is no JSON"),
        (["[1]\n"], "line 1: is no JSON object"),
        (['{"kind":"session","format":1}\n'], 'line 1: has no time "t"'),
        (['{"t":true,"kind":"session","format":1}\n'], 'line 1: has no time "t"'),
        (['{"t":0,"format":1}\n'], 'line 1: has no "kind"'),
        (['{"t":0,"kind":"log","message":"x"}\n'], "line 1: is no beginning of a trace"),
        (['{"t":0,"kind":"session","format":2}\n'], "line 1: has the format 2; this voxrun knows 1"),
        (['{"t":0,"kind":"session"}\n'], "line 1: has the format None"),
        ([HEAD_LINE, "\n"], "line 2: is no JSON"),
        ([HEAD_LINE, HEAD_LINE], "line 2: begins another session: put what comes before it into a file of its own"),
        ([HEAD_LINE, '{"t":NaN,"kind":"log","message":"x"}\n'], 'line 2: has a time "t" that can\'t be'),
        ([HEAD_LINE, f'{{"t":{"9" * 400},"kind":"log","message":"x"}}\n'], 'line 2: has a time "t" that can\'t be'),
        ([HEAD_LINE, f'{{"t":1,"kind":"x","deep":{"[" * 100_000}{"]" * 100_000}}}\n'], "line 2: goes too deep"),
        ([HEAD_LINE, json.dumps({**level(0, [-1], [-1]), "began": float("nan")}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, json.dumps({**level(0, [-1], [-1]), "began": 1e12}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, json.dumps({**level(0, [-1], [-1]), "began": 9e8}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, json.dumps({**level(0, [], []), "waiting": {"a": 10**400}}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, json.dumps({**level(0, [], []), "said": [float("inf")]}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, '{"t":1,"kind":\n', HEAD_LINE], "line 2: is no JSON"),
        (
            [HEAD_LINE, '{"t":1,"kind":"log"}\n'],
            "line 2: lacks what a record of the kind 'log' has (KeyError: 'message')",
        ),
        ([HEAD_LINE, '{"t":1,"kind":"event","unit":"a"}\n'], "line 2: lacks"),
        ([HEAD_LINE, json.dumps(level(0, [-1], [])) + "\n"], "levels are two lists of equal length"),
        ([HEAD_LINE, json.dumps(level(0, [3], [3])) + "\n"], "from -128 to 0"),
        ([HEAD_LINE, json.dumps({**level(0, [], []), "said": "abc"}) + "\n"], "line 2: lacks"),
        ([HEAD_LINE, json.dumps({**level(0, [], []), "waiting": {"a": None}}) + "\n"], "line 2: lacks"),
        (
            [HEAD_LINE, json.dumps({name: it for name, it in level(0, [], []).items() if name != "unit"}) + "\n"],
            "line 2: lacks what a record of the kind 'level' has (KeyError: 'unit')",
        ),
    ],
)
def test_what_is_no_trace_is_refused_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_records(lines, "call.jsonl")
    assert message in str(refused.value)


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    assert read_records([HEAD_LINE, '{"t":1,"kind":"lo'], "call.jsonl") == [HEAD]


def test_kinds_from_the_future_are_kept() -> None:
    future = {"t": 1.0, "kind": "weather", "what": "rain", "name": ["heavy", "rain"]}
    records = read_records([HEAD_LINE, json.dumps(future)], "call.jsonl")
    assert records[1] == future
    assert "weather   rain" in report(tell(records))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FIELDS = (
    "unit",
    "name",
    "payload",
    "message",
    "change",
    "source",
    "sink",
    "began",
    "said",
    "heard",
    "of",
    "type",
    "text",
    "waiting",
)
KINDS = ("event", "level", "route", "wire", "losses", "clock", "end", "error", "warning", "log", "call", "fault", "x")


PARTS = st.dictionaries(st.sampled_from(FIELDS), JSON)


def check_record(kind: str, fields: dict[str, object]) -> None:
    """It is told and shown, or refused with its line."""
    line = json.dumps({"t": 1.0, "kind": kind, **fields}) + "\n"
    try:
        story = tell(read_records([HEAD_LINE, line], "call.jsonl"))
        assert report(story)
        assert page(story, "call.jsonl")
    except ConfigurationError as error:
        refused = str(error)
    else:
        refused = "call.jsonl, line 2"
    assert refused.startswith("call.jsonl, line 2")


@settings(max_examples=25)
@given(st.sampled_from(KINDS), PARTS)
def test_any_record_is_either_told_or_refused(kind: str, fields: dict[str, object]) -> None:
    check_record(kind, fields)


@pytest.mark.slow
@settings(max_examples=300)
@given(st.sampled_from(KINDS), PARTS)
def test_many_records_are_either_told_or_refused(kind: str, fields: dict[str, object]) -> None:
    check_record(kind, fields)
