"""`Inbox`: one stream on its way into a unit that hears on the tick, and `Inboxes`, one for each sender."""

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.media.graph import Inlet, Source
from voxrun.media.playout import Playout
from voxrun.media.seam import Seam

INBOX_SECONDS = 0.2
"""How far a sender may run ahead of the tick."""


class Inbox:
    """Takes a stream in frames of any pace and gives one a tick; a stream that is cut fades out."""

    __slots__ = ("_playout", "_seam", "_silence", "_size", "inlet")

    def __init__(self, rate: int) -> None:
        self._playout = Playout(rate, INBOX_SECONDS)
        self.inlet = Inlet(rate, self._playout.put)
        self._size = frame_size(rate)
        self._silence = silence(rate)
        self._seam = Seam()

    @property
    def dropped(self) -> int:
        """Samples that came too far ahead of the tick."""
        return self._playout.dropped

    def __len__(self) -> int:
        """Samples waiting for their tick."""
        return self._playout.size

    def take(self) -> Samples:
        """The next 20 ms: the shared silence when nothing came."""
        frame = self._playout.take(self._size)
        return self._seam.join(self._silence if frame is None else frame)

    def cut(self) -> None:
        """The stream is taken away: what waits of it is not heard any more."""
        self._playout.clear()
        self._seam.cut()


class Inboxes:
    """What a unit that mixes gets, an `Inbox` for each sender, so that senders out of step don't lose a frame."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._inboxes: dict[Source, Inbox] = {}
        self._leaving: set[Source] = set()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Samples that came too far ahead of the tick, from all senders so far."""
        return self._dropped + sum(inbox.dropped for inbox in self._inboxes.values())

    def __len__(self) -> int:
        """How many senders there are, those included whose end is still to be heard."""
        return len(self._inboxes)

    def inlet(self, source: Source) -> Inlet:
        """Where the frames of `source` go."""
        self._leaving.discard(source)
        if source not in self._inboxes:
            self._inboxes[source] = Inbox(self._rate)
        return self._inboxes[source].inlet

    def cut(self, source: Source) -> None:
        """`source` sends no more; its fade-out is in what is taken next."""
        if source in self._inboxes:
            self._inboxes[source].cut()
            self._leaving.add(source)

    def take(self) -> dict[Source, Samples]:
        """The next 20 ms of each sender that is not silent."""
        quiet = silence(self._rate)
        frames = {source: inbox.take() for source, inbox in self._inboxes.items()}
        while self._leaving:
            self._dropped += self._inboxes.pop(self._leaving.pop()).dropped
        return {source: frame for source, frame in frames.items() if frame is not quiet}
