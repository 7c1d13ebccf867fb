"""`TwoAddresses`: a machine whose name has more than one address, as `localhost` often has."""

import socket
from typing import Any

import trio

ADDRESSES = ("127.0.0.1", "127.0.0.2")


class TwoAddresses(trio.abc.HostnameResolver):
    """Every name is that of this machine."""

    async def getaddrinfo(self, host: Any, port: Any, *options: int) -> list[Any]:
        """Both of them."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (it, int(port))) for it in ADDRESSES]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        """Nobody asks."""
        raise NotImplementedError
