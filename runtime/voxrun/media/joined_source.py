"""`JoinedSource`: several pieces of audio, one after the other without a gap."""

from collections.abc import Sequence

import numpy as np

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples
from voxrun.media.read_ahead import BLOCK_SECONDS, AudioSource


class JoinedSource:
    """An `AudioSource` of all `sources`, at the highest of their rates."""

    def __init__(self, sources: Sequence[AudioSource]) -> None:
        self.rate = max(source.rate for source in sources)
        self.duration = sum(source.duration for source in sources)
        self._sources = [source if source.rate == self.rate else _Converted(source, self.rate) for source in sources]
        self._current = 0

    def read(self, count: int) -> Samples:
        """The next `count` samples, across the seams; fewer at the end."""
        pieces = [np.zeros(0, np.int16)]
        missing = count
        while missing and self._current < len(self._sources):
            piece = self._sources[self._current].read(missing)
            if len(piece) < missing:
                self._current += 1
            missing -= len(piece)
            pieces.append(piece)
        return np.concatenate(pieces)

    def rewind(self) -> None:
        """Go back to the first sample of the first piece."""
        for source in self._sources:
            source.rewind()
        self._current = 0

    def close(self) -> None:
        """Let go of them all."""
        for source in self._sources:
            source.close()


class _Converted:
    """`source` at another rate, exactly as long as it was."""

    def __init__(self, source: AudioSource, rate: int) -> None:
        self.rate = rate
        self.duration = source.duration
        self._source = source
        self._waiting: Samples
        self._begin()

    def read(self, count: int) -> Samples:
        while len(self._waiting) < count and not self._ended:
            self._waiting = np.concatenate((self._waiting, self._convert()))
        taken, self._waiting = np.split(self._waiting, [count])
        return taken

    def rewind(self) -> None:
        self._source.rewind()
        self._begin()

    def close(self) -> None:
        self._source.close()

    def _begin(self) -> None:
        self._conversion = Conversion(self._source.rate, self.rate)
        self._waiting = np.zeros(0, np.int16)
        self._ended = False

    def _convert(self) -> Samples:
        size = int(self._source.rate * BLOCK_SECONDS)
        samples = self._source.read(size)
        self._ended = len(samples) < size
        return self._conversion.convert(samples, is_last=self._ended)
