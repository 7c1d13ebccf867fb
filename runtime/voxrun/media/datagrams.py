"""`Datagrams`: a socket of packets, as media sees it; who begins a session chooses which."""

from typing import Protocol, TypeAlias

SocketAddress: TypeAlias = tuple[str, int]
"""An IP address and a port."""

Datagram: TypeAlias = tuple[bytes, SocketAddress]
"""What came, and from where."""


class Datagrams(Protocol):
    """One port, for both directions."""

    local: SocketAddress
    unauthentic: int
    """How many datagrams came and were dropped, as they were not protected with the key that was agreed on."""

    @property
    def unsent(self) -> int:
        """How many datagrams could not be sent."""

    def send(self, datagram: bytes, remote: SocketAddress) -> None:
        """Send without waiting."""

    async def receive(self) -> list[Datagram]:
        """Wait for datagrams, and take all that are there."""

    def close(self) -> None:
        """Give the port back; any number of times."""
