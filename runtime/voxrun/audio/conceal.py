"""`Concealer`: what to play for lost audio: the last pitch period again, fading (after ITU-T G.711, Appendix I)."""

import numpy as np

from voxrun.audio.fade import crossfade
from voxrun.audio.frame import Samples
from voxrun.audio.period import Curve, likenesses

FULL_MS = 10
"""How long a gap is filled at full volume."""

LONGEST_MS = 60
"""After so long the fill has faded to silence."""

_SHORTEST_PERIOD_MS, _LONGEST_PERIOD_MS = 5, 15  # 200 to 66 Hz; higher voices repeat within whole periods
_COMPARED_MS = 8
_STEP_MS = 2.5  # over which the fill's beginning bends to where the sound stopped
_JOIN_MS, _LONGEST_JOIN_MS = 4, 10
_SEARCH_RATE = 8000  # Hz; periods are looked for at about this rate


class Concealer:
    """The memory of one stream of mono int16 samples; gives samples for its gaps and joins them to what follows."""

    def __init__(self, rate: int) -> None:
        """`rate` in Hz, a multiple of 8000."""
        self._rate = rate
        self._history = np.zeros(self._size(_LONGEST_PERIOD_MS + _COMPARED_MS), np.int16)
        self._fill: Samples | None = None
        self._filled = 0

    @property
    def is_silent(self) -> bool:
        """True when a gap has lasted so long that nothing is left to hear."""
        return self._fill is not None and self._filled >= self._size(LONGEST_MS)

    def heard(self, samples: Samples) -> Samples:
        """The next samples that came; after a gap with their beginning joined to the fill."""
        if self._fill is not None:
            samples = self._joined(samples)
            self._fill = None
        self._remember(samples)
        return samples

    def conceal(self, size: int) -> Samples:
        """The next `size` samples of a gap of which nobody knows the end."""
        self.interrupt()
        fill = self._next_of_fill(size)
        self._filled += size
        self._remember(fill)
        return fill

    def bridge(self, size: int, following: Samples) -> Samples:
        """The last `size` samples of a gap, then `following`: the fill turns into one made backwards from that."""
        self.interrupt()
        known = len(self._history)
        future = np.concatenate((np.zeros(known, np.int16), following[:known][::-1]))[-known:]
        backwards = _piece(self._extension(future), 0, size)[::-1]
        bridged = np.concatenate((crossfade(self._next_of_fill(size), backwards), following))
        self._fill = None
        self._remember(bridged)
        return bridged

    def interrupt(self) -> None:
        """Say that what comes next does not follow what was heard last: it will be joined without a click."""
        if self._fill is None:
            self._fill, self._filled = self._extension(self._history), 0

    def _size(self, milliseconds: float) -> int:
        return round(milliseconds * self._rate / 1000)

    def _remember(self, samples: Samples) -> None:
        self._history = np.concatenate((self._history, samples))[-len(self._history) :]

    def _joined(self, samples: Samples) -> Samples:
        longer = 0.4 * self._filled * 1000 / self._rate
        size = min(self._size(min(_JOIN_MS + longer, _LONGEST_JOIN_MS)), len(samples))
        joint = crossfade(self._next_of_fill(size), samples[:size])
        return np.concatenate((joint, samples[size:]))

    def _next_of_fill(self, size: int) -> Samples:
        return np.zeros(size, np.int16) if self._fill is None else _piece(self._fill, self._filled, size)

    def _extension(self, history: Samples) -> Samples:
        """What such a history goes on with, as long as a gap is filled; nothing after silence."""
        sound = history.astype(np.float32)
        if not sound.any():
            return np.zeros(0, np.int16)
        period = self._period(sound)
        times = np.arange(self._size(LONGEST_MS))
        fill = sound[-period:][times % period]
        bend = self._size(_STEP_MS)
        fill[:bend] += (sound[-1] - sound[-period - 1]) * np.linspace(1, 0, bend, dtype=np.float32)
        full, longest = self._size(FULL_MS), self._size(LONGEST_MS)
        fill *= np.minimum(1, (longest - times) / (longest - full))
        return np.rint(np.clip(fill, -32768, 32767)).astype(np.int16)

    def _period(self, sound: Curve) -> int:
        """The lag in samples at which the last 8 ms are most like what came before them."""
        step = self._rate // _SEARCH_RATE
        coarse = np.ascontiguousarray(sound[::-1][::step][::-1])
        compared = round(_COMPARED_MS * _SEARCH_RATE / 1000)
        shortest = round(_SHORTEST_PERIOD_MS * _SEARCH_RATE / 1000)
        likeness = likenesses(coarse[-compared:], coarse[:-shortest])
        return step * (len(coarse) - compared - int(np.argmax(likeness)))


def _piece(samples: Samples, begin: int, size: int) -> Samples:
    """So many samples, zeros where there are none."""
    piece = samples[begin : begin + size]
    return np.concatenate((piece, np.zeros(size - len(piece), np.int16))) if len(piece) < size else piece
