"""A socket for RTP, on loopback, read together with others and alone."""

import gc
import math
import os
import select
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import TypeAlias

import pytest
import trio
import trio.testing

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram
from voxrun.transports import rtp_socket, socket_traffic
from voxrun.transports.rtp_socket import RtpSocket


@pytest.fixture(params=[True, False], ids=["with others", "alone"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param and not hasattr(select, "epoll"):
        pytest.skip("this system has no epoll")
    monkeypatch.setattr(rtp_socket, "_IS_READ_WITH_OTHERS", request.param)


Hear: TypeAlias = Callable[[list[Datagram]], None]


class Port:
    """A socket that is pumped, and what it heard, unless somebody else hears."""

    def __init__(self, hear: Hear | None = None, *, host: str = "127.0.0.1") -> None:
        self.socket = RtpSocket(host, 0)
        self.life = trio.CancelScope()
        self._put, self._take = trio.open_memory_channel[list[Datagram]](math.inf)
        self._hear = hear or self._put.send_nowait

    async def pump(self) -> None:
        """Hear until `life` ends."""
        with self.life:
            await self.socket.pump(self._hear)

    async def heard(self) -> list[Datagram]:
        """What came at once."""
        return await self._take.receive()


@asynccontextmanager
async def pumping(*ports: Port) -> AsyncIterator[trio.Nursery]:
    """Ports at work, which are closed at the end."""
    async with trio.open_nursery() as nursery:
        for port in ports:
            nursery.start_soon(port.pump)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(5):
            yield nursery
        nursery.cancel_scope.cancel()
    for port in ports:
        port.socket.close()


def in_use() -> tuple[int, int]:
    """Tasks and descriptors, without those that tests before left to be collected."""
    gc.collect()
    return trio.lowlevel.current_statistics().tasks_living, len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_that_came_is_taken_at_once_with_where_it_came_from(host: str) -> None:
    async def main() -> None:
        one, two = Port(host=host), Port(host=host)
        datagrams = [bytes([number]) * 100 for number in range(50)]
        for datagram in datagrams:
            one.socket.send(datagram, two.socket.local)
        async with pumping(one, two):
            assert await two.heard() == [(datagram, one.socket.local) for datagram in datagrams]
            two.socket.send(b"back", one.socket.local)
            assert await one.heard() == [(b"back", two.socket.local)]
        assert one.socket.unsent == 0

    trio.run(main)


def test_many_are_read_while_the_reading_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_traffic, "_CROWD", 1)

    async def main() -> None:
        ports = [Port() for _ in range(10)]
        tasks, descriptors = in_use()
        async with pumping(*ports):
            tasks_now, descriptors_now = in_use()
            assert tasks_now - tasks - len(ports) <= 2  # for all together
            assert descriptors_now - descriptors <= 1
            for number in range(3):
                for port in ports:
                    ports[0].socket.send(bytes([number]), port.socket.local)
                for port in ports:
                    assert await port.heard() == [(bytes([number]), ports[0].socket.local)]

    trio.run(main)


def test_a_flood_lets_others_have_their_turn() -> None:
    async def main() -> None:
        got: list[bytes] = []
        got_before: list[int] = []
        flooded = Port(lambda came: got.extend(data for data, _ in came))
        other = Port(lambda _: got_before.append(len(got)))
        flood = [number.to_bytes(2, "big") for number in range(250)]
        for datagram in flood:
            other.socket.send(datagram, flooded.socket.local)
        flooded.socket.send(b"x", other.socket.local)
        async with pumping(flooded, other):
            while len(got) < len(flood):
                await trio.lowlevel.checkpoint()
        assert got == flood
        assert len(got_before) == 1
        assert got_before[0] < 150

    trio.run(main)


def test_who_fails_hurts_nobody_else() -> None:
    class BadError(Exception):
        pass

    def fail(_: list[Datagram]) -> None:
        raise BadError

    async def pump(port: Port) -> None:
        with pytest.raises(BadError):
            await port.pump()

    async def main() -> None:
        before = in_use()
        bad, good = [Port(fail), Port(fail)], [Port(), Port()]
        async with pumping(*good) as nursery:
            for port in bad:
                nursery.start_soon(pump, port)
            for text in (b"a", b"b"):
                for port in (*bad, *good):
                    good[0].socket.send(text, port.socket.local)
                for port in good:
                    assert await port.heard() == [(text, good[0].socket.local)]
            while len(nursery.child_tasks) > len(good):
                await trio.lowlevel.checkpoint()
        for port in bad:
            port.socket.close()
        await trio.testing.wait_all_tasks_blocked()
        assert in_use() == before

    trio.run(main)


def test_what_is_heard_is_heard_in_the_context_of_who_pumps() -> None:
    whose: ContextVar[str] = ContextVar("whose")

    async def main() -> None:
        heard: list[tuple[str, bytes]] = []
        ports = {name: Port(lambda came: heard.extend((whose.get(), data) for data, _ in came)) for name in "ab"}
        async with pumping() as nursery:
            for name, port in ports.items():
                whose.set(name)
                nursery.start_soon(port.pump)
                port.socket.send(name.encode(), port.socket.local)
            whose.set("nobody")
            while len(heard) < 2:
                await trio.lowlevel.checkpoint()
        assert sorted(heard) == [("a", b"a"), ("b", b"b")]
        for port in ports.values():
            port.socket.close()

    trio.run(main)


def test_nothing_comes_once_it_is_closed_even_by_another_that_heard_at_the_same_time() -> None:
    async def main() -> None:
        heard: list[int] = []

        def hear(number: int, _: list[Datagram]) -> None:
            heard.append(number)
            for port in (*ports, *ports):
                port.socket.close()

        ports = [Port(partial(hear, number)) for number in range(2)]
        for port in ports:
            ports[0].socket.send(b"x", port.socket.local)
        async with pumping(*ports) as nursery:
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert len(heard) == 1
            assert len(nursery.child_tasks) == 2  # until cancelled

    trio.run(main)


def test_a_new_socket_is_left_alone_by_the_end_of_one_that_had_its_descriptor() -> None:
    async def main() -> None:
        old = Port()
        async with pumping(old):
            descriptor = old.socket._socket.fileno()
            old.socket.close()
            new = Port()
            assert new.socket._socket.fileno() == descriptor
            async with pumping(new):
                old.life.cancel()
                await trio.testing.wait_all_tasks_blocked()
                new.socket.send(b"x", new.socket.local)
                assert await new.heard() == [(b"x", new.socket.local)]

    trio.run(main)


def test_what_comes_meanwhile_waits_for_who_pumps_next_and_nothing_is_left() -> None:
    async def main() -> None:
        before = in_use()
        port = Port()
        for text in (b"a", b"b"):
            port.socket.send(text, port.socket.local)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(port.pump)
                with trio.fail_after(5):
                    assert await port.heard() == [(text, port.socket.local)]
                port.life.cancel()
            port.life = trio.CancelScope()
        port.socket.close()
        await trio.testing.wait_all_tasks_blocked()
        assert in_use() == before

    trio.run(main)


def test_a_packet_of_any_length_comes_whole() -> None:
    async def main() -> None:
        one, two = Port(), Port()
        datagrams = [bytes(size) for size in (0, 5772, 65_507)]  # 60 ms of L16 at 48 kHz, and the most UDP can hold
        for datagram in datagrams:
            one.socket.send(datagram, two.socket.local)
        async with pumping(two):
            assert [datagram for datagram, _ in await two.heard()] == datagrams
        one.socket.close()

    trio.run(main)


def test_what_cannot_be_sent_is_counted() -> None:
    socket = RtpSocket("127.0.0.1", 0)
    socket.send(bytes(70_000), socket.local)
    socket.send(b"", ("255.255.255.255", 9))
    socket.send(b"", ("127.0.0.1", 65_536))  # where reports belong when the peer's port is the last one
    assert socket.unsent == 3
    socket.close()
    socket.close()


def test_a_port_in_use_is_refused() -> None:
    first = RtpSocket("127.0.0.1", 0)
    with pytest.raises(ConfigurationError, match=r"in use\. Choose another address or port"):
        RtpSocket(*first.local)
    first.close()
    RtpSocket(*first.local).close()
