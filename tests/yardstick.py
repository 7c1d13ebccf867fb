"""`millions`: how long something takes, told by what a million additions take on the same machine at the same time.

Some machines are three times as slow as others, and the same one is from one minute to the next. On one that nobody
else uses a million takes 0.07 s.
"""

import time
from collections.abc import Callable


def millions(work: Callable[[], object], times: int = 1) -> float:
    """The least CPU that `work` took in so many attempts, in millions of additions."""
    took, additions = [], []
    for _ in range(times):
        took.append(cpu(work))
        additions.append(cpu(add_a_million))
    return min(took) / min(additions)


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU."""
    began = time.process_time()
    work()
    return time.process_time() - began


def add_a_million() -> None:
    """Work that is the same everywhere."""
    total = 0
    for number in range(1_000_000):
        total += number * number & 7
