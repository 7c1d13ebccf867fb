"""What a scenario and its caller notice of a network that fails, at any moment and in any way."""

from pathlib import Path

import pytest
from tests.testing.scenarios import BRIDGE, ECHO, write

from voxrun.errors import RemoteError
from voxrun.testing import (
    Agent,
    Caller,
    after,
    at,
    cut,
    event,
    hangUp,
    impair,
    message,
    refuse,
    say,
    simulate,
    speech,
    stall,
    tone,
    turn,
    vanish,
)
from voxrun.testing.sounds import render

RECONNECT = Path(__file__).parents[3] / "scenarios" / "reconnect.py"
TICK = 0.02
CONNECTED = "Call.Connected"
STREAMING = Agent(greeting=turn("A long greeting.", tone(6.0)), pace=1.0, chunkMs=100, bargeIn=False)


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.21, 1.0, 3.0])
def test_a_cut_at_any_moment_is_told_once_and_nothing_hangs(tmp_path: Path, moment: float) -> None:
    faults = [after(event(CONNECTED), moment, cut())]
    call = simulate(write(tmp_path, BRIDGE), caller=[at(4.0, hangUp())], agent=STREAMING, faults=faults)
    assert isinstance(call.outcome.error, RemoteError)
    assert call.log == ["closed 1006  False"]
    assert call.caller.heard.silentFrom(moment + 0.1 + 3 * TICK)
    assert len(call.events.named("ElevenLabs.Agents.WebSocketError")) == 1


def test_a_scenario_that_connects_again_goes_on_with_what_was_said() -> None:
    first = Agent(greeting=turn("Good morning.", 0.5))
    second = Agent(script=[after(message("contextual_update"), 0.2, turn("Where were we?", speech(1.0, 31)))])
    call = simulate(RECONNECT, caller=[at(5.0, hangUp())], agent=[first, second], faults=[at(2.0, cut())]).expectOk()
    assert [connection.closed.code for connection in call.agents if connection.closed] == [1006, 1000]
    (update,) = call.agents[1].received("contextual_update")
    assert "You: Good morning." in update.data.text
    assert call.agents[1].opened == pytest.approx(2.0, abs=2 * TICK)
    assert call.caller.heard.contains(render(speech(1.0, 31), 16_000), likeness=0.999)


def test_a_second_connection_that_is_refused_is_the_scenarios_error() -> None:
    call = simulate(
        RECONNECT, caller=[at(5.0, hangUp())], agent=Agent(script=[at(1.0, vanish())]), faults=[at(0.5, refuse())]
    )
    assert isinstance(call.outcome.error, RemoteError)
    assert "reconnect.py:30" in str(call.outcome.error)
    assert len(call.agents) == 1


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0])
def test_a_stall_delays_and_loses_nothing(tmp_path: Path, seconds: float) -> None:
    faults = [at(2.0, stall(seconds))]
    caller = [at(1.0, say(speech(3.0, 32))), at(9.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=STREAMING, faults=faults).expectOk()
    spans = call.caller.heard.audible(gap=0.05)
    assert sum(span.seconds for span in spans) == pytest.approx(6.0, abs=4 * TICK)
    assert spans[-1].end - spans[0].begin == pytest.approx(6.0 + seconds, abs=0.15)
    assert call.agent.heard.contains(render(speech(3.0, 32), 16_000), likeness=0.999)


def test_an_interruption_in_a_stall_is_heard_of_when_it_is_over(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("A long greeting.", tone(6.0)), lateAudio=1.0)
    caller = [at(2.0, say(speech(2.0))), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent, faults=[at(1.9, stall(0.5))]).expectOk()
    (interruption,) = call.events.named("ElevenLabs.Agents.Interruption")
    assert interruption.time == pytest.approx(2.4, abs=2 * TICK)
    assert call.caller.heard.silentFrom(interruption.time + 2 * TICK)


def test_a_peer_that_is_silent_for_too_long_counts_as_lost(tmp_path: Path) -> None:
    call = simulate(
        write(tmp_path, BRIDGE), caller=[at(60.0, hangUp())], agent=STREAMING, faults=[at(2.0, stall(70.0))]
    )
    assert isinstance(call.outcome.error, RemoteError)
    (log,) = call.ofKind("log")
    assert log["message"].startswith("closed 1006 the peer did not answer a ping")
    assert 2.0 + 20.0 < log["t"] < 2.0 + 20.0 + 20.0 + 10.1


def test_nobody_to_connect_to_is_the_scenarios_error_with_its_line(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(3.0, hangUp())], faults=[at(0.0, refuse())])
    assert "refused the connection" in str(call.outcome.error)
    assert "scenario.py:" in str(call.outcome.error)


@pytest.mark.parametrize(
    ("loss", "duplicates", "jitter", "likeness"),
    [(0.0, 0.3, 0.0, 0.999), (0.05, 0.0, 0.0, 0.9), (0.02, 0.1, 0.03, 0.95)],
)
def test_a_bad_network_between_caller_and_call(
    tmp_path: Path, loss: float, duplicates: float, jitter: float, likeness: float
) -> None:
    """What is lost is concealed without a hole, what is doubled is heard once, what is late is waited for."""
    said = speech(4.0, 33)
    caller = Caller([at(1.0, say(said)), at(8.0, hangUp())], rate=8000, rtp="PCMU")
    faults = [at(0.0, impair(loss=loss, duplicates=duplicates, jitter=jitter))]
    call = simulate(write(tmp_path, ECHO), caller=caller, faults=faults, seed=3).expectOk()
    assert call.caller.heard.contains(render(said, 8000), likeness=likeness)
    (heard,) = call.caller.heard.audible(gap=0.01)
    assert heard.seconds == pytest.approx(4.0, abs=TICK)
