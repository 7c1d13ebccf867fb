"""`SocketStream`: a TCP connection, plain or TLS, that plain code can write to and read from as well."""

import socket
import ssl
from contextlib import suppress

import trio

_RECEIVE_BUFFER = 64 * 1024


class SocketStream(trio.abc.Stream):
    """Beside what every stream has: `send_now` and `receive_now`, which need no task and never wait.

    Trio's own costs a few turns of the scheduler for each write and read; a call makes a hundred of those a second.
    """

    def __init__(self, connection: socket.socket) -> None:
        """`connection` must not block; for TLS it is an `ssl.SSLSocket`, whose handshake is `shake_hands`."""
        self.socket = connection
        self._wants_write = False  # TLS may have to write before it can read, and the other way round
        self._wants_read = False

    @classmethod
    def over(cls, stream: trio.SocketStream) -> "SocketStream":
        """Take the connection of one of trio's streams, which is of no use any more."""
        theirs = stream.socket
        connection = socket.socket(theirs.family, theirs.type, theirs.proto, fileno=theirs.detach())
        connection.setblocking(False)
        return cls(connection)

    def encrypted(self, context: ssl.SSLContext, host: str) -> "SocketStream":
        """This connection with TLS on it, to a server called `host`, before its handshake. Use only the new one."""
        return SocketStream(context.wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False))

    def send_now(self, data: bytes | memoryview) -> int:
        """Send as much of `data` as goes; the rest must be what is sent next. BrokenResourceError after the end."""
        try:
            return self.socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError):
            return 0
        except ssl.SSLWantReadError:
            self._wants_read = True
            return 0
        except OSError as error:
            self._check()
            raise trio.BrokenResourceError(str(error)) from error

    def receive_now(self, buffer: memoryview) -> bytes | None:
        """What is there, nothing at the peer's end, None when nothing has come. BrokenResourceError after a reset.

        It comes by way of `buffer`, as a large result that shrinks would cost more than the reading. A record of TLS
        has to fit in there (16 KiB): what stays of one is not in the system's buffer any more, so it wakes nobody.
        """
        try:
            return bytes(buffer[: self.socket.recv_into(buffer)])
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except ssl.SSLWantWriteError:
            self._wants_write = True
            return None
        except OSError as error:
            self._check()
            raise trio.BrokenResourceError(str(error)) from error

    async def shake_hands(self) -> None:
        """TLS's handshake. `ssl.SSLError`, or another OSError, when there is none with this peer."""
        assert isinstance(self.socket, ssl.SSLSocket)
        while True:
            try:
                self.socket.do_handshake()
            except ssl.SSLWantReadError:
                await trio.lowlevel.wait_readable(self.socket)
            except ssl.SSLWantWriteError:
                await trio.lowlevel.wait_writable(self.socket)
            else:
                return

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        buffer = memoryview(bytearray(max_bytes or _RECEIVE_BUFFER))
        while (data := self.receive_now(buffer)) is None:
            await self._wait_readable()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        left = memoryview(data)
        while left:
            if sent := self.send_now(left):
                left = left[sent:]
            else:
                await self.wait_send_all_might_not_block()

    async def wait_send_all_might_not_block(self) -> None:
        self._check()
        if self._wants_read:
            self._wants_read = False
            await trio.lowlevel.wait_readable(self.socket)
        else:
            await trio.lowlevel.wait_writable(self.socket)

    async def aclose(self) -> None:
        if self.socket.fileno() >= 0:
            if isinstance(self.socket, ssl.SSLSocket):
                with suppress(OSError, ValueError):  # say goodbye, but don't wait for theirs
                    self.socket.unwrap()
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()
        await trio.lowlevel.checkpoint()

    async def _wait_readable(self) -> None:
        if self._wants_write:
            self._wants_write = False
            await trio.lowlevel.wait_writable(self.socket)
        else:
            await trio.lowlevel.wait_readable(self.socket)

    def _check(self) -> None:
        if self.socket.fileno() < 0:
            raise trio.ClosedResourceError("this stream is closed")
