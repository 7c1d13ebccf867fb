"""`Session`: one run of one scenario, from loading it to the last event."""

import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import trio

from voxrun.errors import ConfigurationError, InternalError, RemoteError, ScenarioError, VoxrunError
from voxrun.events.app import AppEvents, CallAlertingEvent, StartedEvent, TerminatedEvent, TerminatingEvent
from voxrun.events.name import EventName
from voxrun.media.call import Call
from voxrun.media.graph import Graph
from voxrun.media.leg import Leg, Party
from voxrun.media.sounds import Sounds
from voxrun.media.target import EventTarget
from voxrun.media.ticker import Ticker
from voxrun.session.current import current
from voxrun.session.dispatch import Dispatcher, Returned
from voxrun.session.failure import (
    calling_place,
    explain,
    first_of,
    located,
    overwritten,
    placed,
    short_path,
    traceback_of,
)
from voxrun.session.http_request import without_key
from voxrun.session.incoming_websockets import IncomingWebSockets
from voxrun.session.loader import load, read, unload
from voxrun.session.requests import Requests
from voxrun.session.services import Services
from voxrun.session.timers import Timers
from voxrun.session.trace import Trace

E = TypeVar("E")
T = TypeVar("T")

ENDING_SECONDS = 5.0
"""How long handlers of Terminating may take before the session ends without them; in a hurry, requests as well."""

LEAVING_SECONDS = 1.0
"""How long taking leave of peers may take."""

IDLE_SECONDS = 60.0
"""A session without a call ends after this long (VoxEngine's limit)."""

IDLE_AFTER_CALL_SECONDS = 1.0
"""And this long after its call, unless whoever began it wants another time."""

FAILED = "the scenario failed"
"""The reason of a session that ended as the scenario, or a unit of it, went wrong."""

_READERS = trio.CapacityLimiter(1)
"""Scenarios are read one after the other: sessions that begin together find what the first has read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: `reason` in a few words, `error` when something went wrong."""

    reason: str
    error: VoxrunError | None


class Application(EventTarget):
    """What `VoxEngine.addEventListener` registers on."""

    namespaces = (AppEvents,)


class _Started:
    """A task's status that remembers whether the task has started."""

    def __init__(self, status: trio.TaskStatus[object]) -> None:
        self.happened = False
        self._status = status

    def started(self, value: object = None) -> None:
        """It has."""
        self.happened = True
        self._status.started(value)


class Session:
    """The host of one scenario's units.

    Two nurseries, one inside the other: handlers are cancelled first, units, which still have files to complete, last.
    """

    def __init__(
        self, scenario: Path, services: Services, ticker: Ticker, *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.id = f"{services.random.getrandbits(128):032x}"
        self.services = services
        self.trace_log = Trace(self.now, services.secrets)
        self.custom_data = ""
        self.takes = ""
        self.access_url = ""
        """Where `AppEvents.HttpRequest` is fired from outside, WebSockets come in; empty if nothing listens there."""
        self.call: Call | None = None
        self.incoming = IncomingWebSockets(self)
        self._scenario = scenario
        self._ticker = ticker
        self._idle_seconds = idle_seconds
        self._began = trio.current_time()
        self._serials: dict[str, itertools.count[int]] = {}
        self._units: trio.Nursery
        self._failure: VoxrunError | None = None
        self._is_over = False
        self._clear()

    def _clear(self) -> None:
        """Be as before any code of the scenario's ran. Whatever that does, no task begins until all of it is loaded."""
        self.app = Application(self, "session")
        self.graph = Graph(self._route_changed)
        self._tick = partial(self.contained, self.graph.tick)
        self._dispatcher = Dispatcher(self._handler_failed)
        self.timers = Timers(self._dispatcher)
        self.requests = Requests(self)
        self.incoming.forget()
        self._leaves: list[Callable[[], Awaitable[object]]] = []
        self._life = trio.CancelScope()
        self._call_over = trio.Event()
        self._ending: str | None = None
        self._broken: VoxrunError | None = None
        self._waiting: list[Callable[[], None]] | None = []

    async def run(self, leg: Leg | None = None, party: Party | None = None) -> Outcome:
        """Load the scenario, offer it the call behind `leg`, if any, and stay until it is over."""
        token = current.set(self)
        late, skipped = self._ticker.late, self._ticker.skipped
        try:
            async with trio.open_nursery() as self._units:
                await self._load_and_live(leg, party or Party())
                self._units.cancel_scope.cancel(reason="the session is over")
        except BaseExceptionGroup as group:
            _, others = group.split(Exception)
            if others is not None:
                raise first_of(others) from group
            self._broke_down(group)
        finally:
            self._ticker.remove(self._tick)
            current.reset(token)
        self._is_over = True
        error = self._failure or self._broken
        self.trace("clock", late_ticks=self._ticker.late - late, skipped_ticks=self._ticker.skipped - skipped)
        self.trace(
            "end",
            reason=self._ending,
            error=error and str(error),
            dropped_events=self._dispatcher.dropped,
            dropped_records=self.trace_log.dropped,
        )
        return Outcome(self._ending or "", error)

    def terminate(self, reason: str = "terminated by the scenario") -> None:
        """End the session. The code that runs now goes on to its next wait; after it only the last two events come."""
        if self._ending is None:
            self._ending = reason
            self.incoming.decided.set()
            self._dispatcher.stop()
            self._life.cancel(reason=reason)

    def interrupt(self, reason: str) -> None:
        """End the session for somebody who waits for that, even if it is ending already: requests then have no longer
        than handlers of Terminating.
        """
        self.requests.hurry(ENDING_SECONDS)
        self.terminate(reason)

    def now(self) -> float:
        """Seconds since the session began."""
        return trio.current_time() - self._began

    @property
    def is_ending(self) -> bool:
        """Whether no event comes any more but the last two."""
        return self._ending is not None

    @property
    def is_in_call(self) -> bool:
        """Whether it has a call that is not over."""
        return self.call is not None and not self._call_over.is_set()

    @property
    def sounds(self) -> Sounds:
        """Where audio is read from and written to. ConfigurationError when whoever began the session gave nothing."""
        if self.services.sounds is None:
            raise ConfigurationError("this session was begun without `sounds`: it can't play or record")
        return self.services.sounds

    def new_id(self, kind: str) -> str:
        """`call-1`, `player-1`, `player-2`."""
        return f"{kind}-{next(self._serials.setdefault(kind, itertools.count(1)))}"

    def emit(
        self, target: EventTarget, event: EventName[E], payload: E, *, private: bool = False, told: E | None = None
    ) -> None:
        """Queue an event; nothing comes of it once the session is ending. The trace has what is `told` of it, if that
        is less.
        """
        if self._ending is None:
            self.trace("event", unit=target.id(), name=event, payload=None if private else told or payload)
            self._dispatcher.put_event(target, event, payload)

    async def ask(self, target: EventTarget, event: EventName[E], payload: E, told: E) -> Returned:
        """Queue an event, `told` so, and wait for what its handlers return; nothing once the session is ending."""
        if self._ending is not None:
            return Returned()
        self.trace("event", unit=target.id(), name=event, payload=told)
        returned = self._dispatcher.put_event(target, event, payload)
        await returned.settled.wait()
        return returned

    def call_soon(self, what: str, callback: Callable[..., object], *args: object) -> None:
        """Queue a call of the scenario's own function."""
        self._dispatcher.put(what, iter((callback,)), *args)

    def spawn(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run a unit's task."""
        if self._waiting is None:
            self._units.start_soon(self._contain, task, *args)
        else:
            self._waiting.append(partial(self.spawn, task, *args))

    async def start(self, task: Callable[..., Awaitable[object]], *args: object) -> Any:
        """Run a unit's task and wait until it says that it has started; what it raises before is raised here."""
        return await self._units.start(self._contain_started, task, *args)

    def contained(self, work: Callable[..., object], *args: object) -> None:
        """Do work of this session's units, as long as it has any, for somebody who must not be hurt when it fails: only
        the session ends.
        """
        if self._is_over:
            return
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001 - one session's failure is no other's
            self._ticker.remove(self._tick)
            self._broke_down(error)

    def at_end(self, leave: Callable[[], Awaitable[object]]) -> Callable[[], None]:
        """Have `leave` run when the session ends."""
        self._leaves.append(leave)
        return partial(self._leaves.remove, leave)

    async def offload(self, work: Callable[..., T], *args: object) -> T:
        """Do blocking work."""
        return cast(T, await self.services.offload(work, *args))

    def trace(self, kind: str, **fields: object) -> None:
        """Add a record to the trace."""
        self.trace_log.record(kind, **fields)

    def watch(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Have `watcher` get each record of the trace."""
        self.trace_log.subscribe(watcher)
        return partial(self.trace_log.unsubscribe, watcher)

    def warn(self, message: str) -> None:
        """Add a warning to the trace, with the scenario's line that led to it; the live view shows it."""
        self.trace("warning", message=located(message, calling_place()))

    def broke(self, error: VoxrunError) -> None:
        """A peer, file or device broke; the session's outcome will say so."""
        self._broken = self._broken or error
        self.trace("error", message=str(error))

    def breaker(self) -> Callable[[VoxrunError], None]:
        """`broke` for later, which names the scenario's line that runs now."""
        place = calling_place()
        return lambda error: self.broke(placed(error, place))

    def recovered(self) -> None:
        """A peer is there again."""
        if isinstance(self._broken, RemoteError):
            self._broken = None

    def protect(self, secret: str) -> None:
        """Keep a text out of all output."""
        self.services.secrets.protect(secret)

    def call_ended(self) -> None:
        """The call is over: stay for the idle time, and for what requests take, then end."""
        self._call_over.set()

    async def _load_and_live(self, leg: Leg | None, party: Party) -> None:
        try:
            module = await self._load()
        except VoxrunError as error:
            self._fail(error)
            return
        try:
            self._begin()
            await self._live(leg, party)
            await self._take_leave()
            await self._end()
        finally:
            unload(module)

    async def _load(self) -> ModuleType:
        versions, language = self.services.versions, self.services.language
        if versions is None:
            only = read(self._scenario, language)
            self._scenario = only.file
            return load(only)
        name, custom_data, ending, version = self._scenario, self.custom_data, None, None
        try:
            version = await trio.to_thread.run_sync(versions.read, name, language, limiter=_READERS)
            self._scenario, ending = version.file, self._ending
            module = load(version)
        except VoxrunError as error:
            before = versions.before(name, version)
            if before is None or ending is not None:
                raise
            if version is not None:
                # Nothing stays of what failed: no task or handler of its has run.
                self._dispatcher.stop()  # who waits for what handlers return gets nothing
                self._clear()
            self.custom_data, self._scenario = custom_data, before.file
            with suppress(VoxrunError):  # it may never have been loaded: what is there now is the mistake to tell
                module = load(before)
                self.warn(versions.warning(name, self.services.secrets.scrub(str(error))))
                return module
            raise
        versions.loaded(name, version)
        return module

    def _begin(self) -> None:
        """Have time go on for what top-level code has set up."""
        self._ticker.add(self._tick)
        self._units.start_soon(self.timers.run)
        waiting, self._waiting = self._waiting or (), None
        for begin in waiting:
            begin()

    async def _live(self, leg: Leg | None, party: Party) -> None:
        with self._life:
            async with trio.open_nursery() as handlers:
                handlers.start_soon(self._idle)
                self._open(leg, party)
                await self._dispatcher.run(handlers)

    async def _idle(self) -> None:
        """End the session when it has no call for the idle time. That begins anew after requests, up to VoxEngine's
        limit, for what waits for them to go on: reports at the end of a call may take more than one.
        """
        await self._call_over.wait()
        with trio.move_on_after(max(self._idle_seconds, IDLE_SECONDS)):
            is_idle = False
            while not is_idle:
                await trio.sleep(self._idle_seconds)
                is_idle = not await self.requests.through()
        self.terminate(f"no call for {self._idle_seconds:g} s")

    def _open(self, leg: Leg | None, party: Party) -> None:
        started = AppEvents.Started
        url, shown = self.access_url, without_key(self.access_url)
        event = StartedEvent(name=started, sessionId=self.id, accessURL=url, accessSecureURL=url)
        self.emit(self.app, started, event, told=replace(event, accessURL=shown, accessSecureURL=shown))
        self.call_soon("before somebody connects", self.incoming.decided.set)  # handlers of Started may allow that
        if leg is None:
            self.call_ended()
            return
        self.call = Call(self, leg, party)
        alerting = AppEvents.CallAlerting
        self.call_soon("before the call alerts", self._see_who_answers)  # handlers of Started may add one
        self.emit(
            self.app,
            alerting,
            CallAlertingEvent(
                name=alerting,
                call=self.call,
                callerid=party.callerid,
                destination=party.destination,
                displayName=party.displayName,
                toURI=f"sip:{party.destination}",
                fromURI=f"sip:{party.callerid}",
                headers=party.headers,
                customData=party.customData,
            ),
        )

    def _see_who_answers(self) -> None:
        if not self.app.listeners_of(AppEvents.CallAlerting):
            self.warn(f"the scenario has no handler of {AppEvents.CallAlerting}: nobody answers the call")

    async def _take_leave(self) -> None:
        with trio.move_on_after(LEAVING_SECONDS):
            async with trio.open_nursery() as nursery:
                for leave in self._leaves:
                    nursery.start_soon(leave)

    async def _end(self) -> None:
        """Deliver the last two events. Units are still there, no timer fires; one request may still be made."""
        await self.requests.finish(then=1)
        terminating = AppEvents.Terminating
        error = str(self._failure or "")
        await self._deliver_last(terminating, TerminatingEvent(name=terminating, systemError=error))
        await self.requests.finish()
        terminated = AppEvents.Terminated
        await self._deliver_last(terminated, TerminatedEvent(name=terminated))

    async def _deliver_last(self, event: EventName[E], payload: E) -> None:
        """Deliver this one event of the session's, past the queue, and wait for its handlers."""
        self.trace("event", unit=self.app.id(), name=event, payload=payload)
        dispatcher = Dispatcher(self._handler_failed)
        dispatcher.put_event(self.app, event, payload)
        with trio.move_on_after(ENDING_SECONDS) as scope:
            async with trio.open_nursery() as handlers:
                await dispatcher.run_waiting(handlers)
        if scope.cancelled_caught:
            self.warn(f"a handler of {event} was not through after {ENDING_SECONDS:g} s: the session ends without it")

    async def _contain(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        try:
            await task(*args)
        except* Exception as group:  # noqa: BLE001 - one unit's failure is its session's alone
            self._broke_down(group)

    async def _contain_started(
        self, task: Callable[..., Awaitable[object]], *args: object, task_status: trio.TaskStatus[object]
    ) -> None:
        started = _Started(task_status)
        try:
            await task(*args, task_status=started)
        except Exception as error:
            if not started.happened:
                raise
            self._broke_down(error)

    def _broke_down(self, error: BaseException) -> None:
        """A unit's own code failed: that ends this session in good order, and no other."""
        first = first_of(error)
        self.trace("traceback", text=traceback_of(error))
        if isinstance(first, VoxrunError):
            self._fail(first)
        elif message := overwritten(first):
            self._fail(ScenarioError(message, where=short_path(str(self._scenario)), excerpt=""))
        else:
            self._fail(InternalError(f"a bug of voxrun's own: {type(first).__name__}: {first}"))

    def _handler_failed(self, error: BaseException, doing: str, handler: object) -> None:
        self.trace("traceback", text=traceback_of(error))
        self._fail(explain(error, self._scenario, doing, handler))

    def _fail(self, error: VoxrunError) -> None:
        self._failure = self._failure or error
        self.trace("error", message=str(error))
        self.terminate(FAILED)

    def _route_changed(self, change: str, source: str, sink: str) -> None:
        self.trace("route", change=change, source=source, sink=sink)
