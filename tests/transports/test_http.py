from collections.abc import Awaitable, Callable
from functools import partial

import outcome
import pytest
import trio
import trio.testing

from voxrun.errors import ConfigurationError, RemoteError
from voxrun.transports.http import RESPONSE_LIMIT, HttpResponse, http_request
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.server import Reply, Request, Upgrade, serve

HOST = "127.0.0.1"


async def say(answer: bytes, stream: trio.abc.Stream) -> None:
    """A server that reads a request's head and answers with fixed bytes."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive_some()
    await stream.send_all(answer)


async def ask(
    network: Network, attend: Callable[[trio.abc.Stream], Awaitable[None]], headers: tuple[tuple[str, str], ...] = ()
) -> HttpResponse:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(network.serve, HOST, 0, attend)
        url = f"http://{HOST}:{port}/"
        response = await outcome.acapture(partial(http_request, network, "GET", url, headers=headers))
        nursery.cancel_scope.cancel()
    return response.unwrap()


def test_a_request_and_its_response(network: Network) -> None:
    requests: list[Request] = []

    async def handler(request: Request) -> Reply | Upgrade:
        requests.append(request)
        return Reply(404, b'{"detail": "no agent"}')

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, network, HOST, 0, handler)
            url = f"http://{HOST}:{port}/v1/a%20b?agent_id=x&empty"
            response = await http_request(network, "GET", url, headers=[("xi-api-key", "k1 ")])
            assert (response.status, response.body) == (404, b'{"detail": "no agent"}')
            assert ("Content-Type", "application/json") in response.headers
            nursery.cancel_scope.cancel()
        (request,) = requests
        assert (request.method, request.path, request.query) == ("GET", "/v1/a b", {"agent_id": "x"})
        assert request.headers["xi-api-key"] == "k1"
        assert request.headers["host"] == f"{HOST}:{port}"

    trio.run(main)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    ],
)
def test_bodies_of_every_framing(network: Network, answer: bytes) -> None:
    response = trio.run(ask, network, partial(say, answer))
    assert (response.status, response.body) == (200, b"body")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "did not answer in HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(RESPONSE_LIMIT), "sent an HTTP response of more than 1048576 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "did not answer in HTTP"),
    ],
)
def test_broken_answers_are_remote_errors(network: Network, answer: bytes, message: str) -> None:
    with pytest.raises(RemoteError, match=message):
        trio.run(ask, network, partial(say, answer))


def test_a_silent_server_times_out_in_virtual_time() -> None:
    async def silent(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async def main() -> None:
        start = trio.current_time()
        with pytest.raises(RemoteError, match="did not answer the HTTP request within 10 s"):
            await ask(MemoryNetwork(), silent)
        assert trio.current_time() - start == pytest.approx(10)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="'xi-api-key'") as caught:
        trio.run(ask, MemoryNetwork(), partial(say, b""), (("xi-api-key", "secret\n"),))
    assert "secret" not in str(caught.value)
