"""`Interruption`: what Ctrl-C, SIGTERM, SIGHUP and Windows's Ctrl-Break do to a run."""

import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import trio

from voxrun.session.failure import OWN_MODULES


class Interruption:
    """The first signal calls `end`; any later one calls `cancel`, which waits for no handler.

    SIGHUP calls `end` too, but is counted as none of them. Shells and systemd send it beside others, or twice, when
    their terminal is closed or their user logs out.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.happened = False
        self.end = cancel
        """Changed once there is something that can end in good order."""
        self._cancel = cancel
        self._was_asked = False
        self._waiting = False

    def serve(self) -> None:
        """Do what a signal does."""
        self._waiting = False
        act = self._cancel if self._was_asked else self.end
        self.happened = self._was_asked = True
        act()

    def hang_up(self) -> None:
        """Do what SIGHUP does."""
        self.happened = True
        self.end()

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

        def on_hang_up(number: int, frame: FrameType | None) -> None:
            token.run_sync_soon(self.hang_up)

        handlers = {signal.SIGINT: on_signal, signal.SIGTERM: on_signal}
        if sys.platform == "win32":
            handlers[signal.SIGBREAK] = on_signal  # Ctrl-Break, and a window that is closed
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup voxrun …`
            handlers[signal.SIGHUP] = on_hang_up
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _inside_scenario(frame: FrameType | None) -> bool:
    callers = traceback.walk_stack(frame) if frame is not None else ()
    return any(str(caller.f_globals.get("__name__")).startswith(OWN_MODULES) for caller, _ in callers)
