"""voxrun and pipecat on the same job, one after the other in one run: a table, and a plot.

Run it by hand: python tests/benchmarks/bench_peers.py [--calls 1 40 200] [--seconds 10] [--plot peers.png]
[--environment FOLDER]. The first time it makes an environment with pipecat in that folder.

The job: 20 ms frames at 16 kHz, with a pause each second, go to an echo agent in another process over a WebSocket, as
JSON and base64, and what comes back goes to a paced sink. Every count of calls has a process of its own. Both run as
they come, voxrun with levels and trace; `spared` is pipecat without what the job does not need. What is added to the
delay of a call:
`up` is from when a frame was said to when the agent had it, `late` how much later than its clock the sink took one.
Latency is all of the way, the wait for the sink included. Here voxrun's source and sink have the same tick, so that a
frame that is back at once is heard one tick later: 20 ms are the least. Pipecat's sink paces itself by what arrives
first, so it has no such least. Calls that hear less than 99 % of their frames are not served: then delays are not told,
and CPU per frame means nothing. Memory per call is that of those beyond the first count of calls.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))

from tests.benchmarks.bench_calls import first_handler, measured
from tests.benchmarks.echo_agent import Echo, echoing

from voxrun.audio.frame import FRAME_SECONDS

PINNED = ("pipecat-ai[websocket]==1.14.0", "websockets==17.4", "matplotlib==3.11.2")
PEERS = Path(__file__).parent / "peers"
BUSY = 0.8
SERVED = 99.0
"""Percent of all frames."""
HEAD = (
    "us: of CPU per frame and direction; up, late and latency in ms; KiB: of memory per further call\n"
    "who     calls  us median  us best  calls/core  up p50   p99  late p50   p99  latency p50    p99"
    "  heard %    MiB     KiB\n"
)
LINE = (
    "{who:8}{calls:5}{median:11.1f}{best:9.1f}{calls_per_core:12.0f}{up_p50:8.1f}{up_p99:6.1f}{late_p50:10.1f}"
    "{late_p99:6.1f}{latency_p50:13.1f}{latency_p99:7.1f}{heard:9.1f}{rss:7.1f}{per_call:8.0f}\n"
)

Row = dict[str, float | str]


def prepared(folder: Path) -> Path:
    """The interpreter of the environment with pipecat in it."""
    python = folder / "bin" / "python"
    done = folder / "pinned"
    if not done.exists() or done.read_text() != str(PINNED):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PINNED], check=True)
        done.write_text(str(PINNED))
    return python


def output_of(*command: str) -> bytes:
    """Without pipecat's banner."""
    return subprocess.check_output(command, env={**os.environ, "LOGURU_LEVEL": "ERROR"})


def pipecat(python: Path, *arguments: str) -> dict[str, float]:
    """What pipecat finds out."""
    got: dict[str, float] = json.loads(output_of(str(python), str(PEERS / "pipecat_calls.py"), *arguments))
    return got


def row(who: str, calls: int, got: dict[str, float], first: Row) -> Row:
    """With how many calls, of two directions each, keep a core busy, unless these are too many already."""
    if got["heard"] < SERVED:
        got |= {name: math.nan for name in got if name.startswith(("up", "late", "latency"))}
    fit = BUSY * FRAME_SECONDS * 1e6 / got["median"] / 2 if got["heard"] >= SERVED else math.nan
    further = calls - int(first.get("calls", calls))
    per_call = (got["rss"] - float(first["rss"])) * 1024 / further if further else math.nan
    return {**got, "who": who, "calls": calls, "calls_per_core": fit, "per_call": per_call}


def start_up(who: str, python: str, module: str, started: float) -> str:
    """What importing `module` takes, and all until something runs."""
    script = f"import time; began = time.process_time(); import {module}; print(time.process_time() - began)"
    seconds = min(float(output_of(python, "-c", script)) for _ in range(3))
    return f"{who}: {seconds:.2f} s of CPU to import {module}, {started:.2f} s until something runs\n"


def start_ups(python: Path) -> str:
    """Of both."""
    started = min(pipecat(python, "--start-up")["cpu"] for _ in range(3))
    modules = "pipecat.pipeline.worker, pipecat.transports.base_output"
    ours = start_up("voxrun", sys.executable, "voxrun.cli.run", first_handler())
    return ours + start_up("pipecat", str(python), modules, started)


def rows(python: Path, counts: list[int], seconds: float, echo: Echo) -> list[Row]:
    """Of the table, which is printed on the way."""
    found: dict[str, list[Row]] = {"voxrun": [], "pipecat": [], "spared": []}
    for calls in counts:
        job = "--measure", str(calls), "--seconds", str(seconds), "--port", echo.port
        for who, mine in found.items():
            if who == "voxrun":
                got = measured(calls, seconds, echo, "wide")
            else:
                got = pipecat(python, *job, *(["--spared"] if who == "spared" else []))
            mine.append(row(who, calls, got, mine[0] if mine else {}))
            sys.stdout.write(LINE.format(**mine[-1]))
            sys.stdout.flush()
    return [row for mine in found.values() for row in mine]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 40, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--plot", type=Path, default=Path("peers.png"))
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "voxrun-peers")
    options = parser.parse_args()
    python = prepared(options.environment)
    sys.stdout.write(start_ups(python) + HEAD)
    with echoing() as echo:
        drawn = json.dumps(rows(python, options.calls, options.seconds, echo))
    subprocess.run([str(python), str(PEERS / "plot.py"), str(options.plot)], input=drawn.encode(), check=True)
    sys.stdout.write(f"plotted in {os.path.relpath(options.plot)}\n")


if __name__ == "__main__":
    main()
