"""`AudioFile`: an audio file read as mono samples at a session rate."""

from io import BytesIO
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from voxrun.audio.frame import SESSION_RATES, Samples, frame_size
from voxrun.audio.resample import DELAY_SECONDS, RATES, Resampler
from voxrun.errors import ConfigurationError

_FORMATS = "wav, flac, ogg and mp3 files can be read"
_FULL_SCALE = 32768
_BLOCK_FRAMES = 25  # half a second


class AudioFile:
    """Plays a wav, flac, ogg or mp3 file out in blocks, as mono int16 at a session rate.

    Synchronous, for a worker thread; it decodes half a second at a time.
    """

    def __init__(self, path: str | PathLike[str], content: bytes | BinaryIO | None = None) -> None:
        """Open the file at `path`, or one that is in memory already as `content`; then `path` just names it.

        `content` that isn't bytes is something to read them from, which has a `seek` and isn't empty.

        Raises ConfigurationError if it is missing, unreadable, no audio, empty, or at an odd rate.
        """
        self._name = str(path)
        self._content = content
        self._library = _import_soundfile()
        self._file = self._open()
        source_rate: int = self._file.samplerate
        self.rate = next((rate for rate in SESSION_RATES if rate >= source_rate), 0)
        """Hz of what `read` gives: the file's rate or the next session rate above it."""
        self.duration = self._file.frames / source_rate
        """Seconds."""
        try:
            self._check(source_rate)
        except ConfigurationError:
            self.close()
            raise
        self._block = frame_size(source_rate) * _BLOCK_FRAMES
        self.rewind()

    def rewind(self) -> None:
        """Go back to the first sample."""
        self._file.seek(0)
        self._left = round(self.duration * self.rate)
        self._waiting: Samples = np.zeros(0, np.int16)
        self._resampler: Resampler | None = None
        if self._file.samplerate != self.rate:
            self._resampler = Resampler(self._file.samplerate, self.rate)
            self._waiting = self._decode()[round(DELAY_SECONDS * self.rate) :]

    def read(self, count: int) -> Samples:
        """The next `count` samples, int16 of shape (n,); fewer at the end of the file, none after it.

        Raises ConfigurationError if the file is damaged here.
        """
        while len(self._waiting) < min(count, self._left):
            self._waiting = np.concatenate((self._waiting, self._decode()))
        taken, self._waiting = np.split(self._waiting, [min(count, self._left)])
        self._left -= len(taken)
        return taken

    def close(self) -> None:
        """Close the file; once is enough."""
        self._file.close()

    def _decode(self) -> Samples:
        """The next half second at `rate`, filled up with silence at the end, which `read` cuts off."""
        try:
            channels = self._file.read(self._block, dtype="float32", always_2d=True)
        except self._library.LibsndfileError as error:
            raise self._wrong(f"damaged ({error.error_string.rstrip('.')})") from None
        if not len(channels):  # sooner than the file's header said
            self._left = min(self._left, len(self._waiting))
        mono = np.zeros(self._block, np.float32)
        channels.mean(axis=1, out=mono[: len(channels)])
        scaled = np.nan_to_num(np.rint(mono * _FULL_SCALE))
        block: Samples = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        if self._resampler is None:
            return block
        return np.concatenate([self._resampler.process(frame) for frame in np.split(block, _BLOCK_FRAMES)])

    def _open(self) -> Any:
        try:
            if self._content is None:
                with Path(self._name).open("rb") as file:
                    is_empty = not file.read(1)
            else:
                is_empty = not self._content
            if is_empty:
                raise self._wrong("empty")
            content = BytesIO(self._content) if isinstance(self._content, bytes) else self._content
            audio = self._library.SoundFile(self._name if content is None else content)
        except OSError as error:
            raise ConfigurationError(f"can't read the audio file '{self._name}': {error.strerror}") from None
        except self._library.LibsndfileError as error:
            raise self._wrong(f"no audio file ({error.error_string.rstrip('.')})") from None
        audio.seekable = lambda: False  # else soundfile seeks after every read, and MP3 decoding glitches there
        return audio

    def _check(self, source_rate: int) -> None:
        if not self._file.frames:
            raise self._wrong("empty or cut short")
        if source_rate not in RATES:
            rates = ", ".join(map(str, RATES))
            raise self._wrong(f"at {source_rate} Hz, which is none of the rates that can be played ({rates})")

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"the audio file '{self._name}' is {what}; {_FORMATS}")


def _import_soundfile() -> ModuleType:
    try:
        import soundfile  # noqa: PLC0415 - 150 ms of start-up that a run without files need not pay
    except OSError as error:  # it is there, but its C library is not
        raise ConfigurationError(f"audio files can't be read here: {error}. Install libsndfile") from None
    library: ModuleType = soundfile
    return library
