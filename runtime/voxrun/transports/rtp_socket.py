"""`RtpSocket`: one UDP port, which packets leave from and come to."""

import socket

import trio

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram, SocketAddress

BUFFER_BYTES = 1 << 20
"""Asked of the system for packets that wait for us, so that a stall loses none; it may give less."""

_MAX_DATAGRAM_BYTES = 2048
_MOST_AT_ONCE = 1000  # a flood must not keep all else from running


class RtpSocket:
    """Never blocks, never raises for what the network does: a packet that can't be sent is counted."""

    def __init__(self, host: str, port: int) -> None:
        """Listen on an IP address; port 0 takes a free one. ConfigurationError when that can't be."""
        family, address = numeric_address(host, port)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
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
        """Send now, or never."""
        try:
            self._socket.sendto(datagram, remote)
        except OSError:
            self.unsent += 1

    async def receive(self) -> list[Datagram]:
        """Wait for datagrams, and take those that are there, a thousand at most."""
        await trio.lowlevel.wait_readable(self._socket)
        came: list[Datagram] = []
        try:
            for _ in range(_MOST_AT_ONCE):
                data, address = self._socket.recvfrom(_MAX_DATAGRAM_BYTES)
                came.append((data, address[:2]))
        except OSError:  # nothing more, or word that an earlier packet could not be delivered
            pass
        return came

    def close(self) -> None:
        """Give the port back; any number of times."""
        self._socket.close()


def numeric_address(host: str, port: int) -> tuple[socket.AddressFamily, SocketAddress]:
    """The address as packets from there have it. ConfigurationError for a name: those are not looked up."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        raise ConfigurationError(f"'{host}' is no IP address: RTP takes one such as 127.0.0.1") from None
    family, _, _, _, address = found[0]
    return family, (str(address[0]), int(address[1]))
