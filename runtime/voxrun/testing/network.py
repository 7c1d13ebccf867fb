"""`SimulatedNetwork`: streams inside this process that can be cut and held up."""

import operator
from collections import deque

import trio

from voxrun.errors import RemoteError
from voxrun.transports.network import MemoryNetwork


class SimulatedNetwork(MemoryNetwork):
    """A network with faults. They act on all streams at once, and on those made later as long as they last."""

    def __init__(self) -> None:
        super().__init__()
        self._refusals = 0
        self._stalls = 0
        self._ends: list[StreamEnd] = []

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        if self._refusals:
            await trio.lowlevel.checkpoint()
            message = f"{host}:{port} refused the connection: the simulation has it so"
            raise RemoteError(message, failure="connection")
        try:
            return await super().connect(host, port, tls=tls)
        except RemoteError as error:
            if error.failure != "host":
                raise
            message = f"web has no {host}: a test says there what that answers"
            raise RemoteError(message, failure="host") from None

    def pair(self) -> tuple[trio.abc.Stream, trio.abc.Stream]:
        """Both ends of a new stream."""
        near, far = StreamEnd(), StreamEnd()
        near.peer, far.peer = far, near
        self._ends = [end for end in self._ends if not end.closed.is_set()] + [near, far]
        for end in (near, far):
            end.is_held = self._stalls > 0
        return near, far

    async def quiet(self) -> None:
        """Wait until both ends of all streams are closed."""
        for end in tuple(self._ends):
            await end.closed.wait()

    def cut(self) -> bool:
        """Break all streams. Whether there were any."""
        for end in self._ends:
            end.breaks()
        return bool(self._ends)

    async def stall(self, seconds: float) -> None:
        """Let nothing arrive for a while."""
        self._stalls += 1
        self._hold()
        try:
            await trio.sleep(seconds)
        finally:
            self._stalls -= 1
            self._hold()

    async def refuse(self, seconds: float) -> None:
        """Let nobody connect for a while."""
        self._refusals += 1
        try:
            await trio.sleep(seconds)
        finally:
            self._refusals -= 1

    def _hold(self) -> None:
        for end in self._ends:
            end.hold(held=self._stalls > 0)


class StreamEnd(trio.abc.Stream):
    """One end of a stream without a bound."""

    def __init__(self) -> None:
        self.peer = self
        self.is_held = False
        self.closed = trio.Event()
        self._is_broken = False
        self._has_ended = False  # the other end was closed
        self._came: deque[bytes] = deque()
        self._news = trio.lowlevel.ParkingLot()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._check()
        if self.peer.closed.is_set():
            raise trio.BrokenResourceError("the other end is closed")
        if data:
            self.peer._came.append(bytes(data))
            self.peer._wake()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()
        self._check()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        most = None if max_bytes is None else operator.index(max_bytes)
        if most is not None and most < 1:
            raise ValueError("max_bytes must be at least 1")
        if self._news:
            raise trio.BusyResourceError("another task receives here")
        if self._is_ready():
            await trio.lowlevel.checkpoint()
        while not self._is_ready():
            await self._news.park()
        self._check()
        return self._take(most)

    async def aclose(self) -> None:
        self.closed.set()
        self._came.clear()
        self._news.unpark_all()
        self.peer._has_ended = True
        self.peer._wake()
        await trio.lowlevel.checkpoint()

    def breaks(self) -> None:
        """The connection is gone."""
        self._is_broken = True
        self._came.clear()
        self._news.unpark_all()

    def hold(self, *, held: bool) -> None:
        """Hold up what arrives, or let it through."""
        self.is_held = held
        self._wake()

    def _check(self) -> None:
        if self.closed.is_set():
            raise trio.ClosedResourceError
        if self._is_broken:
            raise trio.BrokenResourceError("the connection was cut")

    def _is_ready(self) -> bool:
        is_over = self._is_broken or self.closed.is_set()
        return is_over or (not self.is_held and bool(self._came or self._has_ended))

    def _wake(self) -> None:
        if self._is_ready():
            self._news.unpark_all()

    def _take(self, max_bytes: int | None) -> bytes:
        if not self._came:
            return b""
        data = self._came.popleft() if len(self._came) == 1 else b"".join(self._came)
        self._came.clear()
        if max_bytes is not None and len(data) > max_bytes:
            self._came.append(data[max_bytes:])
            data = data[:max_bytes]
        return data
