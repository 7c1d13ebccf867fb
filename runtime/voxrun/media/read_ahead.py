"""`ReadAhead`: audio from a slow, blocking source, ready when its tick comes."""

from typing import Protocol

import numpy as np
import trio

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples, frame_size, session_rate, silence
from voxrun.errors import VoxrunError
from voxrun.media.host import UnitHost
from voxrun.media.playout import Playout

BLOCK_SECONDS = 0.5
"""Read at a time. MP3 decoders glitch on smaller pieces."""

BUFFER_SECONDS = 2.0


class AudioSource(Protocol):
    """A file or the like, opened; read from a worker thread."""

    rate: int
    """Hz."""
    duration: float
    """Seconds; 0 when there is no end."""

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end, then none. VoxrunError when it is damaged."""

    def rewind(self) -> None:
        """Go back to the first sample."""

    def close(self) -> None:
        """Let go of the file."""


class ReadAhead:
    """Reads `source` in blocks off the media thread and hands it out in frames, again and again if `loop`.

    `rate` is that of the source or the next session rate above it, at most 48 kHz. A loop is converted as the one
    stream that it is. `starved` counts frames that were not there in time. When the source breaks, it ends there;
    `error` says why, and the host is told.
    """

    def __init__(self, host: UnitHost, source: AudioSource, *, loop: bool = False) -> None:
        self.rate = session_rate(source.rate)
        self.starved = 0
        self.error: VoxrunError | None = None
        self._host = host
        self._source = source
        self._loop = loop
        self._block = int(source.rate * BLOCK_SECONDS)
        self._conversion = Conversion(source.rate, self.rate)
        self._enough = int(self.rate * BUFFER_SECONDS)
        self._buffer = Playout(self.rate, BUFFER_SECONDS + BLOCK_SECONDS)
        self._at_end = False
        self._ready = trio.Event()
        self._room = trio.Event()

    @property
    def finished(self) -> bool:
        """The source has no more audio, and none is waiting."""
        return self._at_end and not self._buffer.size

    async def fill(self) -> None:
        """Keep the buffer filled until the end of the source; run this as a task."""
        try:
            while not self._at_end:
                samples, is_last = await self._host.offload(self._read)
                self._buffer.put(samples)
                self._at_end = is_last
                self._ready.set()
                await self._wait_for_room()
        except VoxrunError as error:
            self.error = error
            self._host.broke(error)
            self._at_end = True
            self._ready.set()
        finally:
            self._source.close()

    async def ready(self) -> None:
        """Wait for the first block."""
        await self._ready.wait()

    def take(self) -> Samples:
        """The next 20 ms: silence when the reader is late or at its end."""
        size = frame_size(self.rate)
        frame = self._buffer.take(size) if self._at_end or self._buffer.size >= size else None
        if self._buffer.size <= self._enough:
            self._room.set()
        if frame is None:
            self.starved += not self._at_end
            return silence(self.rate)
        return frame

    def _read(self) -> tuple[Samples, bool]:
        """A block, in a loop across the end of the source, and whether it is the last. Runs in a worker thread."""
        samples = self._source.read(self._block)
        while self._loop and len(samples) < self._block:
            self._source.rewind()
            more = self._source.read(self._block - len(samples))
            if not len(more):
                break
            samples = np.concatenate((samples, more))
        is_last = len(samples) < self._block
        return self._conversion.convert(samples, is_last=is_last), is_last

    async def _wait_for_room(self) -> None:
        if self._buffer.size > self._enough:
            self._room = trio.Event()
            await self._room.wait()
