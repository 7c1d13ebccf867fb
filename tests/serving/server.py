"""`voxrun serve` as real processes, for tests that kill some of them."""

import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import trio
from tests.serving.hosted import written

TOKEN = "the-control-token"
ECHO = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    event.call.sendMediaTo(event.call)
"""


@dataclass
class Server:
    """`voxrun serve` as its operator sees it."""

    process: trio.Process
    lines: list[str]
    control: httpx.AsyncClient
    media: str
    """Where Twilio's streams go."""

    async def sessions(self) -> list[dict[str, Any]]:
        """What the control API lists."""
        found: list[dict[str, Any]] = (await self.control.get("/sessions")).json()["sessions"]
        return found

    async def figure(self, name: str) -> float:
        """One sample of the metrics; those of all labels summed."""
        text = (await self.control.get("/metrics")).text
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def worker(self, number: int) -> int:
        """The process id of a worker."""
        lists = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [child for it in lists for child in it.read_text().split()]
        place = f"--worker\0{number},".encode()
        return next(int(child) for child in children if place in Path(f"/proc/{child}/cmdline").read_bytes())


@asynccontextmanager
async def serving(folder: Path, *options: str, script: str = ECHO) -> AsyncIterator[Server]:
    """A server that takes calls, begun in its scenario's folder; killed at the end if it still runs.

    The scenario is `echo.py`, unless the options name one after `--`.
    """
    scenario = written(folder, "echo.py", script)
    command = [sys.executable, "-m", "voxrun", "serve", "--listen", "127.0.0.1:0"]
    command += ["--control", "127.0.0.1:0", "--control-token", TOKEN, *options]
    command += [] if "--" in options else [scenario.name]
    process = await trio.lowlevel.open_process(command, stdout=-1, cwd=folder)
    lines: list[str] = []
    came = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read, process, lines, came)
        try:
            with trio.fail_after(20):
                await came.wait()
            control, media = (_url(lines, what) for what in ("control API is at", "calls are taken on"))
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with httpx.AsyncClient(base_url=control, headers=headers, trust_env=False) as client:
                yield Server(process, lines, client, media.replace("http", "ws") + "/media/twilio")
        finally:
            if process.returncode is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
        nursery.cancel_scope.cancel()


async def _read(process: trio.Process, lines: list[str], came: trio.Event) -> None:
    assert process.stdout
    rest = b""
    async with process.stdout:
        async for data in process.stdout:
            *whole, rest = (rest + data).split(b"\n")
            lines += [line.decode() for line in whole]
            if any("calls are taken" in line for line in lines) and any("control API" in line for line in lines):
                came.set()


def _url(lines: list[str], what: str) -> str:
    return next(line.split()[-1] for line in lines if what in line)


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait, by looking again and again."""
    with trio.fail_after(seconds):
        while not await holds():  # noqa: ASYNC110 - other processes have no events for us
            await trio.sleep(0.02)


async def begin(server: Server, data: str = "", scenario: str = "") -> dict[str, Any]:
    """A session without a call, asked for again as `call` does."""
    while True:
        answer = await server.control.post("/sessions", json={"customData": data, "scenario": scenario})
        if answer.status_code != 503:
            assert answer.status_code == 201
            session: dict[str, Any] = answer.json()
            return session
        await trio.sleep(0.1)


async def figure_is(server: Server, name: str, value: float) -> bool:
    """Whether a sum is so by now."""
    return await server.figure(name) == value


async def says(server: Server, what: str) -> bool:
    """Whether it has said so."""
    return any(what in line for line in server.lines)
