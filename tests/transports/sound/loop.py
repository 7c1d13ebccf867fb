"""A program: somebody says something to this machine's speaker, and what the microphone hears meanwhile is kept.

Its argument is `Options` as JSON, its output what a test wants to know, as JSON.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trio
import trio.testing
from numpy.typing import NDArray
from tests.kit import tone

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.level import dbfs
from voxrun.audio.resample import Resampler
from voxrun.errors import ConfigurationError
from voxrun.media.graph import Inlet, Sink, Source
from voxrun.media.leg import Party
from voxrun.media.ticker import Ticker
from voxrun.media.unit import MediaSource
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.echo import EchoMode
from voxrun.transports.sound.leg import SoundDeviceLeg
from voxrun.transports.sound.microphone import Microphone
from voxrun.transports.sound.port_audio import RATE
from voxrun.transports.sound.speaker import Speaker

SPEECH = Path(__file__).parents[3] / "scenarios" / "audio" / "caller.flac"
PERIOD = 2 * RATE
MARK = RATE // 10
TONE_HZ = 440.0
ANSWER = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """`server` is killed after `lost_after` s; a call's leg is used instead of units if `leg`."""

    echo: EchoMode = "off"
    seconds: float = 7.0
    speech: bool = False
    leg: bool = False
    server: int = 0
    lost_after: float = -1.0
    only_open: bool = False


def marked_tone(seconds: float) -> Samples:
    """A tone, with noise in its place for a moment at the start of each period, by which it is known again."""
    says = tone(RATE, seconds, TONE_HZ)
    for start in range(0, len(says) - MARK, PERIOD):
        says[start : start + MARK] = mark()
    return says


def mark() -> Samples:
    """The noise."""
    return np.random.default_rng(1).integers(-8000, 8000, MARK).astype(np.int16)


def speech(seconds: float) -> Samples:
    """Somebody who speaks, without long pauses."""
    file = AudioFile(SPEECH)
    resampler = Resampler(file.rate, RATE)
    size = frame_size(file.rate)
    samples = file.read(int(file.duration * file.rate))
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    spoken = np.concatenate([resampler.process(frame) for frame in frames if dbfs(frame) > -45])
    return np.resize(spoken, int(seconds * RATE))


class Mouth(MediaSource):
    """Says what it was given, from its first tick on."""

    def __init__(self, host: Session, says: Samples) -> None:
        super().__init__(host, "mouth")
        self.output.open(RATE)
        self.frames = list(says.reshape(-1, frame_size(RATE)))
        self.is_over = trio.Event()

    def produce(self) -> None:
        """A frame."""
        if self.frames:
            self.output.push(self.frames.pop(0))
        else:
            self.is_over.set()


class Ear:
    """Keeps what it hears."""

    mixes = False

    def __init__(self) -> None:
        self.heard: list[Samples] = []

    def id(self) -> str:
        """A name."""
        return "ear"

    def inlet(self, source: Source) -> Inlet:
        """Always live."""
        return Inlet(RATE, self.heard.append)

    def detach(self, source: Source) -> None:
        """Nothing to forget."""


async def talk(session: Session, devices: SoundDevices, options: Options, ear: Ear) -> None:
    """Say it, and lose the devices meanwhile if so."""
    says = speech(options.seconds) if options.speech else marked_tone(options.seconds)
    source: MediaSource
    sink: Sink
    if options.leg:
        await trio.testing.wait_all_tasks_blocked()  # until the call rings
        assert session.call is not None
        source, sink = session.call, session.call
    else:
        source, sink = Microphone(session, devices), Speaker(session, devices)
    if options.lost_after == 0:
        os.kill(options.server, signal.SIGKILL)
    session.graph.add(ear)
    mouth = Mouth(session, says)
    mouth.sendMediaTo(sink)
    source.sendMediaTo(ear)
    if options.lost_after > 0:
        await trio.sleep(options.lost_after)
        os.kill(options.server, signal.SIGKILL)
    await mouth.is_over.wait()
    session.terminate()


async def loop(options: Options) -> dict[str, object]:
    """One session from beginning to end."""
    devices = SoundDevices(options.echo)
    ticker, ear = Ticker(), Ear()
    with tempfile.TemporaryDirectory() as folder:
        scenario = trio.Path(folder, "scenario.py")
        await scenario.write_text(ANSWER)
        services = Services(secrets=Secrets({}, {}), network=MemoryNetwork(), devices=devices)
        session = Session(Path(scenario), services, ticker)
        leg = SoundDeviceLeg(devices) if options.leg else None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            nursery.start_soon(talk, session, devices, options, ear)
            outcome = await session.run(leg, Party())
            nursery.cancel_scope.cancel()
    records = [json.loads(line) for line in session.trace_log.lines()]
    heard = np.concatenate(ear.heard)
    return {
        "outcome": str(outcome.error or ""),
        "warnings": [record["message"] for record in records if record["kind"] == "warning"],
        "events": [
            f"{record['payload']['kind']} {record['name'].removeprefix('Application.SoundDevice')}"
            for record in records
            if record["kind"] == "event" and "SoundDevice" in record["name"]
        ],
        "losses": {record["of"]: record for record in records if record["kind"] == "losses"},
        "seconds": len(heard) / RATE,
        "levels": [dbfs(second) for second in np.split(heard[: len(heard) // RATE * RATE], len(heard) // RATE)],
        **quality(heard),
    }


def quality(heard: Samples) -> dict[str, list[float]]:
    """Of each whole period: how late it came, in ms, and how well a second of its tone fits a sine, in dB."""
    delays, ratios = [], []
    for start in range(0, len(heard) - PERIOD - RATE, PERIOD):
        around = heard[start : start + RATE].astype(np.float64)
        at = int(np.argmax(np.abs(np.correlate(around, mark().astype(np.float64), "valid"))))
        delays.append(1000 * at / RATE)
        ratios.append(signal_to_noise(heard[start + RATE // 2 :][:RATE].astype(np.float64)))
    return {"delays_ms": delays, "snrs_db": ratios}


def signal_to_noise(samples: NDArray[np.float64]) -> float:
    """Of a sine of TONE_HZ."""
    phase = 2 * np.pi * TONE_HZ / RATE * np.arange(samples.size)
    sines = np.column_stack((np.sin(phase), np.cos(phase)))
    fit = sines @ np.linalg.lstsq(sines, samples)[0]
    noise = float(np.sum((samples - fit) ** 2))
    return float(10 * np.log10(max(float(np.sum(fit**2)), 1.0) / noise)) if noise else 0.0


def what_is_missing() -> str:
    """The message if a call can't be made."""
    try:
        SoundDevices().require("input", "output")
    except ConfigurationError as error:
        return str(error)
    return ""


def pulse_streams() -> str:
    """What PulseAudio still plays or records, a line each."""
    listed = [
        subprocess.run(["pactl", "list", "short", kind], capture_output=True, text=True, check=False).stdout
        for kind in ("sink-inputs", "source-outputs")
    ]
    return "".join(listed)


def main(options: Options) -> None:
    """Answer in JSON."""
    answer: dict[str, object] = {"missing": what_is_missing()}
    if not options.only_open:
        answer |= trio.run(loop, options)
        answer["streams_left"] = pulse_streams()
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(Options(**json.loads(sys.argv[1])))
