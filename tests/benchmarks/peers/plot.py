"""Draws what bench_peers.py measured, where matplotlib is installed: plot.py OUT.png, with the rows on stdin."""

# mypy: ignore-errors
# (what it imports is in another environment)

import json
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

PANELS = {
    "us": "CPU per frame and direction (us)",
    "calls_per_core": "calls per core at 80 %",
    "latency_p99": "latency p99 (ms)",
    "rss": "memory (MiB)",
}


def main() -> None:
    rows = json.load(sys.stdin)
    figure, panels = pyplot.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for panel, (key, title) in zip(panels.flat, PANELS.items(), strict=True):
        for who in dict.fromkeys(row["who"] for row in rows):
            mine = [row for row in rows if row["who"] == who]
            panel.plot([row["calls"] for row in mine], [row[key] for row in mine], marker="o", label=who)
        panel.set(title=title, xlabel="calls", xscale="log", yscale="log")
        panel.grid(visible=True, which="both", alpha=0.3)
        panel.legend()
    figure.savefig(sys.argv[1], dpi=110)


if __name__ == "__main__":
    main()
