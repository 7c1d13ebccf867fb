"""`call.record`, in virtual time, read back by soundfile."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Play, Ran, ScriptedLeg, Setting
from tests.media.noise import noise

from voxrun.errors import ConfigurationError

HEADER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
"""


def script(*lines: str) -> str:
    return HEADER + "".join(f"        {line}\n" for line in lines)


def events(ran: Ran) -> list[dict[str, Any]]:
    return [record["payload"] for record in ran.of_kind("event") if record["name"].startswith("Call.Record")]


ECHO = ("call.answer()", "call.sendMediaTo(call)", "setTimeout(call.hangup, 1010)")


def test_in_stereo_left_is_what_the_call_says_and_right_what_it_hears(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    leg = ScriptedLeg(says=noise(3))
    line = f"call.record({{'stereo': True, 'name': {str(path)!r}}})"
    ran = play(script(line, "call.answer()", "call.say('one two')", "setTimeout(call.hangup, 1010)"), Setting(leg=leg))
    samples, rate = soundfile.read(path, dtype="int16")
    assert (rate, samples.shape) == (16_000, (16_000, 2))
    assert np.array_equal(samples[:, 0], noise(1.0))
    assert np.array_equal(samples[:, 1], leg.everything_heard)
    base = {"call": "<call-1>", "id": "call-1", "url": path.as_uri()}
    assert events(ran) == [
        {"name": "Call.RecordStarted", **base},
        {"name": "Call.RecordStopped", **base, "duration": pytest.approx(1.0), "cost": 0.0},
    ]
    assert ran.events.index("Call.Disconnected") < ran.events.index("Call.RecordStopped")


def test_in_mono_both_are_mixed_at_the_rate_of_the_call(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "call.flac"
    said = noise(3, rate=8000, amplitude=30_000)
    ran = play(script(f"call.record(name={str(path)!r})", *ECHO), Setting(leg=ScriptedLeg(8000, said)))
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert np.array_equal(samples, np.clip(2 * said[:8000].astype(int), -32768, 32767))
    assert ran.outcome.error is None


@pytest.mark.parametrize("name", ["", "name='call.wav'"])
def test_where_the_current_folder_is_gone_a_recording_needs_a_whole_path(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = play(script("call.answer()", f"call.record({name})"), Setting(leg=ScriptedLeg()))
    assert isinstance(ran.outcome.error, ConfigurationError)
    told = "can't be recorded: the folder in which voxrun was started is gone; give `name` as a whole path"
    assert told in str(ran.outcome.error)


def test_a_recording_without_a_name_is_in_the_current_folder(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = play(script("call.record({})", *ECHO), Setting(leg=ScriptedLeg(says=noise(3))))
    assert events(ran)[0]["url"] == (tmp_path / "recording-1.wav").as_uri()
    assert soundfile.info(tmp_path / "recording-1.wav").frames == 16_000


def test_a_call_that_has_ended_is_not_recorded(play: Play, tmp_path: Path) -> None:
    name = str(tmp_path / "call.wav")
    late = f"call.addEventListener(CallEvents.Disconnected, lambda e: call.record(name={name!r}))"
    for before in ("", f"call.record(name={name!r})"):
        ran = play(script(before, late, *ECHO), Setting(leg=ScriptedLeg()))
        assert "call-1.record() has no effect: the call is TERMINATED" in ran.of_kind("warning")[0]["message"]


def test_a_call_is_recorded_once(play: Play, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{number}.wav") for number in range(2)]
    ran = play(script(*(f"call.record(name={name!r})" for name in names), *ECHO), Setting(leg=ScriptedLeg()))
    assert "call-1.record() has no effect: the call is recorded already" in ran.of_kind("warning")[0]["message"]
    assert [path.name for path in tmp_path.glob("*.wav")] == ["0.wav"]


def test_a_name_of_another_format_is_told(play: Play) -> None:
    ran = play(script("call.record(name='call.aiff')"), Setting(leg=ScriptedLeg()))
    message = "'call.aiff' can't be recorded: the name of the file ends with .wav, .flac, .ogg, .mp3"
    assert message in str(ran.outcome.error)


@pytest.mark.parametrize("folder", ["", "b/", "b\\0/"])
def test_a_name_that_no_file_can_have_is_told(play: Play, folder: str) -> None:
    name = f"{folder}a\\0.wav" if "0" not in folder else f"{folder}a.wav"
    ran = play(script(f"call.record(name='{name}')"), Setting(leg=ScriptedLeg()))
    shown = name.replace("\\0", "\\x00")
    assert f"'{shown}' can't be recorded: no file can have that name" in str(ran.outcome.error)


def test_a_file_that_cannot_be_made_is_told_and_the_call_goes_on(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "call.ogg"
    leg = ScriptedLeg(says=noise(3))
    ran = play(script(f"call.record(name={str(path)!r})", *ECHO), Setting(leg=leg))
    message = f"{path.as_uri()} can't be written: No such file or directory"
    assert [(event["name"], event["error"]) for event in events(ran)] == [("Call.RecordError", message)]
    assert np.array_equal(leg.everything_heard, noise(1.0))
    where, _, told = str(ran.outcome.error).partition(": ")
    assert where.endswith("scenario.py:5")
    assert told == f"{message}\n    call.record(name={str(path)!r})"


def test_after_a_failure_the_call_can_be_recorded_elsewhere(play: Play, tmp_path: Path) -> None:
    paths = [tmp_path / "nowhere" / "call.wav", tmp_path / "call.wav"]
    lines = [
        f"call.on(CallEvents.RecordError)(lambda e: call.record(name={str(paths[1])!r}))",
        f"call.record(name={str(paths[0])!r})",
    ]
    ran = play(script(*lines, *ECHO), Setting(leg=ScriptedLeg(says=noise(3))))
    assert ran.of_kind("warning") == []
    told = [(event["name"], event.get("url")) for event in events(ran)]
    assert told == [
        ("Call.RecordError", None),
        ("Call.RecordStarted", paths[1].as_uri()),
        ("Call.RecordStopped", paths[1].as_uri()),
    ]
    assert soundfile.info(paths[1]).duration > 0.9


def test_a_transcript_has_the_events_at_their_times_in_the_recording(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    lines = [
        "setTimeout(call.answer, 500)",
        f"call.record(name={str(path)!r}, transcribe=True)",
        "call.on(CallEvents.Connected)(lambda e: call.say('hello'))",
        "call.on(CallEvents.PlaybackFinished)(lambda e: Logger.write('it said hello'))",
        "setTimeout(call.hangup, 1510)",
    ]
    play(script(*lines), Setting(leg=ScriptedLeg()))
    noted = [json.loads(line) for line in (tmp_path / "call.transcript.jsonl").read_text().splitlines()]
    assert [(note["kind"], note.get("name", note.get("message"))) for note in noted] == [
        ("event", "Call.RecordStarted"),
        ("event", "Call.PlaybackFinished"),
        ("log", "it said hello"),
        ("event", "Call.Disconnected"),
    ]
    assert [note["t"] for note in noted] == pytest.approx([0, 0.1, 0.1, 0.99], abs=0.02)
    assert noted[-1]["payload"]["reason"] == "Normal call clearing"


def test_a_transcript_that_cannot_be_written_costs_nothing_of_the_recording(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    beside = tmp_path / "call.transcript.jsonl"
    beside.mkdir()
    ran = play(
        script(f"call.record(name={str(path)!r}, transcribe=True)", *ECHO), Setting(leg=ScriptedLeg(says=noise(3)))
    )
    assert soundfile.info(path).frames == 16_000
    where, _, told = str(ran.outcome.error).partition(": ")
    assert where.endswith("scenario.py:5")
    line = f"call.record(name={str(path)!r}, transcribe=True)"
    assert told == f"{beside.as_uri()} can't be written: Is a directory\n    {line}"


@pytest.mark.parametrize(("seconds", "notes"), [(0.05, 0), (0.15, 2), (0.25, 2)])
def test_whatever_ends_the_session_who_has_a_recording_has_its_transcript(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, notes: int
) -> None:
    async def slowly(work: Callable[..., object], *args: object) -> object:
        """As a thread does it: what has begun is not cancelled any more."""
        await trio.lowlevel.checkpoint()
        with trio.CancelScope(shield=True):
            await trio.sleep(0.1)
        return work(*args)

    monkeypatch.setattr("tests.kit.inline", slowly)
    path = tmp_path / "call.wav"
    lines = [
        "call.answer()",
        f"call.record(name={str(path)!r}, transcribe=True)",
        "call.on(CallEvents.RecordStarted)(lambda e: Logger.write('it runs'))",
    ]
    play(script(*lines), Setting(leg=ScriptedLeg(says=noise(1)), stop_after=seconds))
    beside = path.with_suffix(".transcript.jsonl")
    assert path.exists()
    noted = [json.loads(line) for line in beside.read_text().splitlines()]
    wanted = ["Call.RecordStarted", "it runs"]
    assert [note.get("name", note.get("message")) for note in noted][:notes] == wanted[:notes]
