"""`SoundDeviceLeg`: the caller sits at this machine, with its microphone and its speaker."""

import trio

from voxrun.audio.frame import Samples
from voxrun.media.host import UnitHost
from voxrun.transports.sound.capture import Capture
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.playback import Playback
from voxrun.transports.sound.port_audio import RATE


class SoundDeviceLeg:
    """The default microphone and speaker."""

    line = None

    def __init__(self, devices: SoundDevices) -> None:
        """ConfigurationError if PortAudio or a device is missing, or can't be opened."""
        self.rate = RATE
        devices.require("input", "output")
        self._capture = Capture(devices)
        self._playback = Playback(devices)

    async def carry(self, host: UnitHost) -> None:
        """Keep both open until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._capture.carry, host)
            nursery.start_soon(self._playback.carry, host)

    def read(self) -> Samples:
        """The microphone's next 20 ms; silence when they are late."""
        return self._capture.read()

    def write(self, frame: Samples) -> None:
        """The speaker's next 20 ms."""
        self._playback.write(frame)
