"""Draw a recorded call as an SVG: both voices over time, and what was said.

voxrun … --record call.wav --trace call.jsonl
python scenarios/audio/draw_call.py call.wav call.jsonl > call.svg
"""

import json
import sys
import wave
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, LANE, BARS = 960, 90, 320
COLOURS = ("#0e7490", "#15803d")
STYLE = "text{font:11px system-ui,sans-serif;fill:#475569}.who{font-weight:600}.cut{fill:#b91c1c}"


def envelope(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """The loudest sample of each bar's time, 0 to 1."""
    pieces = np.array_split(np.abs(samples.astype(np.int32)), BARS)
    return np.array([piece.max() for piece in pieces]) / 32768


def lane(samples: NDArray[np.int16], middle: int, colour: str) -> Iterator[str]:
    """One voice: a bar for each piece of time, around `middle`."""
    step = WIDTH / BARS
    for number, level in enumerate(envelope(samples)):
        half = max(level * LANE / 2, 0.5)
        yield (
            f'<rect x="{number * step:.1f}" y="{middle - half:.1f}" width="{step - 1:.1f}" '
            f'height="{2 * half:.1f}" rx="1" fill="{colour}"/>'
        )


def marks(trace: Path, seconds: float) -> Iterator[str]:
    """Where the caller spoke over the agent."""
    records = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    began = next(record["t"] for record in records if record.get("name") == "Call.Connected")
    for record in records:
        if record.get("name") == "ElevenLabs.Agents.Interruption":
            x = (record["t"] - began) / seconds * WIDTH
            where = f'x1="{x:.1f}" x2="{x:.1f}" y1="24" y2="{44 + 2 * LANE}"'
            yield f'<line {where} stroke="#b91c1c" stroke-dasharray="3 3"/>'
            yield f'<text class="cut" x="{x + 6:.1f}" y="{40 + 2 * LANE}">the caller speaks over the agent</text>'


def axis(seconds: float) -> Iterator[str]:
    """A label each five seconds."""
    for second in range(0, int(seconds) + 1, 5):
        yield f'<text x="{second / seconds * WIDTH:.1f}" y="{64 + 2 * LANE}">{second} s</text>'


def draw(recording: Path, trace: Path) -> str:
    """The SVG of a stereo recording and its trace."""
    with wave.open(str(recording)) as file:
        rate, frames = file.getframerate(), file.getnframes()
        stereo = np.frombuffer(file.readframes(frames), "<i2").reshape(-1, 2)
    seconds = frames / rate
    shapes = []
    for side, who in enumerate(("caller (left)", "agent (right)")):
        top = 12 + side * (LANE + 12)
        shapes += [f'<text class="who" x="0" y="{top}">{escape(who)}</text>']
        shapes += lane(stereo[:, side], top + LANE // 2, COLOURS[side])
    height = 76 + 2 * LANE
    body = "\n".join([*shapes, *marks(trace, seconds), *axis(seconds)])
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{body}\n</svg>\n'


if __name__ == "__main__":
    sys.stdout.write(draw(Path(sys.argv[1]), Path(sys.argv[2])))
