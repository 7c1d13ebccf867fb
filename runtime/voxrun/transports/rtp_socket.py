"""`RtpSocket`: one UDP port, which packets leave from and come to.

On Linux, which has epoll, `SocketTraffic` reads it together with all others; elsewhere it waits for itself alone.
"""

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

import outcome
import trio

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram, SocketAddress
from voxrun.transports.socket_traffic import SocketTraffic

BUFFER_BYTES = 1 << 20
"""Asked of the system for packets that wait for us, so that a stall loses none; it may give less."""

_MAX_DATAGRAM_BYTES = 1 << 16  # nothing is longer, and asking for so many costs no more
_MOST_AT_ONCE = 64  # then others have their turn: a flood must not keep them from running
_IS_READ_WITH_OTHERS = sys.platform == "linux"


class RtpSocket:
    """Never blocks, never raises for what the network does: a packet that can't be sent is counted."""

    def __init__(self, host: str, port: int) -> None:
        """Listen on an IP address; port 0 takes a free one. ConfigurationError when that can't be."""
        family, address = numeric_address(host, port)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._traffic: SocketTraffic | None = None
        self._hear: Callable[[list[Datagram]], None] | None = None
        self._failure: outcome.Error | None = None
        self._failed = trio.Event()
        self.unsent = self.unauthentic = 0
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise ConfigurationError(
                f"can't listen on {host}:{port} for RTP: {error.strerror}. Choose another address or port"
            ) from error
        name = self._socket.getsockname()
        self.local: SocketAddress = (name[0], name[1])

    def send(self, datagram: bytes, remote: SocketAddress) -> None:
        """Send now, or never: all of a tick together at its end, as WebSockets do, was measured to be no cheaper."""
        try:
            self._socket.sendto(datagram, remote)
        except (OSError, OverflowError):  # the second for a port above the last one, where reports may belong
            self.unsent += 1

    async def pump(self, hear: Callable[[list[Datagram]], None]) -> None:
        """See `Datagrams`."""
        context = copy_context()
        self._hear = lambda came: context.run(hear, came)
        try:
            await (self._be_read() if _IS_READ_WITH_OTHERS else self._read())
        finally:
            self._hear = None

    def close(self) -> None:
        """Give the port back; any number of times."""
        if self._traffic:
            self._traffic.forget(self._socket.fileno(), self)
        elif self._hear:
            trio.lowlevel.notify_closing(self._socket)
        self._hear = None
        self._socket.close()

    def receive(self) -> list[Datagram] | None:
        """See `Reader`."""
        came: list[Datagram] = []
        try:
            for _ in range(_MOST_AT_ONCE):
                data, address = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
                came.append((data, address[:2]))
        except OSError:  # nothing more, or word that an earlier packet could not be delivered
            pass
        return came or None

    def take(self, data: list[Datagram]) -> None:
        """See `Reader`. What others did with theirs may have closed this one."""
        if self._hear:
            self._hear(data)

    def fail(self, failure: outcome.Error) -> None:
        """See `Reader`: whoever pumps gets to know."""
        self._hear = None
        self._failure = failure
        self._failed.set()

    async def _be_read(self) -> None:
        self._traffic = SocketTraffic.join()
        try:
            self._traffic.watch(self._socket.fileno(), self)
            await self._failed.wait()
        finally:
            self._traffic.forget(self._socket.fileno(), self)
            self._traffic.leave()
            self._traffic = None
        if self._failure:
            self._failure.unwrap()

    async def _read(self) -> None:
        while self._hear:
            with suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_readable(self._socket)
            if came := self.receive():
                self.take(came)
        await trio.sleep_forever()


def numeric_address(host: str, port: int) -> tuple[socket.AddressFamily, SocketAddress]:
    """The address as packets from there have it. ConfigurationError for a name: those are not looked up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        raise ConfigurationError(f"'{host}' is no IP address: RTP takes one such as 127.0.0.1") from None
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))
