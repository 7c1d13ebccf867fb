"""`Standstill`: ends a simulated session whose code goes on and on without letting virtual time go on."""

import sys
from collections.abc import Callable
from types import FrameType

import trio

from voxrun.errors import ScenarioError, VoxrunError
from voxrun.session.failure import place_among, placed
from voxrun.session.session import Session

MOST_ROUNDS = 50_000
"""Of the loop, in one moment of virtual time. A few are usual; so many take a second."""

STOOD_STILL = "time stood still"
"""The reason of a session that was ended for that."""


class Standstill(trio.abc.Instrument):
    """Looks at `session` from within the loop, as time gives no task a turn when it stands still.

    `break_off` ends the session at once, for it may be the very handler of its end that goes on and on.
    """

    def __init__(self, session: Session, break_off: Callable[[VoxrunError], None]) -> None:
        self._session = session
        self._break_off = break_off
        self._moment = 0.0
        self._rounds = 0
        self._is_searching = False
        self._profiler: object = None

    def before_io_wait(self, timeout: float) -> None:
        """A round is over."""
        self._rounds += 1
        if self._rounds % MOST_ROUNDS == 0:
            now = trio.current_time()
            self._search(now == self._moment)
            self._moment = now

    def after_run(self) -> None:
        """The simulation is over."""
        self._search(False)

    def _search(self, is_wanted: bool) -> None:
        """Look for code of the scenario, or don't: Python tells of each function that is called, or goes on.

        That takes the place of a profiler for as long; one in C, as Python's own may be, can't be put back.
        """
        if is_wanted is self._is_searching:
            return
        self._is_searching = is_wanted
        if is_wanted:
            self._profiler = sys.getprofile()
            sys.setprofile(self._see)
        else:
            sys.setprofile(self._profiler if callable(self._profiler) else None)

    def _see(self, frame: FrameType, event: str, argument: object) -> None:
        """End the session if this is the scenario's."""
        place = place_among([(frame, frame.f_lineno)])
        if place is not None:
            self._search(False)
            what = (
                "time stands still: this goes on and on in one moment; "
                "wait, as `await trio.sleep(0.02)` or setTimeout does"
            )
            error = placed(ScenarioError(what), place)
            self._session.broke(error)
            if self._session.is_ending:
                self._break_off(error)
            self._session.terminate(STOOD_STILL)
