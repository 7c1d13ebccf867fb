"""What a connection waits for when TLS wants to read before it writes, or the other way round; and its end."""

import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from voxrun.transports.socket_stream import SocketStream


class Wanting(socket.socket):
    """As long as there is something that it wants first, it says that instead of reading or writing."""

    wants: ssl.SSLError | None = None
    asked = 0

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:  # type: ignore[override]
        self._say_what_it_wants()
        return super().send(data, flags)

    def recv_into(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._say_what_it_wants()
        return super().recv_into(buffer)

    def _say_what_it_wants(self) -> None:
        self.asked += 1
        if self.wants:
            raise self.wants


Act = Callable[[Wanting, SocketStream, SocketStream], Awaitable[None]]


def between(act: Act) -> None:
    """Have `act` do it with a socket, its stream, and the one at the other end."""

    async def main() -> None:
        ends = [Wanting(fileno=end.detach()) for end in socket.socketpair()]
        for end in ends:
            end.setblocking(False)
        near, far = map(SocketStream, ends)
        with trio.fail_after(5):  # also of who tries again and again instead of waiting
            async with near, far:
                await act(ends[0], near, far)

    trio.run(main)


def test_who_must_read_before_it_can_write_waits_for_that_once() -> None:
    size = 5_000_000

    async def act(inside: Wanting, near: SocketStream, far: SocketStream) -> None:
        inside.wants = ssl.SSLWantReadError()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(near.send_all, bytes(size))
            await trio.testing.wait_all_tasks_blocked()
            inside.wants = None
            await far.send_all(b"x")
            await trio.testing.wait_all_tasks_blocked()  # for the other to take more
            got = 0
            while got < size:
                got += len(await far.receive_some())
        assert got == size

    between(act)


def test_who_must_write_before_it_can_read_waits_for_that_once() -> None:
    async def act(inside: Wanting, near: SocketStream, far: SocketStream) -> None:
        got: list[bytes] = []

        async def receive() -> None:
            got.append(await near.receive_some())

        while near.send_now(bytes(100_000)):
            pass
        inside.wants, inside.asked = ssl.SSLWantWriteError(), 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            inside.wants = None
            while far.receive_now(memoryview(bytearray(100_000))):
                pass
            await trio.testing.wait_all_tasks_blocked()  # for something to read
            assert inside.asked == 2
            await far.send_all(b"x")
        assert got == [b"x"]

    between(act)


def test_whoever_waits_for_what_somebody_closes_is_told() -> None:
    async def act(inside: Wanting, near: SocketStream, far: SocketStream) -> None:
        async def receive() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await near.receive_some()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await near.aclose()
        for use in (near.receive_some, near.wait_send_all_might_not_block, lambda: near.send_all(b"x")):
            with pytest.raises(trio.ClosedResourceError):
                await use()
        assert await far.receive_some() == b""

    between(act)
