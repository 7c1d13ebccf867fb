"""The sound devices for real: PortAudio over ALSA settings of the test's own, and over a PulseAudio it starts.

PortAudio looks for devices once in a process, so each test that needs it runs this file as a program.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS, Samples, silence
from voxrun.errors import ConfigurationError
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_device import LIMIT_SECONDS, RATE, TARGET_SECONDS, SoundDeviceLeg, _Backlog

ROOT = Path(__file__).parents[2]
TONE_HZ = 440.0
CALL_TICKS = 150
PULSE_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"

needs_alsa = pytest.mark.skipif(
    not sys.platform.startswith("linux") or find_library("portaudio") is None, reason="needs libportaudio2 on Linux"
)
needs_pulse = pytest.mark.skipif(
    shutil.which("pulseaudio") is None
    or shutil.which("pactl") is None
    or not any(Path("/usr/lib").glob(f"*/{PULSE_PLUGIN}")),
    reason="needs the Debian packages pulseaudio, pulseaudio-utils and libasound2-plugins",
)


def run_program(name: str, *args: str, **environment: str) -> dict[str, Any]:
    """Run one of this file's programs in a process of its own; what it printed."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    ran = subprocess.run(
        [sys.executable, "-W", "error", __file__, name, *args],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@contextmanager
def pulse_audio(folder: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """A PulseAudio whose only microphone hears its only speaker: its process id, and the environment to reach it."""
    (folder / "asound.conf").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    socket = folder / "native"
    environment = {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_RUNTIME_PATH": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
    }
    command = ["pulseaudio", "-n", "-v", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--realtime=no"]
    modules = [
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        "module-null-sink sink_name=loop rate=48000 channels=1 norewinds=1",
    ]
    with subprocess.Popen(
        [*command, *(f"--load={module}" for module in modules)],
        env={**os.environ, **environment, "LC_ALL": "C"},
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            assert any("startup complete" in line for line in server.stderr)
            server.stderr.close()  # nobody reads on, and a full pipe would stop the server
            yield server.pid, environment
        finally:
            server.kill()


def test_without_portaudio_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("platform.system", lambda: "Linux")  # elsewhere the wheel brings PortAudio along
    with pytest.raises(ConfigurationError) as raised:
        SoundDeviceLeg()
    assert str(raised.value) == (
        "the microphone and the speaker can't be used: PortAudio library not found. Install PortAudio"
        " (apt install libportaudio2, or brew install portaudio);"
        " --call FILE lets an audio file be the caller and needs no sound device"
    )


@needs_alsa
@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("", "no microphone and no speaker"),
        ("capture.pcm { type null }", "no speaker"),
        ("playback.pcm { type null }", "no microphone"),
    ],
)
def test_a_missing_device_is_named(tmp_path: Path, there: str, missing: str) -> None:
    settings = tmp_path / "asound.conf"
    settings.write_text(f"pcm.!default {{ type asym {there} }}\n")
    answer = run_program("open", ALSA_CONFIG_PATH=str(settings))
    assert answer["error"] == (
        f"this machine has {missing}: connect one;"
        " --call FILE lets an audio file be the caller and needs no sound device"
    )


@needs_alsa
def test_devices_that_are_there_are_found(tmp_path: Path) -> None:
    settings = tmp_path / "asound.conf"
    settings.write_text("pcm.!default { type null }\n")
    assert run_program("open", ALSA_CONFIG_PATH=str(settings)) == {"error": None}


@pytest.mark.slow
@needs_alsa
@needs_pulse
def test_a_tone_comes_back_clean_and_soon(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as (_, environment):
        answer = run_program("loop", **environment)
    assert answer["errors"] == []
    assert answer["snr_db"] > 40
    assert answer["delay_seconds"] < 0.25
    assert answer["overflowed"] == 0
    assert answer["streams_left"] == ""


@pytest.mark.slow
@needs_alsa
@needs_pulse
def test_a_call_outlives_its_devices(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as (server, environment):
        answer = run_program("loop", str(server), str(CALL_TICKS // 3), **environment)
    [error] = answer["errors"]
    assert error in {
        f"the {what} 'default' stopped working; the call goes on in silence" for what in ("microphone", "speaker")
    }
    assert answer["ticks"] == CALL_TICKS
    assert answer["last_second_is_silent"]
    assert answer["opened_again"].startswith("the microphone 'default' can't be used: ")
    assert answer["opened_again"].endswith("; --call FILE lets an audio file be the caller and needs no sound device")


@pytest.mark.slow
@needs_alsa
@needs_pulse
def test_a_call_goes_on_without_devices_that_do_not_open(tmp_path: Path) -> None:
    with pulse_audio(tmp_path) as (server, environment):
        answer = run_program("loop", str(server), "0", **environment)
    [error] = answer["errors"]
    assert error.startswith("the sound device can't be used: ")
    assert error.endswith("; the call goes on in silence")
    assert answer["ticks"] == CALL_TICKS
    assert answer["last_second_is_silent"]


@given(st.lists(st.one_of(st.none(), st.integers(1, 40)), max_size=200))
def test_a_backlog_keeps_order_and_bound(moves: list[int | None]) -> None:
    """A number puts that many ms, None takes 10 ms, all at 1000 Hz: samples count up, so that lost ones show."""
    backlog = _Backlog(1000)
    target, limit = int(1000 * TARGET_SECONDS), int(1000 * LIMIT_SECONDS)
    put = taken = waiting = 0
    for move in moves:
        if move is not None:
            overflowed = backlog.overflowed
            backlog.put(np.arange(put, put + move, dtype=np.int16))
            put += move
            waiting = target if backlog.overflowed > overflowed else waiting + move
            assert waiting <= limit
        elif (samples := backlog.take(10)) is not None:
            assert samples.tolist() == list(range(put - waiting, put - waiting + 10))
            assert samples[0] >= taken
            taken = int(samples[-1]) + 1
            waiting -= 10


def test_a_backlog_waits_for_the_target_flows_until_dry_and_waits_again() -> None:
    backlog = _Backlog(1000)
    block = np.ones(20, np.int16)
    backlog.put(block)
    assert backlog.take(20) is None
    assert backlog.underflowed == 0
    backlog.put(block)
    assert [backlog.take(20) is None for _ in range(4)] == [False, False, True, True]
    assert backlog.underflowed == 1
    backlog.put(block)
    assert backlog.take(20) is None
    backlog.put(block)
    assert backlog.take(20) is not None


def test_a_backlog_that_overflows_falls_back_to_the_target() -> None:
    backlog = _Backlog(1000)
    for value in range(11):
        backlog.put(np.full(20, value, np.int16))
    assert backlog.overflowed == 1
    kept = [samples[0] for _ in range(3) if (samples := backlog.take(20)) is not None]
    assert kept == [9, 10]


def open_devices() -> str | None:
    """The message if there are none."""
    try:
        SoundDeviceLeg()
    except ConfigurationError as error:
        return str(error)
    return None


def pulse_streams() -> str:
    """What PulseAudio still plays or records, a line each."""
    listed = [
        subprocess.run(["pactl", "list", "short", kind], capture_output=True, text=True, check=False).stdout
        for kind in ("sink-inputs", "source-outputs")
    ]
    return "".join(listed)


class LoopedCall:
    """A call whose scenario says a tone for as long as it lasts, and whose devices may be lost at some tick."""

    def __init__(self, server: int | None = None, lost_at: int = 0) -> None:
        self.leg = SoundDeviceLeg()
        self.ticker = Ticker()
        self.host = Session(Path("none.py"), Services(secrets=Secrets({}, {}), network=MemoryNetwork()), self.ticker)
        self.heard: list[Samples] = []
        self.over = trio.Event()
        self._server = server
        self._lost_at = lost_at
        self._says = np.split(tone(RATE, CALL_TICKS * FRAME_SECONDS, TONE_HZ), CALL_TICKS)

    def tick(self, position: int) -> None:
        """Both directions of one frame."""
        if len(self.heard) == CALL_TICKS:
            self.over.set()
            return
        self.heard.append(self.leg.read())
        self.leg.write(self._says[len(self.heard) - 1])
        self._lose_devices()

    def _lose_devices(self) -> None:
        if self._server is not None and len(self.heard) == self._lost_at:
            os.kill(self._server, signal.SIGKILL)

    async def run(self) -> None:
        """Live until the tone has been said."""
        self._lose_devices()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.ticker.run)
            nursery.start_soon(self.leg.carry, self.host)
            self.ticker.add(self.tick)
            await self.over.wait()
            nursery.cancel_scope.cancel()

    def report(self) -> dict[str, object]:
        """What a test wants to know."""
        records = [json.loads(line) for line in self.host.trace_log.lines()]
        heard = np.concatenate(self.heard)
        return {
            "errors": [record["message"] for record in records if record["kind"] == "error"],
            "ticks": len(self.heard),
            "last_second_is_silent": not heard[-RATE:].any(),
            "overflowed": self.leg.overflowed,
            **quality(heard),
        }


def quality(heard: Samples) -> dict[str, float]:
    """How well the tone's last 2 s fit a sine, in dB, and when it first came, in seconds."""
    settled = heard[-2 * RATE :].astype(np.float64)
    phase = 2 * np.pi * TONE_HZ / RATE * np.arange(settled.size)
    sines = np.column_stack((np.sin(phase), np.cos(phase)))
    fit = sines @ np.linalg.lstsq(sines, settled)[0]
    noise = float(np.sum((settled - fit) ** 2))
    snr = 10 * np.log10(float(np.sum(fit**2)) / noise) if noise else 0.0
    return {"snr_db": snr, "delay_seconds": int(np.argmax(np.abs(heard) > 1000)) / RATE}


async def hold_call(*args: int) -> dict[str, object]:
    """One call from beginning to end."""
    call = LoopedCall(*args)
    assert call.leg.read() is silence(RATE)
    await call.run()
    return call.report()


def main(program: str, *args: str) -> None:
    """Run in a process of its own, and answer in JSON."""
    if program == "open":
        answer: dict[str, object] = {"error": open_devices()}
    else:
        answer = trio.run(hold_call, *map(int, args))
        answer |= {"streams_left": pulse_streams(), "opened_again": open_devices()}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
