"""`Outlet`: a frame at each tick, as what a speaker's thread asks for, in blocks and by its own clock."""

from typing import Any

import numpy as np

from voxrun.audio.elastic import ElasticResampler
from voxrun.audio.frame import Samples, frame_size
from voxrun.media.seam import Seam
from voxrun.transports.sound.level import Level
from voxrun.transports.sound.reserve import Reserve
from voxrun.transports.sound.ring import Ring


class Outlet:
    """From `rate` to `device_rate` (Hz); `reserve` outlives it."""

    def __init__(self, device_rate: int, rate: int, reserve: Reserve) -> None:
        self.ring = Ring(device_rate)
        self._share = frame_size(device_rate)
        self._reserve = reserve
        self._level = Level(self.ring, device_rate, reserve)
        self._resampler = ElasticResampler(rate, device_rate)
        self._seam = Seam()  # of what the device gets, before a gap
        self._asked = False
        self._underflowed = 0

    def exchange(self, data: Any) -> None:
        """In the device's thread: it wants this writable buffer of int16 samples filled."""
        wanted = np.frombuffer(data, np.int16)
        samples = self.ring.take(len(wanted))
        if samples is None:
            self._seam.cut()
            samples = np.zeros(len(wanted), np.int16)
        wanted[:] = self._seam.join(samples)
        self._asked = True

    def write(self, frame: Samples) -> None:
        """On the tick: the next 20 ms. Nothing waits for a device that has not begun."""
        if not self._asked:
            return
        if self.ring.underflowed > self._underflowed:
            self._underflowed = self.ring.underflowed
            self._reserve.grow()
        if self.ring.flows:
            self._level.observe()
        self._resampler.speed = self._level.speed
        self.ring.put(self._resampler.process(frame))
        if not self.ring.flows:
            self._level.start(self._share)
