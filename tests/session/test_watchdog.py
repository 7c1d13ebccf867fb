"""Who is told, by the alarm, that a scenario holds up the audio, and who is left alone."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time

from voxrun.errors import ScenarioError
from voxrun.session.current import current
from voxrun.session.failure import OWN_MODULES
from voxrun.session.watchdog import STUCK_SECONDS, Watchdog

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such alarm here")


class Held:
    """A session, as the watchdog sees it."""

    def __init__(self, *, has_call: bool = True) -> None:
        self.call = object() if has_call else None
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def alarm() -> None:
    signal.raise_signal(signal.SIGALRM)


def alarm_again() -> None:
    signal.raise_signal(signal.SIGALRM)


def of_a_scenario(function: Any) -> Any:
    """The same function in a module of a scenario's."""
    return FunctionType(function.__code__, {"__name__": f"{OWN_MODULES}1", "signal": signal})


@contextmanager
def running(session: Held) -> Iterator[None]:
    token = current.set(session)  # type: ignore[arg-type]
    yield
    current.reset(token)


def told(session: Held, *steps: Any, breaks_in: bool = False, seconds: float = 0.0) -> list[str]:
    """What `session` is warned of when `steps` run in it, `seconds` after the loop turned last."""

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Watchdog(breaks_in=breaks_in).run)
            await trio.testing.wait_all_tasks_blocked()
            trio.lowlevel.current_clock().jump(seconds)  # type: ignore[attr-defined]
            with running(session):
                for step in steps:
                    step()
            await trio.sleep(1)
            nursery.cancel_scope.cancel(reason="the test is over")

    in_virtual_time(run)
    return session.warnings


def test_a_scenario_that_has_a_call_is_warned_once_of_where_it_was_first() -> None:
    (warning,) = told(Held(), of_a_scenario(alarm), of_a_scenario(alarm_again))
    assert f"test_watchdog.py:{alarm.__code__.co_firstlineno + 1}: this has held up all audio for " in warning


@pytest.mark.parametrize(
    ("session", "step"),
    [(Held(has_call=False), of_a_scenario(alarm)), (Held(), alarm)],
    ids=["nobody calls", "our own code"],
)
def test_others_are_left_alone(session: Held, step: Any) -> None:
    assert told(session, step, breaks_in=True, seconds=0.5) == []


def test_only_where_others_wait_and_not_at_once_is_it_broken_into() -> None:
    assert len(told(Held(), of_a_scenario(alarm), seconds=STUCK_SECONDS)) == 1
    assert len(told(Held(), of_a_scenario(alarm), breaks_in=True, seconds=STUCK_SECONDS - 0.1)) == 1
    with pytest.RaisesGroup(pytest.RaisesExc(ScenarioError, match="has held up all calls for 2 s")):
        told(Held(), of_a_scenario(alarm), breaks_in=True, seconds=STUCK_SECONDS)


def test_who_is_broken_into_is_not_warned_as_well() -> None:
    def go_on() -> None:
        trio.lowlevel.current_clock().jump(STUCK_SECONDS)  # type: ignore[attr-defined]

    def broken_into() -> None:
        with pytest.raises(ScenarioError):
            of_a_scenario(alarm)()

    assert told(Held(), of_a_scenario(alarm), go_on, broken_into, breaks_in=True) == []


def test_many_that_take_a_little_each_at_the_same_moment_are_left_alone() -> None:
    def one() -> None:
        trio.lowlevel.current_clock().jump(0.2)  # type: ignore[attr-defined]
        of_a_scenario(alarm)()

    def another() -> None:
        with running(Held()):
            one()

    assert len(told(Held(), one, *(another for _ in range(20)), one, breaks_in=True)) == 1
    with pytest.RaisesGroup(pytest.RaisesExc(ScenarioError, match="has held up all calls for 2 s")):
        told(Held(), another, *(one for _ in range(12)), breaks_in=True)


@pytest.mark.parametrize("way", ["gettrace", "monitoring"])
def test_whoever_sits_at_a_debugger_has_time(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Debuggers have two ways: since Python 3.12 some set no trace function."""
    if way == "gettrace":
        monkeypatch.setattr(sys, "gettrace", lambda: print)
    else:
        debugger = SimpleNamespace(DEBUGGER_ID=0, get_tool={0: "debugger"}.get)
        monkeypatch.setattr(sys, "monitoring", debugger, raising=False)
    assert told(Held(), of_a_scenario(alarm), breaks_in=True, seconds=STUCK_SECONDS) == []


def test_the_alarm_is_afterwards_what_it_was_before() -> None:
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        assert told(Held()) == []
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
