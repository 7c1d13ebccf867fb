"""The receptionist's conversation of a minute: what is heard, that it is the same every time, and what it costs."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.testing.conversation import AGENT, CALLER, SCENARIO, hold
from tests.yardstick import millions

from voxrun.errors import ConfigurationError
from voxrun.testing import SimulatedCall, simulate


def hash_of(call: SimulatedCall) -> str:
    """Of both channels, what the agent heard and said, and every record with its time."""
    digest = hashlib.sha256(json.dumps(call.records).encode())
    for track in (call.caller.said, call.caller.heard, call.agent.said, call.agent.heard):
        digest.update(track.samples.tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def conversation() -> SimulatedCall:
    return hold()


def test_the_conversation_takes_its_minute_and_ends_well(conversation: SimulatedCall) -> None:
    conversation.expectOk()
    assert conversation.seconds == pytest.approx(60, abs=0.05)
    assert conversation.unplayed == []
    events = conversation.events
    assert len(events.named("ElevenLabs.Agents.UserTranscript")) == 6
    assert len(events.named("ElevenLabs.Agents.ClientToolCall")) == 2
    assert len(events.named("ElevenLabs.Agents.Interruption")) == 1
    results = [message.data.result for message in conversation.agent.messages if message.type == "client_tool_result"]
    assert results == ["nine to five", "ten to four"]


@pytest.mark.parametrize("around", [math.nan, "2"])
def test_an_explanation_is_around_a_time(conversation: SimulatedCall, around: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"a time is a number of seconds, not {around!r}"):
        conversation.explain(around)


def test_what_the_agent_says_is_heard_to_the_sample(conversation: SimulatedCall) -> None:
    said, heard = conversation.agent.said, conversation.caller.heard
    greeting = said.slice(0.0, 3.4).samples
    place = heard.samples.tobytes().find(greeting.tobytes()) // 2
    assert place >= 0
    assert heard.begin + place / heard.rate - said.begin < 0.03


def test_what_the_caller_says_reaches_the_agent_to_the_sample(conversation: SimulatedCall) -> None:
    said, heard = conversation.caller.said, conversation.agent.heard
    spoken = said.slice(4.0, 6.0).samples
    assert np.any(spoken)
    assert spoken.tobytes() in heard.samples.tobytes()


def test_an_interruption_silences_the_agent_within_two_ticks(conversation: SimulatedCall) -> None:
    (interruption,) = conversation.events.named("ElevenLabs.Agents.Interruption")
    assert interruption.time == pytest.approx(35.0, abs=0.03)
    heard = conversation.caller.heard
    assert heard.level(interruption.time - 1, interruption.time) > -30
    assert heard.silentBetween(interruption.time + 0.04, interruption.time + 2.5)


def test_it_is_the_same_every_time(conversation: SimulatedCall) -> None:
    assert {hash_of(hold()) for _ in range(3)} == {hash_of(conversation)}


FAILS = """
from voxrun import *

class Failure(Exception):
    pass

@VoxEngine.on(AppEvents.Started)
def go(event):
    raise Failure
"""


def test_a_scenario_that_fails_has_the_same_trace_every_time(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.py"
    scenario.write_text(FAILS)
    first, second = simulate(scenario).records, simulate(scenario).records
    assert [record["text"].splitlines()[-1] for record in first if "text" in record] == ["scenario.Failure"]
    assert first == second


@pytest.mark.slow
def test_fifty_runs_have_one_hash() -> None:
    assert len({hash_of(hold()) for _ in range(50)}) == 1


def test_the_order_of_tasks_changes_nothing_that_is_heard(conversation: SimulatedCall) -> None:
    other = hold(seed=7)
    assert other.records[0] != conversation.records[0]  # the session's id is drawn by lot
    assert np.array_equal(other.caller.heard.samples, conversation.caller.heard.samples)
    assert np.array_equal(other.agent.heard.samples, conversation.agent.heard.samples)
    assert other.events.names == conversation.events.names


@pytest.mark.slow
def test_it_runs_a_hundred_times_faster_than_real_time() -> None:
    """Its minute takes 0.4 s of CPU on a machine that nobody else uses, which is 6 million additions."""
    assert millions(hold, times=3) <= 15


def test_a_scenario_in_the_language_of_scenarios_has_the_same_conversation(conversation: SimulatedCall) -> None:
    scenario = SCENARIO.with_suffix(".vox")
    call = simulate(scenario, caller=CALLER, agent=AGENT).expectOk()
    assert [found.data.result for found in call.agent.received("client_tool_result")] == ["nine to five", "ten to four"]
    assert np.array_equal(call.caller.heard.samples, conversation.caller.heard.samples)
