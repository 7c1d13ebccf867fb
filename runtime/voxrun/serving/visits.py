"""`Visits`: how connections for a session's control URL, which came to the supervisor, reach the session's worker."""

import array
import socket
import sys
from functools import partial

import trio

from voxrun.errors import RemoteError
from voxrun.transports.network import attend_socket
from voxrun.transports.server import Handler, Limits, attend
from voxrun.transports.socket_stream import SocketStream

HAND_OVER_SECONDS = 5.0
"""How long a worker may have others waiting before it takes one."""

_LARGEST = 256 * 1024
"""Bytes that were read of one: a server of ours reads no more of a request to the control API."""


class Visits:
    """A pair of sockets: `near` is the supervisor's, `far` is what a worker inherits, and so do those that replace it.

    One message is one connection: its descriptor, and what was read of it.
    """

    def __init__(self) -> None:
        near, self.far = socket.socketpair(type=socket.SOCK_DGRAM)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
        self._near = trio.socket.from_stdlib_socket(near)
        self._sending = trio.Lock()

    def close(self) -> None:
        """Both ends."""
        self._near.close()
        self.far.close()

    async def hand_over(self, stream: trio.abc.Stream, received: bytes) -> None:
        """Have the worker go on with a connection of which so much was `received`. RemoteError if it takes none."""
        if sys.platform == "win32":
            raise NotImplementedError("there are no workers there")
        assert isinstance(stream, SocketStream)
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [stream.socket.fileno()]))
        with trio.move_on_after(HAND_OVER_SECONDS) as waiting:
            async with self._sending:  # only one task may wait for a socket
                await self._near.sendmsg([received], [rights])
        if waiting.cancelled_caught:
            raise RemoteError("the worker takes no connections")


async def take_visits(visits: socket.socket, handler: Handler, limits: Limits, nursery: trio.Nursery) -> None:
    """Answer those that are handed over until cancelled, each by a task of its own in `nursery`."""
    if sys.platform == "win32":
        raise NotImplementedError("there are no workers there")
    with trio.socket.from_stdlib_socket(visits) as far:
        while True:
            received, rights, _, _ = await far.recvmsg(_LARGEST, socket.CMSG_SPACE(array.array("i").itemsize))
            for _, _, descriptor in rights:
                connection = socket.socket(fileno=int.from_bytes(descriptor[:4], sys.byteorder))
                accepted = trio.SocketStream(trio.socket.from_stdlib_socket(connection))
                nursery.start_soon(attend_socket, partial(attend, handler, limits, received=received), accepted)
