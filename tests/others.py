"""What else the machine does while a test runs that wants it for itself."""

import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from tests.yardstick import add_a_million, cpu

from voxrun.errors import RemoteError

STAT = Path("/proc/stat")
TICKS_PER_SECOND = 100  # USER_HZ, the same on every Linux that matters
IDLE = slice(3, 5)
GUESTS = 8
"""Idle, waiting for disks, and from where on the fields count what others hold already (proc_stat(5))."""

MOST = 0.25
"""Of one core."""

SLOWEST = 0.14
"""Seconds that a million additions may take: twice as long as where nobody else uses what the cores share."""

LONGEST = 0.03
"""Seconds for which the machine may hold up somebody who only wants to be woken: whoever is above a virtual machine
takes it away without a word.
"""

SLEEPER = """
import select, sys, time
longest, before, is_over = 0.0, time.monotonic(), False
print("begun", flush=True)
while not is_over:
    is_over = select.select([sys.stdin], [], [], 0.002)[0]
    now = time.monotonic()
    longest, before = max(longest, now - before - 0.002), now
print(longest)
"""


class Moment:
    """From now on it is watched what others do."""

    def __init__(self) -> None:
        self._began, self._before = monotonic(), cpu_of_others()
        self.sleeper = subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=-1, stdout=-1, text=True)
        assert self.sleeper.stdout is not None
        self.sleeper.stdout.readline()  # from here on it sleeps

    def end(self) -> tuple[float, float]:
        """How many cores they took meanwhile, and the longest that a sleeper was held up, in seconds."""
        held_up = float(self.sleeper.communicate()[0])
        return (cpu_of_others() - self._before) / (monotonic() - self._began), held_up


@contextmanager
def undisturbed(since: Moment | None = None) -> Generator[None]:
    """For what only the clock decides: a failure in here is none if others took much of the machine meanwhile, or
    `since` then, held it up or made it slow. It skips the test, and says so.

    In a group of exceptions, as tasks raise them, only calls that were refused count as that.
    """
    watched, failure = since or Moment(), None
    try:
        yield
    except (AssertionError, pytest.fail.Exception, BaseExceptionGroup) as raised:
        failure = raised
    finally:
        taken, held_up = watched.end()
    if failure is None:
        return
    is_other = isinstance(failure, BaseExceptionGroup) and failure.split(RemoteError)[1] is not None
    seconds = cpu(add_a_million)
    if is_other or (taken < MOST and held_up < LONGEST and seconds < SLOWEST):
        raise failure
    why = f"others took {taken:.2f} cores of this machine and held it up for {held_up * 1000:.0f} ms"
    why += f", and a million additions took {seconds:.2f} s"
    what = str(failure).partition("\n")[0][:100]
    pytest.skip(f"{why}, which may be why: {what}")


def cpu_of_others() -> float:
    """Seconds of CPU that went to all but this process and the children it has waited for; 0 where nobody counts."""
    if not STAT.exists():
        return 0.0
    ticks = [int(field) for field in STAT.read_text().split("\n", 1)[0].split()[1:]]
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (sum(ticks[:GUESTS]) - sum(ticks[IDLE])) / TICKS_PER_SECOND - own
