"""`Graph`: the routes of one session, and the order in which its units move on a tick.

A source pushes each frame straight into the inlets of its listeners: function calls, nothing in between. Where rates
differ the frame is converted once for each target rate, whatever the number of listeners.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast, runtime_checkable

from voxrun.audio.fade import fade_in
from voxrun.audio.frame import Samples
from voxrun.audio.resample import Resampler
from voxrun.errors import ScenarioError

MOST_UNITS = 200
"""That a session has at a time. More are a mistake: each takes its part of every tick, and may hold files open."""

Receive: TypeAlias = Callable[[Samples], None]


@dataclass(frozen=True, slots=True)
class Inlet:
    """How a sink takes one source's stream: `receive` gets 20 ms at `rate` Hz for each tick, on it or ahead of it."""

    rate: int
    receive: Receive


@runtime_checkable
class Sink(Protocol):
    """A unit that audio can be sent to."""

    mixes: bool
    """True when it takes several streams at once; otherwise a new stream replaces the one before."""

    def id(self) -> str:
        """The unit's name."""

    def inlet(self, source: "Source") -> Inlet | None:
        """Where `source`'s frames go; None while this sink is not live. The same inlet each time for one route."""

    def detach(self, source: "Source") -> None:
        """The route from `source` is gone."""


class Source(Protocol):
    """A unit that sends audio."""

    @property
    def output(self) -> "Output":
        """Its way out."""

    def id(self) -> str:
        """The unit's name."""


def unit_of(source: Source) -> Source:
    """The unit that `source` is, or is a part of."""
    unit: Source = getattr(source, "unit", source)
    return unit


class Holding(Protocol):
    """A unit in which audio waits for its tick."""

    @property
    def waiting(self) -> float:
        """How much of it, in seconds."""

    def id(self) -> str:
        """The unit's name."""


@runtime_checkable
class Clearable(Protocol):
    """A sink behind which audio waits once more."""

    def clear(self) -> None:
        """Forget what waits."""


class Output:
    """A source's way out: one `push` for each tick, silence included, reaches every live listener.

    Who comes to hear a sound that is going on already, by a new route or as one that is live now, hears it fade in.
    """

    __slots__ = ("_carried", "_graph", "_owner", "_plan", "_pushed", "_rate", "_receivers", "_version")

    def __init__(self, graph: "Graph", owner: Source) -> None:
        self._graph = graph
        self._owner = owner
        self._rate = 0
        self._version = -1
        self._carried: dict[Sink, int] = {}  # the routes that have carried something, and since which version they are
        self._pushed: Samples | None = None
        self._receivers: list[Receive] = []  # at this rate
        self._plan: list[tuple[Callable[[Samples], Samples], list[Receive]]] = []  # at others

    def open(self, rate: int) -> None:
        """Say at which rate (Hz) the frames will come."""
        if rate != self._rate:
            self._rate = rate
            self._pushed = None
            self._version = -1

    def push(self, frame: Samples) -> None:
        """Send 20 ms on; listeners share the array, so it must not change any more."""
        if self._version != self._graph.version:
            self._replan()
        self._pushed = frame
        for receive in self._receivers:
            receive(frame)
        for convert, receivers in self._plan:
            converted = convert(frame)
            for receive in receivers:
                receive(converted)

    def _replan(self) -> None:
        by_rate: dict[int, list[Receive]] = {}
        for inlet in self._inlets().values():
            by_rate.setdefault(inlet.rate, []).append(inlet.receive)
        self._receivers = by_rate.pop(self._rate, [])
        self._plan = [(self._converter(rate, self._pushed).process, receivers) for rate, receivers in by_rate.items()]

    def _converter(self, rate: int, before: Samples | None) -> Resampler:
        """A new one that knows what came `before`; a filter remembers no more.

        So it goes on where another one was, and makes no step in a sound that is going on.
        """
        converter = Resampler(self._rate, rate)
        if before is not None:
            converter.process(before)
        return converter

    def _inlets(self) -> dict[Sink, Inlet]:
        """Where the next frame goes, to be asked for again when `_version` is not the graph's."""
        routes = self._graph.listeners(self._owner)
        inlets = {sink: inlet for sink in routes if (inlet := sink.inlet(self._owner)) is not None}
        is_heard = self._pushed is not None and bool(self._pushed.any())
        late = {sink for sink in inlets if self._carried.get(sink) != routes[sink]} if is_heard else set()
        self._carried = {sink: routes[sink] for sink in inlets}
        self._version = -1 if late else self._graph.version  # the frame after the fade needs another plan
        return {
            sink: Inlet(inlet.rate, _fading_in(inlet.receive)) if sink in late else inlet
            for sink, inlet in inlets.items()
        }


_NOBODY: Mapping[object, Samples] = {}  # gets a frame of its own


class MixerOutput(Output):
    """A mixer's way out: each listener may get a frame of its own, and so has a converter of its own."""

    __slots__ = ("_apart", "_streams")

    def __init__(self, graph: "Graph", owner: Source) -> None:
        super().__init__(graph, owner)
        self._apart = _NOBODY  # what was pushed beside `_pushed`
        self._streams: dict[object, tuple[Resampler, Receive]] = {}  # by listener

    def open(self, rate: int) -> None:
        """Say at which rate (Hz) the frames will come."""
        super().open(rate)
        self._apart = _NOBODY

    def push(self, frame: Samples, apart: Mapping[object, Samples] = _NOBODY) -> None:
        """Send `frame` to all listeners but those that `apart` has another one for."""
        if self._version != self._graph.version:
            self._replan()
        self._pushed, self._apart = frame, apart
        for listener, (converter, receive) in self._streams.items():
            receive(converter.process(apart.get(listener, frame)))

    def _replan(self) -> None:
        self._streams = {}
        for sink, inlet in self._inlets().items():
            before = self._apart.get(sink, self._pushed)
            self._streams[sink] = (self._converter(inlet.rate, before), inlet.receive)


def _fading_in(receive: Receive) -> Receive:
    return lambda frame: receive(fade_in(frame))


class Graph:
    """Who sends to whom in one session, and whose turn it is on a tick.

    A unit takes part in a tick by having `produce` (a source makes its frame), `mix` (a mixer combines what came) or
    `consume` (a sink uses what came). All of the first run before all of the second, those before all of the third,
    each in the order in which the units were added.
    """

    def __init__(self, on_change: Callable[[str, str, str], None]) -> None:
        self.version = 0
        """Grows with every change of routes or of what is live; outputs plan anew when it did."""
        self.position = 0
        """Ticks of the media clock so far, those skipped after a stall included."""
        self._on_change = on_change
        self._routes: dict[Source, dict[Sink, int]] = {}
        self._units: list[object] = []
        self._turns: list[Callable[[], None]] = []
        self._holding: list[Holding] = []
        self._waiting: tuple[int, dict[str, float]] = (-1, {})  # and the tick of it: each call of a tick asks

    def __contains__(self, unit: object) -> bool:
        """Whether a unit was added and not removed yet."""
        return unit in self._units

    def count(self, *kinds: type) -> int:
        """How many units of these kinds were added and not removed yet."""
        return sum(isinstance(unit, kinds) for unit in self._units)

    def waiting(self) -> dict[str, float]:
        """Seconds of audio that wait, by the name of the unit in which they do; without those where nothing does."""
        if self._waiting[0] != self.position:
            self._waiting = (
                self.position,
                {unit.id(): round(seconds, 3) for unit in self._holding if (seconds := unit.waiting)},
            )
        return self._waiting[1]

    @property
    def is_full(self) -> bool:
        """Whether there are as many units as may be."""
        return len(self._units) >= MOST_UNITS

    def add(self, unit: object) -> None:
        """Let a unit take part in ticks. ScenarioError when there are too many."""
        if self.is_full:
            raise ScenarioError(
                f"a session has at most {MOST_UNITS} units at a time: stop() those that are not needed any more"
                "; a recorder counts until its file is complete"
            )
        self._units.append(unit)
        self._plan_turns()

    def remove(self, unit: object) -> None:
        """Take a unit out, with all routes from and to it."""
        for source, sinks in list(self._routes.items()):
            for sink in [sink for sink in sinks if unit in (source, sink)]:
                self.disconnect(source, sink)
        if unit in self._units:
            self._units.remove(unit)
            self._plan_turns()
            self.changed()

    def connect(self, source: Source, sink: Sink) -> None:
        """Add a route. A sink that does not mix loses the stream it had; the old one does not come back by itself."""
        if sink in self._routes.get(source, ()):
            return
        if not sink.mixes:
            for other in self.senders(sink):
                self.disconnect(other, sink)
        self.changed()
        self._routes.setdefault(source, {})[sink] = self.version
        self._on_change("connect", source.id(), sink.id())

    def disconnect(self, source: Source, sink: Sink) -> None:
        """Remove a route, if there is one."""
        sinks = self._routes.get(source, {})
        if sink not in sinks:
            return
        del sinks[sink]
        if not sinks:
            del self._routes[source]
        sink.detach(source)
        self.changed()
        self._on_change("disconnect", source.id(), sink.id())

    def clear(self, source: Source) -> None:
        """What `source` sent is not wanted any more: have those forget it who hear it by themselves."""
        for sink in self.listeners(source):
            if isinstance(sink, Clearable):
                sink.clear()

    def listeners(self, source: Source) -> Mapping[Sink, int]:
        """Whom `source` sends to, in the order of the routes, and since which `version`."""
        return self._routes.get(source, {})

    def senders(self, sink: Sink) -> list[Source]:
        """Who sends to `sink`."""
        return [source for source, sinks in self._routes.items() if sink in sinks]

    def changed(self) -> None:
        """Something about routes or what is live has changed."""
        self.version += 1

    def tick(self, position: int) -> None:
        """Move every unit by one step of the media clock."""
        self.position = position
        for turn in self._turns:
            turn()

    def _plan_turns(self) -> None:
        # The class is asked: the unit itself may not be ready to say what waits in it.
        self._holding = [cast(Holding, unit) for unit in self._units if hasattr(type(unit), "waiting")]
        # A new list: a unit may add or remove units while the old one is being walked.
        self._turns = [
            getattr(unit, phase)
            for phase in ("produce", "mix", "consume")
            for unit in self._units
            if hasattr(unit, phase)
        ]
