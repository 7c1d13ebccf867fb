"""The sound devices for real: PortAudio over ALSA settings of the test's own, and over a PulseAudio it starts."""

import subprocess
import sys
import threading
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.others import undisturbed
from tests.transports.sound.pulse import needs_alsa, needs_pulse, pulse_audio, run_loop

from voxrun.errors import ConfigurationError
from voxrun.transports.sound.devices import SoundDevices

INSTEAD = "; --call FILE lets an audio file be the caller and needs no sound device"
BOTH_OPEN = {"microphone Opened", "speaker Opened"}

FRAME = 0.02
CAUGHT_UP = 1.0
"""Seconds that may still be heard after the last word: ticks that a busy machine missed come at once, before the
session can end.
"""


def test_without_portaudio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("platform.system", lambda: "Linux")  # elsewhere the wheel brings PortAudio along
    with pytest.raises(ConfigurationError) as raised:
        SoundDevices().require("input", "output")
    assert str(raised.value) == (
        "the microphone and the speaker can't be used: PortAudio library not found. Install PortAudio"
        f" (apt install libportaudio2, or brew install portaudio){INSTEAD}"
    )


@needs_alsa
@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("type asym", f"this machine has no microphone and no speaker: connect one{INSTEAD}"),
        ("type asym capture.pcm { type null }", f"this machine has no speaker: connect one{INSTEAD}"),
        ("type asym playback.pcm { type null }", f"this machine has no microphone: connect one{INSTEAD}"),
        ("type null", ""),
    ],
)
def test_a_missing_device_is_named(tmp_path: Path, there: str, missing: str) -> None:
    settings = tmp_path / "asound.conf"
    settings.write_text(f"pcm.!default {{ {there} }}\n")
    assert run_loop({"ALSA_CONFIG_PATH": str(settings)}, only_open=True) == {"missing": missing}


@pytest.mark.alone
@needs_alsa
@needs_pulse
@undisturbed()
def test_a_tone_comes_back_clean_and_soon_in_every_run(tmp_path: Path) -> None:
    """Once it has settled. A run during which the machine was busy elsewhere, which bends the tone, may be repeated."""
    for _ in range(5):
        answers: list[object] = []
        while len(answers) < 3:
            with pulse_audio(tmp_path) as (_, environment):
                answer = run_loop(environment, seconds=12.0)
            assert answer["streams_left"] == ""
            assert answer["outcome"] == "", answer
            assert set(answer["events"]) == BOTH_OPEN
            answers.append(answer)
            if median(answer["delays_ms"][1:]) < 60 and max(answer["snrs_db"][1:]) > 60:
                break
        else:
            pytest.fail(f"never below 60 ms and above 60 dB: {answers}")


@pytest.mark.alone
@needs_alsa
@needs_pulse
@undisturbed()
def test_a_lost_device_is_told_and_used_again_when_it_returns(tmp_path: Path) -> None:
    """On a machine that is held up, PulseAudio may let go of a device once more: what counts is how each ends."""
    with ExitStack() as second, pulse_audio(tmp_path) as (server, environment):

        def restart() -> None:
            server.wait()
            second.enter_context(pulse_audio(tmp_path))

        restarting = threading.Thread(target=restart)
        restarting.start()
        answer = run_loop(environment, server=server.pid, lost_after=2.0, seconds=9.0)
        restarting.join()
    assert set(answer["events"][:2]) == BOTH_OPEN
    last = {event.partition(" ")[0]: event for event in answer["events"]}
    assert set(last.values()) == BOTH_OPEN
    assert {"microphone Lost", "speaker Lost"} & set(answer["events"][2:-2])
    assert any(" stopped working; the call goes on in silence until" in warning for warning in answer["warnings"])
    assert answer["outcome"] == ""
    assert 9.0 - FRAME <= answer["seconds"] < 9.0 + CAUGHT_UP
    assert answer["levels"][1] > -20
    assert answer["levels"][-1] > -20


@pytest.mark.slow
@needs_alsa
@needs_pulse
@pytest.mark.parametrize("lost_after", [0.0, 1.0])
def test_a_call_outlives_its_devices(tmp_path: Path, lost_after: float) -> None:
    with pulse_audio(tmp_path) as (server, environment):
        answer = run_loop(environment, leg=True, server=server.pid, lost_after=lost_after, seconds=4.0)
    assert 4.0 - FRAME <= answer["seconds"] < 4.0 + CAUGHT_UP
    assert answer["levels"][-1] < -90
    assert answer["outcome"].endswith("; the call went on in silence")
    assert {"microphone Lost", "speaker Lost"} <= set(answer["events"])


@pytest.mark.alone
@needs_alsa
@needs_pulse
@undisturbed()
def test_an_agent_that_hears_itself_is_noticed(tmp_path: Path) -> None:
    """A run in which the machine was held up, which moves the way from speaker to microphone, may be repeated."""
    answers: list[dict[str, Any]] = []
    while len(answers) < 3 and not any(answer["warnings"] for answer in answers):
        with pulse_audio(tmp_path) as (_, environment):
            answers.append(run_loop(environment, leg=True, speech=True))
    answer = answers[-1]
    advice = "the microphone hears what the speaker plays, and so the agent itself; use headphones"
    assert [warning.partition(", or")[0] for warning in answer["warnings"]] == [advice]
    assert max(answer["levels"]) > -30


@pytest.mark.slow
@needs_alsa
@needs_pulse
def test_behind_the_gate_it_hears_nothing_of_itself(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as (_, environment):
        answer = run_loop(environment, leg=True, speech=True, echo="gate")
    assert answer["warnings"] == []
    assert max(answer["levels"]) < -90


@pytest.mark.alone
@needs_alsa
@needs_pulse
@pytest.mark.skipif(find_spec("livekit") is None, reason="needs the extra aec")
@undisturbed()
def test_the_canceller_leaves_nothing_of_it_to_hear(tmp_path: Path) -> None:
    """Once it has learned the way. A run in which the machine was busy elsewhere, which moves it, may be repeated."""
    left: list[float] = []
    while not left or (left[-1] >= -45 and len(left) < 3):
        with pulse_audio(tmp_path) as (_, environment):
            answer = run_loop(environment, leg=True, speech=True, echo="cancel", seconds=12.0)
        assert answer["warnings"] == []
        left.append(median(answer["levels"][3:]))
    assert left[-1] < -45, left


@pytest.mark.slow
@needs_alsa
@needs_pulse
def test_the_devices_are_listed_and_what_is_used_is_marked(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as (_, environment):
        command = [sys.executable, "-m", "voxrun", "devices"]
        listed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "microphones\n" in listed
    assert "speakers\n" in listed
    assert listed.count("* default, 48000 Hz\n") == 2
