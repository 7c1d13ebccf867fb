"""`Datagrams`: a socket of packets, as media sees it; who begins a session chooses which."""

from collections.abc import Callable
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

    async def pump(self, hear: Callable[[list[Datagram]], None]) -> None:
        """Call `hear` with all that has come, whenever something has, until cancelled; after `close` nothing comes.

        `hear` must not block; what it raises comes out of here.
        """

    def close(self) -> None:
        """Give the port back; any number of times."""
