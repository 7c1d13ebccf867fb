"""`Playout`: audio that waits for its tick, with a bound."""

from collections import deque

import numpy as np

from voxrun.audio.frame import Samples

_LITTLE = 64
"""Samples: pieces that are shorter become one, as each takes more memory for itself."""


class Playout:
    """A first-in, first-out buffer of mono int16 samples at one rate, filled in any pieces, drained in frames.

    It holds at most `seconds` of audio. What would exceed that is not taken and counted in `dropped` (samples).
    """

    __slots__ = ("_chunks", "_limit", "_offset", "dropped", "rate", "size")

    def __init__(self, rate: int, seconds: float) -> None:
        self.rate = rate
        self.size = 0
        """Samples that wait."""
        self.dropped = 0
        self._limit = int(rate * seconds)
        self._chunks: deque[Samples] = deque()
        self._offset = 0  # samples of the first chunk that are gone already

    def put(self, samples: Samples) -> None:
        """Append audio; the array is kept, not copied, and must not change any more."""
        size = len(samples)
        if self.size + size > self._limit:
            room = self._limit - self.size
            self.dropped += size - room
            samples, size = samples[:room].copy(), room  # or all of it would stay
        if size >= _LITTLE:
            self._chunks.append(samples)
            self.size += size
        elif size:
            self._put_little(samples)

    def take(self, size: int) -> Samples | None:
        """The next `size` samples, zero-padded when fewer are left; None when nothing is."""
        if not self.size:
            return None
        chunks = self._chunks
        first = chunks[0]
        if not self._offset and len(first) == size:
            self.size -= size
            return chunks.popleft()
        end = self._offset + size
        if end < len(first):
            frame = first[self._offset : end]
            self._offset = end
            self.size -= size
            return frame
        return self._gather(size)

    def clear(self, keep: int = 0) -> None:
        """Forget what waits, but for the newest `keep` samples."""
        if keep:
            self.take(self.size - keep)
            return
        self._chunks.clear()
        self._offset = 0
        self.size = 0

    def _put_little(self, samples: Samples) -> None:
        """Append a little piece."""
        self.size += len(samples)
        if self._chunks and len(self._chunks[-1]) < _LITTLE:
            samples = np.concatenate((self._chunks.pop(), samples))
        self._chunks.append(samples)

    def _gather(self, size: int) -> Samples:
        frame = np.zeros(size, np.int16)
        filled = 0
        while filled < size and self._chunks:
            first = self._chunks[0]
            piece = first[self._offset : self._offset + size - filled]
            frame[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._offset += len(piece)
            if self._offset == len(first):
                self._chunks.popleft()
                self._offset = 0
        self.size -= filled
        return frame
