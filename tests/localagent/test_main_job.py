"""The scenarios as their user runs them: real processes in real time, the README's main job first."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.others import Moment, undisturbed

from voxrun.audio.frame import Samples

pytestmark = pytest.mark.alone

for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
    pytest.importorskip(library, reason="needs the local-agent extra")

SCENARIOS = Path(__file__).parents[2] / "scenarios"
AUDIO = SCENARIOS / "audio"
RATE = 16_000
TICK = RATE // 50
FADE = TICK // 4

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """A process that is over: what it printed, recorded and traced."""

    shown: list[str]
    said: Samples
    heard: Samples
    records: list[Record]
    skipped: int
    """Ticks lost because the machine stood still; each is a frame of silence on both sides."""
    late: int
    """Frames of the caller's file that were not read in time; each is one of silence on the caller's side."""

    def times_of(self, event: str) -> list[float]:
        """When events of that name came, in seconds since the call was connected."""
        return [record["t"] - self._connected for record in self._events(event)]

    def payloads_of(self, event: str) -> list[Record]:
        """Their payloads, as the agent's protocol has them."""
        return [record["payload"]["data"]["payload"] for record in self._events(event)]

    def _events(self, name: str) -> list[Record]:
        return [record for record in self.records if record["kind"] == "event" and record["name"] == name]

    @property
    def _connected(self) -> float:
        return float(self._events("Call.Connected")[0]["t"])


def run(folder: Path, scenario: str, *options: str) -> Job:
    """Run it with the caller's recording; it must end well, quietly and in time with the clock."""
    wav, trace = folder / "call.wav", folder / "trace.jsonl"
    command = [sys.executable, "-W", "error", "-m", "voxrun", str(SCENARIOS / scenario), *options]
    call = ["--call", str(AUDIO / "caller.flac"), "--record", str(wav), "--trace", str(trace)]
    began = Moment()
    done = subprocess.run([*command, *call], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    recorded, rate = soundfile.read(wav, dtype="int16")
    assert (rate, recorded.shape[1]) == (RATE, 2)
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    (clock,) = [record for record in records if record["kind"] == "clock"]
    (late,) = [record["frames_late"] for record in records if record.get("of") == "the caller's file"]
    job = Job(done.stdout.splitlines(), recorded[:, 0], recorded[:, 1], records, clock["skipped_ticks"], late)
    with undisturbed(began):
        assert job.skipped <= len(job.said) / TICK / 100
        assert clock["late_ticks"] + job.late <= len(job.said) / TICK / 10
    return job


def recording(name: str) -> Samples:
    """What is in that file, and then silence."""
    samples, _ = soundfile.read(AUDIO / name, dtype="int16")
    return np.concatenate([np.asarray(samples, np.int16), np.zeros(10 * RATE, np.int16)])


def added_silence(side: Samples, wanted: Samples) -> int:
    """How many silent frames are in between the samples of `wanted`; any other difference is an error."""
    position = added = 0
    for frame in side.reshape(-1, TICK):
        if np.array_equal(frame, wanted[position : position + TICK]):
            position += TICK
        else:
            assert not frame.any()
            added += 1
    return added


def assert_the_conversation_went_as_told(job: Job) -> None:
    assert [payload["user_transcript"] for payload in job.payloads_of("ElevenLabs.Agents.UserTranscript")] == [
        "What are your opening hours today?",
        "Can I book an appointment for tomorrow morning?",
        "No thank you, goodbye.",
    ]
    said = [payload["agent_response"] for payload in job.payloads_of("ElevenLabs.Agents.AgentResponse")]
    assert [text.split(":")[0].split(".")[0] for text in said] == [
        "Hello, this is Riverside Dental",
        "nine to five",
        "You are booked for ten o'clock tomorrow",
        "Thank you for calling Riverside Dental",
    ]
    assert [payload["tool_name"] for payload in job.payloads_of("ElevenLabs.Agents.ClientToolCall")] == [
        "opening_hours"
    ]
    (asked,) = job.times_of("ElevenLabs.Agents.ClientToolCall")
    assert 0 <= job.times_of("ElevenLabs.Agents.AgentResponse")[1] - asked < 1


def assert_silence_after_the_interruption(job: Job) -> None:
    """Digital silence, after a fade that begins at most one tick later, until the next response is there."""
    (interrupted,) = job.times_of("ElevenLabs.Agents.Interruption")
    answered = next(at for at in job.times_of("ElevenLabs.Agents.AgentResponse") if at > interrupted)
    first, last = round(interrupted * RATE), round(answered * RATE)
    assert job.heard[first - RATE // 2 : first].any()
    # Late ticks are not skipped up to three, but keep their place.
    silent = job.heard[first + TICK + FADE : last - 5 * TICK]
    assert len(silent) > 2 * RATE
    assert not silent.any()
    assert job.heard[last : last + RATE].any()


def test_the_receptionist(tmp_path: Path) -> None:
    job = run(tmp_path, "receptionist.py", "--local-agent")
    assert_the_conversation_went_as_told(job)
    assert_silence_after_the_interruption(job)
    assert added_silence(job.said, recording("caller.flac")) <= job.skipped + job.late
    goodbye = job.times_of("ElevenLabs.Agents.AgentResponse")[-1]
    last_sound = np.flatnonzero(job.heard)[-1] / RATE
    assert 2.5 < last_sound - goodbye < 3.5
    assert len(job.heard) / RATE - last_sound < 0.5
    assert any("speaks over the agent" in line for line in job.shown)


def test_echo(tmp_path: Path) -> None:
    job = run(tmp_path, "echo.py")
    assert len(job.said) / RATE == pytest.approx(10, abs=0.2)
    assert job.said.any()
    assert added_silence(job.said, recording("caller.flac")) <= job.skipped + job.late
    assert added_silence(job.heard, recording("caller.flac")) <= job.skipped + job.late + 2


def test_announce(tmp_path: Path) -> None:
    job = run(tmp_path, "announce.py")
    announcement = recording("announcement.flac")
    assert added_silence(job.heard, announcement) <= job.skipped + 50
    assert np.count_nonzero(job.heard) == np.count_nonzero(announcement)
    assert len(job.heard) / RATE == pytest.approx(np.flatnonzero(announcement)[-1] / RATE, abs=1)
