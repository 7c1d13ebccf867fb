"""`StreamInbox`: a caller's audio that comes over TCP: all of it, in order, but in bursts."""

from collections import deque

from voxrun.audio.conceal import Concealer
from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.media.playout import Playout

LIMIT_SECONDS = 2.0
"""What may wait. After a longer standstill of the network the talk has moved on: the rest is dropped."""

WATCHED_TICKS = 250
"""5 s, in which what was never needed counts as too much."""

SPARE_FRAMES = 1
"""How many frames may always be there without being too much."""

MOST_AHEAD = 3
"""Frames that may be looked at before their tick. Who hears them then has room for some, but not for all that waits."""

_QUIET = 150  # the peak, of 32768, below which a frame can be left out unheard
_PAUSE = 1 / 16  # of the loudest peak: what is heard around the caller between two words; it is left out as well
_LOUDEST_PAUSE = 1000
_FORGETTING = 0.999  # of the loudest peak, per frame: a shout counts for some 20 s
_HISTORY_FRAMES = 2  # as much as concealment looks back


class StreamInbox:
    """Gives a frame a tick. One that is late is concealed and still played when it comes: the delay grows by itself.

    It shrinks again by leaving out quiet frames, as long as more waits than was needed in the last seconds. Quiet is
    what is much less loud than the caller: there may be a street around. Clocks that differ are dealt with in the same
    way.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size = frame_size(rate)
        self._silence = silence(rate)
        self._playout = Playout(rate, LIMIT_SECONDS)
        self._ahead: deque[Samples] = deque()  # were looked at before their tick
        self._history: deque[Samples] = deque(maxlen=_HISTORY_FRAMES)
        self._concealer: Concealer | None = None  # while something is missing
        self._has_begun = False
        self._least = 0  # frames that waited at any tick of those watched
        self._watched = 0
        self._too_many = 0  # frames that wait and are not needed
        self._loudest = 0.0  # peak, while there are too many
        self.concealed = 0
        """Frames that were late."""
        self.left_out = 0
        """Quiet frames that were skipped to catch up."""

    @property
    def dropped(self) -> int:
        """Samples that came while the limit was reached."""
        return self._playout.dropped

    @property
    def waiting(self) -> float:
        """Seconds that wait to be played."""
        return self._playout.size / self._rate + len(self._ahead) * FRAME_SECONDS

    def put(self, samples: Samples) -> None:
        """Audio came."""
        self._has_begun = self._has_begun or len(samples) > 0
        self._playout.put(samples)

    def peek(self) -> Samples | None:
        """A frame that `take` will give later, if one is there that was not looked at before."""
        frame = self._joined() if len(self._ahead) < MOST_AHEAD else None
        if frame is not None:
            self._ahead.append(frame)
        return frame

    def take(self) -> Samples:
        """The next 20 ms."""
        frame = self._ahead.popleft() if self._ahead else self._joined()
        self._watch()
        return self._missing() if frame is None else frame

    def _joined(self) -> Samples | None:
        while self._playout.size >= self._size:
            frame = self._playout.take(self._size)
            assert frame is not None
            if self._too_many and self._can_do_without(frame):
                self._too_many -= 1
                self.left_out += 1
                self._concealing().interrupt()
                continue
            if self._concealer is not None:
                frame = self._concealer.heard(frame)
                self._concealer = None
            self._history.append(frame)
            return frame
        return None

    def _can_do_without(self, frame: Samples) -> bool:
        is_last = not self._ahead and self._playout.size < self._size
        peak = max(int(frame.max()), -int(frame.min()))
        self._loudest = max(self._loudest * _FORGETTING, peak)
        return not is_last and peak < max(_QUIET, min(self._loudest * _PAUSE, _LOUDEST_PAUSE))

    def _missing(self) -> Samples:
        if not self._has_begun:
            return self._silence
        concealer = self._concealing()
        if concealer.is_silent:
            return self._silence
        self.concealed += 1
        return concealer.conceal(self._size)

    def _concealing(self) -> Concealer:
        if self._concealer is None:
            self._concealer = Concealer(self._rate)
            for frame in self._history:
                self._concealer.heard(frame)
        return self._concealer

    def _watch(self) -> None:
        """Find out whether more waits than is needed."""
        waiting = self._playout.size // self._size + len(self._ahead)
        if waiting < self._least or not self._watched:
            self._least = waiting
        self._watched += 1
        if self._watched >= WATCHED_TICKS or waiting * FRAME_SECONDS >= LIMIT_SECONDS / 4:
            self._too_many = max(self._least - SPARE_FRAMES, 0)
            self._watched = 0
