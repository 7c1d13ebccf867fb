"""What else the machine does while a test runs that wants it for itself."""

import resource
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


Moment = tuple[float, float]


def moment() -> Moment:
    """The clock's time, and how much CPU others have taken until now; both in seconds."""
    return monotonic(), cpu_of_others()


@contextmanager
def undisturbed(since: Moment | None = None) -> Generator[None]:
    """For what only the clock decides: a failure in here is none if others took much of the machine meanwhile, or
    `since` then, or made it slow. It skips the test, and says so.

    In a group of exceptions, as tasks raise them, only calls that were refused count as that.
    """
    began, before = since or moment()
    try:
        yield
    except (AssertionError, pytest.fail.Exception, BaseExceptionGroup) as failure:
        if isinstance(failure, BaseExceptionGroup) and failure.split(RemoteError)[1]:
            raise
        taken = (cpu_of_others() - before) / (monotonic() - began)
        seconds = cpu(add_a_million)
        if taken < MOST and seconds < SLOWEST:
            raise
        why = f"others took {taken:.2f} cores of this machine, and a million additions {seconds:.2f} s"
        what = str(failure).partition("\n")[0][:100]
        pytest.skip(f"{why}, which may be why: {what}")


def cpu_of_others() -> float:
    """Seconds of CPU that went to all but this process and the children it has waited for; 0 where nobody counts."""
    if not STAT.exists():
        return 0.0
    ticks = [int(field) for field in STAT.read_text().split("\n", 1)[0].split()[1:]]
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (sum(ticks[:GUESTS]) - sum(ticks[IDLE])) / TICKS_PER_SECOND - own
