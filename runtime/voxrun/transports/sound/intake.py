"""`Intake`: what a microphone's thread delivers, in blocks and by its own clock, as a frame for each tick."""

import numpy as np

from voxrun.audio.elastic import ElasticResampler
from voxrun.audio.fade import fade_in
from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.media.seam import Seam
from voxrun.transports.sound.level import Level
from voxrun.transports.sound.reserve import Reserve
from voxrun.transports.sound.ring import Ring


class Intake:
    """From `device_rate` to `rate` (Hz); `reserve` outlives it."""

    def __init__(self, device_rate: int, rate: int, reserve: Reserve) -> None:
        self.ring = Ring(device_rate)
        self._silence = silence(rate)
        self._seam = Seam()
        self._size = frame_size(rate)
        self._reserve = reserve
        self._level = Level(self.ring, device_rate, reserve)
        self._resampler = ElasticResampler(device_rate, rate)

    def exchange(self, data: bytes | memoryview) -> None:
        """In the device's thread: it has these int16 samples, in a buffer that is its own."""
        self.ring.put(np.frombuffer(bytes(data), np.int16))

    def read(self) -> Samples:
        """On the tick: the next 20 ms; silence while they are late. What is heard fades out into that, and in again."""
        frame = self._next()
        if frame is None:
            self._seam.cut()
        return self._seam.join(self._silence if frame is None else frame)

    def _next(self) -> Samples | None:
        self._resampler.speed = self._level.speed
        needed = self._resampler.needed(self._size)
        goes_on = not self.ring.flows and self.ring.had_gaps
        if not self.ring.flows:
            if len(self.ring) < needed:  # nothing, or the rest of before a gap that still lasts
                return None
            self._level.start(needed)
            self._seam.cut()
        samples = self.ring.take(needed)
        if samples is None:
            self._reserve.grow()
            return None
        self._level.observe()
        frame = self._resampler.process(samples, self._size)
        return fade_in(frame) if goes_on else frame
