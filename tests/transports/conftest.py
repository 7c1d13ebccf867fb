"""Every flow here runs over loopback sockets and over memory streams, and WebSockets in both of their ways over TCP."""

import pytest
import trio

from voxrun.transports.network import Attend, MemoryNetwork, Network, TcpNetwork


class PlainTcpNetwork(TcpNetwork):
    """Hides that its streams are sockets, so that trio-websocket does the work."""

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        return _hidden(await super().connect(host, port, tls=tls))

    async def serve(
        self,
        host: str,
        port: int,
        attend: Attend,
        *,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        await super().serve(host, port, lambda stream: attend(_hidden(stream)), task_status=task_status)


def _hidden(stream: trio.abc.Stream) -> trio.abc.Stream:
    return trio.StapledStream(stream, stream)


@pytest.fixture(params=[TcpNetwork, PlainTcpNetwork, MemoryNetwork])
def network(request: pytest.FixtureRequest) -> Network:
    made: Network = request.param()
    return made
