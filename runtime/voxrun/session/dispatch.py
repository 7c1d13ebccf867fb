"""`Dispatcher`: the session's queue of events, and the one place where handlers run."""

import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from types import TracebackType

import trio

from voxrun.errors import ScenarioError
from voxrun.media.target import EventTarget
from voxrun.session.failure import NOT_ITS_OWN

QUEUE_LIMIT = 10_000
"""Events that wait. A scenario that is so far behind has lost touch; more are dropped and counted."""

_NEVER_RUNS = "a function with `yield` in it does nothing when it is called: in an `async def` handler, write `await`"


class Returned:
    """What the handlers of one event return: `value` is the first that is not None; `failed` is whether one raised.

    `settled` is set at the first of both, or once every handler has returned. `with returned` says that one still runs.
    """

    def __init__(self) -> None:
        self.value: object = None
        self.failed = False
        self.settled = trio.Event()
        self._running = 0

    def take(self, value: object) -> None:
        """A handler returned this."""
        if value is not None and not self.settled.is_set():
            self.value = value
            self.settled.set()

    def fail(self) -> None:
        """A handler raised something."""
        self.failed = self.value is None
        self.settled.set()

    def __enter__(self) -> None:
        self._running += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running -= 1
        if not self._running:
            self.settled.set()


@dataclass(frozen=True, slots=True)
class Turn:
    """One event, or one call of a function of the scenario's, waiting for its turn."""

    doing: str
    """Names it in an error message: `in a handler of Call.Connected`."""
    callbacks: Iterator[Callable[..., object]]
    """Asked when the turn has come, one by one: what an earlier handler removed is not called any more."""
    arguments: tuple[object, ...]
    returned: Returned = field(default_factory=Returned)


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

    def put_event(self, target: EventTarget, event: str, payload: object) -> Returned:
        """Queue an event of `target`."""
        return self.put(f"in a handler of {event}", _listening(target, event), payload)

    def put(self, doing: str, callbacks: Iterator[Callable[..., object]], *arguments: object) -> Returned:
        """Queue calls of the scenario's functions; `callbacks` is asked for them when their turn has come."""
        turn = Turn(doing, callbacks, arguments)
        if self._stopped:
            turn.returned.settled.set()
        elif len(self._turns) >= QUEUE_LIMIT:
            self.dropped += 1
            turn.returned.settled.set()
        else:
            self._turns.append(turn)
            self._wake.set()
        return turn.returned

    def stop(self) -> None:
        """Run no handler any more, not even the next one of the event at hand."""
        self._stopped = True
        for turn in self._turns:
            turn.returned.settled.set()
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
            await self._take(self._turns.popleft(), nursery)
            # Whoever waited for this event goes on before the next one, lest it miss that; trio promises an order
            # only from one round of its scheduler to the next.
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()

    async def _take(self, turn: Turn, nursery: trio.Nursery) -> None:
        with turn.returned:
            for callback in turn.callbacks:
                await self._run(turn, callback, nursery)
                if self._stopped:
                    return

    async def _run(self, turn: Turn, callback: Callable[..., object], nursery: trio.Nursery) -> None:
        try:
            result = _checked(callback)(*turn.arguments)
        except NOT_ITS_OWN:
            raise
        except BaseException as error:  # noqa: BLE001 - this is where user code comes in
            self._failed(turn, error, callback)
            return
        if inspect.iscoroutine(result):
            await nursery.start(self._run_async, turn, callback, result)
        elif inspect.isgenerator(result) or inspect.isasyncgen(result):
            self._failed(turn, ScenarioError(_NEVER_RUNS), callback)
        else:
            turn.returned.take(result)

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
            with turn.returned:
                turn.returned.take(await coroutine)
        except NOT_ITS_OWN:
            raise
        except BaseExceptionGroup as group:
            others, failed = group.split(NOT_ITS_OWN)
            if failed is not None:
                self._failed(turn, failed, callback)
            if others is not None:
                raise others from None
        except BaseException as error:  # noqa: BLE001 - this is where user code comes in
            self._failed(turn, error, callback)

    def _failed(self, turn: Turn, error: BaseException, callback: Callable[..., object]) -> None:
        turn.returned.fail()
        self._on_error(error, turn.doing, callback)


def _listening(target: EventTarget, event: str) -> Iterator[Callable[..., object]]:
    for callback in target.listeners_of(event):
        if any(callback is it for it in target.listeners_of(event)):  # `==` may be the scenario's own
            yield callback


def _checked(callback: Callable[..., object]) -> Callable[..., object]:
    """`callback`, unless the scenario, unchecked by types, passed something else as a handler: ScenarioError."""
    if not callable(callback):
        raise ScenarioError(f"a handler must be a function, not {callback!r}")
    return callback
