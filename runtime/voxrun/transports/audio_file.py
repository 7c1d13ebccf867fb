"""`AudioFile`: an audio file read as mono samples."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.media.read_ahead import BLOCK_SECONDS

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_FORMATS = "wav, flac, ogg and mp3 files can be read"
_FULL_SCALE = 32768
_LOWEST_RATE, _HIGHEST_RATE = 4000, 192_000  # Hz
_UNKNOWN = 2**63 - 1
"""How many samples libsndfile says a FLAC file has that came out of a pipe: its header does not tell."""


class AudioFile:
    """Plays a wav, flac, ogg or mp3 file out in blocks, as mono int16 at its own rate.

    Synchronous, for a worker thread; it decodes half a second at a time.
    """

    def __init__(self, path: str | PathLike[str], content: bytes | BinaryIO | None = None) -> None:
        """Open the file at `path`, or one that is in memory already as `content`; then `path` just names it.

        `content` that isn't bytes is something to read them from, which has a `seek` and isn't empty.

        Raises ConfigurationError if it is missing, unreadable, no audio, empty, or below 4 kHz or above 192 kHz.
        """
        self._name = str(path)
        self._content = content
        self._library = _import_soundfile()
        self._file = self._open()
        self.rate: int = self._file.samplerate
        """Hz."""
        self._block = int(self.rate * BLOCK_SECONDS)
        try:
            frames = self._length()
            self._check(frames)
            self.duration = frames / self.rate
            """Seconds."""
            self.rewind()
        except ConfigurationError:
            self.close()
            raise

    def rewind(self) -> None:
        """Go back to the first sample. ConfigurationError if the file is damaged."""
        if self._can_seek:
            with self._damage_told():
                self._file.seek(0)
        else:
            self._file.close()
            self._file = self._open()
        self._waiting: Samples = np.zeros(0, np.int16)
        self._at_end = False

    def read(self, count: int) -> Samples:
        """The next `count` samples, int16 of shape (n,); fewer at the end of the file, none after it.

        Raises ConfigurationError if the file is damaged here.
        """
        while len(self._waiting) < count and not self._at_end:
            self._waiting = np.concatenate((self._waiting, self._decode()))
        taken, self._waiting = np.split(self._waiting, [count])
        return taken

    def close(self) -> None:
        """Close the file; once is enough."""
        self._file.close()

    def _decode(self) -> Samples:
        """The next half second; less at the end."""
        channels = self._next_block()
        self._at_end = len(channels) < self._block  # maybe sooner than the file's header said
        scaled = np.nan_to_num(np.rint(channels.mean(axis=1) * _FULL_SCALE))
        block: Samples = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        return block

    def _next_block(self) -> NDArray[np.float32]:
        """Half a second as the file has it, shape (n, channels); less at its end."""
        with self._damage_told():
            channels: NDArray[np.float32] = self._file.read(self._block, dtype="float32", always_2d=True)
        return channels

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except self._library.LibsndfileError as error:
            raise self._wrong(f"damaged ({error.error_string.rstrip('.')})") from None

    def _length(self) -> int:
        """In samples of the file; all of it is decoded when it doesn't say."""
        frames: int = self._file.frames
        if frames == _UNKNOWN:
            frames = 0
            while size := len(self._next_block()):
                frames += size
        return frames

    def _open(self) -> Any:
        try:
            if self._content is None:
                if Path(self._name).is_fifo():  # which would be waited for, and can't be rewound
                    raise self._wrong("a pipe")
                with Path(self._name).open("rb") as file:
                    is_empty = not file.read(1)
            else:
                is_empty = not self._content
            if is_empty:
                raise self._wrong("empty")
            content = BytesIO(self._content) if isinstance(self._content, bytes) else self._content
            if content is not None:
                content.seek(0)
            # Not by its name: whatever is called .raw soundfile takes for samples alone.
            audio = self._library.SoundFile(os.open(self._name, _READ) if content is None else content)
        except OSError as error:
            is_elsewhere = isinstance(error, FileNotFoundError) and not Path(self._name).is_absolute()
            where = _here() if is_elsewhere else ""
            raise ConfigurationError(f"can't read the audio file '{self._name}': {error.strerror}{where}") from None
        except self._library.LibsndfileError as error:
            raise self._wrong(f"no audio file ({error.error_string.rstrip('.')})") from None
        self._can_seek = audio.seekable()  # some codecs can't, GSM for one
        audio.seekable = lambda: False  # else soundfile seeks after every read, and MP3 decoding glitches there
        return audio

    def _check(self, frames: int) -> None:
        if not frames:
            raise self._wrong("empty or cut short")
        if not _LOWEST_RATE <= self.rate <= _HIGHEST_RATE:
            raise self._wrong(f"at {self.rate} Hz; it can be played at {_LOWEST_RATE} to {_HIGHEST_RATE} Hz")

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"the audio file '{self._name}' is {what}; {_FORMATS}")


def _here() -> str:
    try:
        return f" in {Path.cwd()}, where voxrun was started"
    except FileNotFoundError:
        return "; the folder in which voxrun was started is gone"


def _import_soundfile() -> ModuleType:
    try:
        import soundfile  # noqa: PLC0415 - 150 ms of start-up that a run without files need not pay
    except OSError as error:  # it is there, but its C library is not
        raise ConfigurationError(f"audio files can't be read here: {error}. Install libsndfile") from None
    library: ModuleType = soundfile
    return library
