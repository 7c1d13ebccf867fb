"""Opening a WebSocket, and all the ways in which that fails."""

from traceback import format_exception

import pytest
import trio
from tests.kit import in_virtual_time
from tests.transports.websocket_peer import HOST, answering, echo, peer, run, serving
from trio_websocket import wrap_server_stream

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.websocket import OPENING_SECONDS, REFUSAL_SECONDS, open_websocket


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 11\r\n\r\nbad api key", 401, "bad api key"),
        (b"HTTP/1.1 404 Not Found\r\n\r\nno such agent", 404, "no such agent"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\ncut off", 403, "cut off"),
        (b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nouc\r\n1\r\nh\r\n0\r\n\r\n", 500, "ouch"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, ""),
        (b"HTTP/1.1 429 Slow down\r\nContent-Length: 600\r\n\r\n" + b"no " * 200, 429, "no " * 166),
    ],
)
def test_a_refused_handshake_says_why(network: Network, answer: bytes, code: int, reason: str) -> None:
    async def main() -> None:
        async with serving(network, answering(answer)) as url:
            with pytest.raises(RemoteError, match=f"{HOST}:.* refused the WebSocket with HTTP status {code}") as caught:
                async with open_websocket(network, url):
                    raise AssertionError
            assert (caught.value.code, caught.value.reason) == (code, reason)
            assert "agent_id" not in str(caught.value)

    run(main)


@pytest.mark.parametrize("field", [b"", b"Content-Length: 1000\r\n"])
def test_a_refusal_is_told_soon_though_its_end_never_comes(network: Network, field: bytes) -> None:
    async def drip(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 401 Unauthorized\r\n" + field + b"\r\nbad api key")
        while True:
            await stream.send_all(b".")
            await trio.sleep(REFUSAL_SECONDS * 0.6)

    async def main() -> None:
        async with serving(network, drip) as url:
            started = trio.current_time()
            with pytest.raises(RemoteError, match="refused the WebSocket with HTTP status 401") as caught:
                async with open_websocket(network, url):
                    raise AssertionError
            assert REFUSAL_SECONDS - 0.5 < trio.current_time() - started < 5  # a machine may stall
            assert caught.value.code == 401
            assert caught.value.reason.startswith("bad api key.")

    run(main)


WRONG_TOKEN = b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n"


@pytest.mark.parametrize("hang_up", [True, False])
@pytest.mark.parametrize(
    "answer", [WRONG_TOKEN, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x15\x03\x01\r\n\r\n", b"H" * 100_000]
)
def test_a_peer_that_is_no_websocket_server(network: Network, answer: bytes, hang_up: bool) -> None:
    async def main() -> None:
        started = trio.current_time()
        async with serving(network, answering(answer, hang_up=hang_up)) as url:
            with pytest.raises(RemoteError, match=HOST):
                async with open_websocket(network, url):
                    raise AssertionError
        assert trio.current_time() - started < 5

    run(main)


def test_a_peer_that_hangs_up_at_once(network: Network) -> None:
    async def main() -> None:
        async with serving(network, trio.abc.Stream.aclose) as url:
            with pytest.raises(RemoteError, match="broke off the WebSocket handshake"):
                async with open_websocket(network, url):
                    raise AssertionError

    run(main)


def test_a_peer_that_never_answers() -> None:
    async def silent(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, silent) as url:
            started = trio.current_time()
            with pytest.raises(RemoteError, match="did not answer the WebSocket handshake within 10 s"):
                async with open_websocket(network, url):
                    raise AssertionError
            assert trio.current_time() - started == pytest.approx(OPENING_SECONDS)

    in_virtual_time(main)


def test_the_time_limit_is_for_the_opening_only() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, peer(echo)) as url, open_websocket(network, url) as websocket:
            await trio.sleep(3600)
            websocket.send("still here")
            assert (await websocket.pump(lambda _: websocket.close())).was_clean

    in_virtual_time(main)


def test_headers_and_subprotocols_arrive(network: Network) -> None:
    seen: list[tuple[str, ...]] = []

    async def attend(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            seen.append((request.path, dict(request.headers)[b"xi-api-key"].decode(), *request.proposed_subprotocols))
            await request.reject(400)
            nursery.cancel_scope.cancel()

    async def main() -> None:
        async with serving(network, attend) as url:
            opening = open_websocket(network, url, headers=[("xi-api-key", "k")], subprotocols=["convai", "b"])
            with pytest.raises(RemoteError):
                async with opening:
                    raise AssertionError
        assert seen == [("/talk?agent_id=a", "k", "convai", "b")]

    run(main)


def test_a_wrong_url_is_a_configuration_error() -> None:
    async def main() -> None:
        async with open_websocket(MemoryNetwork(), "http://localhost"):
            raise AssertionError

    with pytest.raises(ConfigurationError, match="ws:// or wss://"):
        trio.run(main)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 101 Yes\r\n"])
def test_what_a_peer_sends_back_is_not_quoted(network: Network, head: bytes) -> None:
    async def reflect(stream: trio.abc.Stream) -> None:
        await stream.send_all(head + bytes(await stream.receive_some()))

    async def main() -> None:
        async with serving(network, reflect) as url:
            with pytest.raises(RemoteError, match=HOST) as caught:
                async with open_websocket(network, url):
                    raise AssertionError
        assert "bytearray" not in "".join(format_exception(caught.value))  # as in the trace

    run(main)


def test_the_headers_of_the_request_itself_are_its_own(network: Network) -> None:
    async def main() -> None:
        own = [(name, "5") for name in ("Connection", "Upgrade", "Content-Length", "Transfer-Encoding")]
        async with serving(network, peer(echo)) as url, open_websocket(network, url, headers=own) as websocket:
            websocket.close()
            assert (await websocket.pump(lambda _: None)).code == 1000
        with pytest.raises(ConfigurationError, match="a WebSocket's header 'Host' is that of its address"):
            async with open_websocket(network, url, headers=[("host", "a")]):
                raise AssertionError

    run(main)
