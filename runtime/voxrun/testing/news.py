"""`News`: what has happened in a simulated call so far, and who waits for it; `Play` does steps at their moments."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

import trio

from voxrun.testing.moments import After, At, Cue, Moment, Step

EARLY_SECONDS = 1e-6
"""A tick is not late for what is due at its very time, as the sum of many ticks is not exact."""

A = TypeVar("A")


Mark: TypeAlias = Mapping[tuple[str, str], int]
"""How often each cue had come at some moment."""


class News:
    """Cues that came, and when, in seconds of the session.

    `own` are the kinds of cue that count by themselves here; `parent` knows all others, and with `tells` is told of
    these too.
    """

    def __init__(self, parent: "News | None" = None, own: Collection[str] = (), *, tells: bool = True) -> None:
        self._parent = parent
        self._tells = tells
        self._own = own
        self._came: dict[tuple[str, str], list[float]] = {}
        self._change = trio.Event()
        self._began: float = trio.current_time() if parent is None else parent._began
        self.beginning = self.mark()

    def now(self) -> float:
        """Seconds since the session began."""
        return trio.current_time() - self._began

    def tell(self, kind: str, name: str = "", time: float | None = None) -> None:
        """A cue came: now, or at a time shortly before."""
        self._came.setdefault((kind, name), []).append(self.now() if time is None else time)
        self._change.set()
        if self._parent is not None and self._tells:
            self._parent.tell(kind, name, time)

    def mark(self) -> Mark:
        """This moment, from which on cues may count."""
        others = {} if self._parent is None else self._parent.mark()
        mine = {key: len(times) for key, times in self._came.items()}
        return {**{key: count for key, count in others.items() if key[0] not in self._own}, **mine}

    def time_of(self, cue: Cue, mark: Mark) -> float | None:
        """When the one came that `cue` asks for: the first since `mark`, unless it has a number."""
        key = (cue.kind, cue.name)
        times = self._board(cue)._came.get(key, ())
        index = mark.get(key, 0) if cue.number is None else cue.number - 1
        return times[index] if index < len(times) else None

    def lacks(self, moment: Moment, mark: Mark) -> bool:
        """Whether a moment is one after a cue that has not come since `mark`."""
        if isinstance(moment, At) or moment.cue.kind == "previous":
            return False
        return self.time_of(moment.cue, mark) is None

    async def come(self, moment: Moment, mark: Mark) -> None:
        """Wait for a moment, counting cues from `mark` on."""
        await trio.sleep_until(self._began + moment.seconds + await self._origin(moment, mark))

    async def changed(self) -> None:
        """Wait for the next cue of any kind."""
        self._change = trio.Event() if self._change.is_set() else self._change
        await self._change.wait()

    async def _origin(self, moment: Moment, mark: Mark) -> float:
        if isinstance(moment, At):
            return 0.0
        if moment.cue.kind == "previous":
            return self.now()
        while (time := self.time_of(moment.cue, mark)) is None:
            await self._board(moment.cue).changed()
        return time

    def _board(self, cue: Cue) -> "News":
        return self if self._parent is None or cue.kind in self._own else self._parent._board(cue)


class Play(Generic[A]):
    """Does each step of a timeline at its moment; one that follows a cue waits until those above are done.

    Cues count from when the step above began, or if it says something (`is_speech`), from when that was said.
    """

    def __init__(
        self, news: News, act: Callable[[A], Awaitable[None]], is_speech: Callable[[A], bool] = lambda action: False
    ) -> None:
        self.pending: list[Step[A]] = []
        """What has not begun."""
        self._news = news
        self._act = act
        self._is_speech = is_speech
        self._mark = news.beginning
        self._waiting: tuple[Step[A], Mark] | None = None  # the newest to wait for its cue, and what that counts from

    @property
    def awaited(self) -> Step[A] | None:
        """The step whose cue has not come, those above it being done."""
        if self._waiting is None:
            return None
        step, mark = self._waiting
        return step if self._news.lacks(step.moment, mark) else None

    async def run(self, steps: Sequence[Step[A]]) -> None:
        """Do them all."""
        self.pending = list(steps)
        done = [trio.Event() for _ in steps]
        async with trio.open_nursery() as nursery:
            for index, step in enumerate(steps):
                earlier = [] if isinstance(step.moment, At) else done[:index]
                nursery.start_soon(self._do, step, earlier, done[index])

    async def _do(self, step: Step[A], earlier: Sequence[trio.Event], done: trio.Event) -> None:
        for event in earlier:
            await event.wait()
        if isinstance(step.moment, After):
            self._waiting = step, self._mark
        await self._news.come(step.moment, self._mark)
        self.pending.remove(step)
        began = self._news.mark()
        await self._act(step.action)
        self._mark = self._news.mark() if self._is_speech(step.action) else began
        done.set()
