"""Tests in `.vox` files that would hold whatever the scenario did: they say what can't be, and are told so."""

from pathlib import Path

import pytest
from tests.testing.test_vox_tests import AGENT, ASKS, CONTROL, KEYS, SCENARIO, TALK, WEB, mistakes, written

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.testing import simulate
from voxrun.testing.vox_tests import vox_tests

ENDS = f"{SCENARIO}on AppEvents.CallAlerting as {{ call }} {{ setTimeout(fn () {{ call.hangup() }}, 2s) }}\n"
FAILS = """
on AppEvents.CallAlerting as { call } {
    call.answer()
    wait 1s
    log "before"
    log "${parse("{}").a.b}"
}
"""
TWICE = AGENT.replace("agent.clientToolResult(", "for result in [1, 2] { agent.clientToolResult(").replace(
    'result: "nine", is_error: false })', 'result: "${result}", is_error: false }) }'
)


@pytest.mark.parametrize(
    ("scenario", "lines"),
    [
        (SCENARIO, ("caller hangs up at 2s", 'caller says "x" at 3s')),
        (SCENARIO, ("caller hangs up at 2s", 'caller presses "5" at 2s')),
        (SCENARIO, ("caller hangs up at 2s", 'caller presses "5"')),
        (SCENARIO, ("caller hangs up when CallEvents.ToneReceived", 'caller presses "5" when CallEvents.Disconnected')),
        (SCENARIO, ('caller presses "5" at 3s', "caller hangs up at 2s")),
        (AGENT, ("agent closes at 2s", 'agent says "Late." at 3s')),
        (AGENT, ("agent vanishes at 2s", 'agent says "Late."')),
        (AGENT, ('agent fails with 1008 "no" when caller stops', 'agent calls tool "x"')),
    ],
)
def test_nothing_is_done_after_one_s_own_end(tmp_path: Path, scenario: str, lines: tuple[str, ...]) -> None:
    test = written(tmp_path, scenario, *lines)
    with pytest.raises(ConfigurationError, match=r"the (caller hangs up|agent ends the connection) before, so this"):
        simulate(test.scenario, **test.parameters(tmp_path))
    with pytest.raises(ConfigurationError) as found:
        simulate(test.scenario, **test.parameters(tmp_path))
    span, _ = test.blame(found.value)
    assert test.source.text[span.start : span.end] == lines[-1]


@pytest.mark.parametrize(
    ("scenario", "lines"),
    [
        (ENDS, ('caller presses "5" at 3s', "caller hangs up at 4s")),
        (SCENARIO, ("caller hangs up at 2s", "caller hangs up at 3s")),
        (SCENARIO, ('caller presses "5" at 2s', "caller hangs up at 2s")),
        (AGENT, ("caller hangs up at 2s", 'agent says "Late." at 3s')),
        (
            AGENT,
            (
                "agent closes 2s after caller stops",
                'agent says "Yes?" when caller stops 1 times',
                'caller says "Hi." at 1s',
            ),
        ),
    ],
)
def test_what_may_be_done_or_not_is_no_mistake(tmp_path: Path, scenario: str, lines: tuple[str, ...]) -> None:
    assert mistakes(tmp_path, scenario, *lines) == []


def test_what_the_caller_did_not_come_to_do(tmp_path: Path) -> None:
    test = written(tmp_path, ENDS, 'caller says "x" at 3s', "caller hangs up at 4s")
    call = simulate(test.scenario, **test.parameters(tmp_path))
    assert test.unplayed(call.unplayed) == ['caller says "x" at 3s', "caller hangs up at 4s"]


TOLD = (
    (SCENARIO, ("caller hangs up 1s after agent stops", 'caller presses "5" at 4s'), "was not done", "had hung up"),
    (SCENARIO, ("caller hangs up at 2s", "network breaks at 3s"), "this was not done", "was over at 2.000 s"),
    (CONTROL, ("nobody calls", "network breaks at 10ms"), "this was not done", "there was no connection to break"),
    (SCENARIO, ("caller hangs up at 2s", "network has { loss: 1 }"), "was not done", "no packets of RTP were sent"),
    (AGENT, ("caller hangs up at 2s", "agent is interrupted at 1s"), "at 1.000 s, but said nothing", ""),
    (AGENT, ("caller hangs up at 2s", 'agent understands "Hi."'), "the agent heard the end of no turn for this", ""),
    (AGENT, ("caller hangs up at 2s", "agent 2 refuses with 401"), "agent 2 was to refuse, but nobody asked", ""),
    (AGENT, ("caller hangs up at 2s", "speech refuses with 401"), "speech was to refuse, but nobody asked", ""),
    (TWICE, ("caller hangs up at 2s", 'agent calls tool "x" at 1s'), "more than once: first '1', then '2'", ""),
    (WEB.replace(".name", "?.name"), ("nobody calls", 'web answers "https://crm.example/costumers" with 200'),
        "asked for was /customers", ""),
)  # fmt: skip


@pytest.mark.parametrize(("scenario", "lines", "why", "instead"), TOLD)
def test_what_came_to_nothing_is_told_where_it_is_said(
    tmp_path: Path, scenario: str, lines: tuple[str, ...], why: str, instead: str
) -> None:
    test = written(tmp_path, scenario, *lines)
    (mistake,) = mistakes(tmp_path, scenario, *lines)
    assert why in mistake.why
    assert instead in mistake.instead
    assert test.source.text[mistake.span.start : mistake.span.end] == lines[-1]


OVER = "the session was over at 6.000 s: nothing could come from 100 s"
AT_THE_END = "from when CallEvents.Disconnected until when AppEvents.Terminated"  # in one moment


@pytest.mark.parametrize(
    ("scenario", "lines", "expected", "why"),
    [
        (SCENARIO, KEYS, "expect caller hears silence from 100s until 101s", "nothing to judge from 100.000 s to 101"),
        (SCENARIO, KEYS, "expect caller hears silence from 5s until 5s", "no time is from 5 s until 5 s"),
        (SCENARIO, KEYS, 'expect caller hears no "Key 5." from 100s', OVER),
        (SCENARIO, KEYS, "expect caller hears no caller from 100s until 101s", f"{OVER} until 101 s"),
        (SCENARIO, KEYS, 'expect caller hears no "Key 5." by 0s', "the audio is from 0.020 to 6.000 s"),
        (SCENARIO, KEYS, 'expect caller hears no "Key 5." from 2.2s until 2.23s', "the caller heard it"),
        (AGENT, TALK, f"expect agent hears no caller {AT_THE_END}", "this is one moment, in which nothing is heard"),
        (SCENARIO, KEYS, "expect no event CallEvents.ToneReceived from 100s", OVER),
        (SCENARIO, KEYS, "expect event CallEvents.ToneReceived 0 times from 100s", OVER),
        (SCENARIO, KEYS, 'expect no log "key" from 100s until 101s', f"{OVER} until 101 s"),
        (SCENARIO, KEYS, 'expect caller hears exactly "golden.flac" from 100s', "nothing to judge from 100.000 s on"),
        (CONTROL, ASKS, 'expect control receives no "x" from 100s', "nothing could come from 100 s"),
        (SCENARIO, KEYS, 'expect caller receives keys ""', "the caller received ''"),
        (AGENT, TALK, 'expect agent receives no "client_tool_result" with { reslt: "nine" }', "has no `reslt`"),
        (AGENT, TALK, "expect no event AgentsEvents.UserTranscript with { data: { user_transcription_evnt: {} } }",
            "nothing that came has a `user_transcription_evnt`"),
        (FAILS, ("expect scenario fails",), 'expect scenario fails with "quite other"', "scenario failed otherwise"),
        (SCENARIO, KEYS, "expect no event CallEvents.ToneReceived with { tone: 5 }", "`tone` is never of this kind"),
        (SCENARIO, KEYS, 'expect caller hears no "key 5"', "nobody says this, but 'Key 5.'"),
        (SCENARIO, KEYS, 'expect caller hears ""', "this is silent: write `hears silence`"),
        (SCENARIO, KEYS, 'expect caller hears no ""', "this is silent: write `hears silence`"),
        (FAILS, ("expect scenario fails",), 'expect log "never"', "log 'never' did not come"),
    ],
)  # fmt: skip
def test_what_would_always_hold_is_told(
    tmp_path: Path, scenario: str, lines: tuple[str, ...], expected: str, why: str
) -> None:
    (mistake,) = mistakes(tmp_path, scenario, *lines, expected)
    assert why in mistake.why


DEAF = AGENT.replace("call <-> agent", "agent -> call")
BOOKS = (
    'agent calls tool "book" with { name: "Ada", phone1: "5", day: null } at 1s',
    "caller hangs up at 2s",
)
NEVER_BOOKS = (
    "expect no event AgentsEvents.ClientToolCall with {{ data: {{ client_tool_call: {{ parameters: {{ {} }} }} }} }}"
)
BOTH = ('expect agent hears "Hi."', 'expect caller hears "Hi."')


@pytest.mark.parametrize(
    ("scenario", "lines"),
    [
        (SCENARIO, (*KEYS, "expect caller hears silence from 5s until 100s")),
        (SCENARIO, (*KEYS, 'expect caller receives no keys ""')),
        (SCENARIO, (*KEYS, "expect event CallEvents.ToneReceived 1 times within 1s after CallEvents.ToneReceived")),
        (AGENT, ("caller hangs up at 2s", "expect agent hears no caller from 1s")),
        (DEAF, ("caller hangs up at 2s", "expect agent hears silence within 1s after CallEvents.Connected")),
        (AGENT, (*TALK, 'expect agent receives no "client_tool_result" with { is_error: true }')),
        (FAILS, ("expect scenario fails", 'expect log "before"')),
        (
            AGENT,
            (
                "caller hangs up at 5s",
                'caller says "Hi." at 1s',
                'agent says "Hi." lasting 1s when caller stops',
                *BOTH,
            ),
        ),
        (SCENARIO, (*KEYS, 'expect no event CallEvents.ToneReceived with { tone: "7" }')),
        (
            SCENARIO,
            (
                *KEYS,
                f"expect event AppEvents.Terminating {AT_THE_END}",
                f"expect no event CallEvents.Failed {AT_THE_END}",
            ),
        ),
        (AGENT, ('agent says "" lasting 1s', "caller hangs up at 3s", "expect caller hears sound by 1s")),
        (AGENT, (*BOOKS, NEVER_BOOKS.format("day: 5"))),
        (AGENT, (*BOOKS, NEVER_BOOKS.format('surname: "Ada"'), NEVER_BOOKS.format('phone2: "5"'))),
        (AGENT, ('caller says "Hi." at 1s', 'agent understands "Ho."', "caller hangs up at 4s")),
    ],
)
def test_what_may_hold_still_does(tmp_path: Path, scenario: str, lines: tuple[str, ...]) -> None:
    assert mistakes(tmp_path, scenario, *lines) == []


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("nobody calls", 'expect caller hears no "x"'), "nobody calls, so there is no caller"),
        (("nobody calls", 'expect caller receives no keys "1"'), "nobody calls, so there is no caller"),
        (("nobody calls", "expect call lasts at most 3s"), "nobody calls, so there is no caller"),
        (('caller has { callerid: "A", callerid: "B" }',), "the key `callerid` is there already"),
        (('caller has { callerid: "A" }', 'caller has { callerid: "B" }'), "this has a value already"),
        (
            ("agent has { latency: 1s }", "agent 2 has { latency: 1s }", "agent 2 has { latency: 2s }"),
            "a value already",
        ),
        (('secret "A" is "1"', 'secret "A" is "2"'), "this has a value already"),
        (('expect event CallEvents.ToneReceived with { tone: "5", tone: "6" }',), "the key `tone` is there already"),
        (("expect event CallEvents.ToneReceived 1.5 times",), "how often is this?"),
        (("expect no event CallEvents.ToneReceived 2 times",), "none is none, however often"),
        (("expect event CallEvents.ToneReceived within 1s after CallEvents.ToneReceived",), "in this time of itself"),
        (
            ("expect no event CallEvents.ToneReceived within 1s after CallEvents.ToneReceived",),
            "in this time of itself",
        ),
        (('caller says ""',), "nothing is said"),
        (('agent says "x" lasting 0s',), "nothing is said"),
        (("caller says tone lasting 0s",), "nothing is said"),
        (("expect caller hears no sound",), "write `hears silence`"),
    ],
)
def test_so_is_what_can_be_known_before_the_call(tmp_path: Path, lines: tuple[str, ...], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        written(tmp_path, SCENARIO, *lines)


def test_each_test_has_values_of_its_own(tmp_path: Path) -> None:
    tests = [f'test "{name}" {{ caller has {{ callerid: "A" }} }}' for name in "ab"]
    (tmp_path / "a.vox").write_text("\n".join([SCENARIO, *tests]))
    assert len(vox_tests(tmp_path / "a.vox")) == 2
