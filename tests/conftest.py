"""For all tests: numpy as `voxrun` itself loads it."""

import voxrun.cli  # noqa: F401 - one thread for numpy's products, which has to be said before it is loaded
