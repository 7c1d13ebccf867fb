"""`SocketTraffic`: one task that reads all sockets on which something came, and one that writes all that is to be sent.

Reading through a nested epoll, whatever has come costs one turn of the scheduler, and after a tick something has come
on many. What a tick sends leaves together at its end: each write on its own, between two calls' work, would wake
somebody at the other end, which costs three times as much as the write itself.
"""

import select
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import outcome
import trio

_RECEIVE_BUFFER = 64 * 1024
_MOST_AT_ONCE = 64  # then others have their turn
_CROWD = 50
_REST_SECONDS = 0.001
"""With more than a `_CROWD` of sockets something comes all the time: to wait for more saves a quarter of the CPU."""
_traffic: trio.lowlevel.RunVar["SocketTraffic | None"] = trio.lowlevel.RunVar("socket_traffic", None)

T = TypeVar("T")


class Reader(Protocol[T]):
    """Whose socket is watched."""

    def receive(self) -> T | None:
        """Read what came on it, without acting on it; None when that was nothing. Must not raise."""

    def take(self, data: T) -> None:
        """Act on what was read."""

    def fail(self, failure: outcome.Error) -> None:
        """`take` raised this, which hurts nobody else."""


class SocketTraffic:
    """Calls readers, and writers, which must not raise, for as long as somebody has joined."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_RECEIVE_BUFFER))
        """Where readers may put what came, until they return."""
        self._epoll = select.epoll()  # type: ignore[attr-defined, unused-ignore] # only Linux has it, and makes one of us
        self._readers: dict[int, Reader[Any]] = {}
        self._taking: Reader[Any]
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

    def watch(self, descriptor: int, reader: Reader[Any]) -> None:
        """Have `reader` read whenever `descriptor` is readable, until `forget`."""
        if descriptor not in self._readers:
            self._epoll.register(descriptor, select.EPOLLIN)  # type: ignore[attr-defined, unused-ignore] # as above
        self._readers[descriptor] = reader

    def forget(self, descriptor: int, reader: Reader[Any]) -> None:
        """Stop watching `descriptor`, if that was for `reader`: who closed its socket does not have it any more."""
        if self._readers.get(descriptor) is reader:
            del self._readers[descriptor]
            with suppress(OSError):  # somebody closed it already
                self._epoll.unregister(descriptor)

    def write_soon(self, write: Callable[[], None]) -> None:
        """Call `write` once, as soon as the code that runs now comes to its next wait."""
        if not self._writers:
            self._news.unpark()
        self._writers.append(write)

    async def _run(self) -> None:
        with self._epoll, self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read()

    async def _read(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            ready = [self._readers[descriptor] for descriptor, _ in self._epoll.poll(0, _MOST_AT_ONCE)]
            came = iter([(reader, reader.receive()) for reader in ready])
            while isinstance(failure := outcome.capture(self._hand_out, came), outcome.Error):
                self._taking.fail(failure)
            if len(self._readers) > _CROWD and len(ready) < _MOST_AT_ONCE:
                await trio.sleep(_REST_SECONDS)

    def _hand_out(self, came: Iterable[tuple[Reader[Any], object]]) -> None:
        for reader, data in came:
            if data is not None:
                self._taking = reader
                reader.take(data)

    async def _write(self) -> None:
        while True:
            writers, self._writers = self._writers, []
            for write in writers:
                write()
            if not self._writers:
                await self._news.park()
