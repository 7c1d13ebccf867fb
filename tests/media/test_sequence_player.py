"""Sequences of real files and speech, in virtual time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.noise import joined_late, noise

from voxrun.audio.frame import Samples
from voxrun.transports.wav import WavWriter

SCRIPT = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
        player = VoxEngine.createSequencePlayer(segments={segments})
        player.sendMediaTo(call)
        player.addEventListener(SequencePlayerEvents.PlaybackFinished, lambda e: setTimeout(call.hangup, 110))
"""


def write(path: Path, samples: Samples, rate: int = 16_000) -> Path:
    file = WavWriter(path, rate=rate, channels=1)
    file.write(samples)
    file.close()
    return path


def script(segments: str, *lines: str) -> str:
    return SCRIPT.format(segments=segments) + "".join(f"        {line}\n" for line in lines)


def events(ran: Ran) -> list[tuple[str, dict[str, Any], float]]:
    records = [record for record in ran.of_kind("event") if record["name"].startswith("SequencePlayer.")]
    return [(record["name"].partition(".")[2], record["payload"], record["t"]) for record in records]


@pytest.fixture
def parts(tmp_path: Path) -> str:
    """A file of 0.31 s, and two words."""
    return f"[{{'url': {str(write(tmp_path / 'a.wav', noise(0.31)))!r}}}, {{'text': 'hello there'}}]"


def test_segments_follow_one_another_without_a_gap(play: Play, parts: str) -> None:
    leg = ScriptedLeg()
    ran = play(script(parts), Setting(leg=leg))
    assert ran.outcome.error is None
    assert [name for name, _, _ in events(ran)] == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    assert events(ran)[2][1] == {
        "name": "SequencePlayer.Started",
        "sequencePlayer": "<player-1>",
        "duration": pytest.approx(0.51),
    }
    expected = np.concatenate((noise(0.31), tone(16_000, 0.1, 500), tone(16_000, 0.1, 500)))
    assert np.array_equal(leg.everything_heard[: len(expected)], expected)
    assert not leg.everything_heard[len(expected) :].any()


def test_a_sound_cut_in_two_is_one_again_whatever_its_rate(play: Play, tmp_path: Path) -> None:
    said = tone(44_100, 0.61)
    paths = [write(tmp_path / f"{number}.wav", half, 44_100) for number, half in enumerate(np.split(said, [13_156]))]
    leg = ScriptedLeg(rate=48_000)
    play(script(str([{"url": str(path)} for path in paths])), Setting(leg=leg))
    heard = leg.everything_heard[: round(0.61 * 48_000)].astype(int)
    assert np.abs(heard - tone(48_000, 0.61))[480:-480].max() < 20


def test_markers_are_in_their_segment(play: Play, parts: str) -> None:
    markers = ["player.addMarker(100, 1)", "player.addMarker(-50, 1)", "player.addMarker(0, 0)"]
    late = "player.on(SequencePlayerEvents.Started)(lambda e: player.addMarker(-10, 0))"
    ran = play(script(parts, *markers, late), Setting(leg=ScriptedLeg()))
    reached = [(payload["offset"], t) for name, payload, t in events(ran) if name == "PlaybackMarkerReached"]
    begun = next(t for name, _, t in events(ran) if name == "Started")
    assert reached == [(0, begun), *((o, pytest.approx(begun + s)) for o, s in ((-10, 0.3), (100, 0.4), (-50, 0.46)))]


def test_a_marker_is_in_the_segment_that_is_named_itself(play: Play, parts: str) -> None:
    ran = play(script(parts, f"player.addMarker(100, {parts}[1])"), Setting(leg=ScriptedLeg()))
    ((offset, t),) = [(payload["offset"], t) for name, payload, t in events(ran) if name == "PlaybackMarkerReached"]
    begun = next(t for name, _, t in events(ran) if name == "Started")
    assert offset == 100
    assert t - begun == pytest.approx(0.4)


def test_a_segment_that_fails_is_the_end_of_all(play: Play, parts: str) -> None:
    leg = ScriptedLeg()
    ran = play(script(f"{parts} + [{{'url': 'none.wav'}}]"), Setting(leg=leg))
    here = f"in {Path.cwd()}, where voxrun was started"
    message = f"can't read the audio file 'none.wav': No such file or directory {here}"
    assert [name for name, _, _ in events(ran)] == ["Created", "Error", "PlaybackFinished"]
    assert events(ran)[1][1]["error"] == events(ran)[2][1]["error"] == message
    assert not leg.everything_heard.any()


def test_pause_resume_and_stop(play: Play, parts: str) -> None:
    leg = ScriptedLeg()
    lines = ["setTimeout(player.pause, 110)", "setTimeout(player.resume, 310)", "setTimeout(player.stop, 410)"]
    ran = play(script(parts, *lines, "setTimeout(call.hangup, 600)"), Setting(leg=leg))
    assert [name for name, _, _ in events(ran)] == ["Created", "PlaybackReady", "Started", "Stopped"]
    assert np.array_equal(leg.everything_heard[15 * 320 : 19 * 320], joined_late(noise(0.31)[5 * 320 : 9 * 320]))


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ("[]", "a sequence player needs at least one segment"),
        ("[{'uri': 'a.wav'}]", "a segment has no parameter 'uri'; did you mean 'url'?"),
        ("[{'txt': 'hello'}]", "a segment has no parameter 'txt'; did you mean 'text'?"),
        ("[{'text': 'a', 'parameters': {'voices': 'b'}}]", "did you mean 'voice'?"),
        ("[{'url': 'ftp://a'}]", "not ftp addresses"),
    ],
)
def test_a_wrong_segment_is_told(play: Play, segments: str, message: str) -> None:
    ran = play(script(segments), Setting(leg=ScriptedLeg()))
    assert message in str(ran.outcome.error)


@pytest.mark.parametrize("segment", ["2", "{'url': 'other.wav'}", "None"])
def test_a_marker_needs_a_segment_that_is_there(play: Play, parts: str, segment: str) -> None:
    ran = play(script(parts, f"player.addMarker(5, {segment})"), Setting(leg=ScriptedLeg()))
    assert f"there is no segment {segment}: they are counted from 0 to 1" in str(ran.outcome.error)


@pytest.mark.parametrize("offset", ["'300'", "None", "float('inf')", "float('-inf')", "float('nan')", "10**400"])
def test_a_marker_needs_its_time_as_a_number(play: Play, parts: str, offset: str) -> None:
    ran = play(script(parts, f"player.addMarker({offset}, 1)"), Setting(leg=ScriptedLeg()))
    assert f"addMarker needs its time as a number of ms, but was given {eval(offset)!r}" in str(ran.outcome.error)
