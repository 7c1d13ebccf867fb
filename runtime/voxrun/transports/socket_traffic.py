"""`SocketTraffic`: one task that reads all sockets on which something came, and one that writes all that is to be sent.

Reading through a nested epoll, whatever has come costs one turn of the scheduler, and after a tick something has come
on many. What a tick sends leaves together at its end: each write on its own, between two calls' work, would wake
somebody at the other end, which costs three times as much as the write itself.
"""

import select
from collections.abc import Callable
from contextlib import suppress

import trio

_RECEIVE_BUFFER = 64 * 1024
_MOST_AT_ONCE = 64  # then others have their turn
_traffic: trio.lowlevel.RunVar["SocketTraffic | None"] = trio.lowlevel.RunVar("socket_traffic", None)


class SocketTraffic:
    """Calls readers and writers, which must not raise, for as long as somebody has joined."""

    def __init__(self) -> None:
        self.buffer = bytearray(_RECEIVE_BUFFER)
        """Where readers may put what came, until they return."""
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._writers: list[Callable[[], None]] = []
        self._news = trio.lowlevel.ParkingLot()
        self._scope = trio.CancelScope()
        self._members = 0

    @classmethod
    def join(cls) -> "SocketTraffic":
        """The one that all sockets of a `trio.run` share, until `leave`."""
        traffic = _traffic.get()
        if traffic is None:
            traffic = cls()
            _traffic.set(traffic)
            trio.lowlevel.spawn_system_task(traffic._run)
        traffic._members += 1
        return traffic

    def leave(self) -> None:
        """The last one to leave ends it."""
        self._members -= 1
        if not self._members:
            _traffic.set(None)
            self._scope.cancel()

    def watch(self, descriptor: int, read: Callable[[], None]) -> None:
        """Call `read` whenever `descriptor` is readable, until `forget`."""
        if descriptor not in self._readers:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = read

    def forget(self, descriptor: int) -> None:
        """Stop watching `descriptor`, if it was."""
        if self._readers.pop(descriptor, None):
            with suppress(OSError):  # somebody closed it already
                self._epoll.unregister(descriptor)

    def write_soon(self, write: Callable[[], None]) -> None:
        """Call `write` once, as soon as the code that runs now comes to its next wait."""
        self._writers.append(write)
        self._news.unpark()

    async def _run(self) -> None:
        with self._epoll, self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    self._read_all()

    def _read_all(self) -> None:
        for descriptor, _ in self._epoll.poll(0, _MOST_AT_ONCE):
            if read := self._readers.get(descriptor):  # else one before it in this round has it forgotten
                read()

    async def _write(self) -> None:
        while True:
            writers, self._writers = self._writers, []
            for write in writers:
                write()
            if not self._writers:
                await self._news.park()
