"""For all tests: numpy as `voxrun` itself loads it, and a garbage collector that leaves the tests themselves alone."""

import gc

import voxrun.cli  # noqa: F401 - one thread for numpy's products, which has to be said before it is loaded

gc.disable()  # while the tests are collected


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through it again and again takes as long as many tests."""
    gc.enable()
    gc.collect()
    gc.freeze()
