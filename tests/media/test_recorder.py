"""Recorders that write real files, in virtual time."""

import dataclasses
import errno
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio
import trio.testing
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.noise import FADE, cut_off, joined_late, noise

from voxrun.audio.frame import Samples
from voxrun.errors import DeviceError
from voxrun.media.call import Call
from voxrun.media.leg import Party
from voxrun.media.recorder import Recorder
from voxrun.media.recording import Take
from voxrun.media.unit import MediaSource
from voxrun.session.session import Session
from voxrun.testing.scheduling import in_order
from voxrun.transports.wav import WavWriter

HEADER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
        recorder = VoxEngine.createRecorder(name={name!r})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.wav"


def script(name: str | Path, *lines: str) -> str:
    return HEADER.format(name=str(name)) + "".join(f"        {line}\n" for line in lines)


def recorded(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)


def recorder_events(ran: Ran) -> list[dict[str, Any]]:
    return [record["payload"] for record in ran.of_kind("event") if record["name"].startswith("Recorder.")]


def joined(*parts: Samples | int) -> Samples:
    """Samples, and whole numbers for that many ticks of silence."""
    return np.concatenate([np.zeros(part * 320, np.int16) if isinstance(part, int) else part for part in parts])


def test_what_is_sent_is_recorded_sample_for_sample_from_the_first_frame_on(play: Play, path: Path) -> None:
    said = noise(3)
    ran = play(
        script(
            path,
            "setTimeout(lambda: call.sendMediaTo(recorder), 210)",
            "setTimeout(recorder.stop, 1010)",
            "setTimeout(recorder.stop, 1050)",
            "setTimeout(call.hangup, 1110)",
        ),
        Setting(leg=ScriptedLeg(says=said)),
    )
    assert np.array_equal(recorded(path), joined_late(said[10 * 320 : 50 * 320]))
    assert recorder_events(ran) == [
        {"name": "Recorder.Started", "recorder": "<recorder-1>", "url": path.as_uri()},
        {
            "name": "Recorder.Stopped",
            "recorder": "<recorder-1>",
            "url": path.as_uri(),
            "duration": pytest.approx(0.8),
            "cost": 0.0,
        },
    ]


def test_silence_while_nobody_sends_and_while_muted(play: Play, path: Path) -> None:
    said = noise(3)
    play(
        script(
            path,
            "call.sendMediaTo(recorder)",
            "setTimeout(lambda: call.stopMediaTo(recorder), 110)",
            "setTimeout(lambda: call.sendMediaTo(recorder), 310)",
            "setTimeout(lambda: recorder.mute(True), 510)",
            "setTimeout(lambda: recorder.mute(False), 710)",
            "setTimeout(recorder.stop, 1010)",
            "setTimeout(call.hangup, 1110)",
        ),
        Setting(leg=ScriptedLeg(says=said)),
    )
    first, second, third = said[: 5 * 320], joined_late(said[15 * 320 : 25 * 320]), said[35 * 320 : 50 * 320]
    expected = joined(cut_off(first, 10), cut_off(second, 10), joined_late(third))
    assert np.array_equal(recorded(path), expected)


def test_all_who_send_are_mixed_and_held_at_full_scale(play: Play, path: Path) -> None:
    loud = [noise(1, seed, amplitude=30_000) for seed in (300, 400)]

    async def talk(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        recorder = Recorder(session, Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=1)))
        other = Call(session, ScriptedLeg(says=loud[1]), Party())
        for call in (session.call, other):
            call.answer()
            call.sendMediaTo(recorder)
        await trio.sleep(0.4)
        other.hangup()
        await trio.sleep(0.2)
        session.call.hangup()

    play("", Setting(leg=ScriptedLeg(says=loud[0]), meanwhile=talk))
    both = np.clip(loud[0].astype(int) + loud[1], -32768, 32767)
    everything = recorded(path)
    assert np.array_equal(everything[:6400], both[:6400])
    fading = np.clip(loud[0][6400:6720].astype(int) + cut_off(loud[1][:6400], 1)[6400:], -32768, 32767)
    assert np.array_equal(everything[6400:6720], fading)
    assert np.array_equal(everything[6720:9600], loud[0][6720:9600])
    assert not everything[9600 + FADE :].any()
    assert both.max() == 32767


def test_what_a_sender_had_ahead_of_the_tick_goes_with_its_route(play: Play, path: Path) -> None:
    async def run_ahead(session: Session) -> None:
        await trio.sleep(0.005)
        recorder = Recorder(session, Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=1)))
        await trio.sleep(0.005)
        source = MediaSource(session, "source")
        source.output.open(16_000)
        source.sendMediaTo(recorder)
        for frame in np.split(noise(0.1), 5):
            source.output.push(frame)
        await trio.sleep(0.04)
        source.stopMediaTo(recorder)
        await trio.sleep(0.2)
        recorder.stop()
        session.terminate()

    play("", Setting(leg=ScriptedLeg(), meanwhile=run_ahead))
    assert np.array_equal(recorded(path), cut_off(noise(0.04), 10))


def test_a_file_that_opens_late_starts_late_and_keeps_time(play: Play, path: Path) -> None:
    said = noise(3)
    opened = trio.Event()

    async def slow(work: Callable[..., object], *args: object) -> object:
        await opened.wait()
        return work(*args)

    async def record(session: Session) -> None:
        await trio.sleep(0.005)
        session.services = dataclasses.replace(session.services, offload=slow)
        assert session.call is not None
        session.call.answer()
        recorder = Recorder(session, Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=1)))
        session.call.sendMediaTo(recorder)
        await trio.sleep(0.1)
        opened.set()
        await trio.sleep(0.4)
        recorder.stop()
        await trio.sleep(0.4)
        session.call.hangup()

    play("", Setting(leg=ScriptedLeg(says=said), meanwhile=record))
    assert np.array_equal(recorded(path), joined_late(said[5 * 320 : 25 * 320]))


def test_ticks_skipped_after_a_stall_are_silence(play: Play, path: Path) -> None:
    said = noise(3)

    async def stall(session: Session) -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, trio.testing.MockClock)
        await trio.sleep(0.11)
        clock.jump(0.2)

    play(
        script(
            path,
            "call.sendMediaTo(recorder)",
            "setTimeout(recorder.stop, 1010)",
            "setTimeout(call.hangup, 1110)",
        ),
        Setting(leg=ScriptedLeg(says=said), meanwhile=stall),
    )
    everything = recorded(path)
    assert len(everything) == 50 * 320
    assert np.array_equal(everything, joined(said[: 5 * 320], 6, said[5 * 320 : 44 * 320]))


def test_the_file_is_complete_when_the_session_ends_under_it(play: Play, path: Path) -> None:
    said = noise(3)
    ran = play(
        script(path, "call.sendMediaTo(recorder)", "setTimeout(VoxEngine.terminate, 1110)"),
        Setting(leg=ScriptedLeg(says=said)),
    )
    assert np.array_equal(recorded(path), said[: 55 * 320])
    assert [event["name"] for event in recorder_events(ran)] == ["Recorder.Started"]


def test_a_recorder_nobody_sends_to_makes_an_empty_file(play: Play, path: Path) -> None:
    ran = play(
        script(path, "setTimeout(recorder.stop, 510)", "setTimeout(call.hangup, 1010)"), Setting(leg=ScriptedLeg())
    )
    assert len(recorded(path)) == 0
    assert [(event["name"], event["duration"]) for event in recorder_events(ran)] == [("Recorder.Stopped", 0)]


def test_a_recorder_stopped_at_once_makes_an_empty_file(play: Play, path: Path) -> None:
    ran = play(
        script(path, "call.sendMediaTo(recorder)", "recorder.stop()", "setTimeout(call.hangup, 110)"),
        Setting(leg=ScriptedLeg()),
    )
    assert len(recorded(path)) == 0
    assert [event["name"] for event in recorder_events(ran)] == ["Recorder.Stopped"]


def test_a_file_that_cannot_be_made_is_an_error_and_the_session_goes_on(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "out.wav"
    ran = play(
        script(path, "call.sendMediaTo(recorder)", "setTimeout(recorder.stop, 300)", "setTimeout(call.hangup, 510)"),
        Setting(leg=ScriptedLeg(says=noise(1))),
    )
    message = f"{path.as_uri()} can't be written: No such file or directory"
    assert recorder_events(ran) == [{"name": "Recorder.Error", "recorder": "<recorder-1>", "error": message}]
    assert isinstance(ran.outcome.error, DeviceError)
    where, _, told = str(ran.outcome.error).partition(": ")
    assert where.endswith("scenario.py:6")
    assert told == f"{message}\n    recorder = VoxEngine.createRecorder(name={str(path)!r})"
    assert ran.outcome.reason == "no call for 1 s"


class SmallDisk(WavWriter):
    """A disk with room for one second."""

    room = 16_000

    def write(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        self.room -= len(samples)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(samples)


def test_a_disk_that_fills_up_keeps_what_it_has(play: Play, path: Path) -> None:
    said = noise(3)

    async def record(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        session.call.answer()
        recorder = Recorder(session, Take("file:///out.wav", lambda: SmallDisk(path, rate=16_000, channels=1)))
        session.call.sendMediaTo(recorder)
        await trio.sleep(2)
        recorder.stop()
        await trio.sleep(0.1)
        session.call.hangup()

    ran = play("", Setting(leg=ScriptedLeg(says=said), meanwhile=record))
    everything = recorded(path)
    assert 12_000 <= len(everything) <= 16_000
    assert np.array_equal(everything, said[: len(everything)])
    message = "file:///out.wav can't be written: No space left on device; what was recorded before is kept"
    events = recorder_events(ran)
    assert [event["name"].removeprefix("Recorder.") for event in events] == ["Started", "Error", "Stopped"]
    assert events[1]["error"] == message
    assert events[2]["duration"] == pytest.approx(len(everything) / 16_000)
    assert str(ran.outcome.error) == message


def test_in_stereo_the_first_who_sends_is_left_and_all_others_are_right(play: Play, path: Path) -> None:
    voices = [noise(1, seed) for seed in (1, 2, 3)]

    async def talk(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        take = Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=2))
        recorder = Recorder(session, take, stereo=True)
        calls = [session.call, *(Call(session, ScriptedLeg(says=said), Party()) for said in voices[1:])]
        for call in calls:
            call.answer()
            call.sendMediaTo(recorder)
        await trio.sleep(0.2)
        calls[0].stopMediaTo(recorder)
        await trio.sleep(0.2)
        calls[0].sendMediaTo(recorder)
        await trio.sleep(0.2)
        session.terminate()

    play("", Setting(leg=ScriptedLeg(says=voices[0]), meanwhile=talk))
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    both = np.clip(voices[1].astype(int) + voices[2], -32768, 32767)
    assert np.array_equal(samples[:, 1], both[: len(samples)])
    assert np.array_equal(samples[:3200, 0], voices[0][:3200])
    assert not samples[3600:6400, 0].any()
    assert np.array_equal(samples[6800:9600, 0], voices[0][6800:9600])


def test_in_stereo_left_is_whose_route_was_the_first_and_not_whose_unit_is_the_oldest(play: Play, path: Path) -> None:
    voices = [noise(1, seed) for seed in (1, 2)]

    async def talk(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        other = Call(session, ScriptedLeg(says=voices[1]), Party())
        take = Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=2))
        recorder = Recorder(session, take, stereo=True)
        for call in (other, session.call):
            call.answer()
            call.sendMediaTo(recorder)
        await trio.sleep(0.2)
        session.terminate()

    play("", Setting(leg=ScriptedLeg(says=voices[0]), meanwhile=talk))
    samples, _ = soundfile.read(path, dtype="int16")
    assert len(samples) >= 2880
    assert np.array_equal(samples[:, 0], voices[1][: len(samples)])
    assert np.array_equal(samples[:, 1], voices[0][: len(samples)])


def test_in_stereo_each_side_fades_when_muted_and_a_mute_taken_back_at_once_is_none(play: Play, path: Path) -> None:
    voices = [noise(1, seed) for seed in (1, 2)]

    async def talk(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        take = Take("file:///out.wav", lambda: WavWriter(path, rate=16_000, channels=2))
        recorder = Recorder(session, take, stereo=True)
        for call in (session.call, Call(session, ScriptedLeg(says=voices[1]), Party())):
            call.answer()
            call.sendMediaTo(recorder)
        for waits, mutes in ((0.1, [True, False]), (0.1, [True]), (0.1, [False]), (0.1, [])):
            await trio.sleep(waits)
            for mute in mutes:
                recorder.mute(mute)
        session.terminate()

    play("", Setting(leg=ScriptedLeg(says=voices[0]), meanwhile=talk))
    samples, _ = soundfile.read(path, dtype="int16")
    for side, said in zip(samples.T, voices, strict=True):
        expected = joined(cut_off(said[:3200], 5), joined_late(said[4800:6400]))
        assert np.array_equal(side, expected[: len(side)])
        assert len(side) >= 6080


@pytest.mark.parametrize("end", ["wav", "flac", "ogg", "mp3"])
def test_every_format_keeps_what_was_said(play: Play, tmp_path: Path, end: str) -> None:
    path = tmp_path / f"out.{end}"
    said = np.tile(tone(16_000, 0.5, 440), 6)
    lines = ["call.sendMediaTo(recorder)", "setTimeout(recorder.stop, 2010)", "setTimeout(call.hangup, 2110)"]
    ran = play(script(path, *lines), Setting(leg=ScriptedLeg(says=said)))
    assert ran.outcome.error is None
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000
    assert len(samples) == 32_000
    assert np.corrcoef(samples, said[:32_000])[0, 1] > 0.99


def test_hd_audio_is_recorded_at_48_khz(play: Play, path: Path) -> None:
    source = HEADER.replace("name={name!r}", "name={name!r}, hd_audio=True, stereo=True").format(name=str(path))
    lines = ["call.sendMediaTo(recorder)", "setTimeout(call.hangup, 1010)"]
    play(source + "".join(f"        {line}\n" for line in lines), Setting(leg=ScriptedLeg(says=noise(2))))
    assert (soundfile.info(path).samplerate, soundfile.info(path).channels) == (48_000, 2)


def test_a_transcript_stands_beside_the_recording(play: Play, path: Path) -> None:
    source = HEADER.replace("name={name!r}", "name={name!r}, transcribe=True").format(name=str(path))
    lines = [
        "call.sendMediaTo(recorder)",
        "setTimeout(lambda: Logger.write('half'), 500)",
        "setTimeout(recorder.stop, 1010)",
    ]
    play(
        source + "".join(f"        {line}\n" for line in [*lines, "setTimeout(call.hangup, 1200)"]),
        Setting(leg=ScriptedLeg()),
    )
    noted = [json.loads(line) for line in path.with_suffix(".transcript.jsonl").read_text().splitlines()]
    assert [note.get("message", note.get("name")) for note in noted] == ["Recorder.Started", "half"]
    assert noted[1]["t"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("seed", range(8))
def test_of_two_that_want_the_same_files_at_the_same_time_one_has_both_and_the_other_none(
    play: Play, path: Path, seed: int
) -> None:
    both = HEADER.replace("name={name!r}", "name={name!r}, transcribe=True").format(name=str(path))
    lines = [
        *both.splitlines()[-1:],
        "call.sendMediaTo(first)",
        "call.sendMediaTo(recorder)",
        "setTimeout(lambda: Logger.write('half'), 500)",
        "setTimeout(call.hangup, 1010)",
    ]
    source = both.replace("recorder =", "first =") + "".join(f"        {line.strip()}\n" for line in lines)
    said = noise(2)
    with in_order(seed):
        ran = play(source, Setting(leg=ScriptedLeg(says=said)))
    names = [(event["name"].removeprefix("Recorder."), event["recorder"]) for event in recorder_events(ran)]
    (loser,) = (recorder for name, recorder in names if name == "Error")
    (winner,) = {"<recorder-1>", "<recorder-2>"} - {loser}
    assert names == [("Error", loser), ("Started", winner)]
    assert np.array_equal(recorded(path)[:15_000], said[:15_000])
    noted = [json.loads(line) for line in path.with_suffix(".transcript.jsonl").read_text().splitlines()]
    assert [note.get("message", note.get("name")) for note in noted][:2] == ["Recorder.Started", "half"]
    assert noted[0]["payload"]["recorder"] == winner
    (told,) = ran.of_kind("error")
    assert "another recording is still being written into it; give each its own name" in told["message"]
    assert "scenario.py:" in told["message"]


@pytest.mark.parametrize(("pause", "made"), [(0, 199), (0.01, 250)])
def test_a_recorder_that_was_stopped_counts_until_its_file_is_complete(
    play: Play, tmp_path: Path, pause: float, made: int
) -> None:
    source = f"""
    import trio

    @VoxEngine.on(AppEvents.CallAlerting)
    async def record(event):
        for number in range(250):
            VoxEngine.createRecorder(name=f"{tmp_path}/{{number}}.wav").stop()
            if {pause}:
                await trio.sleep({pause})
        VoxEngine.terminate()
    """
    ran = play(source, Setting(leg=ScriptedLeg()))
    assert len(list(tmp_path.glob("*.wav"))) == made
    told = "a session has at most 200 units at a time: stop() those that are not needed any more; a recorder counts"
    assert ran.outcome.error is None if pause else told in str(ran.outcome.error)
