"""The caller speaks over the agent: silence at once, nothing of the interrupted turn later, all of the next one."""

from pathlib import Path

import pytest
from tests.testing.scenarios import BRIDGE, write

from voxrun.testing import (
    Agent,
    SimulatedCall,
    after,
    at,
    callerTurn,
    hangUp,
    message,
    say,
    simulate,
    speech,
    tone,
    turn,
)
from voxrun.testing.sounds import render
from voxrun.testing.turn_taking import interruptionToSilence

INTERRUPTION = "ElevenLabs.Agents.Interruption"
TICK = 0.02
FADE = 0.005
FORGETFUL = BRIDGE.replace("agent.clearMediaBuffer()", "None")
GREETING = turn("A greeting that takes its time.", speech(6.0, 7))
NEXT = turn("Yes?", speech(1.5, 8))


def heard_after(call: SimulatedCall, interruption: float) -> float:
    """Seconds until the caller heard nothing more of it."""
    return interruptionToSilence([interruption], call.caller.heard)[0]


@pytest.mark.parametrize("offset", [0.0, 0.004, 0.01, 0.0199])
def test_from_interruption_to_silence_it_takes_one_tick_at_most(tmp_path: Path, offset: float) -> None:
    agent = Agent(greeting=GREETING, answers=[NEXT], lateAudio=1.0)
    caller = [at(1.5 + offset, say(speech(1.0))), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent).expectOk()
    (interruption,) = call.events.named(INTERRUPTION)
    assert heard_after(call, interruption.time) <= TICK + FADE
    first, second = call.caller.heard.audible(gap=0.5)
    assert first.seconds == pytest.approx(interruption.time - 0.2, abs=2 * TICK)
    assert second.seconds == pytest.approx(1.5, abs=TICK)


def test_the_turn_after_an_interruption_is_heard_from_its_first_sample_on(tmp_path: Path) -> None:
    agent = Agent(greeting=GREETING, answers=[NEXT], lateAudio=1.0)
    caller = [at(1.5, say(speech(1.0))), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent).expectOk()
    match = call.caller.heard.contains(render(NEXT.sound, 16_000), likeness=0.999)
    assert match
    assert match.at == pytest.approx(2.5 + 0.5 + 0.2, abs=2 * TICK)


@pytest.mark.parametrize("template", [BRIDGE, FORGETFUL], ids=["cleared", "forgotten"])
def test_late_audio_is_dropped_even_if_nobody_clears(tmp_path: Path, template: str) -> None:
    """Sent as fast as it is heard, nothing waits that could be cleared: only what comes late would be heard."""
    agent = Agent(greeting=GREETING, pace=1.0, chunkMs=100, lateAudio=2.0)
    caller = [at(1.5, say(speech(1.0))), at(5.0, hangUp())]
    call = simulate(write(tmp_path, template), caller=caller, agent=agent).expectOk()
    (interruption,) = call.events.named(INTERRUPTION)
    assert call.caller.heard.silentFrom(interruption.time + 0.1 + TICK)


def test_without_clearing_the_buffer_plays_on(tmp_path: Path) -> None:
    agent = Agent(greeting=GREETING, pace=100.0)
    caller = [at(1.5, say(speech(1.0))), at(8.0, hangUp())]
    call = simulate(write(tmp_path, FORGETFUL), caller=caller, agent=agent).expectOk()
    assert len(call.events.named(INTERRUPTION)) == 1
    assert [span.seconds for span in call.caller.heard.audible(gap=0.5)] == pytest.approx([6.0], abs=2 * TICK)


def test_a_clear_without_an_interruption_drops_what_is_still_on_its_way(tmp_path: Path) -> None:
    body = "setTimeout(lambda: agent.clearMediaBuffer(), 2000)"
    script = [at(4.0, NEXT)]
    agent = Agent(greeting=GREETING, pace=1.5, chunkMs=100, script=script)
    call = simulate(write(tmp_path, BRIDGE, body), caller=[at(7.0, hangUp())], agent=agent).expectOk()
    assert call.caller.heard.silentBetween(2.0 + TICK + FADE, 3.9)
    assert call.caller.heard.contains(render(NEXT.sound, 16_000), likeness=0.999)


def test_every_interruption_counts(tmp_path: Path) -> None:
    again = turn("And then there is this, which takes long as well.", speech(5.0, 9))
    agent = Agent(greeting=GREETING, answers=[again, NEXT], lateAudio=0.5)
    caller = [at(1.5, say(speech(0.6))), at(4.0, say(speech(0.6, 2))), at(8.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent).expectOk()
    times = [event.time for event in call.events.named(INTERRUPTION)]
    assert times == pytest.approx([1.5, 4.0], abs=2 * TICK)
    assert max(interruptionToSilence(times, call.caller.heard)) <= TICK + FADE
    corrections = call.events.named("ElevenLabs.Agents.AgentResponseCorrection")
    assert [found.payload.data.payload.original_agent_response for found in corrections] == [GREETING.text, again.text]


def test_a_caller_who_is_silent_interrupts_nobody(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("Hello.", tone(3.0)), script=[after(callerTurn(), 0.0, NEXT)])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(5.0, hangUp())], agent=agent)
    assert call.outcome.error is None
    assert [awaited.step for awaited in call.awaited] == agent.script
    assert call.events.named(INTERRUPTION) == []
    assert [span.seconds for span in call.caller.heard.audible()] == pytest.approx([3.0], abs=TICK)


def test_a_message_of_the_scenario_makes_the_agent_speak_while_the_caller_does(tmp_path: Path) -> None:
    body = 'setTimeout(lambda: agent.userMessage({"text": "go on"}), 1500)'
    agent = Agent(script=[after(message("user_message"), 0.1, NEXT)])
    caller = [at(1.0, say(speech(3.0))), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE, body), caller=caller, agent=agent).expectOk()
    assert call.events.named(INTERRUPTION) == []
    assert call.caller.heard.firstSoundAfter(0.0) == pytest.approx(1.6, abs=2 * TICK)
