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
        self._says = cycle((int(frame[0]), frame) for frame in says)
        self.said = 0
        self.heard = 0
        """Frames."""

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The next frame of noise."""
        number, frame = next(self._says)
        self.said += number != 0
        return frame

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        self.heard += bool(frame[0])


class TimedCaller(Caller):
    """Measures as well, where frames come back as they went because nothing is resampled.

    `latency` is from when a frame was read to when it was written, `up` to when the agent had it: of those frames that
    the agent stamps, for to measure each would cost a tenth of what is measured.
    """

    def __init__(self, rate: int, says: list[Samples], latency: Delays, up: Delays) -> None:
        super().__init__(rate, says)
        self._said_at: dict[int, float] = {}
        self._latency = latency
        self._up = up

    def read(self) -> Samples:
        """The next frame of noise."""
        number, frame = next(self._says)
        self.said += number != 0
        if number in STAMPED:
            self._said_at[number] = time.monotonic()
        return frame

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        number = int(frame[0])
        self.heard += number != 0
        if number in self._said_at:
            said_at = self._said_at[number]
            self._latency.add(time.monotonic() - said_at)
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
