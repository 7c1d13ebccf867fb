"""For all tests: numpy as `voxrun` itself loads it, a garbage collector that leaves the tests themselves alone, and
properties that may take their time and try the same examples everywhere; `--hypothesis-profile default` tries others.
"""

import gc

from hypothesis import HealthCheck, settings

import voxrun.cli  # noqa: F401 - one thread for numpy's products, which has to be said before it is loaded

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("any machine")

gc.disable()  # while the tests are collected


def pytest_collection_finish() -> None:
    """What was collected stays to the end: to look through it again and again takes as long as many tests."""
    gc.enable()
    gc.collect()
    gc.freeze()
