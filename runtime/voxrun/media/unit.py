"""`MediaSource`: what all units with audio of their own share; `VoxMediaUnit`: one that also receives."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack, runtime_checkable

from voxrun.errors import ScenarioError
from voxrun.media.graph import Output, Sink, Source
from voxrun.media.parameters import merged
from voxrun.media.target import EventTarget
from voxrun.shown import shown

if TYPE_CHECKING:
    from voxrun.media.host import UnitHost


class SendMediaParameters(TypedDict, total=False):
    """How audio is sent to a WebSocket, and which of a WebSocket's streams is sent; for other units it means nothing.

    `tag`: the name of the stream; one of the same name ends. `encoding`: one of `WebSocketAudioEncoding`, PCM8 if not
    given. `customParameters`: what the peer is told when the stream starts.
    """

    tag: str
    encoding: str
    customParameters: Mapping[str, object]


@runtime_checkable
class StreamSink(Protocol):
    """A sink that is told how each source's audio is to be sent on."""

    def expect(self, source: Source, parameters: Mapping[str, Any]) -> None:
        """Have a route from `source` be as `parameters`, which are `SendMediaParameters`, say. ScenarioError."""


class MediaSource(EventTarget):
    """A unit with audio of its own."""

    def __init__(self, host: "UnitHost", kind: str) -> None:
        super().__init__(host, host.new_id(kind))
        self.output = Output(host.graph, self)
        host.graph.add(self)

    def sendMediaTo(
        self, mediaUnit: Sink, parameters: SendMediaParameters | None = None, **keywords: Unpack[SendMediaParameters]
    ) -> None:
        """Send this unit's audio to `mediaUnit`, as well as to whom it is sent already.

        The route may be made before either end is live, but not after either has ended. A unit that receives one stream
        loses the one it had. `parameters` are for WebSockets.
        """
        self._send_to(mediaUnit, self, merged("sendMediaTo", SendMediaParameters, parameters, keywords))

    def _send_to(self, mediaUnit: Sink, source: Source, parameters: Mapping[str, Any]) -> None:
        """Send the audio of `source`, which is this unit or a part of it."""
        sink = receiving(mediaUnit)
        graph = self._host.graph
        if self not in graph:
            self._host.warn(f"{self.id()} has ended: it has no audio for {sink.id()} any more")
        elif sink not in graph:
            self._host.warn(f"{sink.id()} has ended: it takes no audio of {self.id()} any more")
        else:
            if isinstance(sink, StreamSink):
                sink.expect(source, parameters)
            graph.connect(source, sink)

    def stopMediaTo(self, mediaUnit: Sink) -> None:
        """Stop sending this unit's audio to `mediaUnit`."""
        self._host.graph.disconnect(self, receiving(mediaUnit))


class VoxMediaUnit(Source, Sink, Protocol):
    """A unit with audio both ways, such as a call or an agent."""

    def sendMediaTo(
        self, mediaUnit: Sink, parameters: SendMediaParameters | None = None, **keywords: Unpack[SendMediaParameters]
    ) -> None:
        """Send this unit's audio to another."""

    def stopMediaTo(self, mediaUnit: Sink) -> None:
        """Stop sending to another."""


def receiving(unit: Sink) -> Sink:
    """`unit`, unless the scenario, unchecked by types, passed something that receives no audio: ScenarioError."""
    if not hasattr(unit, "inlet"):
        if inspect.iscoroutine(unit):
            unit.close()
            raise ScenarioError("audio can't be sent to a promise: put `await` before the call that makes the unit")
        raise ScenarioError(f"audio can't be sent to {shown(unit)}: it is not a unit that receives audio")
    return unit
