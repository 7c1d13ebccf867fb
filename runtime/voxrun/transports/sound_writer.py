"""`SoundWriter`: a flac, ogg or mp3 file written as a call goes on. `open_writer` picks the format by the name."""

import errno
import os
import re
import stat
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from voxrun.media.write_behind import SampleWriter
from voxrun.transports.claim import claim
from voxrun.transports.wav import WavWriter

_OPTIONS = {
    "FLAC": {"subtype": "PCM_16"},
    "OGG": {"subtype": "VORBIS"},
    "MP3": {"subtype": "MPEG_LAYER_III"},
}

_MOST_AT_ONCE = 24_000
"""Samples: libsndfile's Vorbis encoder overflows the stack on much more."""

_FLAC_BLOCK = 4096
_FLAC_TOTAL = (21, 5)
"""Where a FLAC file counts its samples: the last 36 bits of these bytes (RFC 9639 section 8.2)."""

_MP3_HEADER_WITHIN = 256
"""Bytes from an mp3 file's start within which its header is."""

_MP3_BYTES = re.compile(rb"(?:Xing|Info).{8}(.{4})", re.DOTALL)
"""Where that counts the file's bytes: behind its flags and the number of its frames."""


def open_writer(path: Path, rate: int, channels: int) -> SampleWriter:
    """Create or overwrite a wav, flac, ogg or mp3 file, as its name ends; `rate` in Hz. Raises OSError."""
    if path.suffix.lower() == ".wav":
        return WavWriter(path, rate=rate, channels=channels)
    return SoundWriter(path, rate=rate, channels=channels)


class SoundWriter:
    """Encodes 16-bit samples through libsndfile, a little at a time.

    If the process dies, what reached the disk stays readable: in a flac file all but the last block (4096 samples), in
    an mp3 one all but the last second, though players misjudge its length, in an ogg one all but the last pages (some
    seconds).
    """

    def __init__(self, path: Path, *, rate: int, channels: int) -> None:
        """Create or overwrite `path`, whose name ends in .flac, .ogg or .mp3; `rate` in Hz. Raises OSError."""
        try:
            import soundfile  # noqa: PLC0415 - 150 ms of start-up that a run without such files need not pay
        except OSError as error:  # it is there, but its C library is not, and this has no words of the system's
            raise OSError(errno.EIO, f"{error}. Install libsndfile, or record a wav file") from None
        self._library: ModuleType = soundfile
        self._format = path.suffix[1:].upper()
        self._rate = rate
        self._count = 0
        self._begun = False
        self._header = claim(os.fsencode(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        try:
            self._file = soundfile.SoundFile(
                self._header, "w", rate, channels, format=self._format, closefd=False, **_OPTIONS[self._format]
            )
        except soundfile.LibsndfileError as error:
            os.close(self._header)
            raise self._failure(error) from error

    def write(self, samples: NDArray[np.int16]) -> None:
        """Append `samples`, int16 of shape (n, channels), or (n,) in a mono file. Raises OSError."""
        self._begun = True
        # libsndfile 1.2.2 makes noise of an mp3 file that is given two channels of int16.
        given = samples / np.float32(32768) if self._format == "MP3" else samples
        try:
            for start in range(0, len(given), _MOST_AT_ONCE):
                self._file.write(given[start : start + _MOST_AT_ONCE])
        except (self._library.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            raise self._failure(error) from error
        self._count += len(samples)
        if self._format == "FLAC":
            self._count_blocks()

    def close(self) -> None:
        """Complete the file; once is enough. Raises OSError if what is still unwritten can't be written.

        One to which nothing was written holds a sample of silence, as nothing opens a flac or mp3 file without any.
        """
        if self._file.closed:
            return
        taken = self._count
        try:
            self._complete()
        except (self._library.LibsndfileError, AssertionError) as error:
            raise self._failure(error) from error
        finally:
            os.close(self._header)
        if self._count < taken:
            raise self._failure()

    @property
    def seconds(self) -> float:
        """How much sound the file has, once it is complete; before that, how much it was given."""
        return self._count / self._rate

    def _complete(self) -> None:
        try:
            with self._file:
                if not self._begun:
                    self._file.write(np.zeros((1, self._file.channels), np.float32))
        finally:
            self._count = min(self._count, self._kept())

    def _kept(self) -> int:
        """How many samples can be read: libsndfile doesn't say when the disk is full just as it completes a file."""
        if not stat.S_ISREG(os.fstat(self._header).st_mode):
            return self._count  # what went into a pipe can't be looked at
        if self._format == "MP3":
            return self._kept_of_mp3()
        try:
            os.lseek(self._header, 0, os.SEEK_SET)
            with self._library.SoundFile(self._header, closefd=False) as file:
                return int(file.frames)
        except self._library.LibsndfileError:
            return 0

    def _kept_of_mp3(self) -> int:
        """By its share of the bytes: the header says how many there should be."""
        os.lseek(self._header, 0, os.SEEK_SET)
        found = _MP3_BYTES.search(os.read(self._header, _MP3_HEADER_WITHIN))
        due = int.from_bytes(found[1], "big") if found else 0
        return self._count * min(os.fstat(self._header).st_size, due) // due if due else 0

    def _count_blocks(self) -> None:
        """Say in the header how many samples are there, which the encoder itself does only at the end."""
        start, size = _FLAC_TOTAL
        end = os.lseek(self._header, 0, os.SEEK_CUR)  # where the encoder goes on; Windows has no pread and pwrite
        os.lseek(self._header, start, os.SEEK_SET)
        before = os.read(self._header, size)
        if len(before) == size:  # the encoder has written its header
            whole = self._count - self._count % _FLAC_BLOCK
            os.lseek(self._header, start, os.SEEK_SET)
            os.write(self._header, (((before[0] >> 4) << 36) | whole).to_bytes(size, "big"))
        os.lseek(self._header, end, os.SEEK_SET)

    def _failure(self, error: Exception | None = None) -> OSError:
        reason = getattr(error, "error_string", "not all of it was taken")
        return OSError(errno.EIO, f"{reason.rstrip(' .')} ({self._format})")
