"""`Caller`: a leg without I/O in the process that is measured: what a call costs without the phone's own way in."""

import random
import time
from itertools import cycle

import numpy as np
from tests.benchmarks.delays import Delays
from tests.benchmarks.echo_agent import STAMP, STAMPED

from voxrun.audio.frame import Samples, frame_size
from voxrun.media.host import UnitHost

PAUSE = 3
"""Frames of silence in a second. In what never pauses, the delay that one hitch has brought would stay."""


class Caller:
    """Says noise with pauses, and counts what it hears."""

    line = None

    def __init__(self, rate: int, says: list[Samples]) -> None:
        """See `noise`."""
        self.rate = rate
        self._says = cycle(says)
        self.said = 0
        self.heard = 0
        """Frames."""

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The next frame of noise."""
        frame = next(self._says)
        self.said += bool(frame[0])
        return frame

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        self.heard += bool(frame[0])


class TimedCaller(Caller):
    """Measures as well, where frames come back as they went because nothing is resampled.

    `latency` is from when a frame was read to when it was written, `up` to when the agent had it.
    """

    def __init__(self, rate: int, says: list[Samples], latency: Delays, up: Delays) -> None:
        super().__init__(rate, says)
        self._said_at = [0.0] * (1 + len(says))
        self._latency = latency
        self._up = up

    def read(self) -> Samples:
        """The next frame of noise."""
        frame = super().read()
        self._said_at[frame[0]] = time.monotonic()
        return frame

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        super().write(frame)
        number = int(frame[0])
        if 0 < number < len(self._said_at):
            said_at = self._said_at[number]
            self._latency.add(time.monotonic() - said_at)
            if number in STAMPED:
                self._up.add(STAMP.unpack_from(frame.data)[0] - said_at)


def noise(rate: int) -> list[Samples]:
    """A second of frames that begin with their numbers, from 1; the last ones are silent."""
    samples = np.frombuffer(random.Random(1).randbytes(2 * rate), np.int16).copy()  # numpy.random takes 2 MiB
    frames: list[Samples] = np.split(samples, rate // frame_size(rate))
    for number, frame in enumerate(frames):
        frame[0] = 1 + number
    for frame in frames[-PAUSE:]:
        frame[:] = 0
    return frames
