"""`Network`: where streams to peers come from, TCP (`TcpNetwork`) or this very process (`MemoryNetwork`)."""

import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from itertools import count
from typing import Protocol, TypeAlias

import trio

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.socket_stream import SocketStream

Attend: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]
"""Talks over one accepted stream, which is closed when this returns or raises."""

_PORTS_TRIED = 5


class Network(Protocol):
    """Everything that talks to a peer gets its streams from one of these, so all of it runs without sockets too."""

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        """A stream to `host`:`port`, encrypted and with the peer's certificate checked if `tls`.

        Raises RemoteError, in words for the user, when there is no such host, nobody listens or nobody answers.
        """
        ...

    async def serve(
        self,
        host: str,
        port: int,
        attend: Attend,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept streams until cancelled, each attended by its own task; start it with `nursery.start`.

        The bound port is reported through `task_status`; `port` 0 picks a free one. What `attend` raises ends the
        serving. Raises ConfigurationError if the address can't be listened on.
        """
        ...


class TcpNetwork:
    """The real network."""

    def __init__(self, *, connect_timeout: float = 10.0) -> None:
        """`connect_timeout` in seconds covers the name look-up, TCP and TLS."""
        self._connect_timeout = connect_timeout
        self._trust: ssl.SSLContext | None = None
        self._loading = trio.Lock()

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        try:
            trust = await self._trusted() if tls else None
            with trio.fail_after(self._connect_timeout):
                stream = SocketStream.over(await trio.open_tcp_stream(host, port))
                return await _encrypt(stream, host, trust) if trust else stream
        except trio.TooSlowError:
            raise RemoteError(
                f"{host}:{port} did not answer within {self._connect_timeout:g} s: "
                "check the address, and that no firewall or VPN is in the way",
                failure="time",
            ) from None
        except socket.gaierror:
            raise _not_found(host, port) from None
        except ssl.SSLError as error:
            raise RemoteError(
                f"no encrypted connection to {host}:{port}: {error}. "
                "Check that this port speaks TLS and that its certificate is valid and for this host",
                failure="connection",
            ) from error
        except OSError as error:
            raise _unreachable(host, port, error) from error

    async def serve(
        self,
        host: str,
        port: int,
        attend: Attend,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        listeners = await self.listeners(host, port)
        try:
            task_status.started(listeners[0].socket.getsockname()[1])
            await trio.serve_listeners(partial(attend_socket, attend), listeners)
        finally:
            for listener in listeners:
                listener.socket.close()

    async def listeners(self, host: str, port: int) -> list[trio.SocketListener]:
        """Sockets that listen there: one for each address of `host`, on one port. Raises ConfigurationError."""
        try:
            return await trio.open_tcp_listeners(port, host=host) if port else await _at_free_port(host)
        except OSError as error:
            raise ConfigurationError(
                f"can't listen on {host}:{port}: {error.strerror or error}. Choose another host or port"
            ) from error

    async def _trusted(self) -> ssl.SSLContext:
        """Whom the system trusts: loaded by the first that needs it, in a thread, as calls would hear the 50 ms."""
        async with self._loading:
            if self._trust is None:
                self._trust = await trio.to_thread.run_sync(_load_certificates)
            return self._trust


class MemoryNetwork:
    """Streams inside this process: no sockets, no encryption, and virtual time holds for all of it.

    Host names are compared as written. A sender is never held back, as the streams have no bound.
    """

    def __init__(self) -> None:
        self._doors: dict[tuple[str, int], Callable[[trio.abc.Stream], None]] = {}
        self._free_ports: Iterator[int] = count(49152)  # the dynamic ports, RFC 6335 section 6

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        door = self._doors.get((host, port))
        if door is None:
            known = any(host == name for name, _ in self._doors)
            raise _refused(host, port) if known else _not_found(host, port)
        near, far = self.pair()
        door(far)
        return near

    def pair(self) -> tuple[trio.abc.Stream, trio.abc.Stream]:
        """Both ends of a new stream."""
        from trio.testing import memory_stream_pair  # noqa: PLC0415 - imports pytest, where there is one: 60 ms

        return memory_stream_pair()

    async def serve(
        self,
        host: str,
        port: int,
        attend: Attend,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        port = port or next(self._free_ports)
        if (host, port) in self._doors:
            raise ConfigurationError(f"can't listen on {host}:{port}: it is in use. Choose another host or port")
        async with trio.open_nursery() as nursery:
            context = copy_context()  # or the attending tasks would get that of whoever connects, its session included

            def admit(stream: trio.abc.Stream) -> None:
                context.run(lambda: nursery.start_soon(_attend, attend, stream))

            self._doors[host, port] = admit
            try:
                task_status.started(port)
                await trio.sleep_forever()
            finally:
                del self._doors[host, port]


async def _encrypt(stream: SocketStream, host: str, trust: ssl.SSLContext) -> SocketStream:
    encrypted = stream.encrypted(trust, host)
    try:
        await encrypted.shake_hands()
    except BaseException:
        await trio.aclose_forcefully(encrypted)
        raise
    return encrypted


def _load_certificates() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not (paths.capath and os.listdir(paths.capath)):
        import certifi  # noqa: PLC0415 - few systems need it, and it takes its share of start-up and memory

        context.load_verify_locations(certifi.where())  # this system brings no certificates of its own
    return context


async def _at_free_port(host: str) -> list[trio.SocketListener]:
    """On a port that is free at every address of `host`, unless none can be found: trio takes one for each address."""
    for _ in range(_PORTS_TRIED):
        listeners = await trio.open_tcp_listeners(0, host=host)
        if len(listeners) == 1:
            return listeners
        port = listeners[0].socket.getsockname()[1]
        for listener in listeners:
            listener.socket.close()
        with suppress(OSError):
            return await trio.open_tcp_listeners(port, host=host)
    return await trio.open_tcp_listeners(0, host=host)


async def attend_socket(attend: Attend, accepted: trio.SocketStream) -> None:
    """Let `attend` have one of trio's streams."""
    await _attend(attend, SocketStream.over(accepted))


async def _attend(attend: Attend, stream: trio.abc.Stream) -> None:
    try:
        await attend(stream)
    finally:
        await trio.aclose_forcefully(stream)


def _not_found(host: str, port: int) -> RemoteError:
    message = f"can't find the host of {host}:{port}: check its spelling and the internet connection"
    return RemoteError(message, failure="host")


def _refused(host: str, port: int) -> RemoteError:
    message = f"{host}:{port} refused the connection: check the port, and that the server is running"
    return RemoteError(message, failure="connection")


def _unreachable(host: str, port: int, error: OSError) -> RemoteError:
    """The RemoteError for trio's "all attempts to connect failed", which keeps one error per attempt in a group."""
    attempts = error.__cause__.exceptions if isinstance(error.__cause__, BaseExceptionGroup) else (error,)
    if any(isinstance(attempt, ConnectionRefusedError) for attempt in attempts):
        return _refused(host, port)
    causes = ", ".join(dict.fromkeys(getattr(attempt, "strerror", None) or str(attempt) for attempt in attempts))
    message = f"can't reach {host}:{port} ({causes}): check the address and the internet connection"
    return RemoteError(message, failure="connection")
