"""`Conference`: a room in which each unit hears all the others."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import trio

from voxrun.audio.frame import Samples
from voxrun.audio.mix_minus import MixMinus, Sums
from voxrun.events.conference import (
    ConferenceEndpointEvent,
    ConferenceErrorEvent,
    ConferenceEvent,
    ConferenceEvents,
)
from voxrun.events.name import EventName
from voxrun.media.call import CallState
from voxrun.media.endpoint import ConferenceDirection, Endpoint
from voxrun.media.graph import Inlet, MixerOutput, Sink, Source, unit_of
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inboxes
from voxrun.media.parameters import one_object
from voxrun.media.unit import MediaSource

RATE = 16_000
"""Hz, of what is mixed; routes convert."""

HD_RATE = 48_000
"""Hz, with `hd_audio`."""

GONE = 410
"""ConferenceError's code when a call, or the conference, has ended."""

CONFLICT = 409
"""Its code when a call is in already."""


class Conference(MediaSource):
    """Any number of units send to it, and it sends to any number: to each the sum of all but itself.

    It lasts until `stop` or the end of the session, with members or without. Who joins or leaves does so in 5 ms.
    """

    namespaces: ClassVar[tuple[type, ...]] = (ConferenceEvents,)
    _noun = "conference"
    mixes = True

    def __init__(self, host: UnitHost, *, hd_audio: bool = False) -> None:
        super().__init__(host, "conference")
        rate = HD_RATE if hd_audio else RATE
        self.output: MixerOutput = MixerOutput(host.graph, self)
        self.output.open(rate)
        self._inboxes = Inboxes(rate)
        self._mix = MixMinus(rate)
        self._endpoints: dict[str, Endpoint] = {}
        self._audience: set[Sink] = set()  # to whom it sends, even if `say` or another unit is what they hear now
        self._version = -1  # of the routes, when it was last seen who is still in
        self._over = trio.Event()
        self._fire_event(ConferenceEvents.Started, ConferenceEvent)
        host.spawn(self._last)

    def stop(self) -> None:
        """End it for all; `ConferenceEvents.Stopped` follows."""
        if not self._over.is_set():
            self._over.set()
            self._host.graph.remove(self)
            self._see_who_left()
            self._fire_event(ConferenceEvents.Stopped, ConferenceEvent)

    @one_object
    def add(self, parameters: Mapping[str, Any]) -> Endpoint:
        """Route `call` here, from here, or both (`direction`, one of `ConferenceDirection`: both); `displayName`.

        A call that has ended, or is in already, is not added; `ConferenceEvents.ConferenceError` says so. ScenarioError
        when the parameters name no call or no direction.
        """
        endpoint = Endpoint(self._host.new_id("endpoint"), parameters, self._endpoint_updated)
        call = endpoint.getCall()
        self._see_who_left()
        if self._over.is_set():
            self._refuse(endpoint, GONE, f"{self.id()} has ended")
        elif call.state() == CallState.TERMINATED:
            self._refuse(endpoint, GONE, f"{call.id()} has ended")
        elif any(other.getCall() is call for other in self._endpoints.values()):
            self._refuse(endpoint, CONFLICT, f"{call.id()} is in {self.id()} already")
        else:
            self._admit(endpoint)
        return endpoint

    def get(self, id: str) -> Endpoint | None:
        """The endpoint of that name, if it is still in."""
        self._see_who_left()
        return self._endpoints.get(id)

    def getList(self) -> list[Endpoint]:
        """The endpoints that are in, in the order in which they were added."""
        self._see_who_left()
        return list(self._endpoints.values())

    # Media.

    def stopMediaTo(self, mediaUnit: Sink) -> None:
        """Stop sending to another."""
        super().stopMediaTo(mediaUnit)
        self._audience.discard(mediaUnit)
        self._version = -1

    def _send_to(self, mediaUnit: Sink, source: Source, parameters: Mapping[str, Any]) -> None:
        super()._send_to(mediaUnit, source, parameters)
        self._audience.add(mediaUnit)

    def inlet(self, source: Source) -> Inlet:
        """Live as long as there are routes to it: until it is stopped."""
        return self._inboxes.inlet(source)

    def detach(self, source: Source) -> None:
        """The sender leaves."""
        self._inboxes.cut(source)

    def mix(self) -> None:
        """Send each listener what the others say."""
        self._see_who_left()
        voices: dict[Source, Samples | Sums] = {}
        for source, frame in self._inboxes.take().items():
            unit = unit_of(source)
            voices[unit] = voices[unit] + frame.astype(np.int32) if unit in voices else frame
        everything, others = self._mix.mix(list(voices.values()))
        self.output.push(everything, dict(zip(voices, others, strict=True)))

    async def _last(self) -> None:
        try:
            await self._over.wait()
        finally:
            self._host.trace("losses", of=self.id(), samples_too_many=self._inboxes.dropped)

    # Endpoints.

    def _admit(self, endpoint: Endpoint) -> None:
        self._endpoints[endpoint.id()] = endpoint
        if endpoint.getDirection() != ConferenceDirection.RECEIVE:
            endpoint.getCall().sendMediaTo(self)
        if endpoint.getDirection() != ConferenceDirection.SEND:
            self.sendMediaTo(endpoint.getCall())
        self._tell(ConferenceEvents.EndpointAdded, endpoint)

    def _refuse(self, endpoint: Endpoint, code: int, reason: str) -> None:
        event = ConferenceEvents.ConferenceError
        self._fire_event(event, ConferenceErrorEvent, error=reason, code=code, endpointId=endpoint.id())

    def _see_who_left(self) -> None:
        """An endpoint is gone once neither sends to the other any more, or one of both has ended."""
        graph = self._host.graph
        if self._version == graph.version:
            return
        self._version = graph.version
        audience = self._audience if self in graph else ()
        self._audience = {sink for sink in audience if sink in graph and not self._has_lost(sink)}
        for endpoint in list(self._endpoints.values()):
            call = endpoint.getCall()
            sends, hears = self in graph.listeners(call), call in self._audience
            if not sends and not hears:
                del self._endpoints[endpoint.id()]
                self._tell(ConferenceEvents.EndpointRemoved, endpoint)

    def _has_lost(self, sink: Sink) -> bool:
        """Whether it hears another conference instead, which does not end by itself as `say` does."""
        graph = self._host.graph
        return sink not in graph.listeners(self) and any(isinstance(it, Conference) for it in graph.senders(sink))

    def _endpoint_updated(self, endpoint: Endpoint) -> None:
        if endpoint.id() in self._endpoints:
            self._tell(ConferenceEvents.EndpointUpdated, endpoint)

    def _tell(self, event: EventName[ConferenceEndpointEvent], endpoint: Endpoint) -> None:
        self._fire_event(
            event,
            ConferenceEndpointEvent,
            endpoint=endpoint,
            endpointId=endpoint.id(),
            mode=endpoint.getMode(),
            direction=endpoint.getDirection(),
        )
