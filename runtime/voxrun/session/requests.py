"""`Requests`: what a session asks other servers: a few at a time, and what was begun is finished before the session."""

from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from typing import Protocol, TypeAlias

import trio

Work: TypeAlias = Callable[[], Awaitable[object]]

ACTIVE_LIMIT = 3
"""VoxEngine's limit of requests at the same time; others wait for their turn."""

LIMIT = 35
"""VoxEngine's limit of requests altogether, those that wait included."""

PATIENCE_SECONDS = 1.0
"""The end of a session is held up for longer than this only with a word about it."""


class RequestsHost(Protocol):
    """What the session is to its requests."""

    def spawn(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run a task until the session is over."""

    def warn(self, message: str) -> None:
        """Tell the user something."""


class Requests:
    """Counts them, and gives each its turn."""

    def __init__(self, host: RequestsHost) -> None:
        self._host = host
        self._waiting: deque[tuple[str, Work]] = deque()
        self._active = 0
        self._left = inf  # how many may still be begun
        self._none = trio.Event()
        self._seconds = inf
        self._scopes: set[trio.CancelScope] = set()

    def begin(self, peer: str, work: Work) -> bool:
        """Have `work` done, which asks `peer`, when its turn has come, whoever waits; False when there are too many.

        A `peer` that nobody may be told of is empty.
        """
        if not self._left or self._active + len(self._waiting) == LIMIT:
            return False
        self._left -= 1
        if self._active < ACTIVE_LIMIT:
            self._active += 1
            self._host.spawn(self._do, peer, work)
        else:
            self._waiting.append((peer, work))
        return True

    def hurry(self, seconds: float) -> None:
        """From now on each is given up after so many seconds: somebody waits for the end."""
        self._seconds = seconds
        for scope in self._scopes:
            scope.deadline = min(scope.deadline, trio.current_time() + seconds)

    async def finish(self, *, then: int = 0) -> None:
        """Wait for those whose turn has come, and forget the others; only so many may be made `then`.

        Each has a time limit of its own, and that of `hurry`.
        """
        self._left = 0
        self._waiting.clear()
        with trio.move_on_after(PATIENCE_SECONDS) as patience:
            await self.through()
        if patience.cancelled_caught:
            number = "one is" if self._active == 1 else f"{self._active} are"
            self._host.warn(f"the session ends when its HTTP requests are through: {number} not yet")
            await self.through()
        self._left = then

    async def through(self) -> bool:
        """Wait until none is under way; False when none was."""
        if not self._active:
            return False
        self._none = trio.Event()
        await self._none.wait()
        return True

    async def _do(self, peer: str, work: Work) -> None:
        try:
            await self._within_time(peer, work)
            while self._waiting:
                await self._within_time(*self._waiting.popleft())
        finally:
            self._active -= 1
            if not self._active:
                self._none.set()

    async def _within_time(self, peer: str, work: Work) -> None:
        with trio.move_on_after(self._seconds) as scope:
            self._scopes.add(scope)
            await work()
        self._scopes.remove(scope)
        if scope.cancelled_caught:
            request = f"the HTTP request to {peer}" if peer else "an HTTP request"
            self._host.warn(f"{request} was not through after {self._seconds:g} s: the session ends without it")
