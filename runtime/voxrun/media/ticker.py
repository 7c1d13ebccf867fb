"""`Ticker`: the one media clock of the process."""

from collections.abc import Awaitable, Callable, Iterable
from itertools import accumulate

import trio

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.media.alarm import alarm

PHASES = 4
"""Sessions are spread over this many sub-steps of a tick, so that their work does not bunch up."""

CROWD = 50
"""So many members share a sub-step before the next is used: each costs a wake, and their packets leave together."""

MAX_CATCH_UP = 3
"""Ticks made good after a stall, back to back; what exceeds them is skipped, lest old audio burst at a peer."""

_BUCKETS_PER_SECOND = 10_000
_BUCKETS = 1_000


class Ticker:
    """Calls every member once in each 20 ms, at absolute deadlines: it never drifts.

    A member is called as `tick(position)`; `position` counts ticks since the clock began and jumps over skipped ones.
    """

    def __init__(self, sleep_until: Callable[[float], Awaitable[None]] | None = None) -> None:
        """Without a `sleep_until` it is the `alarm`'s."""
        self.late = 0
        """Ticks that began more than one tick late."""
        self.skipped = 0
        """Ticks that never ran because the machine stood still for longer than the catch-up."""
        self._sleep_until = sleep_until
        self._phases: list[list[Callable[[int], None]]] = [[] for _ in range(PHASES)]
        self._populated = trio.Event()
        self._lateness = [0] * _BUCKETS

    def add(self, tick: Callable[[int], None]) -> None:
        """Call `tick` from the next step on."""
        roomy = (members for members in self._phases if len(members) < CROWD)
        next(roomy, min(self._phases, key=len)).append(tick)
        self._populated.set()

    def remove(self, tick: Callable[[int], None]) -> None:
        """Stop calling `tick`."""
        for members in self._phases:
            if tick in members:
                members.remove(tick)

    def lateness(self, share: float) -> float:
        """The lateness in seconds that `share` (0..1) of all steps did not exceed; 0.1 s at most."""
        wanted = share * sum(self._lateness)
        bucket = next(bucket for bucket, seen in enumerate(accumulate(self._lateness)) if seen >= wanted)
        return bucket / _BUCKETS_PER_SECOND

    def lateness_counts(self, bounds: Iterable[float]) -> list[int]:
        """How many steps were at most so late, for each of `bounds` in seconds, and how many there were at all."""
        places = [*(round(bound * _BUCKETS_PER_SECOND) + 1 for bound in bounds), _BUCKETS]
        return [sum(self._lateness[:place]) for place in places]

    async def run(self) -> None:
        """Tick until cancelled."""
        with alarm() as sleep_until:
            await self._run(self._sleep_until or sleep_until)

    async def _run(self, sleep_until: Callable[[float], Awaitable[None]]) -> None:
        step_seconds = FRAME_SECONDS / PHASES
        begin = trio.current_time()
        step = 0
        while True:
            while not any(self._phases):
                self._populated = trio.Event()
                await self._populated.wait()
                step = max(step, int((trio.current_time() - begin) / step_seconds))
            step += 1
            while not self._phases[step % PHASES] and any(self._phases):
                step += 1
            await sleep_until(begin + step * step_seconds)
            late = trio.current_time() - begin - step * step_seconds
            self._count(late)
            behind = int(late / FRAME_SECONDS) - MAX_CATCH_UP
            if behind > 0:
                self.skipped += behind
                step += behind * PHASES
            for tick in tuple(self._phases[step % PHASES]):
                tick(step // PHASES)

    def _count(self, late: float) -> None:
        self._lateness[min(int(max(late, 0.0) * _BUCKETS_PER_SECOND), _BUCKETS - 1)] += 1
        if late > FRAME_SECONDS:
            self.late += 1
