"""`Call`: a call as the scenario sees it, one leg behind it."""

import enum
from collections.abc import Mapping
from typing import ClassVar

import trio

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.events.call import CallEvent, CallEvents, ConnectedEvent, DisconnectedEvent
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.leg import Leg, Party
from voxrun.media.playout import Playout
from voxrun.media.unit import MediaSource

RING_SECONDS = 60.0
"""An incoming call that nobody answers ends after this long, with code 408 (VoxEngine's limit)."""

INLET_SECONDS = 0.2
"""How far a sender may run ahead of the tick."""


class CallState(enum.StrEnum):
    """VoxEngine's names of what a call can be in."""

    ALERTING = "ALERTING"
    PROGRESSING = "PROGRESSING"
    CONNECTED = "CONNECTED"
    TERMINATED = "TERMINATED"


class Call(MediaSource):
    """An incoming call. It receives one stream; a new one replaces the one before."""

    namespaces: ClassVar[tuple[type, ...]] = (CallEvents,)
    mixes = False

    def __init__(self, host: UnitHost, leg: Leg, party: Party) -> None:
        super().__init__(host, "call")
        self._leg = leg
        self._party = party
        self._state = CallState.ALERTING
        self._custom_data = party.customData
        self._connected_at = 0.0
        self._ringing = trio.CancelScope()
        self._over = trio.Event()
        self._inbox = Playout(leg.rate, INLET_SECONDS)
        self.output.open(leg.rate)
        self.said: Samples = silence(leg.rate)
        """What came from the caller in the last tick: (n,) int16."""
        self.heard: Samples = silence(leg.rate)
        """What went to the caller in the last tick: (n,) int16."""
        host.spawn(self._ring_out)

    def callerid(self) -> str:
        """The caller's number."""
        return self._party.callerid

    def number(self) -> str:
        """The number that was dialled."""
        return self._party.destination

    def displayName(self) -> str:
        """The caller's name, as the caller gave it."""
        return self._party.displayName

    def incoming(self) -> bool:
        """True: the other side called."""
        return True

    def state(self) -> str:
        """ALERTING, PROGRESSING, CONNECTED or TERMINATED."""
        return self._state.value

    def customData(self, customData: str | None = None) -> str:
        """The call's own text: set it when one is given, then return it."""
        if customData is not None:
            self._custom_data = customData
        return self._custom_data

    def ring(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Let the caller hear that it rings."""
        if self._state is CallState.ALERTING:
            self._enter(CallState.PROGRESSING)

    def answer(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Take the call; `CallEvents.Connected` follows. Answering twice, or after the end, changes nothing."""
        if self._state in (CallState.CONNECTED, CallState.TERMINATED):
            self._host.warn(f"{self.id()}.answer() has no effect: the call is {self._state.value}")
            return
        self._enter(CallState.CONNECTED)
        self._ringing.cancel(reason="the call is answered")
        self._connected_at = self._host.now()
        self._host.graph.changed()
        self._host.spawn(self._carry)
        connected = CallEvents.Connected
        self._host.emit(
            self,
            connected,
            ConnectedEvent(
                name=connected,
                call=self,
                id=self.id(),
                headers=self._party.headers,
                customData=self._custom_data,
            ),
        )
        started = CallEvents.AudioStarted
        self._host.emit(self, started, CallEvent(name=started, call=self, id=self.id()))

    def reject(self, code: int, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Refuse a call that was not answered, with a SIP status such as 486 (busy) or 603 (declined)."""
        self._end(code, "Rejected")

    def decline(self, code: int, extraHeaders: Mapping[str, str] | None = None) -> None:
        """The same as `reject`."""
        self._end(code, "Declined")

    def hangup(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """End the call; `CallEvents.Disconnected` follows."""
        self._end(200, "Normal call clearing")

    def inlet(self, source: Source) -> Inlet | None:
        """Live while the call is connected."""
        return Inlet(self._leg.rate, self._inbox.put) if self._state is CallState.CONNECTED else None

    def detach(self, source: Source) -> None:
        """What the sender had ahead of the tick is not heard any more."""
        self._inbox.clear()

    def produce(self) -> None:
        """Take the caller's frame and send it on."""
        if self._state is CallState.CONNECTED:
            self.said = self._leg.read()
            self.output.push(self.said)

    def consume(self) -> None:
        """Give the caller the frame that came, or silence."""
        if self._state is CallState.CONNECTED:
            frame = self._inbox.take(frame_size(self._leg.rate))
            self.heard = silence(self._leg.rate) if frame is None else frame
            self._leg.write(self.heard)

    def _enter(self, state: CallState) -> None:
        self._state = state
        self._host.trace("call", unit=self.id(), state=state.value)

    def _end(self, code: int, reason: str) -> None:
        if self._state is CallState.TERMINATED:
            return
        connected = self._state is CallState.CONNECTED
        duration = self._host.now() - self._connected_at if connected else 0.0
        self._enter(CallState.TERMINATED)
        self._ringing.cancel(reason="the call is over")
        self._over.set()
        self._host.graph.remove(self)
        event = CallEvents.Disconnected
        self._host.emit(
            self,
            event,
            DisconnectedEvent(
                name=event,
                call=self,
                id=self.id(),
                internalCode=code,
                reason=reason,
                duration=round(duration),
                direction="Incoming",
                headers=self._party.headers,
            ),
        )
        self._host.call_ended()

    async def _ring_out(self) -> None:
        with self._ringing:
            await trio.sleep(RING_SECONDS)
            self._end(408, f"Not answered within {RING_SECONDS:.0f} s")

    async def _carry(self) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._leg.carry, self._host)
                await self._over.wait()
                nursery.cancel_scope.cancel(reason="the call is over")
        finally:
            self._host.trace("losses", of=self.id(), samples_too_many=self._inbox.dropped)
