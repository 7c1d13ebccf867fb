"""`Download`: an audio file that is played while it comes."""

import io
from collections.abc import Awaitable, Callable
from typing import BinaryIO, cast

import numpy as np
import trio

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError, VoxrunError
from voxrun.media.read_ahead import BLOCK_SECONDS
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.http import ComingResponse

FIRST_BYTES = 4 * 1024
"""After so many it is tried whether the file can be opened, then whenever there are twice as many as the last time."""

AHEAD_SECONDS = 1.0
"""For a block of half a second so much must be there, by the file's average, as its parts differ …"""

AHEAD_BYTES = 10 * 1024
"""… and so much more, as decoders read ahead."""

_TAG_BYTES = 128  # at the very end, where an MP3 decoder looks first if there is a tag (ID3v1); zeros are none


class _Content:
    """What there is of a file, to be read by a decoder; if that wants what isn't there, it `missed` something."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.bytes = bytearray()
        self.missed = False
        self._place = 0

    @property
    def ahead(self) -> int:
        """Bytes that are there and were not read."""
        return len(self.bytes) - self._place

    def read(self, count: int) -> bytes:
        """The next bytes, as far as they are there."""
        end = min(self._place + count, self.size)
        found = bytes(self.bytes[self._place : end])
        if self._place >= self.size - _TAG_BYTES:
            found = found.ljust(max(0, end - self._place), b"\0")
        self.missed |= len(found) < end - self._place
        self._place += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        self._place = offset + (0, self._place, self.size)[whence]
        return self._place

    def tell(self) -> int:
        """Where it goes on."""
        return self._place


class Download:
    """An `ArrivingSource`, once `open` has said so.

    Bytes are kept in memory, as few as the limits of the request allow. A decoder that needs more of them than any
    should, to go on, goes on when the file is whole.
    """

    def __init__(self, name: str, response: ComingResponse, offload: Callable[..., Awaitable[object]]) -> None:
        self.rate = 0
        self.duration = 0.0
        self._name = name
        self._response = response
        self._offload = offload
        self._content = _Content(response.size or 0)
        self._audio: AudioFile
        self._ready: Samples = np.zeros(0, np.int16)  # decoded, and not read yet
        self._given = 0  # samples read
        self._is_whole = False
        self._failure: VoxrunError | None = None
        self._news = trio.Event()

    async def open(self) -> bool:
        """Receive until it can be played; False when it must be whole for that, because of its format or its server."""
        wanted = FIRST_BYTES
        while self._content.size and not self._is_whole:
            await self._receive()
            if len(self._content.bytes) >= wanted and not self._is_whole:
                wanted = 2 * len(self._content.bytes)
                if await self._offload(self._begin):
                    await self._receive_ahead()
                    return True
        return False

    async def whole(self) -> bytes:
        """All of it. RemoteError when it doesn't come."""
        while not self._is_whole:
            await self._receive()
        return bytes(self._content.bytes)

    async def fetch(self) -> None:
        """Receive the rest."""
        try:
            await self.whole()
        except VoxrunError as error:
            self._failure = error
            self._news.set()
        finally:
            await self._response.aclose()

    async def come(self, count: int) -> None:
        """Decode what `read` will be asked for, when that has come."""
        is_over = False
        while not is_over and not self._is_whole and (missing := count - len(self._ready)) > 0:
            await self._wait_for(self._enough)
            is_over = bool(await self._offload(self._decode, missing))
            if self._content.missed:
                await self._wait_for(self._content.size)
                await self._offload(self._begin_anew)

    def read(self, count: int) -> Samples:
        """The next `count` samples; fewer at the end. ConfigurationError when it is damaged."""
        taken, self._ready = np.split(self._ready, [count])
        if len(taken) < count:
            taken = np.concatenate((taken, self._audio.read(count - len(taken))))
        self._given += len(taken)
        return taken

    def rewind(self) -> None:
        """Go back to the first sample."""
        self._audio.rewind()
        self._ready = self._ready[:0]
        self._given = 0

    def close(self) -> None:
        """Let go of the decoder."""
        self._audio.close()

    @property
    def _enough(self) -> float:
        """Bytes that must be ahead for the next block."""
        return AHEAD_BYTES + AHEAD_SECONDS * self._content.size / self.duration

    async def _receive_ahead(self) -> None:
        """What the second block needs, lest there is a gap after the first."""
        while not self._is_whole and self._content.ahead < self._enough:
            await self._receive()

    async def _receive(self) -> None:
        data = await self._response.receive()
        self._content.bytes += data
        self._is_whole = not data
        self._news.set()
        self._news = trio.Event()

    async def _wait_for(self, ahead: float) -> None:
        while not self._is_whole and self._content.ahead < ahead:
            if self._failure is not None:
                raise self._failure
            await self._news.wait()

    def _begin(self) -> bool:
        """Open what is there, and decode a block of it; whether that is possible."""
        self._content.missed = False
        self._content.seek(0)
        try:
            self._audio = AudioFile(self._name, cast(BinaryIO, self._content))
        except ConfigurationError:  # said when it is whole, if it still is so
            return False
        self.rate, self.duration = self._audio.rate, self._audio.duration
        self._ready = self._decoded(int(self.rate * BLOCK_SECONDS))
        if self._content.missed:
            self._audio.close()
        return not self._content.missed

    def _decode(self, count: int) -> bool:
        """As many samples more; whether that was the end."""
        samples = self._decoded(count)
        self._ready = np.concatenate((self._ready, samples))
        return len(samples) < count and not self._content.missed

    def _decoded(self, count: int) -> Samples:
        """The next samples; none, whatever a decoder makes of it, if it missed something."""
        try:
            samples = self._audio.read(count)
        except ConfigurationError:
            if not self._content.missed:
                raise
        return self._ready[:0] if self._content.missed else samples

    def _begin_anew(self) -> None:
        """Go on in the whole file from where no more could be decoded."""
        self._audio.close()
        self._content.missed = False
        self._audio = AudioFile(self._name, bytes(self._content.bytes))
        self._audio.read(self._given + len(self._ready))
