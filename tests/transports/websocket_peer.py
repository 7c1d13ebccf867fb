"""Peers for the WebSocket tests: trio-websocket itself, so that they can do what our own side never would."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from voxrun.errors import RemoteError
from voxrun.transports.network import Network

HOST = "127.0.0.1"


def ignore(_: str | bytes) -> None:
    pass


@asynccontextmanager
async def serving(network: Network, attend: Callable[[trio.abc.Stream], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve `attend`, give the URL, and let a failing test fail with its own error."""
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        port = await nursery.start(network.serve, HOST, 0, attend)
        try:
            yield f"ws://{HOST}:{port}/talk?agent_id=a"
        except (AssertionError, RemoteError, trio.TooSlowError) as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure:
        raise failure


def peer(talk: Callable[[WebSocketConnection], Awaitable[None]]) -> Callable[[trio.abc.Stream], Awaitable[None]]:
    async def attend(stream: trio.abc.Stream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream, max_message_size=2**25)
            connection = await request.accept()
            with suppress(ConnectionClosed):
                await talk(connection)
            await connection.aclose()

    return attend


async def echo(connection: WebSocketConnection) -> None:
    while True:
        await connection.send_message(await connection.get_message())


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def within_limits() -> None:
        with trio.fail_after(20):
            await main()

    trio.run(within_limits)


def answering(answer: bytes, *, hang_up: bool = True) -> Callable[[trio.abc.Stream], Awaitable[None]]:
    async def attend(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)
        if not hang_up:
            await trio.sleep_forever()

    return attend
