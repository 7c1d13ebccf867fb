"""A PulseAudio of the test's own, and programs that use it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LOOP = Path(__file__).with_name("loop.py")
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


def run_loop(environment: dict[str, str], **options: object) -> dict[str, Any]:
    """Run `loop.py` in a process of its own, as PortAudio looks for devices once in a process; what it found."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(LOOP), json.dumps(options)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "runtime")]), **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, f"status {ran.returncode}: {ran.stderr}"
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


@contextmanager
def pulse_audio(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A PulseAudio whose only microphone hears its only speaker: its process, and the environment to reach it."""
    (folder / "asound.conf").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    socket = folder / "native"
    environment = {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_RUNTIME_PATH": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
    }
    command = ["pulseaudio", "-n", "-v", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
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
            yield server, environment
        finally:
            server.kill()
