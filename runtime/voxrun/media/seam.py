"""`Seam`: where one stream that a unit hears ends and the next one, or silence, begins."""

from voxrun.audio.fade import fade_from
from voxrun.audio.frame import SESSION_RATES, Samples, silence


class Seam:
    """Every frame that a sink hears passes through `join`; one that follows a `cut` gets a fade-out of what was cut.

    The fade is the last sample heard, held for 5 ms and faded. The stream's own next 5 ms would be no better known: its
    source may be gone. A held sample is always there, corrects exactly as much as would jump, and is nothing after a
    stream that came to rest by itself.
    """

    __slots__ = ("_heard", "_last")

    def __init__(self) -> None:
        self._heard = silence(SESSION_RATES[0])
        self._last = 0  # sample of what was cut

    def cut(self) -> None:
        """What was heard up to now does not go on."""
        self._last = int(self._heard[-1])

    def join(self, frame: Samples) -> Samples:
        """The next 20 ms as they are to be heard: `frame` itself unless something was cut."""
        if self._last:
            frame = fade_from(self._last, frame)
            self._last = 0
        self._heard = frame
        return frame
