"""`WriteBehind`: audio or text on its way to a slow, blocking sink, such as a file on a disk."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import numpy as np
import trio

from voxrun.audio.frame import FRAME_MS, Samples
from voxrun.media.host import UnitHost

FLUSH_SECONDS = 0.25
"""How much a `kill -9` can cost."""

BACKLOG_SECONDS = 30
"""How long a disk may stand still before audio is dropped."""

_BACKLOG_FRAMES = BACKLOG_SECONDS * 1000 // FRAME_MS

CLOSE_SECONDS = 10.0
"""How long completing the file may take."""

T = TypeVar("T")
_in_one: Callable[..., Any] = np.concatenate
Written = TypeVar("Written", contravariant=True)


class Writer(Protocol[Written]):
    """An open file; called from a worker thread. OSError when it can't be written."""

    def write(self, piece: Written, /) -> None:
        """Append samples, shape (n,) or (n, channels), or text."""

    def close(self) -> None:
        """Complete the file."""


class SampleWriter(Writer[Samples], Protocol):
    """One that takes samples."""

    @property
    def seconds(self) -> float:
        """How much sound the file has, as far as was seen; once it is closed, all that can be read."""


TextWriter: TypeAlias = Writer[str]


class WriteBehind(Generic[T]):
    """Takes frames, or texts, and writes them off the media thread, a few times a second; `join` makes one of many.

    Those that don't fit the backlog, or that a failed writer did not take, are counted in `dropped`. `on_failure` gets
    the first OSError.
    """

    def __init__(
        self,
        host: UnitHost,
        writer: Writer[T],
        on_failure: Callable[[OSError], None],
        join: Callable[[Sequence[T]], T] = _in_one,
    ) -> None:
        self.dropped = 0
        self._host = host
        self._writer = writer
        self._on_failure = on_failure
        self._join = join
        self._frames: list[T] = []
        self._failed = False
        self._stopped = trio.Event()

    def put(self, frame: T) -> None:
        """Queue one frame, shape (n,) or (n, channels), or a text; an array is kept."""
        if self._failed or len(self._frames) >= _BACKLOG_FRAMES:
            self.dropped += 1
        else:
            self._frames.append(frame)

    def stop(self) -> None:
        """Write what is queued, then complete the file."""
        self._stopped.set()

    async def drain(self) -> None:
        """Write until stopped or cancelled; the file is complete afterwards. Run this as a task."""
        try:
            while not self._stopped.is_set():
                with trio.move_on_after(FLUSH_SECONDS):
                    await self._stopped.wait()
                await self._flush()
        finally:
            with trio.move_on_after(CLOSE_SECONDS, shield=True):  # what was heard is kept, whatever ends the session
                await self._flush()
                await self._attempt(self._writer.close)

    async def _flush(self) -> None:
        count = len(self._frames)
        if count and not self._failed:
            await self._attempt(self._writer.write, self._join(self._frames))
            del self._frames[:count]  # not sooner: a cancelled write is made up for when the file is completed

    async def _attempt(self, action: Callable[..., None], *args: T) -> None:
        try:
            await self._host.offload(action, *args)
        except OSError as error:
            if not self._failed:
                self._failed = True
                self.dropped += len(self._frames)
                self._on_failure(error)
