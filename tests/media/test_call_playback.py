"""`call.say`, `call.startPlayback` and `call.playProgressTone`, in virtual time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.noise import noise

from voxrun.audio.tones import Burst, Tone, render
from voxrun.errors import ConfigurationError
from voxrun.transports.wav import WavWriter

HEADER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
"""

WORD = tone(16_000, 0.1, 500)


@pytest.fixture
def prompt(tmp_path: Path) -> Path:
    """A file of 0.4 s."""
    file = WavWriter(tmp_path / "prompt.wav", rate=16_000, channels=1)
    file.write(noise(0.4))
    file.close()
    return tmp_path / "prompt.wav"


def script(*lines: str) -> str:
    return HEADER + "".join(f"        {line}\n" for line in lines)


def events(ran: Ran) -> list[dict[str, Any]]:
    return [record["payload"] for record in ran.of_kind("event") if "Playback" in record["name"]]


def names(ran: Ran) -> list[str]:
    return [event["name"].removeprefix("Call.") for event in events(ran)]


PLAYED = ["PlaybackReady", "PlaybackStarted", "PlaybackFinished"]


def test_a_call_hears_what_is_said(play: Play) -> None:
    leg = ScriptedLeg()
    ran = play(
        script("call.say('hello')", "call.on(CallEvents.PlaybackFinished)(lambda e: e.call.hangup())"), Setting(leg=leg)
    )
    base = {"call": "<call-1>", "id": "call-1"}
    assert events(ran) == [
        {"name": "Call.PlaybackReady", **base},
        {"name": "Call.PlaybackStarted", **base, "duration": 0.1},
        {"name": "Call.PlaybackFinished", **base, "error": None},
    ]
    assert ran.events.index("Call.AudioStarted") < ran.events.index("Call.PlaybackReady")
    assert np.array_equal(leg.everything_heard[:1600], WORD)


def test_a_call_hears_a_file(play: Play, prompt: Path) -> None:
    leg = ScriptedLeg()
    ran = play(script(f"call.startPlayback({str(prompt)!r})", "setTimeout(call.hangup, 1000)"), Setting(leg=leg))
    assert names(ran) == PLAYED
    assert np.array_equal(leg.everything_heard[:6400], noise(0.4))


def test_a_loop_goes_on_until_stop_playback_which_says_nothing(play: Play, prompt: Path) -> None:
    leg = ScriptedLeg()
    lines = [
        f"call.startPlayback({str(prompt)!r}, {{'loop': True, 'progressivePlayback': True}})",
        "setTimeout(call.stopPlayback, 2010)",
        "setTimeout(call.stopPlayback, 2050)",
        "setTimeout(call.hangup, 2500)",
    ]
    ran = play(script(*lines), Setting(leg=leg))
    assert names(ran) == PLAYED[:2]
    assert np.array_equal(leg.everything_heard[: 100 * 320], np.resize(noise(0.4), 100 * 320))
    assert not leg.everything_heard[101 * 320 :].any()


def test_the_second_say_replaces_the_first_at_once(play: Play) -> None:
    leg = ScriptedLeg()
    lines = ["call.say('first ' * 20)", "setTimeout(lambda: call.say('again'), 510)", "setTimeout(call.hangup, 2000)"]
    ran = play(script(*lines), Setting(leg=leg))
    assert names(ran) == [*PLAYED[:2], *PLAYED]
    assert not leg.everything_heard[32 * 320 :].any()


def test_saying_replaces_what_the_call_heard_and_nothing_comes_back(play: Play) -> None:
    leg = ScriptedLeg(says=noise(3))
    lines = ["call.sendMediaTo(call)", "setTimeout(lambda: call.say('hello'), 510)", "setTimeout(call.hangup, 1500)"]
    play(script(*lines), Setting(leg=leg))
    assert np.array_equal(leg.everything_heard[: 25 * 320], noise(0.5))
    assert not leg.everything_heard[31 * 320 :].any()


def test_a_stream_that_comes_later_replaces_what_is_said(play: Play) -> None:
    leg = ScriptedLeg(says=noise(3))
    lines = [
        "call.say('word ' * 10)",
        "setTimeout(lambda: call.sendMediaTo(call), 510)",
        "setTimeout(call.hangup, 1500)",
    ]
    ran = play(script(*lines), Setting(leg=leg))
    assert names(ran) == PLAYED
    assert np.array_equal(leg.everything_heard[27 * 320 : 70 * 320], noise(3)[27 * 320 : 70 * 320])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("call.say('a' * 1501)", "a text to speak has at most 1500 characters"),
        ("call.startPlayback('none.wav')", "can't read the audio file 'none.wav'"),
    ],
)
def test_what_cannot_be_played_is_told_by_playback_finished(play: Play, line: str, message: str) -> None:
    ran = play(script(line, "setTimeout(call.hangup, 500)"), Setting(leg=ScriptedLeg()))
    assert names(ran) == ["PlaybackFinished"]
    assert events(ran)[0]["error"].startswith(message)
    assert f"scenario.py:6: {message}" in str(ran.outcome.error)
    assert str(ran.outcome.error).endswith(f"\n    {line}")


def test_a_voice_that_is_not_installed_is_told(play: Play) -> None:
    async def speak(text: str, voice: str | None) -> Any:
        raise ConfigurationError("Install it with: pip install 'voxrun[local-agent]'")

    ran = play(script("call.say('hello')", "setTimeout(call.hangup, 500)"), Setting(leg=ScriptedLeg(), speak=speak))
    assert events(ran)[0]["error"] == "Install it with: pip install 'voxrun[local-agent]'"


def test_nothing_is_said_after_the_end_of_the_call(play: Play) -> None:
    lines = ["call.say('word ' * 20)", "setTimeout(call.hangup, 500)", "setTimeout(lambda: call.say('late'), 700)"]
    ran = play(script(*lines), Setting(leg=ScriptedLeg()))
    assert names(ran) == PLAYED[:2]
    (warning,) = ran.of_kind("warning")
    assert "call-1.say() has no effect: the call is TERMINATED" in warning["message"]


def test_a_call_that_was_not_answered_hears_nothing(play: Play) -> None:
    source = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        event.call.say("hello")
        setTimeout(event.call.answer, 100)
        setTimeout(event.call.hangup, 500)
    """
    leg = ScriptedLeg()
    ran = play(source, Setting(leg=leg))
    assert "call-1.say() has no effect: the call is ALERTING" in ran.of_kind("warning")[0]["message"]
    assert not leg.everything_heard.any()


def test_a_progress_tone_is_that_of_the_country(play: Play) -> None:
    leg = ScriptedLeg()
    play(script("call.playProgressTone('gb')", "setTimeout(call.hangup, 5000)"), Setting(leg=leg))
    ring = render(Burst(0.4, (Tone(400, -19), Tone(450, -19))), 16_000, 0, 6400)
    pauses = (np.zeros(3200, np.int16), np.zeros(32_000, np.int16))
    once = np.concatenate((ring, pauses[0], ring, pauses[1]))
    assert np.array_equal(leg.everything_heard[:64_000], np.resize(once, 64_000))


def test_a_country_without_a_tone_is_told(play: Play) -> None:
    ran = play(script("call.playProgressTone('XX')"), Setting(leg=ScriptedLeg()))
    assert "there is no progress tone of 'XX': there are those of DE, GB, RU, US" in str(ran.outcome.error)
