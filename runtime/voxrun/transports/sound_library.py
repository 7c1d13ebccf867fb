"""`SoundLibrary`: the session's `Sounds`: files of this machine and of the web, and speech."""

import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError, RemoteError, ScenarioError
from voxrun.media.arriving import ArrivingRequest
from voxrun.media.read_ahead import AudioSource
from voxrun.media.sample_source import SampleSource
from voxrun.media.sounds import TEXT_LIMIT, AudioRequest
from voxrun.media.write_behind import SampleWriter
from voxrun.transports.address import public
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.claim import claim
from voxrun.transports.download import Download
from voxrun.transports.http import HttpLimits, http_open
from voxrun.transports.network import Network
from voxrun.transports.sound_writer import open_writer

SPEECH_RATE = 16_000
"""Hz of what `Speak` gives."""

DOWNLOAD_LIMITS = HttpLimits(seconds=12.0, size=10 * 1024 * 1024, redirects=5)
"""VoxEngine's for audio files; the redirects are ours."""

Speak = Callable[[str, str | None], Awaitable[Samples]]
"""A text as speech at `SPEECH_RATE`, by the voice of that name or the usual one. VoxrunError when it can't be had."""


class TextFile:
    """A text file that holds what was written whatever ends the process."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", opener=claim)  # noqa: SIM115 - closed by close()

    def write(self, text: str) -> None:
        """Append `text`. OSError."""
        self._file.write(text.encode())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class SoundLibrary:
    """Opens what is to be played and what is to be written. `offload` does blocking work, as `Services.offload`.

    With a `folder` there is nothing outside of it: no other file is opened, nothing is downloaded.
    """

    network: Network
    offload: Callable[..., Awaitable[object]]
    voice: Speak
    folder: Path | None = None

    async def open(self, request: AudioRequest) -> AudioSource:
        """A file that is here, or one that is downloaded: as a whole first, unless the request is an `ArrivingRequest`.

        ConfigurationError for one that can't be played, RemoteError for one that can't be had.
        """
        if not request.is_remote:
            return cast(AudioSource, await self.offload(self._open_file, request.path))
        if self.folder is not None:
            raise ConfigurationError(
                f"{public(request.url)} is not downloaded: --sandbox allows only files in {self.folder}"
            )
        response = await http_open(
            self.network,
            request.method,
            request.url,
            headers=request.headers,
            body=request.body,
            limits=DOWNLOAD_LIMITS,
        )
        name = public(request.url)
        download = Download(name, response, self.offload)
        try:
            if response.status != 200:
                raise RemoteError(f"{name} was answered with HTTP {response.status}", code=response.status)
            if isinstance(request, ArrivingRequest) and await download.open():
                return download
            content = await download.whole()
        except BaseException:
            await response.aclose()
            raise
        await response.aclose()
        return cast(AudioSource, await self.offload(AudioFile, name, content))

    async def speak(self, text: str, voice: str | None) -> AudioSource:
        """`text` as speech. ScenarioError when there is too much of it."""
        if len(text) > TEXT_LIMIT:
            raise ScenarioError(
                f"a text to speak has at most {TEXT_LIMIT} characters, this one has {len(text)}: speak it in parts"
            )
        speakable = text.encode(errors="replace").decode()  # half of a surrogate pair is no character
        known = voice and voice.encode(errors="replace").decode()
        return SampleSource(await self.voice(speakable, known), SPEECH_RATE)

    def create(self, path: Path, rate: int, channels: int) -> SampleWriter:
        """A wav, flac, ogg or mp3 file. OSError."""
        return open_writer(self._allowed(path), rate, channels)

    def create_text(self, path: Path) -> TextFile:
        """A text file. OSError."""
        return TextFile(self._allowed(path))

    def _open_file(self, path: Path) -> AudioFile:
        try:
            return AudioFile(self._allowed(path))
        except PermissionError as error:
            raise ConfigurationError(f"{path} can't be played: {error.strerror}") from error

    def _allowed(self, path: Path) -> Path:
        """Where `path` leads to, links and `..` followed. PermissionError when that lies outside of the folder."""
        if self.folder is None:
            return path
        target = path.resolve()
        if not target.is_relative_to(self.folder.resolve()):
            raise PermissionError(errno.EACCES, f"--sandbox allows only files in {self.folder}", str(path))
        return target
