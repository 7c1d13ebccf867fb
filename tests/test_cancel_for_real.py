"""A whole call on real parts, cancelled at many moments: no socket, file or busy thread is left behind.

Tasks can not be: `trio.run` does not return before them.
"""

import os
import tempfile
import threading
import wave
from pathlib import Path

import pytest
import trio

from voxrun.localagent.server import serve_agent
from voxrun.media.file_leg import FileLeg
from voxrun.media.leg import Party
from voxrun.media.recorded_leg import RecordedLeg
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.network import TcpNetwork
from voxrun.transports.wav import WavWriter

SCENARIOS = Path(__file__).parents[1] / "scenarios"
MOMENTS = [0.0, 0.001, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.21, 0.25, 0.3, 0.5, 0.8, 1.2]


def open_files() -> set[str]:
    """What this process has open, but for the memory that libraries map."""
    targets = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            targets.add(f"{descriptor} {os.readlink(f'/proc/self/fd/{descriptor}')}")
        except FileNotFoundError:
            continue  # the listing's own
    return targets


async def call(recording: Path, moment: float) -> float:
    """The receptionist's call, cancelled `moment` seconds after it began; how many it really were."""
    source = AudioFile(SCENARIOS / "audio" / "caller.flac")
    writer = WavWriter(recording, rate=source.rate, channels=2)
    try:
        async with trio.open_nursery() as nursery:
            ticker = Ticker()
            nursery.start_soon(ticker.run)
            port = await nursery.start(serve_agent, TcpNetwork(), "127.0.0.1", 0)
            services = Services(
                secrets=Secrets({"ELEVENLABS_API_KEY": "a-key-of-the-test"}, {}),
                network=TcpNetwork(),
                base_urls={"elevenlabs": f"http://127.0.0.1:{port}"},
            )
            session = Session(SCENARIOS / "receptionist.py", services, ticker)
            leg = RecordedLeg(FileLeg(source), writer, "the recording")
            began = trio.current_time()
            nursery.start_soon(session.run, leg, Party())
            await trio.sleep(moment)
            lasted = trio.current_time() - began
            nursery.cancel_scope.cancel()
    finally:
        writer.close()
        source.close()
    return lasted


@pytest.mark.slow
def test_nothing_is_left_whenever_it_is_cancelled(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    trio.run(call, tmp_path / "first.wav", 0.3)  # loads what is loaded once
    threads = set(threading.enumerate())
    before = open_files()
    temporary = set(os.listdir(tempfile.gettempdir()))
    for number, moment in enumerate(MOMENTS):
        recording = tmp_path / f"{number}.wav"
        lasted = trio.run(call, recording, moment)
        assert open_files() == before, f"after {moment} s"
        with wave.open(str(recording)) as file:
            assert file.getnframes() / file.getframerate() <= lasted + 0.1
    # Trio keeps idle workers for a while, under this name; a worker with something to do goes by another.
    assert [thread.name for thread in set(threading.enumerate()) - threads if not thread.name.startswith("Trio ")] == []
    assert {
        name for name in set(os.listdir(tempfile.gettempdir())) - temporary if "voxrun" in name or "espeak" in name
    } == set()
