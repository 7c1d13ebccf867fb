"""A thousand virtual calls in one process: nothing grows, and nobody is left."""

import gc
from pathlib import Path

import pytest
from tests.kit import resident
from tests.testing.scenarios import BRIDGE, write

from voxrun.testing import Agent, at, callTool, hangUp, say, simulate, speech, turn

CALLS = 1000
BODY = 'call.record(name="call.wav", stereo=True)'


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory in use from /proc")
def test_memory_and_objects_stay_as_they_are_for_a_thousand_calls(tmp_path: Path) -> None:
    scenario = write(tmp_path, BRIDGE, BODY)
    agent = Agent(greeting=turn("Hello, hello.", 0.5), answers=[[callTool("x"), turn("Yes.", 0.5)]], endOfTurn=0.2)
    caller = [at(0.3, say(speech(0.3))), at(2.0, hangUp())]
    memory, objects = [], []
    for number in range(CALLS):
        call = simulate(scenario, caller=caller, agent=agent, files=tmp_path / "files", seed=number)
        assert call.leftovers == []
        assert call.outcome.error is None
        if number in (CALLS // 2, CALLS - 1):
            gc.collect()
            memory.append(resident())
            objects.append(len(gc.get_objects()))
    assert memory[1] <= 1.01 * memory[0]
    assert objects[1] <= 1.01 * objects[0]
