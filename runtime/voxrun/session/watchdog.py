"""`Watchdog`: names the line of a scenario that holds up everybody's clock, and breaks into one that goes on so."""

import signal
import sys
from types import FrameType

import trio

from voxrun.errors import ScenarioError
from voxrun.session.current import current
from voxrun.session.failure import calling_place, located
from voxrun.session.session import Session

HELD_UP_SECONDS = 0.2
"""Without a turn of the loop for so long, ten frames are late: a scenario that has a call is warned."""

STUCK_SECONDS = 2.0
"""After so long the code of one session gets a ScenarioError, where others wait for it as well."""

_FEED_SECONDS = 0.1


class Watchdog:
    """Guards by SIGALRM, in the main thread, the scenarios whose code runs there. Our own code is left alone."""

    def __init__(self, *, breaks_in: bool) -> None:
        self._breaks_in = breaks_in
        self._turned = 0.0  # when the loop did so last
        self._held_up: tuple[Session, tuple[str, str]] | None = None  # by whom, and where
        self._at_it: tuple[Session, float] | None = None  # who was found so at the last alarm, and first when

    async def run(self) -> None:
        """Guard until cancelled; don't on Windows, which has no such alarm."""
        if sys.platform == "win32":
            return
        handler, timer = signal.signal(signal.SIGALRM, self._bite), signal.getitimer(signal.ITIMER_REAL)
        try:
            while True:
                self._turned, self._at_it = trio.current_time(), None
                signal.setitimer(signal.ITIMER_REAL, HELD_UP_SECONDS, HELD_UP_SECONDS)
                await trio.sleep(_FEED_SECONDS)
                self._warn()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)

    def _bite(self, number: int, frame: FrameType | None) -> None:
        session, place = current.get(None), calling_place()
        if session is None or place is None or _is_debugged():  # whoever sits at a debugger has time
            return
        now = trio.current_time()
        if self._at_it is None:
            self._at_it = session, self._turned
        elif self._at_it[0] is not session:  # many that take a little each, all at once, are no loop
            self._at_it = session, now
        if self._breaks_in and now - self._at_it[1] >= STUCK_SECONDS:
            self._held_up = None
            raise ScenarioError(
                f"this has held up all calls for {STUCK_SECONDS:g} s: in a loop, await something; "
                "leave long work to another process"
            )
        if session.call is not None:
            self._held_up = self._held_up or (session, place)

    def _warn(self) -> None:
        if self._held_up is None:
            return
        session, place = self._held_up
        self._held_up = None
        what = f"this has held up all audio for {trio.current_time() - self._turned:.1f} s"
        advice = "wait with `await trio.sleep(…)`, leave long work to `await trio.to_thread.run_sync(…)`"
        session.warn(located(f"{what}: {advice}", place))


def _is_debugged() -> bool:
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on; debuggers that use it trace nothing
    return sys.gettrace() is not None or bool(monitoring and monitoring.get_tool(monitoring.DEBUGGER_ID))
