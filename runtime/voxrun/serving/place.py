"""`Place`: what a worker inherits of its supervisor, as its command line says it, and `InheritedNetwork`."""

import socket
from dataclasses import dataclass

import trio

from voxrun.serving.common_table import CommonTable
from voxrun.transports.network import TcpNetwork


@dataclass(frozen=True, slots=True)
class Place:
    """A worker's number, and the file descriptors of its link, of the common table, and of the sockets that listen."""

    number: int
    link: int
    table: int
    listening: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Place":
        """ValueError for what is none."""
        number, link, table, *listening = (int(part) for part in text.split(","))
        return cls(number, link, table, tuple(listening))

    def __str__(self) -> str:
        return ",".join(map(str, (self.number, self.link, self.table, *self.listening)))

    def open_link(self) -> trio.SocketStream:
        """The link to the supervisor; once."""
        return trio.SocketStream(trio.socket.from_stdlib_socket(socket.socket(fileno=self.link)))

    def open_table(self) -> CommonTable:
        """The table that all workers share, with this one's row."""
        return CommonTable(self.table, self.number)


class InheritedNetwork(TcpNetwork):
    """The real network, but it listens where the supervisor does: whichever worker has time takes a connection."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    async def listeners(self, host: str, port: int) -> list[trio.SocketListener]:
        """The supervisor's; once."""
        await trio.lowlevel.checkpoint()
        sockets = [socket.socket(fileno=number) for number in self._place.listening]
        return [trio.SocketListener(trio.socket.from_stdlib_socket(it)) for it in sockets]
