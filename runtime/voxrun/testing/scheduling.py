"""`in_order`: one order of tasks for each seed, the same every time."""

from collections.abc import Iterator
from contextlib import contextmanager

import trio._core._run as scheduler  # there is no public way: see in_order


@contextmanager
def in_order(seed: int) -> Iterator[None]:
    """Have trio run tasks that are ready at the same time in an order that depends on nothing but `seed`.

    Trio deliberately shuffles them. Its own hook for hypothesis sorts them by age first, and then shuffles with its
    random numbers: both are private, but made for tests. Any order that trio may choose is the order of some seed.
    """
    was = scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    state = scheduler._r.getstate()
    setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True)  # noqa: B010 - it is declared final
    scheduler._r.seed(seed)
    try:
        yield
    finally:
        setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", was)  # noqa: B010
        scheduler._r.setstate(state)
