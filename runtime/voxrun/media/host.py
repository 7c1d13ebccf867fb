"""`UnitHost`: what a unit needs from whoever runs it. The session implements it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from voxrun.errors import VoxrunError
from voxrun.events.name import EventName
from voxrun.media.graph import Graph

if TYPE_CHECKING:
    from voxrun.media.sounds import Sounds
    from voxrun.media.target import EventTarget

E = TypeVar("E")
T = TypeVar("T")


class UnitHost(Protocol):
    """The session, seen from a unit."""

    graph: Graph
    takes: str
    """How the names of recordings begin that the scenario gives no name."""

    @property
    def app(self) -> "EventTarget":
        """The session itself, whose events are `AppEvents`."""

    @property
    def sounds(self) -> "Sounds":
        """Where audio is read from and written to."""

    def now(self) -> float:
        """Seconds since the session began, on trio's clock."""

    def new_id(self, kind: str) -> str:
        """A name for a new unit that is unique in this session: `call-1`, `player-2`."""

    def emit(self, target: "EventTarget", event: EventName[E], payload: E, *, private: bool = False) -> None:
        """Queue an event; the target's handlers run soon, in order, never inside this call.

        The trace gets the payload, unless it is `private`.
        """

    def call_soon(self, what: str, callback: Callable[..., object], *args: object) -> None:
        """Queue a call of the scenario's own function, as if it were a handler; `what` names it in errors."""

    def spawn(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        """Run a task that lives until it returns or the session closes its units."""

    async def start(self, task: Callable[..., Awaitable[object]], *args: object) -> Any:
        """Like `spawn`, but wait for the task's `task_status.started(value)` and return that value."""

    def at_end(self, leave: Callable[[], Awaitable[object]]) -> Callable[[], None]:
        """Have `leave` take its leave of a peer when the session ends, before the unit's tasks are cancelled; not any
        more once what this returns is called.
        """

    async def offload(self, work: Callable[..., T], *args: object) -> T:
        """Do slow, blocking work off the media thread."""

    def trace(self, kind: str, **fields: object) -> None:
        """Put a record into the session's trace."""

    def watch(self, watcher: Callable[[str], None]) -> Callable[[], None]:
        """Have `watcher` get each record of the trace, a line of JSON, until what this returns is called."""

    def warn(self, message: str) -> None:
        """Tell the person at the terminal about something that is probably a mistake."""

    def broke(self, error: VoxrunError) -> None:
        """A peer, file or device broke. The session goes on, but says so now and in its outcome."""

    def breaker(self) -> Callable[[VoxrunError], None]:
        """`broke` for later: it will name the scenario's line that runs now."""

    def recovered(self) -> None:
        """A peer is there again after one broke: the outcome forgets it."""

    def protect(self, secret: str) -> None:
        """Never let this text reach a log, trace or error."""

    def call_ended(self) -> None:
        """A call is over; the session ends when none is left for the idle time."""
