"""Who hears whom: a unit hears one stream, a new one takes the place of the old one, which does not come back."""

from pathlib import Path

import pytest
from tests.testing.flows.sounds import channels, signal, sound_file
from tests.testing.scenarios import BRIDGE, ECHO, write

from voxrun.testing import Agent, SimulatedCall, at, hangUp, say, simulate, speech, turn
from voxrun.testing.sounds import render

TICK = 0.02
AGENT_SAYS = speech(4.0, 11)
CALLER_SAYS = speech(2.0, 12)
AGENT = Agent(greeting=turn("Hello.", AGENT_SAYS), bargeIn=False)
QUIET = [at(5.0, hangUp())]


def spans(call: SimulatedCall, seed: int) -> list[tuple[float, float]]:
    """When the caller heard the signal of that seed."""
    return [(span.begin, span.end) for span in call.caller.heard.spansOf(signal(seed), likeness=0.95)]


def test_each_side_hears_the_other_and_not_itself(tmp_path: Path) -> None:
    caller = [at(1.0, say(CALLER_SAYS)), at(6.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=AGENT).expectOk()
    said, answered = render(CALLER_SAYS, 16_000), render(AGENT_SAYS, 16_000)
    assert call.caller.heard.contains(answered, likeness=0.999)
    assert call.agent.heard.contains(said, likeness=0.999)
    assert not call.caller.heard.contains(said, likeness=0.3)
    assert not call.agent.heard.contains(answered, likeness=0.3)


def test_two_routes_are_two_routes(tmp_path: Path) -> None:
    first, second = sound_file(tmp_path, 1), sound_file(tmp_path, 2)
    body = f"""
    for name, url in (("a.wav", {first!r}), ("b.wav", {second!r})):
        VoxEngine.createURLPlayer(url).sendMediaTo(VoxEngine.createRecorder(name=name))
    """
    call = simulate(write(tmp_path, ECHO, body), caller=QUIET, files=tmp_path / "files").expectOk()
    recorded = {path.name: channels(path)[0] for path in call.files}
    for name, mine, other in (("a.wav", 1, 2), ("b.wav", 2, 1)):
        assert recorded[name].contains(signal(mine), likeness=0.999)
        assert not recorded[name].contains(signal(other), likeness=0.3)


def test_a_player_replaces_the_agent_which_does_not_come_back(tmp_path: Path) -> None:
    url = sound_file(tmp_path, 1, 1.0)
    body = f"""
    def play():
        VoxEngine.createURLPlayer({url!r}).sendMediaTo(call)
    setTimeout(play, 1500)
    """
    call = simulate(write(tmp_path, BRIDGE, body), caller=QUIET, agent=AGENT).expectOk()
    ((begin, end),) = [(s.begin, s.end) for s in call.caller.heard.spansOf(signal(1, 1.0))]
    assert (begin, end) == pytest.approx((1.5, 2.5), abs=2 * TICK)
    (agents,) = call.caller.heard.spansOf(render(AGENT_SAYS, 16_000))
    assert agents.end == pytest.approx(1.5, abs=2 * TICK)
    assert call.caller.heard.silentFrom(2.5 + 2 * TICK)


def test_the_agent_is_heard_again_when_it_is_sent_again(tmp_path: Path) -> None:
    url = sound_file(tmp_path, 1, 1.0)
    body = f"""
    player = VoxEngine.createURLPlayer({url!r}, onPause=True)
    player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: agent.sendMediaTo(call))
    def play():
        player.sendMediaTo(call)
        player.resume()
    setTimeout(play, 1500)
    """
    call = simulate(write(tmp_path, BRIDGE, body), caller=QUIET, agent=AGENT).expectOk()
    before, after = call.caller.heard.spansOf(render(AGENT_SAYS, 16_000))
    assert before.end == pytest.approx(1.5, abs=2 * TICK)
    assert after.begin == pytest.approx(2.5, abs=3 * TICK)
    assert after.end == pytest.approx(4.2, abs=3 * TICK)  # it went on unheard meanwhile


def test_the_last_of_several_streams_is_heard(tmp_path: Path) -> None:
    urls = [sound_file(tmp_path, seed) for seed in (1, 2, 3)]
    body = f"""
    def play(url):
        VoxEngine.createURLPlayer(url).sendMediaTo(call)
    for number, url in enumerate({urls!r}):
        setTimeout(lambda url=url: play(url), 1000 * number + 500)
    """
    quiet = ECHO.replace("call.sendMediaTo(call)", "")
    call = simulate(write(tmp_path, quiet, body), caller=[at(6.5, hangUp())]).expectOk()
    heard = [spans(call, seed) for seed in (1, 2, 3)]
    expected = [(0.5, 1.5), (1.5, 2.5), (2.5, 5.5)]
    for found, wanted in zip(heard, expected, strict=True):
        assert found == [pytest.approx(wanted, abs=2 * TICK)]


def test_a_stream_that_is_stopped_is_silence_and_the_sender_goes_on(tmp_path: Path) -> None:
    body = """
    setTimeout(lambda: agent.stopMediaTo(call), 1000)
    setTimeout(lambda: agent.sendMediaTo(call), 2000)
    """
    call = simulate(write(tmp_path, BRIDGE, body), caller=QUIET, agent=AGENT).expectOk()
    assert call.caller.heard.silentBetween(1.0 + 2 * TICK, 2.0 - TICK)
    before, after = call.caller.heard.spansOf(render(AGENT_SAYS, 16_000))
    assert (before.end, after.begin, after.end) == pytest.approx((1.0, 2.0, 4.2), abs=3 * TICK)
