import errno
import os
import re
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
import trio.testing
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxrun.errors import RemoteError
from voxrun.transports.http import http_request
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork
from voxrun.transports.server import HEAD_LIMIT, Limits, Reply, Request, Upgrade, serve
from voxrun.transports.websocket import Closed, WebSocket, open_websocket

HOST = "127.0.0.1"
UPGRADE = (
    b"GET /talk HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def echo(websocket: WebSocket) -> None:
    await websocket.pump(websocket.send)


async def handler(request: Request) -> Reply | Upgrade:
    match request.path:
        case "/talk":
            return Upgrade(echo)
        case "/refused":
            return Reply(401, b"unknown key", "text/plain")
        case "/broken":
            raise RemoteError("the agent is gone")
    return Reply(200, request.path.encode("utf-8", "replace"), "text/plain")


def with_server(
    network: Network, main: Callable[[int], Awaitable[None]], *, clock: trio.abc.Clock | None = None
) -> None:
    """Run `main(port)` beside a server; a server that dies fails the test."""

    async def run() -> None:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                port = await nursery.start(serve, network, HOST, 0, handler)
                await main(port)
                assert (await http_request(network, "GET", f"http://{HOST}:{port}/alive")).body == b"/alive"
                nursery.cancel_scope.cancel()

    trio.run(run, clock=clock)


def test_a_field_in_two_lines_is_one_list() -> None:
    async def main(port: int) -> None:
        head = UPGRADE.replace(b"Connection: Upgrade\r\n", b"Connection: upgrade\r\nConnection: keep-alive\r\n")
        async with await network.connect(HOST, port, tls=False) as stream:
            await stream.send_all(head + b"\r\n")
            assert (await stream.receive_some(12)) == b"HTTP/1.1 101"

    network = TcpNetwork()
    with_server(network, main)


@pytest.mark.parametrize(
    ("offered", "taken"),
    [(b"Sec-WebSocket-Protocol: one, other\r\n", [b"one"]), (b"Sec-WebSocket-Protocol: \xff\r\n", []), (b"", [])],
)
def test_the_first_subprotocol_that_is_offered_is_taken(offered: bytes, taken: list[bytes]) -> None:
    async def main(port: int) -> None:
        answer = await head_of_answer(network, port, UPGRADE + offered + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 101")
        assert re.findall(rb"(?i)sec-websocket-protocol: (.*)\r\n", answer) == taken

    network = TcpNetwork()
    with_server(network, main)


async def exchange(network: Network, port: int, sent: bytes) -> bytes:
    """Everything the server answers to some bytes, after which we hang up."""
    received = b""
    async with await network.connect(HOST, port, tls=False) as stream:
        await stream.send_all(sent)
        with trio.move_on_after(5):
            while data := await stream.receive_some():
                received += data
    return received


async def head_of_answer(network: Network, port: int, sent: bytes) -> bytes:
    """What the server answers first, up to the empty line or to its hanging up."""
    received = b""
    async with await network.connect(HOST, port, tls=False) as stream:
        await stream.send_all(sent)
        while b"\r\n\r\n" not in received and (data := await stream.receive_some()):
            received += data
    return received


def test_a_websocket_conversation(network: Network) -> None:
    async def main(port: int) -> None:
        got: list[str | bytes] = []
        url = f"ws://{HOST}:{port}/talk"
        async with open_websocket(network, url, subprotocols=["convai"]) as websocket:

            def on_message(message: str | bytes) -> None:
                got.append(message)
                websocket.close(1000, "bye")

            websocket.send("hello")
            closed = await websocket.pump(on_message)
        assert got == ["hello"]
        assert closed == Closed(1000, "bye", was_clean=True)

    with_server(network, main)


def test_a_server_side_talk_sees_how_the_client_left(network: Network) -> None:
    ends: list[Closed] = []

    async def listen(websocket: WebSocket) -> None:
        ends.append(await websocket.pump(lambda _: None))

    async def accept(_: Request) -> Upgrade:
        return Upgrade(listen)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, network, HOST, 0, accept)
            async with open_websocket(network, f"ws://{HOST}:{port}/a?b=c") as websocket:
                websocket.close(4001, "enough")
            with trio.CancelScope() as scope:
                async with open_websocket(network, f"ws://{HOST}:{port}/a?b=c"):
                    scope.cancel()
                    await trio.sleep_forever()
            while len(ends) < 2:
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        assert ends == [Closed(4001, "enough", was_clean=True), Closed(1006, "", was_clean=False)]

    trio.run(main)


def test_the_handler_refuses_before_the_upgrade(network: Network) -> None:
    async def main(port: int) -> None:
        with pytest.raises(RemoteError) as caught:
            async with open_websocket(network, f"ws://{HOST}:{port}/refused"):
                raise AssertionError
        assert (caught.value.code, caught.value.reason) == (401, "unknown key")

    with_server(network, main)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"junk\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400 Bad Request"),
        (b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT, b"431 Request Header Fields Too Large"),
        (b"GET /talk HTTP/1.1\r\nHost: x\r\n\r\n", b"426 Upgrade Required"),
        (b"GET /talk HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", b"400 "),
        (UPGRADE.replace(b"13", b"8") + b"\r\n", b"426 "),
        (UPGRADE.replace(b"GET", b"POST") + b"\r\n", b"400 "),
        (UPGRADE.replace(b"Connection: Upgrade\r\n", b"") + b"\r\n", b"400 "),
        (UPGRADE.partition(b"Sec-WebSocket-Key")[0] + b"\r\n", b"400 "),
        (UPGRADE.replace(b"Sec-WebSocket-Version: 13\r\n", b"") + b"\r\n", b"400 "),
        (UPGRADE + b"\r\n", b"101 Switching Protocols"),
        (b"POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" + bytes(500_000), b"200 OK"),
        (b"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK"),
    ],
)
def test_requests_and_their_status(network: Network, sent: bytes, status: bytes) -> None:
    async def main(port: int) -> None:
        answer = await head_of_answer(network, port, sent)
        assert answer.startswith(b"HTTP/1.1 " + status)

    with_server(network, main)


def test_a_failing_conversation_ends_alone(network: Network) -> None:
    async def main(port: int) -> None:
        assert await exchange(network, port, b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + 0.2  # one of them would wait for the rest of a frame
            for junk in (b"\x81\xff", b"not a frame at all"):
                nursery.start_soon(exchange, network, port, UPGRADE + b"\r\n" + junk)

    with_server(network, main)


def test_a_connection_for_which_no_descriptor_is_left_ends_alone(network: Network) -> None:
    async def exhausted(request: Request) -> Reply:
        if request.path == "/alive":
            return Reply(200)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def main() -> None:
        limits = Limits()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, network, HOST, 0, exhausted, limits=limits))
            assert await exchange(network, port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
            assert (await http_request(network, "GET", f"http://{HOST}:{port}/alive")).status == 200
            nursery.cancel_scope.cancel()
        assert limits.turnstile.refusals == {"system": 1}

    trio.run(main)


def test_a_body_that_is_short_for_what_is_sent_is_too_long() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, network, HOST, 0, handler, limits=Limits(body=1000)))
            sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            sent += (b"1;%b\r\nx\r\n" % (b"e" * 1000)) * 200 + b"0\r\n\r\n"
            assert (await exchange(network, port, sent)).startswith(b"HTTP/1.1 413 ")
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_others_have_their_turn_while_a_body_of_many_small_chunks_is_read() -> None:
    turns, turns_when_read = 0, 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async def look(request: Request) -> Reply:
        nonlocal turns_when_read
        turns_when_read = turns
        return Reply(200, request.body)

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, network, HOST, 0, look, limits=Limits(body=1000)))
            nursery.start_soon(others)
            sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer = await exchange(network, port, sent + b"1\r\nx\r\n" * 900 + b"0\r\n\r\n")
            assert answer.endswith(b"\r\n\r\n" + b"x" * 900)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert turns_when_read >= 900


def test_who_waits_for_leave_to_send_a_body_gets_it() -> None:
    async def tell_body(request: Request) -> Reply:
        return Reply(200, request.body)

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, network, HOST, 0, tell_body, limits=Limits(body=100)))
            async with await network.connect(HOST, port, tls=False) as stream:
                await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n")
                await stream.send_all(b"\r\n")
                assert await stream.receive_some() == b"HTTP/1.1 100 \r\n\r\n"
                await stream.send_all(b"body")
                assert (await stream.receive_some()).endswith(b"\r\n\r\nbody")
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_head_that_does_not_come_is_given_up_after_ten_seconds() -> None:
    async def main(port: int) -> None:
        async with await network.connect(HOST, port, tls=False) as stream:
            await stream.send_all(b"GET / HTTP/1.1\r\n")
            started = trio.current_time()
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 408 Request Timeout")
            assert trio.current_time() - started == pytest.approx(10)

    network = MemoryNetwork()
    with_server(network, main, clock=trio.testing.MockClock(autojump_threshold=0))


@settings(max_examples=200)
@given(st.sampled_from([b"", b"GET / HTTP/1.1\r\n", UPGRADE, UPGRADE + b"\r\n"]), st.binary(max_size=200))
@example(UPGRADE.replace(b"Host: x", b"Host: \xff\xfe"), b"\r\n")
@example(UPGRADE.replace(b"Host: x", b"Host: ..x"), b"\r\n")
@example(UPGRADE + b"Sec-WebSocket-Protocol: \xff, b\r\n", b"\r\n")
@example(UPGRADE.replace(b"Z", b"\xfc"), b"\r\n")
def test_junk_never_kills_the_server(start: bytes, junk: bytes) -> None:
    network = MemoryNetwork()

    async def main(port: int) -> None:
        await exchange(network, port, start + junk)

    with_server(network, main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_bug_in_the_handler_is_not_hidden() -> None:
    async def buggy(_: Request) -> Reply:
        raise ZeroDivisionError

    async def main() -> None:
        network = MemoryNetwork()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, network, HOST, 0, buggy))
            await exchange(network, port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main)
    assert caught.value.subgroup(ZeroDivisionError)
