"""Tests that want the machine for themselves, when it is somebody else's."""

import os
import signal
import subprocess
import sys
from time import sleep

import pytest
from tests.others import STAT, Moment, cpu_of_others, undisturbed

from voxrun.errors import RemoteError

pytestmark = pytest.mark.skipif(not STAT.exists(), reason="this system does not say what its processors do")

BUSY = [sys.executable, "-c", "while True: pass"]


def test_a_failure_beside_others_who_are_busy_is_none() -> None:
    with subprocess.Popen(BUSY) as other:
        with pytest.raises(pytest.skip.Exception, match="which may be why: too late"):
            fail_after(1.0)
        other.kill()


def fail_after(seconds: float) -> None:
    with undisturbed():
        sleep(seconds)
        pytest.fail("too late\nby far")


@pytest.mark.parametrize(
    ("failures", "outcome"),
    [
        ([RemoteError("refused"), RemoteError("refused")], pytest.skip.Exception),
        ([RemoteError("refused"), AssertionError("wrong")], ExceptionGroup),
        ([TypeError("a mistake")], ExceptionGroup),
    ],
)
def test_of_tasks_only_calls_that_were_refused_are_excused(
    monkeypatch: pytest.MonkeyPatch, failures: list[Exception], outcome: type[BaseException]
) -> None:
    monkeypatch.setattr("tests.others.SLOWEST", 0.0)
    with pytest.raises(outcome), undisturbed():
        raise ExceptionGroup("of tasks", failures)


def test_what_children_took_is_ones_own() -> None:
    child = subprocess.Popen([sys.executable, "-c", "from time import process_time\nwhile process_time() < 1: pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    before = cpu_of_others()
    child.wait()
    assert cpu_of_others() < before - 0.5


def test_a_failure_with_nobody_else_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.others.cpu_of_others", lambda: 0.0)
    monkeypatch.setattr("tests.others.SLOWEST", 60.0)
    monkeypatch.setattr("tests.others.LONGEST", 60.0)
    with pytest.raises(AssertionError), undisturbed():
        raise AssertionError


def test_a_machine_that_is_held_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.others.cpu_of_others", lambda: 0.0)
    monkeypatch.setattr("tests.others.SLOWEST", 60.0)
    moment = Moment()
    os.kill(moment.sleeper.pid, signal.SIGSTOP)
    sleep(0.1)
    os.kill(moment.sleeper.pid, signal.SIGCONT)
    with pytest.raises(pytest.skip.Exception, match="held it up for"), undisturbed(moment):
        raise AssertionError
