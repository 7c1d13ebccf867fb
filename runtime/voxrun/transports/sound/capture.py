"""`Capture`: the microphone of this machine, whichever that is at the moment, without the echo of its speaker."""

import trio

from voxrun.audio.frame import Samples, silence
from voxrun.media.host import UnitHost
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.intake import Intake
from voxrun.transports.sound.port_audio import RATE
from voxrun.transports.sound.stream import SoundStream


class Capture:
    """Mono, at RATE."""

    def __init__(self, devices: SoundDevices) -> None:
        """ConfigurationError if echoes can't be dealt with as was asked for."""
        self._devices = devices
        self._echo = devices.new_echo()
        self._stream = SoundStream("input", Intake)
        self._host: UnitHost | None = None

    async def carry(self, host: UnitHost) -> None:
        """Keep the microphone open until cancelled."""
        self._host = host
        host.trace("echo", mode=self._echo.mode)
        self._devices.echoes.append(self._echo)
        try:
            async with self._devices.hold(host, self._stream):
                await trio.sleep_forever()
        finally:
            self._devices.echoes.remove(self._echo)

    def read(self) -> Samples:
        """The next 20 ms; silence while no microphone is open."""
        intake = self._stream.current
        heard = self._echo.clean(silence(RATE) if intake is None else intake.read())
        if self._echo.advice and self._host is not None:
            self._host.warn(
                f"the microphone hears what the speaker plays, and so the agent itself; {self._echo.advice}"
            )
            self._echo.advice = ""
        return heard
