"""A trace in figures."""

from tests.trace.traces import HEAD, level

from voxrun.testing import SimulatedCall
from voxrun.trace.report import report
from voxrun.trace.story import tell


def test_a_conversation(call: SimulatedCall) -> None:
    lines = report(tell(call.records)).splitlines()
    figures = lines[next(number for number, line in enumerate(lines) if line.startswith("turn ")) :]
    assert figures == [
        "turn   caller speaks        transcript     audio came  answer heard",
        "   1   says nothing yet              -              -              -  at 0.22 s",
        "   2   4.00-5.50 s             +480 ms        +680 ms        +700 ms  at 6.20 s",
        "   3   8.00-9.00 s             +480 ms        +680 ms        +700 ms  at 9.70 s",
        "time to answer: median 700 ms, longest 700 ms",
        "",
        "interruption at 8.000 s: silent after 40 ms",
        "",
        "route  call-1 -> agent-1  0.00-13.00 s  peak 0 dBFS",
        "route  agent-1 -> call-1  0.00-13.00 s  peak 0 dBFS",
        "",
        "buffer agent-1  at most 3.18 s, within 5.02-10.00 s",
        "nothing was lost",
    ]


def test_a_failure_stands_first() -> None:
    error = {"t": 1.5, "kind": "error", "message": "scenario.py:3: it broke"}
    end = {"t": 1.6, "kind": "end", "reason": "the scenario failed", "error": "…"}
    assert report(tell([HEAD, error, end])).splitlines()[:2] == [
        "scenarios/hello.py: 1.60 s, ended: the scenario failed",
        "failed at 1.500 s: scenario.py:3: it broke",
    ]


def test_losses_and_a_caller_whom_nobody_answers() -> None:
    records = [
        HEAD,
        level(0.0, [-10] * 50, [-96] * 50, agent=2.5),
        {"t": 1.0, "kind": "losses", "of": "call-1", "samples_too_many": 40},
    ]
    assert report(tell(records)).splitlines()[-4:] == [
        "   1   0.00-1.00 s                   -              -              -  no answer",
        "",
        "buffer agent  at most 2.50 s, within 0.00-1.00 s",
        "lost   40 samples too many, of call-1",
    ]


def test_losses_of_a_session_without_a_call_are_told() -> None:
    records = [HEAD, {"t": 1.0, "kind": "losses", "of": "socket-1", "messages_not_sent": 40}]
    assert report(tell(records)).splitlines()[-1] == "lost   40 messages not sent, of socket-1"


def test_without_a_call_there_is_but_the_timeline() -> None:
    text = report(tell([HEAD, {"t": 0.5, "kind": "log", "message": "hello"}]))
    assert text.startswith("scenarios/hello.py: 0.50 s, has no end: the process was ended, or still runs")
    assert text.endswith("a     0.500  scenario  hello")
