"""`Visitors`: those who open WebSockets to a simulated session's control URL, as `connect` says."""

from collections.abc import Callable

import trio

from voxrun.errors import RemoteError
from voxrun.session.session import Session
from voxrun.testing.control import HOST, ControlReply
from voxrun.testing.sounds import Render
from voxrun.testing.web_socket_peer import Talk, WebSocketPeer
from voxrun.transports.address import Address
from voxrun.transports.network import Network
from voxrun.transports.server import Reply, Request, Upgrade, problem, serve
from voxrun.transports.websocket import open_websocket

LET_IN = 101
"""The status of a reply that makes the connection a WebSocket."""


class Visitors:
    """Lets them in as `voxrun serve` does. `now` is in seconds of the session."""

    def __init__(self, network: Network, render: Render, now: Callable[[], float]) -> None:
        self._network = network
        self._render = render
        self._now = now
        self._peers: list[WebSocketPeer] = []

    async def receive(self, session: Session, nursery: trio.Nursery) -> None:
        """Begin to answer at the session's control URL."""

        async def answer(request: Request) -> Reply | Upgrade:
            refusal = await session.incoming.refusal()
            return Upgrade(session.incoming.take) if refusal is None else problem(refusal.status, refusal.content)

        address = Address.parse(HOST, plain="http", secure="https")
        await nursery.start(serve, self._network, address.host, address.port, answer)

    async def come(self, url: str, talk: Talk, *, task_status: trio.TaskStatus[ControlReply]) -> None:
        """Task: connect, and have `talk` talk. It has started with what came of the request."""
        url = url.replace("http", "ws", 1)
        opened = open_websocket(self._network, url)
        try:
            async with opened as socket:
                task_status.started(ControlReply(self._now(), LET_IN, ""))
                request = Request("GET", Address.parse(url, plain="ws", secure="wss").target, {}, {})
                peer = WebSocketPeer(request, socket, self._render, self._now)
                self._peers.append(peer)
                await peer.run(talk)
        except RemoteError as error:
            task_status.started(ControlReply(self._now(), error.code, error.reason))

    async def quiet(self) -> None:
        """Wait until nobody talks any more."""
        for peer in tuple(self._peers):
            await peer.over.wait()
