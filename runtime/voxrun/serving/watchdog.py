"""`Watchdog`: breaks into a scenario that holds up everybody's clock."""

import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import trio

from voxrun.errors import ScenarioError
from voxrun.session.failure import OWN_MODULES

STUCK_SECONDS = 2.0
"""After so long without a turn of the loop, scenario code that runs gets a ScenarioError."""

_FEED_SECONDS = 0.5


@contextmanager
def on_guard() -> Iterator[None]:
    """Guard meanwhile, by SIGALRM in the main thread, as long as `feed` runs. Our own code is left alone."""
    before = signal.signal(signal.SIGALRM, _bite)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def feed() -> None:
    """Show that the loop turns, until cancelled."""
    while True:
        signal.setitimer(signal.ITIMER_REAL, STUCK_SECONDS, STUCK_SECONDS)
        await trio.sleep(_FEED_SECONDS)


def _bite(number: int, frame: FrameType | None) -> None:
    callers = traceback.walk_stack(frame) if frame is not None else ()
    if any(str(caller.f_globals.get("__name__")).startswith(OWN_MODULES) for caller, _ in callers):
        raise ScenarioError(
            f"this has held up all calls for {STUCK_SECONDS:g} s: in a loop, await something; "
            "leave long work to another process"
        )
