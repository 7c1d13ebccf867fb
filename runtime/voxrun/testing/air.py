"""`Air`: the network of an RTP caller: packets in this process, which can get lost, doubled and late."""

import heapq
import itertools
import math
from random import Random

import trio

from voxrun.media.datagrams import Datagram, SocketAddress
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.testing.faults import Impair


class Air:
    """Who has a socket here gets what is sent to it; the rest is lost."""

    def __init__(self, random: Random) -> None:
        self.impairment = Impair()
        self._random = random
        self._sockets: dict[SocketAddress, AirSocket] = {}

    def socket(self, local: SocketAddress) -> "AirSocket":
        """A new socket."""
        self._sockets[local] = AirSocket(self, local)
        return self._sockets[local]

    def carry(self, datagram: Datagram, remote: SocketAddress) -> None:
        """Let it arrive, as often as it does; reports always do, or a caller could not be sure to hang up."""
        bad, chance = Impair() if is_rtcp(datagram[0]) else self.impairment, self._random.random
        receiver = self._sockets.get(remote)
        if receiver is None or chance() < bad.loss:
            return
        for _ in range(2 if chance() < bad.duplicates else 1):
            receiver.deliver(datagram, trio.current_time() + chance() * bad.jitter)


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

    async def receive(self) -> list[Datagram]:
        """Wait for datagrams, and take all that are there."""
        while not self._coming or self._coming[0][0] > trio.current_time():
            self._news = trio.Event()
            with trio.CancelScope(deadline=self._coming[0][0] if self._coming else math.inf):
                await self._news.wait()
        came = []
        while self._coming and self._coming[0][0] <= trio.current_time():
            came.append(heapq.heappop(self._coming)[2])
        return came

    def close(self) -> None:
        """Nothing is kept open."""
