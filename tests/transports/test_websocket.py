"""Open WebSockets: messages, closing, cancelling."""

from contextlib import suppress

import pytest
import trio
import trio.testing
from tests.kit import in_virtual_time
from tests.transports.websocket_peer import echo, ignore, peer, run, serving
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from voxrun.errors import LocalProtocolError, RemoteError
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.websocket import OUTBOX_LIMIT, Closed, accept_websocket, open_websocket


def test_messages_go_both_ways_and_our_close_is_clean(network: Network) -> None:
    got: list[str | bytes] = []

    async def main() -> None:
        async with serving(network, peer(echo)) as url, open_websocket(network, url) as websocket:
            messages: list[str | bytes] = ["héllo", b"\0\xff", "x" * 1_000_000, ""]

            def on_message(message: str | bytes) -> None:
                got.append(message)
                if len(got) == len(messages):
                    websocket.close(3001, "done")

            for message in messages:
                websocket.send(message)
            assert await websocket.pump(on_message) == Closed(3001, "done", was_clean=True)
            assert got == messages
            sizes = sum(map(len, messages))
            assert (websocket.messages_out, websocket.bytes_out) == (4, sizes)
            assert (websocket.messages_in, websocket.bytes_in) == (4, sizes)
            websocket.send("too late")
            assert websocket.dropped == 1
            assert websocket.url == url

    run(main)


def test_nothing_is_sent_before_the_application_does(network: Network) -> None:
    heads: list[bytes] = []

    async def attend(stream: trio.abc.Stream) -> None:
        async with accept_websocket(stream, "/") as accepted:
            accepted.send("first")
            heads.append(b"open")
            await accepted.pump(lambda message: heads.append(str(message).encode()))

    async def main() -> None:
        async with serving(network, attend) as url, open_websocket(network, url) as websocket:
            assert websocket.messages_out == 0
            await websocket.pump(lambda _: websocket.close())
        assert heads == [b"open"]

    run(main)


@pytest.mark.parametrize("code", [1008, 4000])
def test_the_peer_closes_with_a_reason(network: Network, code: int) -> None:
    async def talk(connection: WebSocketConnection) -> None:
        await connection.send_message("last words")
        await connection.aclose(code, "policy: no agent ✓")

    async def main() -> None:
        got: list[str | bytes] = []
        async with serving(network, peer(talk)) as url, open_websocket(network, url) as websocket:
            assert await websocket.pump(got.append) == Closed(code, "policy: no agent ✓", was_clean=True)
            assert got == ["last words"]
            websocket.send("nobody there")
            assert websocket.dropped == 1

    run(main)


def test_of_a_long_reason_the_peer_gets_what_a_closing_frame_holds(network: Network) -> None:
    got: list[str | None] = []

    async def talk(connection: WebSocketConnection) -> None:
        with pytest.raises(ConnectionClosed):
            await connection.get_message()
        got.append(connection.closed.reason if connection.closed else "")

    async def main() -> None:
        async with serving(network, peer(talk)) as url, open_websocket(network, url) as websocket:
            websocket.close(1008, "é" * 100)
            await websocket.pump(ignore)
        assert got == ["é" * 61]

    run(main)


def test_the_peer_vanishes(network: Network) -> None:
    async def attend(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            connection = await request.accept()
            await connection.send_message("hello")
            await trio.aclose_forcefully(stream)

    async def main() -> None:
        got: list[str | bytes] = []
        async with serving(network, attend) as url, open_websocket(network, url) as websocket:
            closed = await websocket.pump(got.append)
            assert closed == Closed(1006, "", was_clean=False)
            assert type(closed.code) is int
            assert got == ["hello"]

    run(main)


def test_a_message_above_the_limit_ends_with_1009(network: Network) -> None:
    codes: list[int] = []

    async def talk(connection: WebSocketConnection) -> None:
        await connection.send_message(bytes(16 * 1024 * 1024))
        try:
            await connection.send_message(bytes(20_000_000))
            await connection.get_message()
        except ConnectionClosed as closed:
            codes.append(closed.reason.code if closed.reason else 0)

    async def main() -> None:
        async with serving(network, peer(talk)) as url:
            async with open_websocket(network, url) as websocket:
                closed = await websocket.pump(ignore)
                assert (closed.code, closed.was_clean) == (1009, False)
                assert websocket.messages_in == 1
            await trio.testing.wait_all_tasks_blocked(0.05)
        assert codes == [1009]

    run(main)


def test_pings_are_answered_while_nobody_reads(network: Network) -> None:
    answered = trio.Event()

    async def talk(connection: WebSocketConnection) -> None:
        for number in range(500):
            await connection.send_message(str(number))
        await connection.ping()
        answered.set()
        await connection.get_message()

    async def main() -> None:
        async with serving(network, peer(talk)) as url, open_websocket(network, url) as websocket:
            await answered.wait()
            got: list[str | bytes] = []
            websocket.send("go on")
            closed = await websocket.pump(got.append)
            assert closed.code == 1000
            assert got == [str(number) for number in range(500)]

    run(main)


def test_leaving_the_block_sends_what_is_waiting_and_closes(network: Network) -> None:
    got: list[str | bytes] = []
    ends: list[int] = []

    async def talk(connection: WebSocketConnection) -> None:
        try:
            while True:
                got.append(await connection.get_message())
        except ConnectionClosed as closed:
            ends.append(closed.reason.code if closed.reason else 0)

    async def main() -> None:
        async with serving(network, peer(talk)) as url:
            async with open_websocket(network, url) as websocket:
                for number in range(100):
                    websocket.send(str(number))
            await trio.testing.wait_all_tasks_blocked(0.05)
        assert got == [str(number) for number in range(100)]
        assert ends == [1000]

    run(main)


def test_a_full_outbox_drops_and_counts() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, peer(echo)) as url, open_websocket(network, url) as websocket:
            half = bytes(OUTBOX_LIMIT // 2)
            for _ in range(3):
                websocket.send(half)
            websocket.send("x")
            assert websocket.dropped == 2
            assert websocket.messages_out == 0
            await trio.testing.wait_all_tasks_blocked()
            assert (websocket.messages_out, websocket.bytes_out) == (2, OUTBOX_LIMIT)

    run(main)


def test_text_that_is_no_unicode_is_dropped(network: Network) -> None:
    async def main() -> None:
        async with serving(network, peer(echo)) as url, open_websocket(network, url) as websocket:
            websocket.send("\ud800")
            websocket.send("fine")
            closed = await websocket.pump(lambda _: websocket.close(reason="\ud800"))
            assert closed == Closed(1000, "?", was_clean=True)
            assert (websocket.dropped, websocket.messages_out) == (1, 1)

    run(main)


def test_closing_takes_at_most_two_seconds_whatever_the_peer_does() -> None:
    async def never_reads(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            await (await wrap_server_stream(nursery, stream)).accept()
            nursery.cancel_scope.cancel()
        await trio.sleep_forever()

    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, never_reads) as url:
            async with open_websocket(network, url) as websocket:
                websocket.close()
                websocket.send("late")
                assert websocket.dropped == 1
                started = trio.current_time()
                assert await websocket.pump(ignore) == Closed(1000, "", was_clean=False)
            assert trio.current_time() - started == pytest.approx(1)

    in_virtual_time(main)


def test_a_flush_that_a_stuck_peer_blocks_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio.testing, "memory_stream_pair", trio.testing.lockstep_stream_pair)  # which holds back

    async def stops_reading(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            await (await wrap_server_stream(nursery, stream)).accept()
            nursery.cancel_scope.cancel()
        await trio.sleep_forever()

    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, stops_reading) as url, open_websocket(network, url) as websocket:
            websocket.send("stuck")
            websocket.send("waiting")
            started = trio.current_time()
            websocket.close(1001)
            assert await websocket.pump(ignore) == Closed(1001, "", was_clean=False)
            assert trio.current_time() - started == pytest.approx(1)
            assert websocket.messages_out == 0

    in_virtual_time(main)


def test_a_code_that_must_not_be_sent_is_our_bug() -> None:
    async def main() -> None:
        network = MemoryNetwork()
        async with serving(network, peer(echo)) as url, open_websocket(network, url) as websocket:
            for code in (0, 999, 1005, 1006, 1015, 2999, 5000, 70000):
                with pytest.raises(LocalProtocolError, match=f"{code} is no WebSocket closing code"):
                    websocket.close(code)

    run(main)


@pytest.mark.slow
def test_a_ping_during_our_closing_does_no_harm(network: Network) -> None:
    """The library's reader dies of it: RFC 6455 forbids a pong after the closing frame."""

    async def attend(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            connection = await (await wrap_server_stream(nursery, stream)).accept()
            nursery.cancel_scope.cancel()
        assert connection.closed is None
        await stream.receive_some()
        await stream.send_all(b"\x89\x00")
        await trio.sleep_forever()

    async def main() -> None:
        async with serving(network, attend) as url, open_websocket(network, url) as websocket:
            websocket.close()
            closed = await websocket.pump(ignore)
            assert (closed.code, closed.was_clean) == (1000, False)

    run(main)


class SurpriseError(Exception):
    pass


def test_an_error_in_the_block_comes_out_alone_and_with_its_cause(network: Network) -> None:
    cause = ValueError("why")

    async def main() -> None:
        async with serving(network, peer(echo)) as url:
            with pytest.raises(SurpriseError) as caught:
                async with open_websocket(network, url):
                    raise SurpriseError from cause
            assert caught.value.__cause__ is cause

            def complain(_: str | bytes) -> None:
                raise SurpriseError

            async with open_websocket(network, url) as websocket:
                websocket.send("x")
                with pytest.raises(SurpriseError):
                    await websocket.pump(complain)

    run(main)


class WatchedNetwork:
    """Remembers the clients' streams."""

    def __init__(self, network: Network) -> None:
        self.serve = network.serve
        self.streams: list[trio.abc.Stream] = []
        self._network = network

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        self.streams.append(await self._network.connect(host, port, tls=tls))
        return self.streams[-1]


class CancelAtStep(trio.abc.Instrument):
    """Cancels `scope` before the given step of any task, counted from the start."""

    def __init__(self, step: int, scope: trio.CancelScope) -> None:
        self.left = step
        self.scope = scope

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel()


def test_cancelled_at_any_step_nothing_stays_open(network: Network) -> None:
    async def attend(stream: trio.abc.Stream) -> None:
        with suppress(RemoteError):
            async with accept_websocket(stream, "/") as accepted:
                await accepted.pump(accepted.send)

    async def main(step: int) -> bool:
        watched = WatchedNetwork(network)
        async with serving(watched, attend) as url:
            tasks = trio.lowlevel.current_statistics().tasks_living
            with trio.CancelScope() as scope:
                cancelling = CancelAtStep(step, scope)
                trio.lowlevel.add_instrument(cancelling)
                async with open_websocket(watched, url) as websocket:
                    websocket.send("x" * 1000)
                    await websocket.pump(lambda _: websocket.close())
            trio.lowlevel.remove_instrument(cancelling)
            for stream in watched.streams:
                with pytest.raises(trio.ClosedResourceError):
                    await stream.send_all(b"x")
            await trio.testing.wait_all_tasks_blocked(0.002)
            assert trio.lowlevel.current_statistics().tasks_living == tasks
            return scope.cancelled_caught

    steps = 0
    while trio.run(main, steps + 1):
        steps += 1
    assert steps > 30
