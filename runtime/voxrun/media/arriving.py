"""`ArrivingSource`: audio that is played while it still comes; how it's asked for, and how it's read ahead."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from voxrun.media.host import UnitHost
from voxrun.media.read_ahead import AudioSource, ReadAhead
from voxrun.media.sounds import AudioRequest


@dataclass(frozen=True, slots=True)
class ArrivingRequest(AudioRequest):
    """A file that may be opened before all of it is there."""


@runtime_checkable
class ArrivingSource(AudioSource, Protocol):
    """`read` gives what `come` has waited for. Whoever opened it runs `fetch`, or else the connection stays open."""

    async def fetch(self) -> None:
        """Have it come, all of it; a task. It ends the connection, cancelled or not."""

    async def come(self, count: int) -> None:
        """Wait until the next `count` samples, or the end, can be read. VoxrunError when they won't come."""


class ArrivingReadAhead(ReadAhead):
    """Waits before it reads."""

    def __init__(self, host: UnitHost, source: ArrivingSource, *, loop: bool = False) -> None:
        super().__init__(host, source, loop=loop)
        self._arriving = source

    async def _wait_for_room(self) -> None:
        await super()._wait_for_room()
        await self._arriving.come(self._block)
