"""`Ring`: audio on its way between a sound device's thread and the tick, with a bound."""

import threading

import numpy as np

from voxrun.audio.fade import crossfade
from voxrun.audio.frame import Samples

LIMIT_SECONDS = 0.2
"""When more than this waits, it starts anew."""

_JOINT_SECONDS = 0.005


class Ring:
    """First in, first out, between two threads. It flows from `start` until too little or too much waits."""

    def __init__(self, rate: int) -> None:
        self.overflowed = 0
        """How often too much waited."""
        self.underflowed = 0
        """How often too little waited."""
        self.flows = False
        self._limit = int(rate * LIMIT_SECONDS)
        self._joint = int(rate * _JOINT_SECONDS)
        self._waiting: Samples = np.zeros(0, np.int16)
        self._lowest = self._limit
        self._lock = threading.Lock()  # held for microseconds

    def __len__(self) -> int:
        """Samples waiting."""
        return len(self._waiting)

    @property
    def had_gaps(self) -> bool:
        """Whether it has flowed before, and did not go on."""
        return self.overflowed + self.underflowed > 0

    def put(self, samples: Samples) -> None:
        """Append a copy of `samples`."""
        with self._lock:
            waiting = np.concatenate((self._waiting, samples))
            if len(waiting) > self._limit:
                self.overflowed += self.flows
                self.flows = False
            self._waiting = waiting[-self._limit :]

    def start(self, level: int) -> None:
        """Let it flow, with exactly `level` samples waiting: silence before what there is, or the oldest dropped.

        After a gap, which is in the middle of a sound, what there is fades in.
        """
        with self._lock:
            missing = max(0, level - len(self._waiting))
            kept = self._waiting[-level:]
            if self.had_gaps:
                begin = kept[: self._joint]
                kept = np.concatenate((crossfade(np.zeros_like(begin), begin), kept[self._joint :]))
            self._waiting = np.concatenate((np.zeros(missing, np.int16), kept))
            self.flows = True
            self._lowest = self._limit

    def skip(self, count: int) -> None:
        """Drop the oldest `count` samples, which fade into those that follow."""
        with self._lock:
            kept = self._waiting[count:]
            joint = crossfade(self._waiting[: self._joint][: len(kept)], kept[: self._joint])
            self._waiting = np.concatenate((joint, kept[self._joint :]))

    def take(self, size: int) -> Samples | None:
        """The next `size` samples; None, and what there is stays, when it does not flow."""
        with self._lock:
            if not self.flows or len(self._waiting) < size:
                self.underflowed += self.flows
                self.flows = False
                return None
            taken, self._waiting = self._waiting[:size], self._waiting[size:]
            self._lowest = min(self._lowest, len(self._waiting))
            return taken

    def lowest(self) -> int:
        """The fewest samples that any `take` left since this was asked last."""
        with self._lock:
            lowest, self._lowest = self._lowest, self._limit
            return lowest
