"""Ctrl-C, SIGTERM, SIGHUP and kill -9, as real signals to a real process, at every stage of a call."""

import signal
import socket
import sys
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.command import Running, read_wav, records, run, write_tone
from tests.cli.conftest import Write
from tests.others import Moment, undisturbed

from voxrun.cli.status import INTERRUPTED, OK

pytestmark = pytest.mark.slow


TALKING = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    event.call.sendMediaTo(event.call)
    setTimeout(lambda: Logger.write("talking"), 1000)
"""

RINGING = """
@VoxEngine.on(AppEvents.CallAlerting)
def ring(event):
    event.call.ring()
    Logger.write("ringing")
"""

SLOW_END = """
import trio
@VoxEngine.on(AppEvents.Terminating)
async def end(event):
    Logger.write("terminating")
    await trio.sleep(0.5)
    Logger.write("done")
"""

STUCK = """
import time
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    setTimeout(stick, 1000)

def stick():
    Logger.write("stuck")
    while True:
        pass
"""

STUCK_WHILE_LOADING = """
import time
Logger.write("loading")
time.sleep(60)
"""


def start(path: Path) -> Running:
    caller = write_tone(path.parent / "caller.wav", 10.0)
    return Running(path, "--call", caller, "--record", "call.wav", "--trace", "call.jsonl", cwd=path.parent)


def check_length(path: Path, seconds: float) -> NDArray[np.int16]:
    """The recording, which opens and has all that was heard for `seconds`, and until the signal was sent."""
    recorded = read_wav(path.parent / "call.wav")
    assert seconds - 0.2 <= len(recorded) / 16_000 < seconds + 1.0
    return recorded


@pytest.mark.parametrize("number", [SIGINT, SIGTERM, SIGHUP])
@pytest.mark.parametrize(
    ("source", "stage", "seconds"), [(RINGING, "ringing", 0.0), (TALKING, "talking", 1.0), (STUCK, "is answered", 0.0)]
)
def test_one_signal_ends_the_session_in_good_order(
    scenario: Write, number: signal.Signals, source: str, stage: str, seconds: float
) -> None:
    path, began = scenario(source), Moment()
    with start(path) as running:
        running.wait_for(stage)
        running.signal(number)
        done = running.finish()
    assert done.status == INTERRUPTED
    assert done.err == ""
    assert done.out.splitlines()[-1].endswith("session   over: interrupted")
    assert records((path.parent / "call.jsonl").read_text())[-1]["kind"] == "end"
    with undisturbed(began):  # a stall until the signal is not made up for
        recorded = check_length(path, seconds)
    if seconds:
        assert np.abs(recorded[-3200:]).max(axis=0).min() > 5000


def test_handlers_of_terminating_run_to_their_end(scenario: Write) -> None:
    path = scenario(TALKING + SLOW_END)
    with start(path) as running:
        running.wait_for("talking")
        running.signal(SIGINT)
        done = running.finish()
    assert done.status == INTERRUPTED
    assert "scenario  done" in done.out


def test_a_server_that_does_not_answer_holds_nobody_up_who_interrupts(scenario: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        path = scenario(TALKING + f'Net.httpRequest("http://{address}/?key=SECRET", Logger.write)')
        with start(path) as running:
            running.wait_for("talking")
            running.signal(SIGINT)
            done = running.finish()
    assert done.status == INTERRUPTED
    assert f"the HTTP request to {address} was not through after 5 s" in done.text
    assert "SECRET" not in done.text


def test_a_reader_that_ctrl_c_ends_too_does_not_count_as_a_second_one(scenario: Write) -> None:
    path = scenario(TALKING + SLOW_END + '    open("done", "w").close()\n')
    with start(path) as running:
        running.wait_for("talking")
        running.out.close()
        running.signal(SIGINT)
        while running.is_alive(0.1):
            pass
    assert (path.parent / "done").exists()


@pytest.mark.parametrize("numbers", [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGINT, SIGTERM)])
def test_a_second_signal_waits_for_no_handler(scenario: Write, numbers: tuple[signal.Signals, ...]) -> None:
    path = scenario(TALKING + SLOW_END)
    with start(path) as running:
        running.wait_for("talking")
        running.signal(numbers[0])
        running.wait_for("terminating")
        running.signal(numbers[1])
        done = running.finish()
    assert done.status == INTERRUPTED
    assert done.err == ""
    assert "done" not in done.out
    check_length(path, 1.0)


@pytest.mark.parametrize("last", [SIGHUP, SIGTERM])
def test_closing_the_terminal_is_no_second_signal(scenario: Write, last: signal.Signals) -> None:
    path = scenario(TALKING + SLOW_END)
    with start(path) as running:
        running.wait_for("talking")
        running.signal(SIGHUP)
        running.wait_for("terminating")
        running.signal(last)
        done = running.finish()
    assert done.status == INTERRUPTED
    assert "scenario  done" in done.out


def test_nohup_is_obeyed(scenario: Write) -> None:
    path = scenario(TALKING + SLOW_END)
    command = ["nohup", sys.executable, "-m", "voxrun"]
    with Running(path, "--call", "none", "--idle-timeout", "1", cwd=path.parent, command=command) as running:
        running.wait_for("terminating")
        running.signal(SIGHUP)
        assert running.finish().status == OK


@pytest.mark.parametrize(("source", "stage", "seconds"), [(STUCK, "stuck", 1.0), (STUCK_WHILE_LOADING, "loading", 0.0)])
def test_a_second_signal_ends_a_scenario_that_is_stuck(
    scenario: Write, source: str, stage: str, seconds: float
) -> None:
    path = scenario(source)
    with start(path) as running:
        running.wait_for(stage)
        running.signal(SIGINT)
        assert running.is_alive(0.5)
        running.signal(SIGINT)
        done = running.finish()
    assert done.status == INTERRUPTED
    assert done.err == ""
    check_length(path, seconds)


def test_kill_9_costs_no_more_than_a_second(scenario: Write) -> None:
    path, began = scenario(TALKING.replace("1000", "2000")), Moment()
    with start(path) as running:
        running.wait_for("talking")
        running.signal(SIGKILL)
        assert running.finish().status == -SIGKILL
    recorded = read_wav(path.parent / "call.wav")
    assert len(recorded) / 16_000 > 1.0
    assert np.abs(recorded).max(axis=0).min() > 5000
    assert "talking" in str(records((path.parent / "call.jsonl").read_text())[-1])
    with undisturbed(began):
        assert len(recorded) / 16_000 <= 2.2


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_a_signal_while_the_local_agent_gets_ready(scenario: Write, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", GETTING_READY, str(scenario(TALKING)), "--local-agent", "--call"]
    caller = write_tone(tmp_path / "caller.wav")
    with Running(caller, cwd=tmp_path, command=command) as running:
        running.wait_for("getting ready")
        running.signal(number)
        done = running.finish()
    assert done.status == INTERRUPTED
    assert done.out + done.err == "getting ready\n"


GETTING_READY = """
import sys
import trio
from voxrun.localagent import server
async def serve_agent(*arguments, task_status):
    print("getting ready", flush=True)
    await trio.sleep_forever()
server.serve_agent = serve_agent
from voxrun.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["numpy", "datetime", "trio", "voxrun.session.session"])
def test_ctrl_c_while_the_command_line_is_loaded(scenario: Write, tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-c", LOADING, module]
    with Running(scenario(TALKING), "--call", "none", cwd=tmp_path, command=command) as running:
        done = running.finish()
    assert done.status == INTERRUPTED
    assert done.text == ""


LOADING = """
import os
import signal
import sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:  # which numpy's own C code loads if it is datetime
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from voxrun.cli import main
sys.exit(main(sys.argv[2:]))
"""


def test_ctrl_c_is_left_alone_once_it_is_loaded() -> None:
    command = [sys.executable, "-c", "import voxrun.cli, signal; signal.raise_signal(signal.SIGINT)"]
    assert "KeyboardInterrupt" in run(command, Path.cwd()).err


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_the_local_agent_by_itself_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with Running("agent", "--port", "0", cwd=tmp_path) as running:
        running.wait_for("listens on http://127.0.0.1:")
        running.signal(number)
        done = running.finish()
    assert done.status == OK
    assert done.err == ""
