"""`Playback`: the speaker of this machine, whichever that is at the moment."""

import trio

from voxrun.audio.frame import Samples
from voxrun.media.host import UnitHost
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.outlet import Outlet
from voxrun.transports.sound.stream import SoundStream


class Playback:
    """Mono, at RATE."""

    def __init__(self, devices: SoundDevices) -> None:
        self._devices = devices
        self._stream = SoundStream("output", Outlet)

    async def carry(self, host: UnitHost) -> None:
        """Keep the speaker open until cancelled."""
        async with self._devices.hold(host, self._stream):
            await trio.sleep_forever()

    def write(self, frame: Samples) -> None:
        """The next 20 ms, once in each tick; nobody hears them while no speaker is open."""
        outlet = self._stream.current
        if outlet is not None:
            outlet.write(frame)
            for echo in self._devices.echoes:
                echo.play(frame)
