"""`Timers`: `setTimeout` and `setInterval` of one session."""

import itertools
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import trio

from voxrun.errors import ScenarioError
from voxrun.media.parameters import milliseconds_of
from voxrun.session.dispatch import Dispatcher
from voxrun.shown import shown

LIVE_LIMIT = 100
"""VoxEngine's limit of timers that run at the same time."""

MIN_INTERVAL_MS = 100
"""VoxEngine's shortest interval."""

MIN_CHAINED_MS = 4
"""The shortest timeout in a long chain of them, each set by the one before, as in browsers: an endless one would hold
virtual time up, and take a whole core of real time."""

LONG_CHAIN = 1000
"""More than so many are a long one. A `.vox` scenario that sets them at one instant is told before that."""

_chained: ContextVar[int] = ContextVar("voxrun_chained_timers", default=0)
"""How many timers, one set by the other, have led to what runs now."""


@dataclass(slots=True)
class _Timer:
    function: str
    """Which made it: `setTimeout`."""
    callback: Callable[[], object]
    due: float
    """On trio's clock; infinity once a timer that fires a single time has done so."""
    interval: float
    """Seconds; infinity for a timer that fires a single time."""
    chained: int
    """How many timers led to it, itself included."""


class Timers:
    """Live timers by their number. Callbacks run as handlers do: in turn, never in the middle of another.

    Those that are due at the same time run in the order in which they were set.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._serial = itertools.count(1)
        self._live: dict[int, _Timer] = {}
        self._sleep = trio.CancelScope()

    def once(self, callback: Callable[[], object], timeout_ms: float) -> int:
        """Call `callback` after `timeout_ms`; returns the timer's number."""
        return self._add("setTimeout", callback, timeout_ms, repeats=False)

    def every(self, callback: Callable[[], object], interval_ms: float) -> int:
        """Call `callback` each `interval_ms`, at least 100; returns the timer's number."""
        return self._add("setInterval", callback, interval_ms, repeats=True)

    def cancel(self, number: int | None) -> None:
        """Stop a timer, even one whose turn is about to come; an unknown number, or None, changes nothing."""
        if number is not None:
            self._live.pop(number, None)

    async def run(self) -> None:
        """Queue the callbacks that are due, until cancelled."""
        while True:
            deadline = min((timer.due for timer in self._live.values()), default=math.inf)
            with trio.CancelScope(deadline=deadline) as self._sleep:
                await trio.sleep_forever()
            now = trio.current_time()
            for _, number in sorted((timer.due, number) for number, timer in self._live.items() if timer.due <= now):
                self._fire(number, self._live[number])

    def _add(self, function: str, callback: Callable[[], object], milliseconds: float, *, repeats: bool) -> int:
        if not callable(callback):
            raise ScenarioError(f"{function} needs a function to call, but was given {shown(callback)}")
        chained = _chained.get() + 1
        least = MIN_INTERVAL_MS if repeats else MIN_CHAINED_MS if chained > LONG_CHAIN else 0
        delay = max(least, milliseconds_of(function, milliseconds)) / 1000
        if len(self._live) >= LIVE_LIMIT:
            raise ScenarioError(f"{LIVE_LIMIT} timers are running already: clear some first")
        number = next(self._serial)
        due = trio.current_time() + delay
        self._live[number] = _Timer(function, callback, due, delay if repeats else math.inf, chained)
        self._sleep.deadline = min(self._sleep.deadline, due)
        return number

    def _fire(self, number: int, timer: _Timer) -> None:
        # Counted from when it was due, so that it doesn't drift; what a stall swallowed doesn't come in a burst.
        missed = (trio.current_time() - timer.due) // timer.interval
        timer.due += (missed + 1) * timer.interval
        turn = self._dispatcher.put(f"in a {timer.function} callback", self._callback(number))
        if timer.due == math.inf and turn.settled.is_set():  # too many wait: its turn never comes
            del self._live[number]

    def _callback(self, number: int) -> Iterator[Callable[[], object]]:
        """What to call now that the turn has come: nothing, if the timer was cleared meanwhile."""
        timer = self._live.get(number)
        if timer is not None:
            if timer.due == math.inf:
                del self._live[number]
            _chained.set(timer.chained)  # so it stays for what an async callback does after its first wait
            yield timer.callback
            _chained.set(0)
