from collections.abc import Awaitable, Callable
from functools import partial
from traceback import format_exception

import outcome
import pytest
import trio
from tests.kit import in_virtual_time

from voxrun.errors import ConfigurationError, RemoteError, VoxrunError
from voxrun.transports.http import RESPONSE_LIMIT, HttpLimits, HttpResponse, http_request
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


def test_a_host_that_is_given_takes_the_place_of_ours(network: Network) -> None:
    heads: list[bytes] = []

    async def attend(stream: trio.abc.Stream) -> None:
        heads.append(bytes(await stream.receive_some()))
        await stream.send_all(b"HTTP/1.1 204 None\r\n\r\n")

    trio.run(ask, network, attend, (("Host", "other.example"),))
    assert [line for line in heads[0].split(b"\r\n") if line.lower().startswith(b"host:")] == [b"Host: other.example"]


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
        (b"", r"did not answer in HTTP \(the connection was closed\)"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "did not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", "broke off during the HTTP request"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", "broke off during the HTTP request"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(RESPONSE_LIMIT), "sent an HTTP response of more than 1048576 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "did not answer in HTTP"),
    ],
)
def test_broken_answers_are_remote_errors(network: Network, answer: bytes, message: str) -> None:
    with pytest.raises(RemoteError, match=message):
        trio.run(ask, network, partial(say, answer))


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_what_a_server_sends_back_is_not_quoted(network: Network, head: bytes) -> None:
    async def echo(stream: trio.abc.Stream) -> None:
        await stream.send_all(head + bytes(await stream.receive_some()))

    with pytest.raises(RemoteError, match=r"did not answer in HTTP \(illegal [a-z ]+\): check") as caught:
        trio.run(ask, network, echo, (("xi-api-key", "s3cret"),))
    assert "bytearray" not in "".join(format_exception(caught.value))  # as in the trace


def test_a_silent_server_times_out_in_virtual_time() -> None:
    async def silent(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async def main() -> None:
        start = trio.current_time()
        with pytest.raises(RemoteError, match="did not answer the HTTP request within 10 s"):
            await ask(MemoryNetwork(), silent)
        assert trio.current_time() - start == pytest.approx(10)

    in_virtual_time(main)


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="'xi-api-key'") as caught:
        trio.run(ask, MemoryNetwork(), partial(say, b""), (("xi-api-key", "secret\n"),))
    assert "secret" not in str(caught.value)


def test_two_hosts_can_not_be_sent() -> None:
    with pytest.raises(ConfigurationError, match="the HTTP header 'Host' is there twice"):
        trio.run(ask, MemoryNetwork(), partial(say, b""), (("Host", "a"), ("host", "b")))


def redirect(status: int, location: str) -> bytes:
    return f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


async def roam(
    limits: HttpLimits, answers: dict[str, bytes], method: str = "GET", body: bytes = b""
) -> tuple[HttpResponse, list[tuple[str, str]]]:
    """Ask the first of several servers; returns the response, and each request as it came."""
    network = MemoryNetwork()
    requests: list[tuple[str, str]] = []

    async def attend(host: str, stream: trio.abc.Stream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        requests.append((host, head.decode()))
        path = head.split()[1].decode()
        await stream.send_all(answers[f"{host}{path}"])

    async with trio.open_nursery() as nursery:
        for host in {url.partition("/")[0] for url in answers}:
            for port in (80, 443, 8443):
                await nursery.start(network.serve, host, port, partial(attend, host))
        headers = (("authorization", "a secret"), ("Content-Type", "a/b"))
        response = await outcome.acapture(
            partial(http_request, network, method, "http://a/1", headers=headers, body=body, limits=limits)
        )
        nursery.cancel_scope.cancel()
    return response.unwrap(), requests


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


def test_redirects_are_followed_as_far_as_the_limit_says() -> None:
    answers = {"a/1": redirect(302, "/2"), "a/2": redirect(307, "3"), "a/3": OK}
    response, requests = trio.run(roam, HttpLimits(redirects=2), answers)
    assert (response.status, response.body) == (200, b"body")
    assert [head.split()[1] for _, head in requests] == ["/1", "/2", "/3"]
    assert all("a secret" in head for _, head in requests)
    assert trio.run(roam, HttpLimits(redirects=1), answers)[0].status == 307
    assert trio.run(roam, HttpLimits(), answers)[0].status == 302


def test_what_may_be_secret_is_not_sent_on_to_another_server() -> None:
    response, requests = trio.run(roam, HttpLimits(redirects=1), {"a/1": redirect(301, "http://b/x"), "b/x": OK})
    assert response.body == b"body"
    assert ["a secret" in head for _, head in requests] == [True, False]
    assert ["a/b" in head for _, head in requests] == [True, True]


@pytest.mark.parametrize(
    ("second", "third", "is_told"),
    [
        ("https://a/2", "https://a:443/3", [True, True, True]),
        ("https://A/2", "http://a/3", [True, True, False]),
        ("https://a:8443/2", "https://a/3", [True, False, False]),
        ("http://a:443/2", "http://a/3", [True, False, False]),
        ("https://b/2", "https://a/3", [True, False, False]),
    ],
)
def test_a_server_that_turns_to_tls_is_the_same_but_never_the_other_way(
    second: str, third: str, is_told: list[bool]
) -> None:
    host = "b" if "b" in second else "a"
    answers = {"a/1": redirect(301, second), f"{host}/2": redirect(301, third), "a/3": OK}
    _, requests = trio.run(roam, HttpLimits(redirects=2), answers)
    assert ["a secret" in head for _, head in requests] == is_told


@pytest.mark.parametrize(
    ("status", "method", "next_method"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (302, "HEAD", "HEAD"),
        (303, "HEAD", "HEAD"),
        (301, "DELETE", "DELETE"),
        (303, "DELETE", "GET"),
    ],
)
def test_a_request_goes_on_as_a_get_or_as_it_was(status: int, method: str, next_method: str) -> None:
    answers = {"a/1": redirect(status, "/2"), "a/2": OK}
    _, requests = trio.run(roam, HttpLimits(redirects=1), answers, method, b"x=1" if method == "POST" else b"")
    assert [head.split()[0] for _, head in requests] == [method, next_method]


def test_a_location_may_be_in_utf_8() -> None:
    _, requests = trio.run(roam, HttpLimits(redirects=1), {"a/1": redirect(302, "/ä"), "a/%C3%A4": OK})
    assert requests[1][1].startswith("GET /%C3%A4 ")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_the_length_of_what_does_not_come_is_within_every_limit(method: str, status: int) -> None:
    answer = f"HTTP/1.1 {status} Go\r\nContent-Length: 5000000\r\n\r\n".encode()
    response, _ = trio.run(roam, HttpLimits(size=100), {"a/1": answer}, method)
    assert (response.status, response.body) == (status, b"")


@pytest.mark.parametrize("location", ["ftp://b/x", "http://b:x/", "http://[b/"])
def test_a_redirect_to_nowhere_is_an_error(location: str) -> None:
    with pytest.raises(VoxrunError):
        trio.run(roam, HttpLimits(redirects=1), {"a/1": redirect(301, location)})


def test_who_redirects_to_nowhere_is_hung_up_on() -> None:
    async def main() -> None:
        network, gone = MemoryNetwork(), trio.Event()

        async def attend(stream: trio.abc.Stream) -> None:
            await say(redirect(301, "ftp://b/x"), stream)
            await stream.receive_some()
            gone.set()

        async with trio.open_nursery() as nursery:
            await nursery.start(network.serve, "a", 80, attend)
            with pytest.raises(ConfigurationError):
                await http_request(network, "GET", "http://a/1", limits=HttpLimits(redirects=1))
            with trio.fail_after(1):
                await gone.wait()
            nursery.cancel_scope.cancel()

    in_virtual_time(main)


def test_a_smaller_limit_holds_for_each_response() -> None:
    with pytest.raises(RemoteError, match="more than 30 bytes"):
        trio.run(roam, HttpLimits(size=30), {"a/1": OK})


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n",
        b"HTTP/1.1 100 Go on\r\n\r\n" * 2000 + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_others_have_their_turns_while_a_response_in_many_pieces_is_read(answer: bytes) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            assert (await ask(MemoryNetwork(), partial(say, answer))).status == 200
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert turns > 2000
