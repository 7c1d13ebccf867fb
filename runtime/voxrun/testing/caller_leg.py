"""`CallerLeg`: the leg of a simulated caller whose audio comes and goes without loss."""

from collections.abc import Callable

from voxrun.audio.frame import Samples
from voxrun.media.host import UnitHost
from voxrun.media.line import AudioCame, FarEndLeft, LineNews, ToneCame
from voxrun.testing.caller import Caller, CallerAction, HangUp, Press
from voxrun.testing.caller_play import CallerPlay
from voxrun.testing.news import News
from voxrun.testing.sounds import Render


class CallerLeg:
    """Plays the caller on the tick itself."""

    def __init__(self, caller: Caller, news: News, render: Render) -> None:
        self.rate = caller.rate
        self.play = CallerPlay(caller.steps, caller.rate, news, render, self._act)
        self.digits: list[str] = []
        """What the scenario sent."""
        self._listener: Callable[[LineNews], None] = lambda news: None

    @property
    def line(self) -> "CallerLeg":
        """Itself."""
        return self

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """Have `receive` told of keys, and of the end."""
        self._listener = receive

    def send_digits(self, digits: str) -> None:
        """Keep what the scenario sends."""
        self.digits.extend(digits)

    def clear(self) -> None:
        """Nothing waits here."""

    def hang_up(self) -> None:
        """Nobody waits at the far end."""

    async def carry(self, host: UnitHost) -> None:
        """No I/O; audio comes from now on."""
        self._listener(AudioCame())

    def read(self) -> Samples:
        """The caller's next 20 ms."""
        return self.play.say()

    def write(self, frame: Samples) -> None:
        """20 ms for the caller."""
        self.play.hear(frame)

    def _act(self, action: CallerAction) -> None:
        if isinstance(action, HangUp):
            self._listener(FarEndLeft())
        elif isinstance(action, Press):
            for digit in action.digits:
                self._listener(ToneCame(digit))
