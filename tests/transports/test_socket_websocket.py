"""What only our own WebSocket does: it is chosen for TCP, writes past its tasks, and speaks TLS without a stream."""

import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import trio
import trio.testing
from tests.transports.certificate import make_certificate
from tests.transports.conftest import PlainTcpNetwork
from tests.transports.websocket_peer import echo, ignore, peer, run, serving
from trio_websocket import WebSocketConnection, wrap_server_stream

from voxrun.errors import RemoteError
from voxrun.transports import socket_websocket
from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork
from voxrun.transports.packaged_websocket import PackagedWebSocket
from voxrun.transports.socket_websocket import SocketWebSocket
from voxrun.transports.websocket import OUTBOX_LIMIT, Closed, WebSocket, accept_websocket, open_websocket


@pytest.mark.parametrize(
    ("network", "expected"),
    [(TcpNetwork(), SocketWebSocket), (PlainTcpNetwork(), PackagedWebSocket), (MemoryNetwork(), PackagedWebSocket)],
)
def test_the_stream_decides_who_does_the_work(network: Network, expected: type[WebSocket]) -> None:
    made: list[type[WebSocket]] = []

    async def attend(stream: trio.abc.Stream) -> None:
        async with accept_websocket(stream, "/") as accepted:
            made.append(type(accepted))
            await accepted.pump(ignore)

    async def main() -> None:
        async with serving(network, attend) as url, open_websocket(network, url) as websocket:
            made.append(type(websocket))

    run(main)
    assert made == [expected, expected]


def stuck(
    after: Callable[[trio.abc.Stream], Awaitable[None]], seconds: float = 0.0
) -> Callable[[trio.abc.Stream], Awaitable[None]]:
    """A peer that reads nothing after `seconds`, and later does `after`."""

    async def attend(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            await (await wrap_server_stream(nursery, stream)).accept()
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()
        await after(stream)

    return attend


async def never(_: trio.abc.Stream) -> None:
    await trio.sleep_forever()


def test_a_peer_that_does_not_read_fills_the_outbox_and_closing_gives_it_up() -> None:
    async def main() -> None:
        async with serving(TcpNetwork(), stuck(never)) as url, open_websocket(TcpNetwork(), url) as websocket:
            while not websocket.dropped:
                websocket.send(bytes(OUTBOX_LIMIT // 4))
                await trio.testing.wait_all_tasks_blocked(0.001)
            sent = websocket.messages_out
            websocket.close()
            with trio.fail_after(3):
                assert await websocket.pump(ignore) == Closed(1000, "", was_clean=False)
            assert websocket.dropped > 1  # what waited is counted
            assert websocket.messages_out == sent

    run(main)


def test_what_a_stuck_peer_held_up_arrives_in_order() -> None:
    got: list[bytes | bytearray] = []

    async def reads_at_last(stream: trio.abc.Stream) -> None:
        await trio.sleep(0.05)
        while data := await stream.receive_some():
            got.append(data)

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(reads_at_last)) as url:
            async with open_websocket(TcpNetwork(), url) as websocket:
                for _ in range(12):
                    websocket.send(bytes(1_000_000))
                    await trio.lowlevel.checkpoint()
                kept = 12 - websocket.dropped
                assert websocket.messages_out < kept  # the rest waits for the socket
            assert websocket.messages_out == kept
            await trio.testing.wait_all_tasks_blocked(0.05)
        assert sum(map(len, got)) == kept * (1_000_000 + 14) + 8

    run(main)


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_a_peer_gone_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr("voxrun.transports.websocket.KEEP_ALIVE_SECONDS", 0.03)
    monkeypatch.setattr(socket_websocket, "PONG_SECONDS", 0.03)

    async def main() -> None:
        silent = serving(TcpNetwork(), stuck(never, seconds))
        async with silent as url, open_websocket(TcpNetwork(), url) as websocket:
            with trio.fail_after(10):
                closed = await websocket.pump(ignore)
            assert (closed.code, closed.was_clean) == (1006, False)
            assert "did not answer a ping" in closed.reason

    run(main)


def test_a_peer_that_answers_pings_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxrun.transports.websocket.KEEP_ALIVE_SECONDS", 0.01)

    async def answers(stream: trio.abc.Stream) -> None:
        for _ in range(3):  # the next one is sent only if this one's answer was heeded
            assert (await stream.receive_some())[:2] == b"\x89\x80"
            await stream.send_all(b"\x8a\x00")
        await stream.send_all(b"\x88\x02\x03\xe8")

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(answers)) as url, open_websocket(TcpNetwork(), url) as websocket:
            with trio.fail_after(3):
                assert await websocket.pump(ignore) == Closed(1000, "", was_clean=True)

    run(main)


def test_a_peer_that_runs_ahead_of_the_reader_is_held_back() -> None:
    sent = 0

    async def floods(stream: trio.abc.Stream) -> None:
        nonlocal sent
        frame = b"\x82\x7e\xff\xff" + bytes(65535)
        while sent < 3000:
            await stream.send_all(frame)
            sent += 1

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(floods)) as url, open_websocket(TcpNetwork(), url) as websocket:
            await trio.testing.wait_all_tasks_blocked(0.2)
            assert 1024 <= sent < 2000
            assert (await websocket.pump(ignore)).code == 1006
            assert websocket.messages_in == 3000

    run(main)


def test_who_fails_on_a_message_hurts_no_other_connection() -> None:
    got: list[str | bytes] = []

    class BadError(Exception):
        pass

    def fail(_: str | bytes) -> None:
        raise BadError

    async def converse(url: str, on_message: Callable[[str | bytes], None]) -> None:
        async with open_websocket(TcpNetwork(), url) as websocket:
            websocket.send("a")
            websocket.send("b")
            with pytest.raises(BadError) if on_message is fail else nullcontext():
                await websocket.pump(on_message)

    async def main() -> None:
        async with serving(TcpNetwork(), peer(echo)) as url, trio.open_nursery() as nursery:
            for on_message in (fail, got.append, fail, got.append):
                nursery.start_soon(converse, url, on_message)
            while len(got) < 4:
                await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()

    run(main)
    assert sorted(map(str, got)) == ["a", "a", "b", "b"]


def test_pumping_what_is_closed_already_tells_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_websocket, "CLOSE_SECONDS", 0.05)

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(never)) as url, open_websocket(TcpNetwork(), url) as websocket:
            assert isinstance(websocket, SocketWebSocket)
            websocket.close()
            with trio.fail_after(3):
                await websocket._written.wait()
                assert await websocket.pump(ignore) == Closed(1000, "", was_clean=False)

    run(main)


def test_whoever_leaves_late_deafens_nobody_who_has_its_descriptor_by_then() -> None:
    async def talk(connection: WebSocketConnection) -> None:
        while (message := await connection.get_message()) != "bye":
            await connection.send_message(message)
        await connection.aclose()

    async def linger(url: str, seen: list[SocketWebSocket], leave: trio.Event) -> None:
        async with open_websocket(TcpNetwork(), url) as websocket:
            assert isinstance(websocket, SocketWebSocket)
            seen.append(websocket)
            websocket.send("bye")
            await websocket.pump(ignore)
            await leave.wait()

    async def main() -> None:
        leave, seen = trio.Event(), list[SocketWebSocket]()
        async with serving(TcpNetwork(), peer(talk)) as url, trio.open_nursery() as nursery:
            nursery.start_soon(linger, url, seen, leave)
            while not (seen and seen[0]._stream.socket.fileno() < 0):
                await trio.testing.wait_all_tasks_blocked(0.001)
            async with open_websocket(TcpNetwork(), url) as one, open_websocket(TcpNetwork(), url) as other:
                assert seen[0]._descriptor in [it._descriptor for it in (one, other) if isinstance(it, SocketWebSocket)]
                await while_both_listen(one, other, leave.set)

    run(main)


async def while_both_listen(one: WebSocket, other: WebSocket, act: Callable[[], None]) -> None:
    """Do it, and then talk to both."""
    async with trio.open_nursery() as nursery:
        for websocket in (one, other):
            nursery.start_soon(heard, websocket, "are you there?")
        await trio.testing.wait_all_tasks_blocked(0.001)
        act()
        await trio.testing.wait_all_tasks_blocked(0.001)
        for websocket in (one, other):
            websocket.send("are you there?")


async def heard(websocket: WebSocket, wanted: str) -> None:
    """Wait until it says so."""
    with trio.fail_after(3), trio.CancelScope() as hearing:
        await websocket.pump(lambda message: hearing.cancel() if message == wanted else None)


def test_what_comes_while_nobody_pumps_waits_for_who_pumps_next() -> None:
    async def main() -> None:
        async with serving(TcpNetwork(), peer(echo)) as url, open_websocket(TcpNetwork(), url) as websocket:
            with trio.move_on_after(0):
                await websocket.pump(ignore)
            websocket.send("hello")
            await trio.testing.wait_all_tasks_blocked(0.01)
            await heard(websocket, "hello")

    run(main)


def test_nothing_is_left_when_the_last_connection_is_gone() -> None:
    async def main() -> None:
        async with serving(TcpNetwork(), peer(echo)) as url:
            before = (trio.lowlevel.current_statistics().tasks_living, len(os.listdir("/proc/self/fd")))
            for _ in range(3):
                async with open_websocket(TcpNetwork(), url) as websocket:
                    websocket.send("x")
                    await websocket.pump(lambda _, websocket=websocket: websocket.close())  # type: ignore[misc]
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert (trio.lowlevel.current_statistics().tasks_living, len(os.listdir("/proc/self/fd"))) == before

    run(main)


class Torn(trio.abc.SendStream):
    """What is sent over `stream` comes in two pieces, of which the first is no whole record of TLS."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data[:9])
        await trio.testing.wait_all_tasks_blocked(0.001)
        await self._stream.send_all(data[9:])

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


@pytest.mark.slow
def test_a_conversation_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = make_certificate(tmp_path)

    async def attend(stream: trio.abc.Stream) -> None:
        torn = trio.StapledStream(Torn(stream), stream)
        await peer(echo)(trio.SSLStream(torn, context, server_side=True, https_compatible=True))

    async def main() -> None:
        async with serving(TcpNetwork(), attend) as url:
            secure = url.replace("ws:", "wss:")
            with pytest.raises(RemoteError, match=r"(?i)certificate verify failed"):
                async with open_websocket(TcpNetwork(), secure):
                    raise AssertionError
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            got: list[str | bytes] = []
            messages: list[str | bytes] = ["hidden", *(bytes([n]) * 40_000 for n in range(60)), "x" * 1_500_000, "end"]
            async with open_websocket(TcpNetwork(), secure) as websocket:
                assert type(websocket) is SocketWebSocket

                def on_message(message: str | bytes) -> None:
                    got.append(message)
                    if message == "end":
                        websocket.close(3000)

                for message in messages:
                    websocket.send(message)
                assert await websocket.pump(on_message) == Closed(3000, "", was_clean=True)
            assert got == messages

    run(main)


def test_so_is_one_whose_messages_are_large_and_others_have_their_turns_while_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_websocket, "UNREAD_SIZE", 1 << 20)
    sent = turns = 0

    async def floods(stream: trio.abc.Stream) -> None:
        nonlocal sent
        frame = b"\x82\x7e\xff\xff" + bytes(65535)
        while sent < 500:
            await stream.send_all(frame)
            sent += 1

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(floods)) as url, open_websocket(TcpNetwork(), url) as websocket:
            await trio.testing.wait_all_tasks_blocked(0.2)
            assert 16 <= sent < 400
            async with trio.open_nursery() as nursery:
                nursery.start_soon(count)
                assert (await websocket.pump(ignore)).code == 1006
                nursery.cancel_scope.cancel()
            assert websocket.messages_in == 500

    run(main)
    assert turns > 16


def test_of_many_pings_at_once_the_newest_is_answered() -> None:
    answers: list[bytes] = []

    async def pings(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(b"\x89\x01%d" % number for number in range(10)))
        answers.append(bytes(await stream.receive_some()))

    async def main() -> None:
        async with serving(TcpNetwork(), stuck(pings)) as url, open_websocket(TcpNetwork(), url) as websocket:
            await websocket.pump(ignore)

    run(main)
    (answer,) = answers
    assert (len(answer), answer[0], answer[6] ^ answer[2]) == (7, 0x8A, ord("9"))
