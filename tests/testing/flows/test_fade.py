"""No change of streams makes a click: no jump from sample to sample that the sound itself does not have."""

from pathlib import Path

import numpy as np
import pytest
from tests.testing.flows.sounds import largest_jump
from tests.testing.scenarios import BRIDGE, write

from voxrun.testing import Agent, at, hangUp, say, simulate, speech, tone, turn
from voxrun.testing.sounds import render

FADE = 0.005
HUM = tone(4.0, 437.3, -10.0)
"""A sine of which no period is a whole number of ticks: cut anywhere, it is not at rest."""

JUMP = largest_jump(render(HUM, 16_000))
AGENT = Agent(greeting=turn("Hum.", HUM), latency=0.1)


@pytest.mark.parametrize("moment", [1.5, 1.52, 1.54, 1.58])
def test_an_interrupted_agent_falls_silent_without_a_click(tmp_path: Path, moment: float) -> None:
    call = simulate(
        write(tmp_path, BRIDGE), caller=[at(moment, say(speech(0.5))), at(3.0, hangUp())], agent=AGENT
    ).expectOk()
    heard = call.caller.heard
    assert largest_jump(heard.samples[4_000:]) <= JUMP
    last = heard.lastSoundBefore(3.0)
    assert (last - heard.begin) % 0.02 == pytest.approx(FADE, abs=0.002)  # it went on into the next frame, and faded
    assert not np.any(heard.slice(last + FADE).samples)


@pytest.mark.parametrize(
    "body",
    [
        "setTimeout(lambda: agent.stopMediaTo(call), 1010)",
        "setTimeout(lambda: agent.clearMediaBuffer(), 1010)",
        "setTimeout(lambda: agent.close(), 1010)",
        "for t in range(700, 2000, 180): setTimeout(lambda: agent.stopMediaTo(call), t)\n"
        "for t in range(790, 2000, 180): setTimeout(lambda: agent.sendMediaTo(call), t)",
    ],
)
def test_the_caller_hears_no_click_when_routes_change(tmp_path: Path, body: str) -> None:
    call = simulate(write(tmp_path, BRIDGE, body), caller=[at(3.0, hangUp())], agent=AGENT).expectOk()
    heard = call.caller.heard
    assert heard.level(0.4, 0.6) > -11
    assert largest_jump(heard.samples[4_000:]) <= 1.1 * JUMP


@pytest.mark.parametrize("pause", [10, 500])
def test_the_agent_hears_no_click_when_the_caller_is_taken_away_and_given_back(tmp_path: Path, pause: int) -> None:
    body = f"""
    setTimeout(lambda: call.stopMediaTo(agent), 1050)
    setTimeout(lambda: call.sendMediaTo(agent), {1050 + pause})
    """
    agent = Agent(bargeIn=False)
    call = simulate(
        write(tmp_path, BRIDGE, body), caller=[at(0.0, say(HUM)), at(3.0, hangUp())], agent=agent
    ).expectOk()
    heard = call.agent.heard
    assert heard.level(0.5, 1.0) > -11
    assert largest_jump(heard.samples[4_000:]) <= 1.1 * JUMP


def test_a_fade_costs_nothing_of_a_sound_that_begins_after_its_route(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(5.0, hangUp())], agent=AGENT).expectOk()
    assert call.caller.heard.contains(render(HUM, 16_000), likeness=0.9999)
