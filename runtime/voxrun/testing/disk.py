"""`Disk`: the files of a simulated call: what it writes goes into a folder of the test, and it can be slow."""

import errno
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import trio

from voxrun.media.read_ahead import AudioSource
from voxrun.media.sounds import AudioRequest
from voxrun.media.write_behind import SampleWriter, TextWriter
from voxrun.transports.network import Network
from voxrun.transports.sound_library import SoundLibrary, Speak

T = TypeVar("T")


class Disk:
    """The session's `Sounds`, and its way to do blocking work: on the spot.

    What would be written below the current folder is written below `folder` instead, a new one if there is none yet,
    and read back from there.
    """

    def __init__(self, network: Network, folder: Path | None, voice: Speak) -> None:
        self.seconds = 0.0
        """What each access takes."""
        self.written: list[Path] = []
        """Files made by the session."""
        self._folder = folder
        self._library = SoundLibrary(network, self.offload, voice)

    async def offload(self, work: Callable[..., T], *args: object) -> T:
        """Blocking work, done after as long as an access takes."""
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # as a thread's work can't be broken off
            await trio.sleep(self.seconds)
        return work(*args)

    async def open(self, request: AudioRequest) -> AudioSource:
        """As the library does."""
        place = request.path if request.is_remote else self._place(request.path)
        return await self._library.open(replace(request, url=str(place)) if place in self.written else request)

    async def speak(self, text: str, voice: str | None) -> AudioSource:
        """As the library does."""
        return await self._library.speak(text, voice)

    def create(self, path: Path, rate: int, channels: int) -> SampleWriter:
        """A new audio file."""
        return self._library.create(self._new(path), rate, channels)

    def create_text(self, path: Path) -> TextWriter:
        """A new text file."""
        return self._library.create_text(self._new(path))

    def _new(self, path: Path) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="voxrun-"))
        if not path.absolute().parent.is_dir():  # as a real run would miss it
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place not in self.written:
            self.written.append(place)
        return place

    def _place(self, path: Path) -> Path:
        here, folder, path = Path.cwd(), self._folder, path.absolute()
        if folder is None or path.is_relative_to(folder) or not path.is_relative_to(here):
            return path
        return folder / path.relative_to(here)
