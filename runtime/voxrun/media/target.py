"""`EventTarget`: anything that handlers can listen to, and the registry of its handlers."""

from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import trio

from voxrun.errors import ScenarioError
from voxrun.events.name import EventName, constants
from voxrun.nearest import nearest
from voxrun.shown import shown

if TYPE_CHECKING:
    from voxrun.media.host import UnitHost

E = TypeVar("E")
T = TypeVar("T")

MOST_HANDLERS = 500
"""Of one event of one unit. More are a mistake, and would hold up everybody's clock."""
MOST_EVENTS = 100
"""Of one unit to which handlers were added, those that it never sends included."""

_HOUSEWORK = frozenset(
    (
        *("inlet", "detach", "produce", "consume", "mix", "converse", "begin", "leave", "clear", "refuse"),
        *("expect", "waiting", "mixes", "output", "namespaces", "said", "heard"),
    )
)
"""What a unit has for the runtime, not for scenarios; so is all that has an underscore in its name."""


class Registration(Generic[E]):
    """What `target.on(event)` returns: a decorator that registers the function and gives it back unchanged."""

    def __init__(self, target: "EventTarget", event: EventName[E]) -> None:
        self._target = target
        self._event = event

    def __call__(self, callback: Callable[[E], object]) -> Callable[[E], object]:
        self._target.addEventListener(self._event, callback)
        return callback


class _Arrival(Generic[E]):
    """The handler behind `waitFor`, which nobody else knows of and so nobody else removes."""

    def __init__(self) -> None:
        self.fired = trio.Event()
        self.payloads: list[E] = []

    def __call__(self, payload: E) -> None:
        self.payloads.append(payload)
        self.fired.set()


class EventTarget:
    """Handlers by event name, in registration order."""

    namespaces: ClassVar[tuple[type, ...]] = ()
    """The constant classes (`CallEvents`, …) whose events this kind of target sends."""

    _noun: ClassVar[str]
    """The field of their payloads that holds it, such as `player`."""

    def __init__(self, host: "UnitHost", name: str) -> None:
        self._host = host
        self._id = name
        self._listeners: dict[str, list[Callable[..., object]]] = {}

    def __new__(cls, *given: object, **_: object) -> Self:
        """ScenarioError for a scenario that calls the class, before Python tells it of parameters of the inside."""
        if not given or not hasattr(given[0], "new_id"):
            raise ScenarioError(
                f"{cls.__name__} can't be called: a function such as createRecorder, or an event, gives it"
            )
        return super().__new__(cls)

    def __copy__(self) -> Self:
        """Itself: in a copy of an event too, `call` is the call."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Itself, as above."""
        return self

    def __repr__(self) -> str:
        return f"<{self._id}>"

    def id(self) -> str:
        """The name of this target in its session, such as `call-1`."""
        return self._id

    def addEventListener(self, event: EventName[E], callback: Callable[[E], object]) -> None:
        """Call `callback(event_object)` each time `event` fires; several handlers run in the order they were added.

        A coroutine function runs as a task of its own. Anything but a function ends the scenario when the event fires.
        """
        self._warn_if_unknown(event)
        if not callable(callback):
            self._host.warn(f"{callback!r} is no function: the scenario ends when {event} fires")
        if event not in self._listeners and len(self._listeners) >= MOST_EVENTS:
            raise ScenarioError(f"{self.id()} has handlers of {MOST_EVENTS} events already: is one added in a handler?")
        listeners = self._listeners.setdefault(event, [])
        if len(listeners) >= MOST_HANDLERS:
            raise ScenarioError(
                f"{event} of {self.id()} has {MOST_HANDLERS} handlers already: is one added in a handler?"
            )
        listeners.append(callback)

    def removeEventListener(self, event: EventName[E], callback: Callable[[E], object] | None = None) -> None:
        """Forget one handler of `event`, or all of them when no `callback` is given; `waitFor` goes on waiting."""
        listeners = self._listeners.get(_hashable(event), [])
        if callback is None:
            listeners[:] = [it for it in listeners if isinstance(it, _Arrival)]
        elif callback in listeners:
            listeners.remove(callback)

    def on(self, event: EventName[E]) -> Registration[E]:
        """`addEventListener` as a decorator: `@call.on(CallEvents.Connected)`."""
        if callable(event):
            raise ScenarioError("`on` needs an event: write `@call.on(CallEvents.Connected)`, not just `@call.on`")
        return Registration(self, event)

    async def waitFor(self, event: EventName[E], timeout: float | None = None) -> E:
        """Wait until `event` fires next and return its payload.

        `timeout` is in seconds, from 0 on; TimeoutError after it.
        """
        if timeout is not None and not (isinstance(timeout, Real) and timeout >= 0):
            raise ScenarioError(f"waitFor needs its timeout as a number of seconds, but was given {shown(timeout)}")
        arrival = _Arrival[E]()
        self.addEventListener(event, arrival)
        try:
            with trio.move_on_after(float("inf") if timeout is None else timeout):
                await arrival.fired.wait()
        finally:
            listeners = self._listeners[event]
            listeners[:] = [it for it in listeners if it is not arrival]  # `==` may be the scenario's own
        if not arrival.payloads:
            raise TimeoutError(f"{event} did not fire within {timeout} s")
        return arrival.payloads[0]

    def listeners_of(self, event: str) -> tuple[Callable[..., object], ...]:
        """The handlers that would run if `event` fired now."""
        return tuple(self._listeners.get(event, ()))

    def _fire_event(
        self, event: EventName[E], payload: Callable[..., E], *, private: bool = False, **values: Any
    ) -> None:
        """Have `event` fire; its `payload` is made of `values`, the event's name and this target.

        A `private` one is in the trace without its payload.
        """
        self._host.emit(self, event, payload(name=event, **{self._noun: self}, **values), private=private)

    def _warn_if_unknown(self, event: object) -> None:
        known = constants(*self.namespaces)
        if _hashable(event) in known:
            return
        near = nearest(str(event), known)
        advice = f"; did you mean '{near}'?" if near else ""
        self._host.warn(f"no event named {shown(event)} ever fires here{advice}")


def _hashable(event: T) -> T:
    """ScenarioError for what can't even be looked up, which no type check has seen."""
    try:
        hash(event)
    except TypeError:
        raise ScenarioError(f"an event is a text such as CallEvents.Connected, not {shown(event)}") from None
    return event


def is_for_scenarios(name: str) -> bool:
    """Whether a unit's member of this name is for scenarios."""
    return "_" not in name and name not in _HOUSEWORK
