"""`SimulatedDevices`: the microphone and the speaker of this machine in a simulated call, and who sits there."""

from collections.abc import Sequence

import trio

from voxrun.audio.frame import Samples, silence
from voxrun.testing.caller import Say
from voxrun.testing.caller_play import CallerPlay
from voxrun.testing.moments import Step
from voxrun.testing.news import News
from voxrun.testing.sounds import Render
from voxrun.transports.sound.devices import SoundDevices
from voxrun.transports.sound.port_audio import NOUNS, RATE, Kind, SoundDevice
from voxrun.transports.sound.ring import Ring


class SimulatedDevices(SoundDevices):
    """Both are always there, and neither hears the other."""

    def __init__(self, steps: Sequence[Step[Say]], news: News, render: Render) -> None:
        super().__init__("off")
        self.play = CallerPlay(steps, RATE, news, render, lambda action: None)
        self._seat = _Seat(self.play, news)

    def require(self, *kinds: Kind) -> None:
        """Nothing."""

    def _open(self, anew: bool, token: trio.lowlevel.TrioToken) -> None:
        for stream in self._streams:
            stream.device = SoundDevice(stream.kind, f"simulated {NOUNS[stream.kind]}", 0, RATE)
            stream.current = self._seat


class _Seat:
    """Before the machine: what is between the tick and who sits there, with no thread in the middle."""

    def __init__(self, play: CallerPlay, news: News) -> None:
        self.ring = Ring(RATE)  # where streams count what too much or too little waited: nothing waits here
        self._play = play
        self._news = news
        self._said_at = -1.0
        self._said: Samples = silence(RATE)

    def read(self) -> Samples:
        """The next 20 ms, the same for all microphones that are open."""
        if self._said_at != self._news.now():
            self._said_at, self._said = self._news.now(), self._play.say()
        return self._said

    def write(self, frame: Samples) -> None:
        """20 ms of a speaker's."""
        self._play.hear(frame)
