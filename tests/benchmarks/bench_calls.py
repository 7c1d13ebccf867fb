"""What calls cost: CPU, tick lateness, latency, memory and start-up, against an echo agent in a process of its own.

Run it by hand: python tests/benchmarks/bench_calls.py [--calls 1 50 200] [--seconds 10] [--job phone].
Each call is a session of the receptionist scenario with a 16 kHz agent over a WebSocket on loopback. The jobs:
phone: an 8 kHz caller without I/O, so both ways are resampled; wide: such a caller at 16 kHz, where frames only pass;
full: all that `voxrun serve` does for a call: callers in a third process bring it as Twilio's media streams (JSON,
base64, mu-law at 8 kHz), and the agent is behind TLS.

Latency is from when the caller's frame was said to when it was heard, up of that to when the agent had it. For the wide
job it is that of what is read and written at the same ticks, so 20 ms are the least. For the full job it is what the
caller notices, with the way through both resamplers and the wait for the tick, 10 ms in the mean.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import trio

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))

from tests.benchmarks.callers import Caller, TimedCaller, noise
from tests.benchmarks.delays import Delays
from tests.benchmarks.echo_agent import ROOT, Echo, echoing

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.cli.collector import tame_collector
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import TcpNetwork

SCENARIO = ROOT / "scenarios" / "receptionist.py"
JOBS = ("phone", "wide", "full")
STARTS_PER_SECOND = 50
WARM_UP_SECONDS = 2.0
TIMED = 10
"""One tick in so many is timed by itself."""
WINDOW_SECONDS = 0.5
"""CPU is measured this long at a time: the median and the best bear a machine that others use as well."""
START_UP_ROUNDS = 5

HEAD = (
    "us: of CPU per frame and direction (median, best), of the tick alone per call; lateness, latency and up in ms\n"
    "calls  us median  us best  us tick  late p50   p99  ticks late  skipped  heard %"
    "  latency p50    p99  up p50   p99    MiB\n"
)
LINE = (
    "{calls:5}{median:11.1f}{best:9.1f}{tick:9.1f}{late_p50:10.1f}{late_p99:6.1f}{late:12.0f}{skipped:9.0f}{heard:9.1f}"
    "{latency_p50:13.1f}{latency_p99:7.1f}{up_p50:8.1f}{up_p99:6.1f}{rss:7.1f}\n"
)

FIRST_HANDLER = """
import sys
import time
from voxrun import AppEvents, VoxEngine

@VoxEngine.on(AppEvents.Started)
def report(event):
    sys.stderr.write(str(time.process_time()))
    VoxEngine.terminate()
"""


class Crowd(Protocol):
    """All who call."""

    async def begin(self) -> None:
        """Count from now on."""

    async def end(self) -> dict[str, float]:
        """What percentage of all that was said was `heard`, and percentiles of `latency` and `up`, NaN for none."""


class LocalCrowd:
    """Callers in this process."""

    def __init__(self, calls: int, job: str) -> None:
        self._latency, self._up = Delays(), Delays()
        rate = 16000 if job == "wide" else 8000
        kind = partial(TimedCaller, latency=self._latency, up=self._up) if job == "wide" else Caller
        says = noise(rate)
        self.callers = [kind(rate, says) for _ in range(calls)]
        self._before = 0, 0

    async def begin(self) -> None:
        """See `Crowd`."""
        self._latency.clear()
        self._up.clear()
        self._before = self._so_far()

    async def end(self) -> dict[str, float]:
        """See `Crowd`."""
        said, heard = (now - before for now, before in zip(self._so_far(), self._before, strict=True))
        return {"heard": heard / said * 100, **self._latency.told("latency"), **self._up.told("up")}

    def _so_far(self) -> tuple[int, int]:
        return sum(caller.said for caller in self.callers), sum(caller.heard for caller in self.callers)


class TimedTicker(Ticker):
    """Adds up what its members' ticks take, in seconds of real time; only some are timed, as that costs as well."""

    spent = 0.0

    def add(self, tick: Callable[[int], None]) -> None:
        """Call `tick`, and time it; it can't be removed any more."""

        def timed(position: int) -> None:
            if position % TIMED:
                tick(position)
                return
            began = time.perf_counter()
            tick(position)
            self.spent += (time.perf_counter() - began) * TIMED

        super().add(timed)


@asynccontextmanager
async def calling(calls: int, job: str, echo: Echo, ticker: Ticker) -> AsyncIterator[Crowd]:
    """So many calls, all of them begun."""
    services = Services(
        secrets=Secrets({"ELEVENLABS_API_KEY": "benchmark"}, {}),
        network=TcpNetwork(),
        base_urls={"elevenlabs": f"{'wss' if job == 'full' else 'ws'}://127.0.0.1:{echo.port}"},
    )
    if job == "full":
        from tests.benchmarks.phone_callers import phones  # noqa: PLC0415 - the other jobs' memory is without it
        from tests.benchmarks.phone_server import phone_server  # noqa: PLC0415 - and without this

        async with phone_server(SCENARIO, services, ticker, calls) as port, phones(calls, port, echo) as crowd:
            yield crowd
        return
    local = LocalCrowd(calls, job)
    async with trio.open_nursery() as nursery:
        for caller in local.callers:
            nursery.start_soon(Session(SCENARIO, services, ticker).run, caller)
            await trio.sleep(1 / STARTS_PER_SECOND)
        yield local
        nursery.cancel_scope.cancel()


async def measure(calls: int, seconds: float, warm_up: float, echo: Echo, job: str) -> dict[str, float]:
    """Run `calls` sessions, and measure this process for `seconds` once all of them are bridged."""
    tame_collector()
    ticker = TimedTicker()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        async with calling(calls, job, echo, ticker) as crowd:
            await trio.sleep(warm_up)
            ticker._lateness[:] = [0] * len(ticker._lateness)
            late, skipped = ticker.late, ticker.skipped
            await crowd.begin()
            costs = [await cost_of_a_while(ticker, calls) for _ in range(round(seconds / WINDOW_SECONDS))]
            found = await crowd.end()
            found |= {"late": ticker.late - late, "skipped": ticker.skipped - skipped}
            found |= {"late_p50": ticker.lateness(0.5) * 1e3, "late_p99": ticker.lateness(0.99) * 1e3}
            found["rss"] = resident()  # which holds all up
        nursery.cancel_scope.cancel()
    return {
        **found,
        "median": float(np.median([cost for cost, _ in costs])),
        "best": min(cost for cost, _ in costs),
        "tick": float(np.median([tick for _, tick in costs])),
    }


async def cost_of_a_while(ticker: TimedTicker, calls: int) -> tuple[float, float]:
    """Microseconds of this process's CPU per frame and direction, and of the tick alone per call and tick."""
    began, cpu, spent = trio.current_time(), time.process_time(), ticker.spent
    await trio.sleep(WINDOW_SECONDS)
    frames = (trio.current_time() - began) / FRAME_SECONDS * calls
    return (time.process_time() - cpu) / frames / 2 * 1e6, (ticker.spent - spent) / frames * 1e6


def resident() -> float:
    """MiB of this process in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024


def first_handler() -> float:
    """Seconds of CPU from the start of the interpreter to the first line of the first handler; the best of some."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.py"
        scenario.write_text(FIRST_HANDLER)
        code = "import sys; from voxrun.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, str(scenario), "--call", "none"]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(START_UP_ROUNDS)]
    return min(float(run.stderr) for run in runs)


def compare(counts: list[int], seconds: float, job: str) -> None:
    """Print a line for each number of calls, each measured in a process of its own."""
    sys.stdout.write(f"first handler after {first_handler():.3f} s of CPU\n{HEAD}")
    with echoing(is_secure=job == "full") as echo:
        for calls in counts:
            sys.stdout.write(LINE.format(calls=calls, **measured(calls, seconds, echo, job)))
            sys.stdout.flush()


def measured(calls: int, seconds: float, echo: Echo, job: str, warm_up: float = WARM_UP_SECONDS) -> dict[str, float]:
    """What a process of its own finds out."""
    arguments = [str(calls), str(seconds), str(warm_up), echo.port, str(echo.notes), job]
    # An import: to compile this file anew would leave half a MiB in the process that is measured.
    code = "from tests.benchmarks.bench_calls import measure_here; measure_here()"
    command = [sys.executable, "-c", code, *arguments]
    got: dict[str, float] = json.loads(subprocess.check_output(command, cwd=ROOT, env=echo.environment))
    return got


def measure_here() -> None:
    """In that process."""
    calls, seconds, warm_up, port, notes, job = sys.argv[1:]
    echo = Echo(port, Path(notes))
    sys.stdout.write(json.dumps(trio.run(measure, int(calls), float(seconds), float(warm_up), echo, job)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--job", choices=JOBS, default="phone")
    options = parser.parse_args()
    compare(options.calls, options.seconds, options.job)


if __name__ == "__main__":
    main()
