"""`Interruption`: what Ctrl-C and SIGTERM do to a run."""

import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import trio

from voxrun.session.failure import OWN_MODULES


class Interruption:
    """The first signal calls `end`; any later one calls `cancel`, which waits for no handler."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.happened = False
        self.end = cancel
        """Changed once there is something that can end in good order."""
        self._cancel = cancel
        self._waiting = False

    def serve(self) -> None:
        """Do what a signal does."""
        self._waiting = False
        act = self._cancel if self.happened else self.end
        self.happened = True
        act()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Serve signals meanwhile, in trio's thread.

        KeyboardInterrupt is raised inside the scenario's own code if that has not come to a wait since the last signal:
        it may never come to one.
        """
        token = trio.lowlevel.current_trio_token()

        def on_signal(number: int, frame: FrameType | None) -> None:
            if self._waiting and _inside_scenario(frame):
                self.happened = True
                raise KeyboardInterrupt
            self._waiting = True
            token.run_sync_soon(self.serve)

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _inside_scenario(frame: FrameType | None) -> bool:
    callers = traceback.walk_stack(frame) if frame is not None else ()
    return any(str(caller.f_globals.get("__name__")).startswith(OWN_MODULES) for caller, _ in callers)
