"""For all tests: numpy as `voxrun` itself loads it, a garbage collector that leaves the tests themselves alone, the
fixture `play`, and properties that may take their time and try the same examples everywhere; with
`--hypothesis-profile default` they try others.
"""

import gc
import signal
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, settings

import voxrun.cli  # noqa: F401 - one thread for numpy's products, which has to be said before it is loaded

from tests.kit import HEAD, Play, Ran, Setting, simulate  # isort: skip - see above

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("any machine")

gc.disable()  # while the tests are collected

# What a shell begins in the background ignores Ctrl-C, and so would all that the tests begin.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through it again and again takes as long as many tests."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None]:
    """A test of the command line changes how this process tells of stray errors; pytest wants to fail by them."""
    before = sys.excepthook, sys.unraisablehook, threading.excepthook
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook, threading.excepthook = before


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs the text of a scenario, beside the modules `siblings`, in virtual time."""

    def run(source: str, setting: Setting | None = None, **siblings: str) -> Ran:
        for name, text in siblings.items():
            (tmp_path / f"{name}.py").write_text(dedent(text))
        path = tmp_path / "scenario.py"
        path.write_text(HEAD + dedent(source).lstrip("\n"))
        return simulate(path, setting)

    return run
