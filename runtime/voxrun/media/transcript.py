"""`Transcript`: what happened while something was recorded, in a file beside the recording."""

from collections.abc import Callable

import msgspec
import trio

from voxrun.errors import DeviceError
from voxrun.media.host import UnitHost
from voxrun.media.write_behind import TextWriter, WriteBehind

_KINDS = ('"event"', '"log"')
"""What is kept of the session's trace: who said what, what was decided, what the scenario noted."""

_MOST_EARLY_LINES = 1000
"""How many may wait for the file to be opened; more are dropped and counted."""


class Transcript:
    """A line of JSON for each event of the session, and each line of its log; `t` is the time in the recording (s)."""

    def __init__(self, host: UnitHost, url: str, open_writer: Callable[[], TextWriter]) -> None:
        self._host = host
        self._broke = host.breaker()
        self._url = url
        self._open_writer = open_writer
        self._began = 0.0
        self._file: WriteBehind[str] | None = None
        self._leave: Callable[[], None] | None = None
        self._early: list[str] = []  # until the file is open
        self._dropped = 0
        self._stopping = False

    def open(self) -> None:
        """Make the file, now that the recording has its own: whoever has that has both."""
        self._host.spawn(self._write)

    def begin(self) -> None:
        """The recording begins now."""
        self._began = self._host.now()
        self._leave = self._host.watch(self._note)

    def stop(self) -> None:
        """The recording has ended: complete the file."""
        self._stopping = True
        if self._leave is not None:
            self._leave()
        if self._file is not None:
            self._file.stop()

    def _note(self, line: str) -> None:
        if not line.partition('"kind":')[2].startswith(_KINDS):
            return
        record = msgspec.json.decode(line, type=dict[str, object])
        record["t"] = round(self._host.now() - self._began, 4)
        text = f"{msgspec.json.encode(record).decode()}\n"
        if self._file is not None:
            self._file.put(text)
        elif len(self._early) < _MOST_EARLY_LINES:
            self._early.append(text)
        else:
            self._dropped += 1

    async def _write(self) -> None:
        try:
            with trio.CancelScope(shield=True):  # the recording has its file: a session that ends now has both
                writer = await self._host.offload(self._open_writer)
        except OSError as error:
            self._fail(error)
            return
        file = self._file = WriteBehind(self._host, writer, self._fail, "".join)
        for text in self._early:
            file.put(text)
        if self._stopping:
            file.stop()
        try:
            await file.drain()
        finally:
            self._host.trace("losses", of=self._url, lines_not_written=file.dropped + self._dropped)

    def _fail(self, error: OSError) -> None:
        if self._leave is not None:
            self._leave()
        self._broke(DeviceError(f"{self._url} can't be written: {error.strerror}"))
