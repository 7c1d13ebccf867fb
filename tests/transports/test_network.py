import socket
import ssl
import threading
from contextvars import ContextVar
from pathlib import Path

import pytest
import trio
import trio.testing
from tests.transports.certificate import make_certificate
from tests.two_addresses import ADDRESSES, TwoAddresses

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork

HOST = "127.0.0.1"


async def echo(stream: trio.abc.Stream) -> None:
    while data := await stream.receive_some():
        await stream.send_all(data)


def test_streams_go_both_ways(network: Network) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, echo)
            for _ in range(2):
                async with await network.connect(HOST, port, tls=False) as stream:
                    await stream.send_all(b"hello")
                    assert bytes(await stream.receive_some()) == b"hello"
            nursery.cancel_scope.cancel()
        with pytest.raises(RemoteError):
            await network.connect(HOST, port, tls=False)

    trio.run(main)


def test_a_stream_is_closed_when_its_attendant_returns(network: Network) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, trio.abc.Stream.wait_send_all_might_not_block)
            stream = await network.connect(HOST, port, tls=False)
            assert await stream.receive_some() == b""
            await stream.aclose()
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_nobody_listens(network: Network) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, echo)
            with socket.socket() as free:
                free.bind((HOST, 0))
                closed_port = free.getsockname()[1]
                assert closed_port != port
                with pytest.raises(RemoteError, match=f"{HOST}:{closed_port} refused the connection: check the port"):
                    await network.connect(HOST, closed_port, tls=False)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_no_such_host(network: Network) -> None:
    async def main() -> None:
        with pytest.raises(RemoteError, match=r"can't find the host of nothing\.invalid:80"):
            await network.connect("nothing.invalid", 80, tls=True)

    trio.run(main)


def test_a_port_in_use_is_a_configuration_error(network: Network) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, echo)
            with pytest.raises(ConfigurationError, match=f"can't listen on {HOST}:{port}"):
                await network.serve(HOST, port, echo)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_free_port_is_the_same_at_every_address_of_the_host() -> None:
    async def main() -> None:
        trio.socket.set_custom_hostname_resolver(TwoAddresses())
        async with trio.open_nursery() as nursery:
            port = await nursery.start(TcpNetwork().serve, "both.test", 0, echo)
            for address in ADDRESSES:
                async with await trio.open_tcp_stream(address, port) as stream:
                    await stream.send_all(b"hello")
                    assert bytes(await stream.receive_some()) == b"hello"
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_silent_host_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int) -> trio.SocketStream:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(trio, "open_tcp_stream", never)

    async def main() -> None:
        with pytest.raises(RemoteError, match=r"192\.0\.2\.1:81 did not answer within 10 s"):
            await TcpNetwork().connect("192.0.2.1", 81, tls=False)
        assert trio.current_time() - start == pytest.approx(10)

    clock = trio.testing.MockClock(autojump_threshold=0)
    start = clock.current_time()
    trio.run(main, clock=clock)


def test_tls_with_a_peer_that_speaks_none_fails_plainly() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(TcpNetwork().serve, HOST, 0, echo)
            with pytest.raises(RemoteError, match=f"no encrypted connection to {HOST}:{port}"):
                await TcpNetwork().connect(HOST, port, tls=True)
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_certificates_are_loaded_once_and_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    load = ssl.create_default_context

    def note_thread() -> ssl.SSLContext:
        threads.append(threading.get_ident())
        return load()

    async def main() -> None:
        network = TcpNetwork()

        async def connect() -> None:
            with pytest.raises(RemoteError, match="no encrypted connection"):
                await network.connect(HOST, port, tls=True)

        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, echo)
            assert threads == []
            async with trio.open_nursery() as clients:
                for _ in range(3):
                    clients.start_soon(connect)
            await connect()
            nursery.cancel_scope.cancel()

    monkeypatch.setattr(ssl, "create_default_context", note_thread)
    trio.run(main)
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


def test_a_cancelled_tls_handshake_leaves_no_socket() -> None:
    hung_up = trio.Event()

    async def silent(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            pass
        hung_up.set()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(TcpNetwork().serve, HOST, 0, silent)
            with pytest.raises(RemoteError, match=r"did not answer within 0\.1 s"):
                await TcpNetwork(connect_timeout=0.1).connect(HOST, port, tls=True)
            with trio.fail_after(5):
                await hung_up.wait()
            nursery.cancel_scope.cancel()

    trio.run(main)


@pytest.mark.slow
def test_tls_trusts_only_known_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, certificate = make_certificate(tmp_path)

    async def encrypted_echo(stream: trio.abc.Stream) -> None:
        try:
            await echo(trio.SSLStream(stream, server, server_side=True, https_compatible=True))
        except trio.BrokenResourceError:
            return

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(TcpNetwork().serve, HOST, 0, encrypted_echo)
            with pytest.raises(RemoteError, match=r"(?i)certificate verify failed"):
                await TcpNetwork().connect(HOST, port, tls=True)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            async with await TcpNetwork().connect(HOST, port, tls=True) as stream:
                await stream.send_all(b"hidden")
                assert bytes(await stream.receive_some()) == b"hidden"
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_memory_attendants_keep_their_own_context() -> None:
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    seen: list[str] = []

    async def look(stream: trio.abc.Stream) -> None:
        seen.append(whose.get())

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(network.serve, HOST, 0, look)
            whose.set("the client's")
            stream = await network.connect(HOST, port, tls=False)
            assert await stream.receive_some() == b""
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert seen == ["nobody's"]
