"""What the tests of the command line share: voxrun as a process of its own, and an agent service for it on loopback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from wave import open as open_wav

import numpy as np
import trio
from numpy.typing import NDArray
from tests.agent_service import SIGNATURE, Conversation, Script
from tests.kit import tone

from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.wav import WavWriter
from voxrun.transports.websocket import WebSocket

COMMAND = [sys.executable, "-m", "voxrun"]
SECONDS = 120.0
"""How long a run may take before it counts as stuck."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is over."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that the terminal showed."""
        return self.out + self.err


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without an account in it; as with users, output may wait in the process."""
    left_out = ("ELEVENLABS", "COV_", "PYTHONUNBUFFERED")
    own = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**own, **(extra or {})}


def voxrun(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None, prepare: Callable[[], None] | None = None
) -> Finished:
    """Run the command line to its end; `prepare` is called in the child first."""
    return run([*COMMAND, *map(str, arguments)], cwd, env, prepare)


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, prepare: Callable[[], None] | None = None
) -> Finished:
    """Run any command to its end."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=prepare,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Running:
    """A run in progress; at the end of the `with` block it is over, one way or another."""

    def __init__(self, *arguments: str | Path, cwd: Path, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=cwd,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._read: list[str] = []

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def out(self) -> IO[str]:
        """Its standard output."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def shown(self) -> list[str]:
        """The lines read so far."""
        return self._read

    def wait_for(self, text: str) -> None:
        """Read lines until one holds `text`."""
        for line in self.out:
            self._read.append(line)
            if text in line:
                return
        raise AssertionError(f"{text!r} was never shown: {self.finish()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def is_alive(self, seconds: float) -> bool:
        """Whether it is still there after `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.poll() is None

    def finish(self) -> Finished:
        """Wait for the end. Errors are few enough to wait in their pipe meanwhile."""
        assert self._process.stderr is not None
        out = "".join([*self._read, *self.out])
        err = self._process.stderr.read()
        return Finished(self._process.wait(SECONDS), out, err)


@dataclass
class LoopbackAgent:
    """The ElevenLabs service on a port of 127.0.0.1; each conversation plays `script`."""

    script: Script
    refusal: Reply | None = None
    conversations: list[Conversation] = field(default_factory=list)
    port: int = 0

    async def start(self, nursery: trio.Nursery) -> None:
        """Begin to serve."""
        self.port = await nursery.start(serve, TcpNetwork(), "127.0.0.1", 0, self._handle)

    async def _handle(self, request: Request) -> Reply | Upgrade:
        if not request.path.endswith("/get-signed-url"):
            return Upgrade(self._talk)
        url = f"ws://127.0.0.1:{self.port}/v1/convai/conversation?agent_id=a&conversation_signature={SIGNATURE}"
        return self.refusal or Reply(200, json.dumps({"signed_url": url}).encode())

    async def _talk(self, socket: WebSocket) -> None:
        conversation = Conversation(socket)
        self.conversations.append(conversation)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(conversation.run)
            await self.script(conversation)


def voxrun_with(agent: LoopbackAgent, *arguments: str | Path, cwd: Path, command: Sequence[str] = COMMAND) -> Finished:
    """Run the command line against `agent`, whose address is the secret BASE_URL of the scenario."""

    async def main() -> Finished:
        async with trio.open_nursery() as nursery:
            await agent.start(nursery)
            with trio.fail_after(SECONDS):
                env = environment({"BASE_URL": f"http://127.0.0.1:{agent.port}"})
                done = await trio.run_process(
                    [*command, *map(str, arguments)],
                    cwd=cwd,
                    env=env,
                    capture_stdout=True,
                    capture_stderr=True,
                    check=False,
                )
            nursery.cancel_scope.cancel()
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    return trio.run(main)


def write_tone(path: Path, seconds: float = 3.0) -> Path:
    """A caller who hums for `seconds`, at 16 kHz."""
    writer = WavWriter(path, rate=16_000, channels=1)
    writer.write(tone(16_000, seconds))
    writer.close()
    return path


def read_wav(path: Path) -> NDArray[np.int16]:
    """The samples of a recording: (n, 2)."""
    with open_wav(str(path)) as file:
        assert file.getnchannels() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
        assert len(samples) == file.getnframes()
        return samples


def records(text: str) -> list[dict[str, object]]:
    """The records of a trace."""
    return [json.loads(line) for line in text.splitlines()]
