"""`Place`: what a worker inherits of its supervisor, as its command line says it, and `InheritedNetwork`."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from voxrun.serving.common_table import CommonTable
from voxrun.transports.network import Attend, TcpNetwork, attend_socket
from voxrun.transports.shared_listener import SharedListener


@dataclass(frozen=True, slots=True)
class Place:
    """A worker's number, and the file descriptors of its link, of its `Visits`, of the common table, and of the sockets
    that listen.
    """

    number: int
    link: int
    visits: int
    table: int
    listening: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Place":
        """ValueError for what is none."""
        number, link, visits, table, *listening = (int(part) for part in text.split(","))
        return cls(number, link, visits, table, tuple(listening))

    def __str__(self) -> str:
        return ",".join(map(str, (self.number, self.link, self.visits, self.table, *self.listening)))

    def open_link(self) -> trio.SocketStream:
        """The link to the supervisor; once."""
        return trio.SocketStream(trio.socket.from_stdlib_socket(socket.socket(fileno=self.link)))

    def open_visits(self) -> socket.socket:
        """Where connections for sessions of this worker arrive; once."""
        return socket.socket(fileno=self.visits)

    def open_table(self) -> CommonTable:
        """The table that all workers share, with this one's row."""
        return CommonTable(self.table, self.number)


class InheritedNetwork(TcpNetwork):
    """The real network, but it listens where the supervisor does: whichever worker hesitates least takes a connection.

    `hesitation` is as in `SharedListener`.
    """

    def __init__(self, place: Place, hesitation: Callable[[], int]) -> None:
        super().__init__()
        self.place = place
        self._hesitation = hesitation
        self._listening = trio.CancelScope()

    async def serve(
        self,
        host: str,
        port: int,
        attend: Attend,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """See `Network`; once."""
        sockets = [trio.socket.from_stdlib_socket(socket.socket(fileno=it)) for it in self.place.listening]
        listeners = [SharedListener(trio.SocketListener(it), self._hesitation) for it in sockets]
        task_status.started(sockets[0].getsockname()[1])
        async with trio.open_nursery() as nursery:
            with self._listening:
                await trio.serve_listeners(partial(attend_socket, attend), listeners, handler_nursery=nursery)

    def leave(self) -> None:
        """Listen no more; the connections that there are stay."""
        self._listening.cancel()
