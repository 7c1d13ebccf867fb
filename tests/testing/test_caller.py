"""What a scripted caller does, and when; the scenario sends him back what he says."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.testing.scenarios import ECHO, write

from voxrun.errors import ConfigurationError
from voxrun.testing import (
    Agent,
    Caller,
    SimulatedCall,
    after,
    agentStarts,
    agentStops,
    at,
    callerStops,
    cut,
    event,
    hangUp,
    impair,
    press,
    previous,
    request,
    say,
    simulate,
    speech,
    stall,
    tone,
    turn,
)
from voxrun.testing.caller import CallerAction
from voxrun.testing.moments import Step
from voxrun.testing.news import EARLY_SECONDS
from voxrun.testing.sounds import render
from voxrun.transports.rtp_socket import RtpSocket

SAY = say(tone(1.0))

WAITING = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    event.call.answer()
    await event.call.waitFor(CallEvents.FirstAudioPacketReceived)
    event.call.hangup()
"""


def keys(call: SimulatedCall) -> list[tuple[float, str]]:
    """When which key was received."""
    return [(found.time, found.payload.tone) for found in call.events.named("Call.ToneReceived")]


def test_steps_at_times(tmp_path: Path) -> None:
    steps = [at(1.0, say(tone(0.5))), at(1.2, press("15")), at(3.0, hangUp())]
    call = simulate(write(tmp_path, ECHO), caller=steps).expectOk()
    (sound,) = call.caller.said.audible()
    assert sound == pytest.approx((1.0, 1.5), abs=0.021)
    assert call.log == ["key 1", "key 5"]
    assert [time for time, _ in keys(call)] == pytest.approx([1.2, 1.2], abs=0.021)
    assert call.seconds == pytest.approx(3.0, abs=0.021)
    assert call.events.named("Call.Disconnected")[0].payload.reason == "The caller hung up"


@pytest.mark.parametrize("rtp", [None, "PCMU"])
def test_a_scenario_may_wait_for_the_first_audio(tmp_path: Path, rtp: str | None) -> None:
    call = simulate(write(tmp_path, WAITING), caller=Caller([at(0.0, say(tone(1.0)))], rtp=rtp)).expectOk()
    names = [name for name in call.events.names if name.startswith("Call.")]
    assert names == ["Call.Connected", "Call.AudioStarted", "Call.FirstAudioPacketReceived", "Call.Disconnected"]
    assert call.seconds < 2


@pytest.mark.parametrize("rtp", [None, "PCMU", "opus"])
def test_who_hangs_up_before_saying_anything_has_left(tmp_path: Path, rtp: str | None) -> None:
    call = simulate(write(tmp_path, ECHO), caller=Caller([at(0.0, hangUp())], rtp=rtp), limitSeconds=5.0).expectOk()
    assert call.events.first("Call.Disconnected").payload.reason == "The caller hung up"


ANSWERS_TOO_LATE = """
from voxrun import *
import trio

@VoxEngine.on(AppEvents.CallAlerting)
def ring(event):
    def answer(event):
        VoxEngine.terminate()
        event.call.answer()
    setTimeout(lambda: answer(event), 500)

@VoxEngine.on(AppEvents.Terminating)
async def wait(event):
    await trio.sleep(1.0)
"""


def test_who_hangs_up_while_the_session_ends_does_so_once(tmp_path: Path) -> None:
    at_a_tick = at(1.0 + EARLY_SECONDS / 2, hangUp())  # done in the tick, and due a moment later
    call = simulate(write(tmp_path, ANSWERS_TOO_LATE), caller=[at_a_tick]).expectOk()
    assert [it["state"] for it in call.ofKind("call")] == ["CONNECTED", "TERMINATED"]


def test_what_is_heard_is_what_was_said_a_tick_later(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, ECHO), caller=[at(1.0, say(speech(1.0))), at(3.0, hangUp())])
    said, heard = call.caller.said.samples, call.caller.heard.samples
    frame = call.caller.said.rate // 50
    assert np.any(said)
    assert np.array_equal(said[: len(heard)], heard) or np.array_equal(said[: len(heard) - frame], heard[frame:])


def test_steps_after_cues(tmp_path: Path) -> None:
    steps = [
        at(1.0, say(tone(0.5))),
        after(callerStops, 0.25, press("1")),
        after(previous, 0.5, press("2")),
        after(previous, 0.1, say(tone(1.0))),
        after(agentStops, 0.5, press("3")),
        after(event("Call.ToneReceived"), 0.3, hangUp()),
    ]
    call = simulate(write(tmp_path, ECHO), caller=steps).expectOk()
    times = [time for time, _ in keys(call)]
    assert times == pytest.approx([1.75, 2.25, 3.85], abs=0.06)
    assert call.unplayed == []
    assert call.seconds == pytest.approx(times[2] + 0.3, abs=0.03)


def test_a_cue_with_a_number_counts_from_the_beginning(tmp_path: Path) -> None:
    steps = [
        at(1.0, press("7")),
        at(2.0, press("8")),
        after(event("Call.ToneReceived", 1), 1.5, press("9")),
        at(4, hangUp()),
    ]
    call = simulate(write(tmp_path, ECHO), caller=steps)
    assert keys(call)[-1][0] == pytest.approx(2.5, abs=0.03)


def test_what_starts_is_known_at_once(tmp_path: Path) -> None:
    steps = [after(agentStarts, 0.0, press("1")), at(1.0, say(tone(1.0))), at(3.0, hangUp())]
    call = simulate(write(tmp_path, ECHO), caller=steps)
    assert keys(call)[0][0] == pytest.approx(1.0, abs=0.07)


def test_who_says_something_else_stops_saying_the_first(tmp_path: Path) -> None:
    steps = [at(1.0, say(tone(5.0))), at(1.5, say(tone(0.5, hertz=1000))), at(3.0, hangUp())]
    (sound,) = simulate(write(tmp_path, ECHO), caller=steps).caller.said.audible()
    assert sound == pytest.approx((1.0, 2.0), abs=0.021)


def test_a_step_that_never_came_is_told(tmp_path: Path) -> None:
    ends = "setTimeout(call.hangup, 1000)"
    call = simulate(write(tmp_path, ECHO, ends), caller=[after(agentStops, 1.0, press("1"))])
    assert call.unplayed == ["Press(digits='1')"]


NOT_DONE = "{}= has {!r}, which was not done: its cue never came ({})"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([after(agentStops, 1.0, press("1"))], NOT_DONE.format("caller", press("1"), "agent stops")),
        (
            [
                at(1.0, say(tone(0.5))),
                after(agentStops, 0.1, press("1")),
                after(event("Call.RecordStarted", 2), 0.0, SAY),
            ],
            NOT_DONE.format("caller", SAY, "event Call.RecordStarted 2 times"),
        ),
    ],
)
def test_a_step_whose_cue_never_came_is_not_ok(tmp_path: Path, steps: list[Any], told: str) -> None:
    call = simulate(write(tmp_path, ECHO), caller=[*steps, at(4.0, hangUp())])
    with pytest.raises(AssertionError, match=re.escape(told)):
        call.expectOk()


def test_other_timelines_wait_in_vain_too(tmp_path: Path) -> None:
    call = simulate(
        write(tmp_path, ECHO),
        caller=[at(1.0, hangUp())],
        faults=[at(0.5, stall(0.1)), after(agentStarts, 0.0, cut())],
        control=[after(event("Call.RecordStarted"), 1.0, request("x")), after(previous, 1.0, request("y"))],
    )
    with pytest.raises(AssertionError) as found:
        call.expectOk()
    assert str(found.value).splitlines() == [
        NOT_DONE.format("faults", cut(), "agent starts"),
        NOT_DONE.format("control", request("x"), "event Call.RecordStarted"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [at(3.0, press("1"))],
        [at(1.0, say(tone(2.0))), after(agentStops, 1.0, press("1")), at(3.0, hangUp())],
        [after(event("Call.Connected"), 5.0, press("1")), at(3.0, hangUp())],
        [at(1.0, press("1")), after(previous, 5.0, press("1")), at(3.0, hangUp())],
        [at(1.0, press("1")), after(event("Call.ToneReceived"), 0.5, hangUp()), after(agentStops, 1.0, hangUp())],
    ],
)
def test_a_step_whose_time_has_not_come_when_the_scenario_ends_is_ok(tmp_path: Path, steps: list[Any]) -> None:
    ends = "setTimeout(call.hangup, 2000)"
    assert simulate(write(tmp_path, ECHO, ends), caller=steps).expectOk().unplayed


def test_who_waits_to_hang_up_need_not_when_the_call_is_over(tmp_path: Path) -> None:
    ends = "setTimeout(call.hangup, 2000)"
    assert simulate(write(tmp_path, ECHO, ends), caller=[after(agentStops, 1.0, hangUp())]).expectOk().unplayed


@pytest.mark.parametrize("moment", [at(2.0, hangUp()), after(event("Application.CallAlerting"), 2.0, hangUp())])
def test_a_caller_hangs_up_while_it_rings(tmp_path: Path, moment: Step[CallerAction]) -> None:
    scenario = write(
        tmp_path,
        """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def ring(event):
    event.call.ring()
    setTimeout(event.call.answer, 5000)
""",
    )
    call = simulate(scenario, caller=[moment, at(3.0, hangUp())]).expectOk()
    assert call.events.first("Call.Disconnected").time == pytest.approx(2.0)
    assert "Call.Connected" not in call.events.names
    assert call.unplayed == ["HangUp()"]


def test_who_calls_and_at_which_rate(tmp_path: Path) -> None:
    body = """
    Logger.write(f"{event.callerid} {event.destination} {event.headers['X-A']}")
    call.sendDigits("12")
    call.addEventListener(CallEvents.Connected, lambda e: call.sendDigits("34"))
    """
    caller = Caller([at(1.0, hangUp())], rate=8000, callerid="alice", destination="100", headers={"X-A": "b"})
    call = simulate(write(tmp_path, ECHO, body), caller=caller)
    assert call.log == ["alice 100 b"]
    assert call.caller.heard.rate == 8000
    assert call.caller.digits == "34"


def test_a_digit_that_has_no_tone_is_a_mistake_before_the_call_is_there_too(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, ECHO, 'call.sendDigits("1x")'), caller=[at(1.0, hangUp())])
    assert "no tones for 'x': digits are 0123456789*#ABCD, and p pauses for 2 s" in str(call.outcome.error)


def test_a_session_without_a_call(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, ECHO), caller=None)
    assert call.events.names[0] == "Application.Started"
    assert call.caller.heard.seconds == 0
    assert call.seconds == pytest.approx(60.0)  # as voxrun has it


def test_a_session_that_never_ends_is_ended(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, ECHO), limitSeconds=5.0)
    assert call.outcome.reason == "not over within 5 s"
    assert "does the caller hang up" in str(call.outcome.error)


@pytest.mark.parametrize("seconds", [2000, math.inf])
def test_a_step_that_is_later_than_the_call_may_be_is_told(tmp_path: Path, seconds: float) -> None:
    steps = [at(seconds, say(tone(1.0))), at(2 * seconds, hangUp())]
    call = simulate(write(tmp_path, ECHO), caller=steps, limitSeconds=5.0)
    assert str(call.outcome.error) == f"not over within 5 s: the caller's next step is at {seconds} s"


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_a_caller_by_rtp(tmp_path: Path, codec: str) -> None:
    steps = [at(1.0, say(speech(1.0))), at(3.0, press("42")), at(5.0, hangUp())]
    call = simulate(write(tmp_path, ECHO, 'call.sendDigits("9")'), caller=Caller(steps, rtp=codec)).expectOk()
    assert [digit for _, digit in keys(call)] == ["4", "2"]
    (sound,) = call.caller.heard.audible(gap=0.5)
    assert sound.seconds == pytest.approx(1.0, abs=0.1)
    assert call.seconds == pytest.approx(5.0, abs=0.1)
    assert call.ofKind("losses")[0].get("packets_lost", 0) == 0


def test_a_bad_network_for_rtp(tmp_path: Path) -> None:
    caller = Caller([at(0.5, say(speech(8.0))), at(9.5, hangUp())], rtp="PCMU")
    bad = [at(0.0, impair(loss=0.1, duplicates=0.05, jitter=0.03))]
    calls = [simulate(write(tmp_path, ECHO), caller=caller, faults=bad, seed=seed) for seed in (3, 3, 4)]
    concealed = [call.ofKind("losses")[0]["concealed_share"] for call in calls]
    assert 0.05 < concealed[0] < 0.15
    assert concealed[0] == concealed[1]
    assert [call.seconds for call in calls] == pytest.approx([9.5] * 3, abs=0.05)
    assert np.array_equal(calls[0].caller.heard.samples, calls[1].caller.heard.samples)
    assert not np.array_equal(calls[0].caller.heard.samples, calls[2].caller.heard.samples)


UNITS = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    near = VoxEngine.createRtpUnit(local="192.0.2.7:0", codec="L16")
    far = VoxEngine.createRtpUnit(local="192.0.2.8:5004", codec="L16", remote=near.localAddress())
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    event.call.sendMediaTo(far)
    near.sendMediaTo(event.call)
{body}
"""


def test_rtp_units_need_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RtpSocket, "__init__", None)  # none can be made
    caller = Caller([at(0.5, say(speech(2.0))), at(3.5, hangUp())])
    calls = [simulate(write(tmp_path, UNITS), caller=caller).expectOk() for _ in range(2)]
    (sound,) = calls[0].caller.heard.audible(gap=0.5)
    assert sound.seconds == pytest.approx(2.0, abs=0.1)
    assert np.array_equal(calls[0].caller.heard.samples, calls[1].caller.heard.samples)
    bad = simulate(write(tmp_path, UNITS), caller=caller, faults=[at(0.0, impair(loss=0.2))])
    assert max(float(record["concealed_share"]) for record in bad.ofKind("losses") if "RTP" in record["of"]) > 0.05
    taken = simulate(write(tmp_path, UNITS, '    VoxEngine.createRtpUnit(local="192.0.2.8:5004")'), caller=caller)
    assert "can't listen on 192.0.2.8:5004 for RTP" in str(taken.outcome.error)


def test_a_sound_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.wav"):
        simulate(write(tmp_path, ECHO), caller=[at(1.0, say("nowhere.wav"))])


def test_a_sound_file_beside_the_scenario(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hello.wav", render(tone(0.5), 16_000), 16_000)
    call = simulate(write(tmp_path, ECHO), caller=[at(1.0, say("hello.wav")), at(2.0, hangUp())])
    assert call.caller.said.audible()[0].seconds == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("steps", [at(1.0, hangUp()), [hangUp()], say(tone(1.0)), {"at": 1}])
@pytest.mark.parametrize("name", ["caller", "faults"])
def test_what_is_no_timeline_is_told(tmp_path: Path, name: str, steps: Any) -> None:
    given: Any = {name: steps}
    with pytest.raises(ConfigurationError, match=rf"{name}= takes a list of steps, such as \[at\(2\.0, …\)\], but"):
        simulate(write(tmp_path, ECHO), **given)


CUT: Any = cut()
HANG_UP: Any = hangUp()
TEXT: Any = "Hello."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"caller": [at(1.0, CUT)]}, "caller= has Cut(), which is no CallerAction"),
        ({"faults": [at(1.0, HANG_UP)]}, "faults= has HangUp(), which is no Fault"),
        ({"control": [at(1.0, HANG_UP)]}, "control= has HangUp(), which is no ControlAction"),
        ({"agent": Agent(script=[at(1.0, CUT)])}, "script= has Cut(), which is no AgentAction"),
        ({"agent": [Agent(answers=[[turn("a"), HANG_UP]])]}, "answers= has HangUp(), which is no AgentAction"),
        ({"agent": Agent(answers=TEXT)}, "answers= takes a list, but was given 'Hello.'"),
        ({"agent": Agent(greeting=TEXT)}, "greeting= has 'Hello.', which is no Turn"),
        ({"agent": TEXT}, "agent= takes a list, but was given 'Hello.'"),
        ({"caller": [at(1.0, say(TEXT))]}, "there is no audio file 'Hello.' beside the test or the scenario"),
        ({"folder": Path("nowhere")}, "nowhere/scenario.py"),
    ],
)
def test_what_somebody_else_does_is_told(tmp_path: Path, given: Any, told: str) -> None:
    path = write(tmp_path, ECHO)
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        simulate(path.name, **{"folder": tmp_path, **given})


def test_what_is_no_step_is_told_where_it_is_written() -> None:
    with pytest.raises(ConfigurationError, match="is a number of seconds, not 'Hello"):
        at(TEXT, hangUp())
    with pytest.raises(ConfigurationError, match="is a number of seconds, not 'Hello"):
        after(agentStops, TEXT, hangUp())
    with pytest.raises(ConfigurationError, match="takes a cue, such as agentStops"):
        after(TEXT, 1.0, hangUp())
    for keys in ("", "12x"):
        with pytest.raises(ConfigurationError, match="keys to press are of 0123456789"):
            press(keys)
