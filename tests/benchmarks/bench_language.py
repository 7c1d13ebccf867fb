"""What the scenario language costs: from source to code, and a handler in it against the same handler in Python.

python tests/benchmarks/bench_language.py
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import trio

from voxrun.api.vox import vox_language
from voxrun.events.elevenlabs import AgentsEvent, AgentsEvents
from voxrun.events.message import Message
from voxrun.media.ticker import Ticker
from voxrun.providers.elevenlabs.agents_client import AgentsClient
from voxrun.session.current import current
from voxrun.session.loader import load, read, unload
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LINES = 200
ROUNDS = 300
CALLS = 100

ANSWER_IN_VOX = """
require ElevenLabs
const HOURS = { today: "nine to five", tomorrow: "ten to four" }
on AppEvents.Started as agent {
    fn answer(e) {
        const tool = e.data.client_tool_call
        const known = tool.tool_name == "opening_hours"
        const hours = HOURS[tool.parameters?.day ?? "today"] ?? "closed"
        const said = known and hours or "no such tool"
        const result = { tool_call_id: tool.tool_call_id, result: said, is_error: not known }
        Logger.write("${result.tool_call_id}: ${result.result}")
    }
    VoxEngine.addEventListener(AppEvents.SoundDeviceOpened, answer)
}
"""

ANSWER_IN_PYTHON = """
from voxrun import AppEvents, Logger, VoxEngine
HOURS = {"today": "nine to five", "tomorrow": "ten to four"}
@VoxEngine.on(AppEvents.Started)
def start(agent):
    def answer(e):
        tool = e.data.client_tool_call
        known = tool.tool_name == "opening_hours"
        hours = HOURS.get(tool.parameters.get("day", "today"), "closed")
        said = hours if known else "no such tool"
        result = {"tool_call_id": tool.tool_call_id, "result": said, "is_error": not known}
        Logger.write(f"{result['tool_call_id']}: {result['result']}")
    VoxEngine.addEventListener(AppEvents.SoundDeviceOpened, answer)
"""

LOOP_IN_VOX = """
on AppEvents.Started {
    VoxEngine.addEventListener(AppEvents.SoundDeviceOpened, fn (e) {
        let total = 0
        for x in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] { if x % 2 == 0 { total += x * 3 } }
        return total
    })
}
"""

LOOP_IN_PYTHON = """
from voxrun import AppEvents, VoxEngine
@VoxEngine.on(AppEvents.Started)
def start(e):
    def loop(e):
        total = 0
        for x in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]:
            if x % 2 == 0:
                total += x * 3
        return total
    VoxEngine.addEventListener(AppEvents.SoundDeviceOpened, loop)
"""

FROM_NOTHING = """
import sys, time
from pathlib import Path
import voxrun.cli.main
began = time.process_time()
from voxrun.api.vox import _compiled
imported = time.process_time()
_compiled(Path(sys.argv[1]).read_bytes(), sys.argv[1], sys.argv[1])
print(f"{(imported - began) * 1e3} {(time.process_time() - imported) * 1e3}")
"""


def tool_call() -> AgentsEvent:
    """The payload of one."""
    call = {"tool_name": "opening_hours", "tool_call_id": "call_1", "parameters": {"day": "tomorrow"}}
    data = Message({"type": "client_tool_call", "client_tool_call": call})
    return AgentsEvent(name=AgentsEvents.ClientToolCall, client=cast("AgentsClient", None), data=data)


def long_scenario() -> str:
    """The receptionist's lines over and over, as often as it takes."""
    head, handler = (SCENARIOS / "receptionist.vox").read_text("utf-8").split("on AppEvents", 1)
    source = f"{head}on AppEvents{handler}"
    while source.count("\n") < LINES:
        source += f"\non AppEvents{handler}"
    return source


def startup(folder: Path) -> tuple[float, float]:
    """Milliseconds of CPU in a process of its own: imports beyond those of `voxrun`, then from source to code."""
    path = folder / "long.vox"
    path.write_text(long_scenario(), encoding="utf-8")
    command = [sys.executable, "-c", FROM_NOTHING, str(path)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    runs = []
    for _ in range(8):  # the first ones fill the caches
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        runs.append(tuple(map(float, done.stdout.split())))
    return min(runs[2:], key=sum)  # type: ignore[return-value]


async def handler_of(path: Path, event: Any) -> float:
    """Seconds of CPU for a call of the handler that a scenario registers once it has started."""
    services = Services(secrets=Secrets({}, {}), network=MemoryNetwork(), language=vox_language)
    session = Session(path, services, Ticker())
    token = current.set(session)
    module = load(read(path, vox_language))
    (start,) = session.app.listeners_of("Application.Started")
    start(event)
    (handler,) = session.app.listeners_of("Application.SoundDeviceOpened")
    best = min(timed(handler, event, session) for _ in range(ROUNDS))
    unload(module)
    current.reset(token)
    return best


def timed(handler: Callable[[Any], object], event: Any, session: Session) -> float:
    """Seconds for one call, on average."""
    session.graph.position += 1  # the clock goes on, so a budget is never used up
    began = time.perf_counter()
    for _ in range(CALLS):
        handler(event)
    return (time.perf_counter() - began) / CALLS


def ratio(folder: Path, name: str, in_vox: str, in_python: str) -> None:
    """Print what both cost."""
    seconds = {}
    for suffix, source in ((".vox", in_vox), (".py", in_python)):
        path = folder / f"{name.replace(' ', '_')}{suffix}"
        path.write_text(source, encoding="utf-8")
        seconds[suffix] = statistics.median(trio.run(handler_of, path, tool_call()) for _ in range(5))
    vox, python = seconds[".vox"] * 1e6, seconds[".py"] * 1e6
    sys.stdout.write(f"{name:24} {vox:6.2f} us in .vox {python:6.2f} us in Python   {vox / python:.2f} x\n")


def main() -> None:
    """Print all of it."""
    with TemporaryDirectory() as folder:
        imports, work = startup(Path(folder))
        sys.stdout.write(f"{LINES} lines to code: {work:.1f} ms of CPU, after {imports:.1f} ms of imports\n")
        ratio(Path(folder), "a tool call answered", ANSWER_IN_VOX, ANSWER_IN_PYTHON)
        ratio(Path(folder), "a tight loop", LOOP_IN_VOX, LOOP_IN_PYTHON)


if __name__ == "__main__":
    main()
