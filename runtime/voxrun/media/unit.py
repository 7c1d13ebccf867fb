"""`MediaSource`: what all units with audio of their own share; `VoxMediaUnit`: one that also receives."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from voxrun.errors import ScenarioError
from voxrun.media.graph import Output, Sink, Source
from voxrun.media.target import EventTarget

if TYPE_CHECKING:
    from voxrun.media.host import UnitHost


class MediaSource(EventTarget):
    """A unit with audio of its own."""

    def __init__(self, host: "UnitHost", kind: str) -> None:
        super().__init__(host, host.new_id(kind))
        self.output = Output(host.graph, self)
        host.graph.add(self)

    def sendMediaTo(self, mediaUnit: Sink, parameters: Mapping[str, object] | None = None) -> None:
        """Send this unit's audio to `mediaUnit`, as well as to whom it is sent already.

        The route may be made before either end is live, but not after either has ended. A unit that receives one stream
        loses the one it had.
        """
        sink = _receiving(mediaUnit)
        graph = self._host.graph
        if self not in graph:
            self._host.warn(f"{self.id()} has ended: it has no audio for {sink.id()} any more")
        elif sink not in graph:
            self._host.warn(f"{sink.id()} has ended: it takes no audio of {self.id()} any more")
        else:
            graph.connect(self, sink)

    def stopMediaTo(self, mediaUnit: Sink) -> None:
        """Stop sending this unit's audio to `mediaUnit`."""
        self._host.graph.disconnect(self, _receiving(mediaUnit))


class VoxMediaUnit(Source, Sink, Protocol):
    """A unit with audio both ways, such as a call or an agent."""

    def sendMediaTo(self, mediaUnit: Sink, parameters: Mapping[str, object] | None = None) -> None:
        """Send this unit's audio to another."""

    def stopMediaTo(self, mediaUnit: Sink) -> None:
        """Stop sending to another."""


def _receiving(unit: Sink) -> Sink:
    """`unit`, unless the scenario, unchecked by types, passed something that receives no audio: ScenarioError."""
    if not hasattr(unit, "inlet"):
        if inspect.iscoroutine(unit):
            unit.close()
            raise ScenarioError("audio can't be sent to a promise: put `await` before the call that makes the unit")
        raise ScenarioError(f"audio can't be sent to {unit!r}: it is not a unit that receives audio")
    return unit
