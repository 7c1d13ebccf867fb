"""`tame_collector`: garbage collection that leaves the clock alone."""

import gc


def tame_collector() -> None:
    """Keep the garbage collector from holding up the clock: a full collection walks all of start-up's objects."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
