"""Draws what bench_peers.py measured, where matplotlib is installed: plot.py OUT.png, with the rows on stdin."""

# mypy: ignore-errors
# (what it imports is in another environment)

import json
import math
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import LogFormatter, NullLocator

PANELS = {
    "median": "CPU per frame and direction (us)",
    "calls_per_core": "calls per core at 80 %",
    "latency_p99": "latency p99 (ms)",
    "up_p99": "from the caller to the agent, p99 (ms)",
    "late_p99": "lateness of the sink, p99 (ms)",
    "rss": "memory (MiB)",
}


def main() -> None:
    rows = [row for row in json.load(sys.stdin) if not math.isnan(row["calls_per_core"])]  # else they weren't served
    figure, panels = pyplot.subplots(2, 3, figsize=(13, 7), layout="constrained")
    for panel, (key, title) in zip(panels.flat, PANELS.items(), strict=True):
        for who in dict.fromkeys(row["who"] for row in rows):
            mine = [row for row in rows if row["who"] == who]
            panel.plot([row["calls"] for row in mine], [row[key] for row in mine], marker="o", label=who)
        counts = sorted({row["calls"] for row in rows})
        panel.set(title=title, xlabel="calls", xscale="log", yscale="log", xticks=counts)
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.4)))
        panel.grid(visible=True, which="both", alpha=0.3)
        panel.legend()
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
