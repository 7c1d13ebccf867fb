"""`Speaker`: the speaker of this machine, as a unit of a scenario."""

from typing import ClassVar

import trio

from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inbox
from voxrun.media.target import EventTarget
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.playback import Playback
from voxrun.transports.sound.port_audio import RATE


class Speaker(EventTarget):
    """Plays the one stream that it is sent, the newest, until `stop` or the end of the session."""

    namespaces: ClassVar[tuple[type, ...]] = ()
    mixes = False

    def __init__(self, host: UnitHost, devices: SoundDevices) -> None:
        """ConfigurationError if PortAudio or a speaker is missing, or can't be opened."""
        devices.require("output")
        super().__init__(host, host.new_id("speaker"))
        self._playback = Playback(devices)
        self._inbox = Inbox(RATE)
        self._life = trio.CancelScope()
        host.graph.add(self)
        host.spawn(self._carry)

    def stop(self) -> None:
        """Switch it off for good."""
        self._host.graph.remove(self)
        self._life.cancel(reason="the speaker is switched off")

    def inlet(self, source: Source) -> Inlet | None:
        """Live until it is stopped."""
        return self._inbox.inlet

    def detach(self, source: Source) -> None:
        """What the sender had ahead of the tick is not heard any more."""
        self._inbox.cut()

    def consume(self) -> None:
        """Play what came in this tick, or silence."""
        self._playback.write(self._inbox.take())

    async def _carry(self) -> None:
        try:
            with self._life:
                await self._playback.carry(self._host)
        finally:
            self._host.trace("losses", of=self.id(), samples_too_many=self._inbox.dropped)
