"""The command line: arguments, exit statuses, what the terminal shows."""

import os
import signal

from voxrun.cli.status import INTERRUPTED

# Before numpy is loaded: our products are too small for a second thread, and threads that wait for each other hold up
# the clock on a machine that is busy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Loading takes a third of a second. A KeyboardInterrupt meanwhile can't be relied on to come out as one: numpy, whose
# C code imports as well, makes an ImportError of it.
_interrupts = signal.getsignal(signal.SIGINT) is signal.default_int_handler
if _interrupts:
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
from voxrun.cli.main import main  # noqa: E402 - see above

if _interrupts:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["main"]
