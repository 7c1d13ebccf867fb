"""`FileLeg`: a caller who is an audio file, and says nothing more once it has been played."""

from voxrun.audio.frame import Samples, session_rate, silence
from voxrun.media.host import UnitHost
from voxrun.media.read_ahead import AudioSource, ReadAhead


class FileLeg:
    """Plays `source` in real time from the moment the call is connected; what the caller hears goes nowhere."""

    line = None

    def __init__(self, source: AudioSource) -> None:
        self.rate = session_rate(source.rate)
        self._source = source
        self._audio: ReadAhead | None = None
        self._frames_early = 0  # asked for before `carry` began

    async def carry(self, host: UnitHost) -> None:
        """Read the file ahead, to its end."""
        self._audio = ReadAhead(host, self._source)
        try:
            await self._audio.fill()
        finally:
            host.trace("losses", of="the caller's file", frames_late=self._frames_early + self._audio.starved)

    def read(self) -> Samples:
        """The next 20 ms of the file, then silence."""
        if self._audio is None:
            self._frames_early += 1
            return silence(self.rate)
        return self._audio.take()

    def write(self, frame: Samples) -> None:
        """Nobody is there to hear it."""
