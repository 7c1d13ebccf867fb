"""The command line: arguments, exit statuses, what the terminal shows."""

import os

# Before numpy is loaded: our products are too small for a second thread, and threads that wait for each other hold up
# the clock on a machine that is busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from voxrun.cli.main import main

__all__ = ["main"]
