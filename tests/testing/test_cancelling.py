"""Three scenarios, broken off wherever they can be: nothing is left, and every file is complete."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.testing.scenarios import BRIDGE, ECHO, write

from voxrun import VoxEngine
from voxrun.testing import (
    Agent,
    Caller,
    SimulatedCall,
    Simulation,
    after,
    agentStops,
    at,
    callTool,
    cancelEverywhere,
    hangUp,
    press,
    say,
    simulation,
    speech,
    turn,
)

RECORDED = """
call.record(name="both.wav", stereo=True, transcribe=True)
recorder = VoxEngine.createRecorder(name="said.flac")
call.addEventListener(CallEvents.Connected, lambda e: call.sendMediaTo(recorder))
"""

PLAYED = """
call.addEventListener(CallEvents.Connected, lambda e: call.say("Nobody is here."))
call.record(name="call.ogg")
"""


def talk(folder: Path) -> Simulation:
    """An agent that is interrupted, two recordings."""
    agent = Agent(greeting=turn("Hello, hello.", 1.0), answers=[[callTool("x"), turn("Yes.", 0.3)]], endOfTurn=0.2)
    caller = [at(0.6, say(speech(0.3))), at(1.6, hangUp())]
    return simulation(write(folder, BRIDGE, RECORDED), caller=caller, agent=agent, files=folder / "files")


def by_rtp(folder: Path) -> Simulation:
    """A caller in packets, a spoken announcement, a recording."""
    caller = Caller([at(0.3, say(speech(0.3))), after(agentStops, 0.1, press("1")), at(1.0, hangUp())], rtp="PCMU")
    return simulation(write(folder, ECHO, PLAYED), caller=caller, files=folder / "files")


def whole_conversation(folder: Path) -> Simulation:
    """The receptionist."""
    agent = Agent(greeting=turn("Hello.", 0.5), answers=[callTool("opening_hours", {"day": "today"})], endOfTurn=0.2)
    path = Path(__file__).parents[2] / "scenarios" / "receptionist.py"
    caller = [at(1.0, say(speech(0.3))), at(2.0, hangUp())]
    return simulation(path, caller=caller, agent=agent, files=folder / "files")


def check(call: SimulatedCall) -> None:
    """A recording has every frame that was said from its beginning on, which is at most three ticks late."""
    frame = 0.02
    said = call.caller.said
    for file in call.files:
        if file.name == "both.wav":
            samples, rate = soundfile.read(file, dtype="int16", always_2d=True)
            assert rate == said.rate
            assert len(samples) / rate >= said.seconds - 3 * frame
            left = np.ascontiguousarray(samples[:, 0])
            assert left.tobytes() in said.samples.tobytes()


@pytest.mark.parametrize("scenario", [talk, by_rtp, whole_conversation])
def test_nothing_is_left_wherever_it_is_cancelled(tmp_path: Path, scenario: object) -> None:
    assert callable(scenario)
    assert cancelEverywhere(scenario(tmp_path), check, every=17) > 15


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [talk, by_rtp, whole_conversation])
def test_nothing_is_left_at_any_step(tmp_path: Path, scenario: object) -> None:
    assert callable(scenario)
    assert cancelEverywhere(scenario(tmp_path), check) > 250


DAMAGE = """
import trio
from pathlib import Path

RECORDING = Path(r"{folder}") / "recording-1.wav"
call.record()

@VoxEngine.on(AppEvents.Terminating)
async def damage(event):
    await trio.sleep(0.5)  # the recording is complete
    {fault}
"""


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ('vars(VoxEngine)["kept"] = RECORDING.open()', "still open"),
        ('RECORDING.write_bytes(b"RIFF")', "is damaged"),
        ("RECORDING.write_bytes(RECORDING.read_bytes()[:-100])", "says that it is"),
    ],
)
def test_what_is_left_is_found(tmp_path: Path, fault: str, problem: str) -> None:
    body = DAMAGE.replace("{fault}", fault).replace("{folder}", str(tmp_path / "files" / "whole"))
    wanted = simulation(write(tmp_path, ECHO, body), caller=[at(1.0, hangUp())], files=tmp_path / "files")
    try:
        with pytest.raises(AssertionError, match=problem):
            cancelEverywhere(wanted)
    finally:
        kept = vars(VoxEngine).pop("kept", None)
        if kept is not None:
            kept.close()
