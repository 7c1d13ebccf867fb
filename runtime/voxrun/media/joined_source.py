"""`JoinedSource`: several pieces of audio, one after the other without a gap."""

from collections.abc import Sequence

import numpy as np

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import DELAY_SECONDS, Resampler
from voxrun.media.read_ahead import AudioSource

_BLOCK_FRAMES = 25  # half a second


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
        taken, self._waiting = np.split(self._waiting, [min(count, len(self._waiting))])
        return taken

    def rewind(self) -> None:
        self._source.rewind()
        self._begin()

    def close(self) -> None:
        self._source.close()

    def _begin(self) -> None:
        self._resampler = Resampler(self._source.rate, self.rate)
        self._waiting = np.zeros(0, np.int16)
        self._ended = False
        self._taken = 0
        self._given = -round(DELAY_SECONDS * self.rate)  # what the filter holds back is no sound yet

    def _convert(self) -> Samples:
        size = frame_size(self._source.rate)
        samples = self._source.read(size * _BLOCK_FRAMES)
        self._taken += len(samples)
        self._ended = len(samples) < size * _BLOCK_FRAMES
        frames = np.zeros((_BLOCK_FRAMES + self._ended, size), np.int16)  # one more for what the filter holds back
        frames.reshape(-1)[: len(samples)] = samples
        converted = np.concatenate([self._resampler.process(frame) for frame in frames])
        begin = max(0, -self._given)
        end = self._taken * self.rate // self._source.rate - self._given if self._ended else len(converted)
        self._given += min(end, len(converted))
        return converted[begin:end]
