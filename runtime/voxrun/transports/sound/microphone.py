"""`Microphone`: the microphone of this machine, as a unit of a scenario."""

from typing import ClassVar

import trio

from voxrun.media.host import UnitHost
from voxrun.media.unit import MediaSource
from voxrun.transports.sound.capture import Capture
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.port_audio import RATE


class Microphone(MediaSource):
    """Sends what it hears until `stop` or the end of the session; silence while no microphone is connected."""

    namespaces: ClassVar[tuple[type, ...]] = ()

    def __init__(self, host: UnitHost, devices: SoundDevices) -> None:
        """ConfigurationError if PortAudio or a microphone is missing, or can't be opened."""
        devices.require("input")
        super().__init__(host, "microphone")
        self._capture = Capture(devices)
        self._life = trio.CancelScope()
        self.output.open(RATE)
        host.spawn(self._carry)

    def stop(self) -> None:
        """Switch it off for good."""
        self._host.graph.remove(self)
        self._life.cancel(reason="the microphone is switched off")

    def produce(self) -> None:
        """Send on what it hears in this tick."""
        self.output.push(self._capture.read())

    async def _carry(self) -> None:
        with self._life:
            await self._capture.carry(self._host)
