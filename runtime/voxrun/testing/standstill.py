"""`Standstill`: ends a simulated session whose code goes on and on without letting virtual time go on."""

import trio

from voxrun.errors import ScenarioError
from voxrun.session.failure import place_among, placed
from voxrun.session.session import Session

MOST_ROUNDS = 50_000
"""Of the loop, in one moment of virtual time. A few are usual; so many take a second."""


class Standstill(trio.abc.Instrument):
    """Looks at `session` from within the loop, as time gives no task a turn when it stands still."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._moment = 0.0
        self._rounds = 0

    def before_io_wait(self, timeout: float) -> None:
        """A round is over."""
        self._rounds += 1
        if self._rounds % MOST_ROUNDS == 0:
            if trio.current_time() == self._moment:
                trio.lowlevel.add_instrument(_Search(self._session))
            self._moment = trio.current_time()


class _Search(trio.abc.Instrument):
    """Ends `session` when code of its scenario has had its turn."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Was this the one?"""
        place = place_among(reversed(list(task.iter_await_frames())))
        if place is not None:
            what = "time stands still: this goes on and on in one moment; wait, as `await trio.sleep(0.02)` does"
            self._session.broke(placed(ScenarioError(what), place))
            self._session.terminate("time stood still")
            trio.lowlevel.remove_instrument(self)
