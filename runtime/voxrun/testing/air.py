"""`Air`: the network of all RTP in a simulation: packets in this process, which can get lost, doubled and late."""

import heapq
import itertools
import math
from collections.abc import Callable
from random import Random

import trio

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram, SocketAddress
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.testing.faults import Impair

_FIRST_FREE_PORT = 49152  # even ones, as RTCP has the port after

_ALL_ADDRESSES = ("0.0.0.0", "::")  # who listens there is found at each


class Air:
    """Who has a socket here gets what is sent to it; the rest is lost."""

    def __init__(self, random: Random) -> None:
        self.impairment = Impair()
        self.random = random
        self.packets = 0
        """How many of RTP were sent; reports are none."""
        self._sockets: dict[SocketAddress, AirSocket] = {}

    def listen(self, host: str, port: int) -> "AirSocket":
        """A new socket; port 0 takes a free one. ConfigurationError when somebody has it already."""
        free = (port for port in itertools.count(_FIRST_FREE_PORT, 2) if (host, port) not in self._sockets)
        local = (host, port or next(free))
        if local in self._sockets:
            raise ConfigurationError(f"can't listen on {host}:{port} for RTP: it is taken. Choose another port")
        self._sockets[local] = AirSocket(self, local)
        return self._sockets[local]

    def has(self, place: SocketAddress | None) -> bool:
        """Whether somebody has a socket there."""
        return place is not None and self._at(place) is not None

    def forget(self, local: SocketAddress) -> None:
        """Nobody listens there any more."""
        self._sockets.pop(local, None)

    def carry(self, datagram: Datagram, remote: SocketAddress) -> None:
        """Let it arrive, as often as it does; reports always do, or a caller could not be sure to hang up."""
        is_report = is_rtcp(datagram[0])
        self.packets += not is_report
        bad, chance = Impair() if is_report else self.impairment, self.random.random
        receiver = self._at(remote)
        if receiver is None or chance() < bad.loss:
            return
        for _ in range(2 if chance() < bad.duplicates else 1):
            receiver.deliver(datagram, trio.current_time() + chance() * bad.jitter)

    def _at(self, place: SocketAddress) -> "AirSocket | None":
        hosts = (place[0], *_ALL_ADDRESSES)
        return next((it for host in hosts if (it := self._sockets.get((host, place[1]))) is not None), None)


class AirSocket:
    """`Datagrams` through the air."""

    def __init__(self, air: Air, local: SocketAddress) -> None:
        self.local = local
        self.unsent = 0
        self.unauthentic = 0
        self._air = air
        self._serial = itertools.count()
        self._coming: list[tuple[float, int, Datagram]] = []  # by time of arrival
        self._news = trio.Event()

    def send(self, datagram: bytes, remote: SocketAddress) -> None:
        """Send without waiting."""
        self._air.carry((datagram, self.local), remote)

    def deliver(self, datagram: Datagram, time: float) -> None:
        """Let it come at that time of trio's clock."""
        heapq.heappush(self._coming, (time, next(self._serial), datagram))
        self._news.set()

    async def pump(self, hear: Callable[[list[Datagram]], None]) -> None:
        """See `Datagrams`."""
        while True:
            await self._something()
            came = []
            while self._coming and self._coming[0][0] <= trio.current_time():
                came.append(heapq.heappop(self._coming)[2])
            hear(came)

    def close(self) -> None:
        """Give the port back; any number of times."""
        self._air.forget(self.local)
        self._coming.clear()

    async def _something(self) -> None:
        while not self._coming or self._coming[0][0] > trio.current_time():
            self._news = trio.Event()
            with trio.CancelScope(deadline=self._coming[0][0] if self._coming else math.inf):
                await self._news.wait()
