"""`WavWriter`: a WAV file that is complete after every write, whatever ends the process."""

import errno
import wave
from contextlib import suppress
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from voxrun.transports.claim import claim

_MOST_BYTES = 2**32 - 1024
"""A WAV header counts the file's bytes in 32 bits."""


_PIECE_SECONDS = 0.25
"""So much is written at a time: when a disk fills up, no more than this is lost of what would have found room."""


class WavWriter:
    """Writes 16-bit PCM. Each write reaches the operating system: first the data, then the header that counts it."""

    def __init__(self, path: str | PathLike[str], *, rate: int, channels: int) -> None:
        """Create or overwrite `path`; `rate` in Hz. Raises OSError, also if it is somebody else's (see `claim`)."""
        self._channels = channels
        self._size = self._count = 0
        self._rate = rate
        self._file = open(path, "wb", opener=claim)  # noqa: SIM115 - closed by close()
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed by close()
        self._wave.setparams((channels, 2, rate, 0, "NONE", "not compressed"))
        try:
            self._append(b"")
        except OSError:
            with suppress(OSError):  # the same one again
                self.close()
            raise

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append `samples`, int16 of shape (n, channels), or (n,) in a mono file.

        Raises OSError if the disk is full or the file would pass 4 GiB; what was written before stays readable.
        """
        if samples.shape[1:] != (() if self._channels == 1 and samples.ndim == 1 else (self._channels,)):
            raise ValueError(f"a file of {self._channels} channels can't take samples of shape {samples.shape}")
        size = int(self._rate * _PIECE_SECONDS)
        for begin in range(0, len(samples), size):
            piece = samples[begin : begin + size]
            self._append(piece.astype(np.int16, casting="no", copy=False).tobytes())
            self._count += len(piece)

    @property
    def seconds(self) -> float:
        """How much sound the file has."""
        return self._count / self._rate

    def close(self) -> None:
        """Close the file; once is enough. Raises OSError if something is still unwritten because the disk is full."""
        try:
            self._wave.close()
        finally:
            self._file.close()

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _MOST_BYTES:
            raise OSError(errno.EFBIG, "a WAV file holds no more than 4 GiB")
        self._wave.writeframes(data)  # which counts them in the header
        self._file.flush()
