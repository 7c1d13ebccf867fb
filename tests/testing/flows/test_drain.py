"""What is on its way is not lost at an end, and call time is clock time: recordings are complete to the last second."""

from pathlib import Path

import pytest
from tests.testing.flows.sounds import channels
from tests.testing.scenarios import BRIDGE, ECHO, write

from voxrun.testing import (
    Agent,
    after,
    agentStops,
    at,
    close,
    cut,
    hangUp,
    say,
    simulate,
    slowDisk,
    speech,
    tone,
    turn,
)
from voxrun.testing.sounds import render

TICK = 0.02
GOODBYE = turn("Thank you for calling. Goodbye!", speech(3.0, 21))
LAST_WORDS = speech(1.0, 22)


def test_an_ordinary_end_is_told_after_the_last_word(tmp_path: Path) -> None:
    agent = Agent(script=[at(1.0, GOODBYE), at(1.5, close(1000, "done"))])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(7.0, hangUp())], agent=agent).expectOk()
    assert call.caller.heard.contains(render(GOODBYE.sound, 16_000), likeness=0.999)
    (log,) = call.ofKind("log")
    assert log["message"] == "closed 1000 done True"
    assert log["t"] == pytest.approx(4.0, abs=3 * TICK)


def test_an_end_that_is_not_ordinary_does_not_wait(tmp_path: Path) -> None:
    agent = Agent(script=[at(1.0, GOODBYE), at(1.5, close(1011, "oh"))])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(7.0, hangUp())], agent=agent)
    assert call.caller.heard.silentFrom(1.5 + 2 * TICK)
    assert call.ofKind("log")[0]["t"] == pytest.approx(1.5, abs=2 * TICK)


@pytest.mark.parametrize("seconds", [2.0, 3.3, 7.01])
def test_a_recording_has_all_of_the_call(tmp_path: Path, seconds: float) -> None:
    """The caller hangs up in the middle of a sentence: even that is on it."""
    body = 'call.record(name="call.wav", stereo=True)'
    caller = [at(0.5, say(speech(20.0, 23))), at(seconds, hangUp())]
    call = simulate(write(tmp_path, ECHO, body), caller=caller, files=tmp_path / "files").expectOk()
    left, right = channels(call.files[0])
    for side in (left, right):
        assert side.seconds == pytest.approx(seconds, abs=2 * TICK)
        assert side.lastSoundBefore(99.0) == pytest.approx(side.end, abs=2 * TICK)
    assert left.contains(call.caller.said.slice(seconds - 1.1, seconds - 0.1), likeness=0.999)


@pytest.mark.parametrize(
    "end", ["VoxEngine.terminate()", "call.hangup()", "recorder.stop()", 'raise ValueError("a mistake")']
)
def test_a_recorder_keeps_the_last_second_however_it_ends(tmp_path: Path, end: str) -> None:
    body = f"""
    recorder = VoxEngine.createRecorder(name="it.wav")
    call.sendMediaTo(recorder)
    def stop():
        {end}
    setTimeout(stop, 3000)
    """
    caller = [at(2.0, say(LAST_WORDS)), at(4.0, hangUp())]
    call = simulate(write(tmp_path, ECHO, body), caller=caller, files=tmp_path / "files")
    (recorded,) = channels(call.files[0])
    assert recorded.contains(render(LAST_WORDS, 16_000)[:15_000], likeness=0.999)


def test_a_slow_disk_costs_nothing_of_the_end(tmp_path: Path) -> None:
    body = 'call.record(name="call.wav")'
    caller = [at(2.0, say(LAST_WORDS)), at(3.0, hangUp())]
    slow = [at(1.0, slowDisk(0.7))]
    call = simulate(
        write(tmp_path, ECHO, body), caller=caller, files=tmp_path / "files", faults=slow, idleSeconds=5.0
    ).expectOk()
    (recorded,) = channels(call.files[0])
    assert recorded.seconds == pytest.approx(3.0, abs=2 * TICK)


def test_a_recording_outlives_a_cut(tmp_path: Path) -> None:
    body = 'call.record(name="call.wav", stereo=True)'
    agent = Agent(greeting=turn("Hum.", tone(2.0)))
    caller = [at(3.0, say(LAST_WORDS)), at(4.5, hangUp())]
    call = simulate(
        write(tmp_path, BRIDGE, body), caller=caller, agent=agent, files=tmp_path / "files", faults=[at(1.0, cut())]
    )
    said, heard = channels(call.files[0])
    assert said.seconds == pytest.approx(4.5, abs=2 * TICK)
    assert said.contains(render(LAST_WORDS, 16_000), likeness=0.999)
    assert heard.silentBetween(1.0 + 2 * TICK, 4.4)


def test_audio_and_events_keep_one_time_for_a_minute(tmp_path: Path) -> None:
    """A media clock that is a thousandth too fast or slow would be a frame off after 20 s, and three after 60."""
    agent = Agent(script=[at(59.0, turn("Are you still there?", tone(0.5)))])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(60.0, hangUp())], agent=agent).expectOk()
    (asked,) = call.events.named("ElevenLabs.Agents.AgentResponse")
    assert call.caller.heard.firstSoundAfter(1.0) == pytest.approx(asked.time, abs=1.5 * TICK)
    assert call.caller.said.end == pytest.approx(60.0, abs=1.5 * TICK)
    assert call.agent.heard.end == pytest.approx(60.0, abs=2 * TICK)


def test_an_answer_to_the_agents_last_word_is_still_heard(tmp_path: Path) -> None:
    agent = Agent(script=[at(1.0, GOODBYE)])
    caller = [after(agentStops, 0.1, say(LAST_WORDS)), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent).expectOk()
    assert call.agent.heard.contains(render(LAST_WORDS, 16_000), likeness=0.999)
