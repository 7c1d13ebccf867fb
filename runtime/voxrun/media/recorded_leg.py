"""`RecordedLeg`: any leg, with both directions written to a stereo file."""

import numpy as np
import trio

from voxrun.audio.frame import Samples, silence
from voxrun.errors import DeviceError
from voxrun.media.host import UnitHost
from voxrun.media.leg import Leg
from voxrun.media.write_behind import SampleWriter, WriteBehind


class RecordedLeg:
    """Left is what the caller said, right what the caller heard, sample for sample of the same moment.

    Ticks that were skipped after a stall are silence on both sides, so that time in the file is call time.
    """

    def __init__(self, leg: Leg, writer: SampleWriter, name: str) -> None:
        self.rate = leg.rate
        self.line = leg.line
        self._leg = leg
        self._writer = writer
        self._name = name
        self._host: UnitHost | None = None
        self._file: WriteBehind[Samples] | None = None
        self._said = silence(leg.rate)
        self._last_position: int | None = None

    async def carry(self, host: UnitHost) -> None:
        """Carry the leg and write the file; it is complete when this returns, however that comes."""
        self._host = host
        self._file = WriteBehind(host, self._writer, self._fail)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._leg.carry, host)
                nursery.start_soon(self._file.drain)
        finally:
            host.trace("losses", of=self._name, frames_not_written=self._file.dropped)

    def read(self) -> Samples:
        """The caller's frame, remembered."""
        self._said = self._leg.read()
        return self._said

    def write(self, frame: Samples) -> None:
        """Pass the frame on, and record the pair."""
        self._leg.write(frame)
        if self._host is None or self._file is None:
            return
        position = self._host.graph.position
        if self._last_position is not None:
            for _ in range(position - self._last_position - 1):
                self._file.put(np.zeros((len(frame), 2), np.int16))
        self._last_position = position
        self._file.put(np.column_stack((self._said, frame)))

    def _fail(self, error: OSError) -> None:
        if self._host is not None:
            self._host.broke(
                DeviceError(f"{self._name} can't be written: {error.strerror}; what was recorded before is kept")
            )
