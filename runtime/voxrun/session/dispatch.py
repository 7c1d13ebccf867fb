"""`Dispatcher`: the session's queue of events, and the one place where handlers run."""

import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass

import trio

from voxrun.errors import ScenarioError
from voxrun.media.target import EventTarget
from voxrun.session.failure import NOT_ITS_OWN

QUEUE_LIMIT = 10_000
"""Events that wait. A scenario that is so far behind has lost touch; more are dropped and counted."""

_NEVER_RUNS = "a function with `yield` in it does nothing when it is called: in an `async def` handler, write `await`"


@dataclass(frozen=True, slots=True)
class Turn:
    """One event, or one call of a function of the scenario's, waiting for its turn."""

    doing: str
    """Names it in an error message: `in a handler of Call.Connected`."""
    callbacks: Iterator[Callable[..., object]]
    """Asked when the turn has come, one by one: what an earlier handler removed is not called any more."""
    arguments: tuple[object, ...]


class Dispatcher:
    """Runs turns strictly in order: handlers of one event start in the order they were added.

    A sync handler runs to its end; an async one runs up to its first wait, then goes on as a task of `nursery`'s.
    `on_error` gets what a handler raised, what it was doing, and the handler.
    """

    def __init__(self, on_error: Callable[[BaseException, str, object], None]) -> None:
        self.dropped = 0
        self._on_error = on_error
        self._turns: deque[Turn] = deque()
        self._stopped = False
        self._wake = trio.Event()

    def put_event(self, target: EventTarget, event: str, payload: object) -> None:
        """Queue an event of `target`."""
        self.put(f"in a handler of {event}", _listening(target, event), payload)

    def put(self, doing: str, callbacks: Iterator[Callable[..., object]], *arguments: object) -> None:
        """Queue calls of the scenario's functions; `callbacks` is asked for them when their turn has come."""
        if self._stopped:
            return
        if len(self._turns) >= QUEUE_LIMIT:
            self.dropped += 1
            return
        self._turns.append(Turn(doing, callbacks, arguments))
        self._wake.set()

    def stop(self) -> None:
        """Run no handler any more, not even the next one of the event at hand."""
        self._stopped = True
        self._turns.clear()

    async def run(self, nursery: trio.Nursery) -> None:
        """Run turns until cancelled."""
        while True:
            await self.run_waiting(nursery)
            self._wake = trio.Event()
            await self._wake.wait()

    async def run_waiting(self, nursery: trio.Nursery) -> None:
        """Run the turns that wait now, and those they lead to."""
        while self._turns:
            turn = self._turns.popleft()
            for callback in turn.callbacks:
                await self._run(turn, callback, nursery)
                if self._stopped:
                    return
            # Whoever waited for this event goes on before the next one, lest it miss that; trio promises an order
            # only from one round of its scheduler to the next.
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()

    async def _run(self, turn: Turn, callback: Callable[..., object], nursery: trio.Nursery) -> None:
        try:
            result = _checked(callback)(*turn.arguments)
        except NOT_ITS_OWN:
            raise
        except BaseException as error:  # noqa: BLE001 - this is where user code comes in
            self._on_error(error, turn.doing, callback)
            return
        if inspect.iscoroutine(result):
            await nursery.start(self._run_async, turn, callback, result)
        elif inspect.isgenerator(result) or inspect.isasyncgen(result):
            self._on_error(ScenarioError(_NEVER_RUNS), turn.doing, callback)

    async def _run_async(
        self,
        turn: Turn,
        callback: Callable[..., object],
        coroutine: Coroutine[object, object, object],
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        # Reported as started before its first step: the handler runs up to its first wait before the next one begins.
        task_status.started()
        try:
            await coroutine
        except NOT_ITS_OWN:
            raise
        except BaseExceptionGroup as group:
            others, failed = group.split(NOT_ITS_OWN)
            if failed is not None:
                self._on_error(failed, turn.doing, callback)
            if others is not None:
                raise others from None
        except BaseException as error:  # noqa: BLE001 - this is where user code comes in
            self._on_error(error, turn.doing, callback)


def _listening(target: EventTarget, event: str) -> Iterator[Callable[..., object]]:
    for callback in target.listeners_of(event):
        if callback in target.listeners_of(event):
            yield callback


def _checked(callback: Callable[..., object]) -> Callable[..., object]:
    """`callback`, unless the scenario, unchecked by types, passed something else as a handler: ScenarioError."""
    if not callable(callback):
        raise ScenarioError(f"a handler must be a function, not {callback!r}")
    return callback
