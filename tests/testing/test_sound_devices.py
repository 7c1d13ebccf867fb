"""A scenario's microphone and speaker, and who sits there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.testing.scenarios import write

from voxrun.errors import ConfigurationError
from voxrun.testing import after, agentStops, at, cancelEverywhere, hangUp, say, simulate, simulation, speech, tone
from voxrun.transports.sound import devices

INTERCOM = """
from voxrun import *

@VoxEngine.on(AppEvents.SoundDeviceOpened)
def tell(event):
    Logger.write(f"{event.kind} {event.device}")

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    microphone, speaker = VoxEngine.createMicrophone(), VoxEngine.createSpeaker()
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    microphone.sendMediaTo(call)
    call.sendMediaTo(speaker)
{body}
"""


@pytest.fixture(autouse=True)
def _no_port_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "load_library", None)  # whoever wants it fails


def test_a_caller_talks_with_who_sits_at_the_machine(tmp_path: Path) -> None:
    call = simulate(
        write(tmp_path, INTERCOM),
        caller=[at(1.0, say(speech(1.0, seed=1))), after(agentStops, 1.0, hangUp())],
        microphone=[after(agentStops, 0.5, say(speech(2.0, seed=2)))],
    ).expectOk()
    assert sorted(call.log) == ["microphone simulated microphone", "speaker simulated speaker"]
    assert (call.microphone.rate, call.speaker.rate) == (48_000, 48_000)
    assert call.speaker.contains(call.caller.said.slice(1.0, 2.0))
    assert call.speaker.firstSoundAfter(0.0) == pytest.approx(1.0, abs=0.03)
    (said,) = call.microphone.audible()
    assert said == pytest.approx((2.5, 4.5), abs=0.03)
    assert call.caller.heard.contains(call.microphone.slice(*said))
    assert call.seconds == pytest.approx(5.5, abs=0.05)


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    steps: Any = {"caller": [at(1.0, say(speech(1.0))), at(3.0, hangUp())], "microphone": [at(1.5, say(tone(1.0)))]}
    first, again, other = (simulate(write(tmp_path, INTERCOM), seed=seed, **steps) for seed in (1, 1, 2))
    for call in (again, other):
        assert np.array_equal(call.speaker.samples, first.speaker.samples)
        assert np.array_equal(call.caller.heard.samples, first.caller.heard.samples)


def test_nobody_says_anything_unless_the_test_says_so(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, INTERCOM), caller=[at(1.0, hangUp())]).expectOk()
    assert call.caller.heard.silentFrom(0.0)
    without = simulate(write(tmp_path, "from voxrun import *\nVoxEngine.terminate()\n"), caller=None)
    assert (without.microphone.seconds, without.speaker.seconds) == (0.0, 0.0)


def test_two_of_each_and_one_that_is_switched_off_for_a_while(tmp_path: Path) -> None:
    body = """
    other = VoxEngine.createSpeaker()
    player = VoxEngine.createToneScriptPlayer("440@-20;1(*/0/1)")
    player.sendMediaTo(other)
    second = VoxEngine.createMicrophone()
    setTimeout(microphone.stop, 1000)
    setTimeout(second.stop, 1000)
    setTimeout(lambda: VoxEngine.createMicrophone().sendMediaTo(call), 2000)
    """
    call = simulate(
        write(tmp_path, INTERCOM, body),
        caller=[at(0.5, say(speech(1.0))), at(4.0, hangUp())],
        microphone=[at(0.5, say(tone(0.25))), at(3.0, say(tone(0.25)))],
    ).expectOk()
    assert call.speaker.contains(call.caller.said.slice(0.5, 1.5), 0.6)
    assert call.speaker.contains(tone(0.4), 0.9)
    assert [it.begin for it in call.microphone.audible()] == pytest.approx([0.5, 3.0], abs=0.021)
    assert [it.begin for it in call.caller.heard.audible()] == pytest.approx([0.5, 3.0], abs=0.05)
    assert call.microphone.end == pytest.approx(4.0, abs=0.03)


def test_nothing_is_left_of_devices_and_units_that_are_cancelled(tmp_path: Path) -> None:
    body = """
    unit = VoxEngine.createRtpUnit(local="127.0.0.1:4000", remote="127.0.0.1:4002")
    unit.sendMediaTo(unit)
    setTimeout(microphone.stop, 200)
    """
    steps = [at(0.1, say(tone(0.1)))]
    wanted = simulation(
        write(tmp_path, INTERCOM, body),
        caller=[at(0.4, hangUp())],
        rtp={"127.0.0.1:4002": steps},
        microphone=steps,
        files=tmp_path / "files",
    )
    assert cancelEverywhere(wanted, every=11) > 10


def test_who_speaks_into_no_microphone_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "from voxrun import *\nVoxEngine.terminate()\n")
    with pytest.raises(AssertionError, match=r"^microphone= has steps, but the scenario made no microphone$"):
        simulate(path, caller=None, microphone=[at(1.0, say(tone(1.0)))]).expectOk()


@pytest.mark.parametrize(
    ("given", "told"),
    [([at(1.0, hangUp())], "microphone= has HangUp"), ("hello.wav", "microphone= takes a list of steps")],
)
def test_what_nobody_says_is_told(tmp_path: Path, given: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        simulate(write(tmp_path, INTERCOM), microphone=given)
