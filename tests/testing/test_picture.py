"""A session as a PNG."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.trace.traces import HEAD, event, level

from voxrun.errors import ConfigurationError
from voxrun.testing.picture import SIZE, draw
from voxrun.trace.story import Story, tell

CALLER, AGENT, WAIT, BAD = (0x0E, 0x74, 0x90), (0x15, 0x80, 0x3D), (0xF3, 0xDF, 0xC8), (0xB9, 0x1C, 0x1C)

SECONDS = [
    level(0.0, [-96] * 25 + [-10] * 25, [-96] * 50),
    level(1.0, [-96] * 50, [-96] * 25 + [-10] * 25),
]


def colours(story: Story, folder: Path) -> NDArray[np.uint8]:
    """The picture's pixels, shape (height, width, 3)."""
    draw(story, folder / "made" / "call.png")
    with Image.open(folder / "made" / "call.png") as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def places(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.intp]:
    """Where a colour is: (row, column) pairs."""
    return np.argwhere((pixels == colour).all(axis=2))


def test_both_voices_are_drawn_when_they_spoke(tmp_path: Path) -> None:
    pixels = colours(tell([HEAD, *SECONDS]), tmp_path)
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    for colour, begin in ((CALLER, 0.5), (AGENT, 1.5)):
        rows, counts = np.unique(places(pixels, colour)[:, 1], return_counts=True)
        tall = rows[counts > 20]
        assert tall.min() == pytest.approx(16 + begin / 2 * 1168, abs=3)
        assert tall.max() == pytest.approx(16 + (begin + 0.5) / 2 * 1168, abs=3)


def test_the_wait_for_the_answer_is_a_box(tmp_path: Path) -> None:
    box = places(colours(tell([HEAD, *SECONDS]), tmp_path), WAIT)
    assert box[:, 1].min() == pytest.approx(16 + 0.5 * 1168, abs=3)
    assert box[:, 1].max() == pytest.approx(16 + 0.75 * 1168, abs=3)


def test_errors_and_interruptions_are_red(tmp_path: Path) -> None:
    error = {"t": 1.0, "kind": "error", "message": "it broke\nhere " + "x" * 500}
    calm = places(colours(tell([HEAD, *SECONDS]), tmp_path), BAD)
    failed = places(colours(tell([HEAD, *SECONDS, error]), tmp_path), BAD)
    broken_in = places(colours(tell([HEAD, *SECONDS, event(1.6, "ElevenLabs.Agents.Interruption")]), tmp_path), BAD)
    assert len(calm) == 0
    assert len(failed) > 50
    assert broken_in[:, 1].min() == pytest.approx(16 + 0.8 * 1168, abs=1)


@pytest.mark.parametrize("end", [0.0, 0.01, 3599.0, 100_000.0])
def test_any_session_can_be_drawn(tmp_path: Path, end: float) -> None:
    talk = event(0.0, "ElevenLabs.Agents.AgentResponse", agent_response_event={"agent_response": "Hello " * 99})
    assert colours(tell([HEAD, talk, {"t": end, "kind": "log", "message": "end"}]), tmp_path).any()


def test_without_pillow_one_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'voxrun\[testing\]'"):
        draw(tell([HEAD]), tmp_path / "call.png")
