"""The live view: a conversation above, meters below, and a clean terminal afterwards."""

import io
import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.command import COMMAND, SECONDS, environment, write_tone
from tests.cli.conftest import Write

from voxrun.cli.live import LiveView, meter
from voxrun.cli.status import INTERRUPTED, OK

HOSTILE = "\x1b]0;title\x07 [red]markup[/red] \x9b2J"


def show(*texts: str, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, width=width)
    view = LiveView(lambda: None, console)
    for text in texts:
        view.show(json.dumps({"t": 1.5, "kind": "log", "message": text}))
    return out.getvalue()


def test_a_line_is_time_who_and_what() -> None:
    assert show("hello") == "   1.50  scenario  hello\n"


def test_a_long_line_goes_on_below_its_beginning() -> None:
    lines = show("word " * 40).splitlines()
    assert len(lines) > 2
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith(" " * 19 + "word") for line in lines[1:])


def test_nothing_fits_into_a_tiny_terminal_but_nothing_breaks_either() -> None:
    assert "".join(show("word " * 4, width=10).split()).endswith("word" * 4)


def test_neither_markup_nor_escapes_of_a_text_work() -> None:
    shown = show(HOSTILE)
    assert "[red]markup[/red]" in shown
    assert r"\u001b]0;title\u0007" in shown
    assert "\x1b" not in shown
    assert "\x9b" not in shown


def test_what_only_the_trace_keeps_is_not_shown() -> None:
    out = io.StringIO()
    LiveView(lambda: None, Console(file=out)).show('{"t": 0, "kind": "route"}')
    assert out.getvalue() == ""


@pytest.mark.parametrize(("level", "filled"), [(float("-inf"), 0), (-120.0, 0), (-60.0, 0), (-30.0, 12), (0.0, 24)])
def test_a_meter_shows_sixty_decibels(level: float, filled: int) -> None:
    assert meter(level) == "▮" * filled + "▯" * (24 - filled)


def run_in_terminal(*arguments: str | Path, cwd: Path, interrupt_at: bytes = b"\x00none") -> tuple[int, str]:
    """Run voxrun in a terminal of its own, press Ctrl-C when it shows `interrupt_at`; its status, and what it wrote."""
    near, far = pty.openpty()
    env = environment({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"})
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], cwd=cwd, env=env, stdin=far, stdout=far, stderr=far, start_new_session=True
    )
    os.close(far)
    written = b""
    try:
        while True:
            try:
                piece = os.read(near, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                break
            if not piece:
                break
            written += piece
            if interrupt_at in written:
                process.send_signal(signal.SIGINT)
                interrupt_at = b"\x00none"
        return process.wait(SECONDS), written.decode()
    finally:
        process.kill()
        process.wait()
        os.close(near)


ECHO = f"""
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    event.call.sendMediaTo(event.call)
    setTimeout(lambda: Logger.write({HOSTILE!r}), 500)
    setTimeout(VoxEngine.terminate, 1000)
"""

# What is left of a terminal's output without the sequences that rich makes: colours, cursor moves, erased lines.
RICH = re.compile(r"\x1b\[[0-9;?]*[mAKhl]")


@pytest.mark.slow
@pytest.mark.parametrize(("interrupt_at", "status"), [(b"\x00none", OK), (b"markup", INTERRUPTED)])
def test_in_a_terminal(scenario: Write, tmp_path: Path, interrupt_at: bytes, status: int) -> None:
    caller = write_tone(tmp_path / "caller.wav")
    ended, written = run_in_terminal(scenario(ECHO), "--call", caller, cwd=tmp_path, interrupt_at=interrupt_at)
    assert ended == status
    assert re.search(r"caller ▮+▯* +agent ▮+▯*", written), "the meters move"
    assert "Traceback" not in written
    plain = RICH.sub("", written)
    assert "\x1b" not in plain
    assert "\x07" not in plain
    assert "[red]markup[/red]" in plain
    # In the end the cursor is shown, and the meters are gone.
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert "\x1b[2K" in written[written.rindex("▮") :]
