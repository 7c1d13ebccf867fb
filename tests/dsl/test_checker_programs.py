"""The checker takes any program there can be, and as long as it is, not longer."""

import gc
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dsl.checked import findings, python_findings
from tests.dsl.programs import programs
from tests.yardstick import millions

from voxrun.api.surface import scenario_surface
from voxrun.dsl.checker import check
from voxrun.dsl.parser import parse
from voxrun.dsl.source import Source

SIZE = 1_000_000

UNIT = """\
on AppEvents.CallAlerting as { call, callerid } {
    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: secret("KEY") ?? "", agentId: "agent" })
    on agent AgentsEvents.UserTranscript as { data } {
        log "caller ${callerid}: ${data.user_transcription_event.user_transcript}"
    }
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call <-> agent
    let n = 1 + 2 * 3
    if n > 2 { n += 1 } else if n == 3 { return } else { stop call -> agent }
    fn add(a, b) { return a + b }
    log "${add(1, n)}"
}
"""

LONG = {
    "right": ("require ElevenLabs\n" + UNIT, UNIT),
    "unknown names": ("", "log name{number}\n"),
    "names of which none is used": ("", "const name{number} = other{number}\n"),
    "unknown members": ("on AppEvents.CallAlerting as {{ call }} {{\n", "call.answr()\n"),
    "wrong events": ("on AppEvents.CallAlerting as {{ call }} {{\n", "on call AppEvents.Started {{ }}\n"),
}


QUICK = settings(max_examples=50)
MANY = settings(max_examples=300)
PYTHON = st.text(alphabet="voxrun from import*()=.:\n'\"{}[]éabc#@lambda,") | programs()


def check_program(text: str) -> None:
    found = findings(text, secrets=())
    assert all(0 <= it.span.start <= it.span.end <= len(text) for it in found)
    assert all(it.message for it in found)


def check_python(text: str) -> None:
    assert all(0 <= it.span.start <= it.span.end <= len(text) for it in python_findings(text))


@QUICK
@given(programs())
def test_any_program_can_be_checked(text: str) -> None:
    check_program(text)


@QUICK
@given(PYTHON)
def test_any_python_can_be_checked(text: str) -> None:
    check_python(text)


@pytest.mark.slow
@MANY
@given(programs())
def test_many_programs_can_be_checked(text: str) -> None:
    check_program(text)


@pytest.mark.slow
@MANY
@given(PYTHON)
def test_much_python_can_be_checked(text: str) -> None:
    check_python(text)


@pytest.mark.slow
@pytest.mark.parametrize("what", LONG)
def test_a_long_scenario_is_checked_in_linear_time(what: str) -> None:
    head, line = LONG[what]
    per_character = []
    for size in (SIZE // 20, SIZE // 4):
        lines = [line if line is UNIT else line.format(number=number) for number in range(size // len(line))]
        text = (head if line is UNIT else head.format()) + "".join(lines) + "}" * (head.endswith("{{\n"))
        program = parse(Source("a.vox", text))
        gc.disable()  # its passes over the whole tree come when they like
        per_character.append(millions(partial(check, program, scenario_surface(), known_secrets=())) / len(text))
        gc.enable()
    assert per_character[1] * SIZE < 25, "1 MB takes too long"
    assert per_character[1] < max(3 * per_character[0], 3 / SIZE)
