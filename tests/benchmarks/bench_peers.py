"""voxrun and pipecat on the same job, one after the other in one run: a table, and a plot.

Run it by hand: python tests/benchmarks/bench_peers.py [--calls 1 40 200] [--seconds 10] [--plot peers.png]
[--environment FOLDER]. The first time it makes an environment with pipecat in that folder.

The job: 20 ms frames at 16 kHz go to an echo agent in another process over a WebSocket, as JSON and base64, and what
comes back goes to a paced sink. Every count of calls has a process of its own. Latency is from when a frame was said to
when it left the sink. Here voxrun's source and sink have the same tick, so that a frame that is back at once is heard
one tick later: 20 ms are the least. Pipecat's sink paces itself by what arrives first, so it has no such least.
A call that hears less than 99 % of its frames is not served: then CPU per frame means nothing.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2]))

from tests.benchmarks.bench_calls import echoing, measured

from voxrun.audio.frame import FRAME_MS, FRAME_SECONDS

PINNED = ("pipecat-ai[websocket]==1.14.0", "websockets==17.4", "matplotlib==3.11.2")
PEERS = Path(__file__).parent / "peers"
BUSY = 0.8
SERVED = 99.0
"""Percent of all frames."""
HEAD = "who      calls  us/frame+direction  calls/core  latency p50    p99  heard %    MiB\n"
LINE = "{who:9}{calls:5}{us:20.1f}{calls_per_core:12.0f}{latency_p50:13.1f}{latency_p99:7.1f}{heard:9.1f}{rss:7.1f}\n"

Row = dict[str, float | str]


def prepared(folder: Path) -> Path:
    """The interpreter of the environment with pipecat in it."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PINNED], check=True)
    return python


def voxrun(calls: int, seconds: float, port: str) -> Row:
    """One row of the table."""
    got = measured(calls, seconds, port, "wide")
    latency = {key: got[key] + FRAME_MS for key in ("latency_p50", "latency_p99")}
    return row("voxrun", calls, got["median"], heard=got["heard"], rss=got["rss"], **latency)


def pipecat(python: Path, calls: int, seconds: float, port: str) -> Row:
    """One row of the table."""
    command = [str(python), str(PEERS / "pipecat_calls.py"), "--measure", str(calls)]
    output = subprocess.check_output([*command, "--seconds", str(seconds), "--port", port])
    got = json.loads(output)
    latency = {key: got[key] + FRAME_MS for key in ("latency_p50", "latency_p99")}
    return row("pipecat", calls, got["median"], heard=got["heard"], rss=got["rss"], **latency)


def row(who: str, calls: int, us: float, **measures: float) -> Row:
    """`us` of CPU say how many calls, of two directions each, keep a core busy, unless these are too many already."""
    fit = BUSY * FRAME_SECONDS * 1e6 / us / 2 if measures["heard"] > SERVED else math.nan
    return {"who": who, "calls": calls, "us": us, "calls_per_core": fit, **measures}


def start_up(python: str, module: str) -> str:
    """What importing `module` takes."""
    script = f"import time; began = time.process_time(); import {module}; print(time.process_time() - began)"
    seconds = min(float(subprocess.check_output([python, "-c", script])) for _ in range(3))
    began = time.perf_counter()
    subprocess.run([python, "-c", f"import {module}"], check=True)
    return f"import {module}: {seconds:.2f} s of CPU, {time.perf_counter() - began:.2f} s with the interpreter"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 40, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--plot", type=Path, default=Path("peers.png"))
    parser.add_argument("--environment", type=Path, default=Path(tempfile.gettempdir()) / "voxrun-peers")
    options = parser.parse_args()
    python = prepared(options.environment)
    sys.stdout.write(start_up(sys.executable, "voxrun.cli.run") + "\n")
    sys.stdout.write(start_up(str(python), "pipecat.pipeline.worker, pipecat.transports.base_output") + "\n" + HEAD)
    rows = []
    with echoing("wide") as port:
        for calls in options.calls:
            for got in (voxrun(calls, options.seconds, port), pipecat(python, calls, options.seconds, port)):
                sys.stdout.write(LINE.format(**got))
                sys.stdout.flush()
                rows.append(got)
    subprocess.run(
        [str(python), str(PEERS / "plot.py"), str(options.plot)], input=json.dumps(rows).encode(), check=True
    )
    sys.stdout.write(f"plotted in {os.path.relpath(options.plot)}\n")


if __name__ == "__main__":
    main()
