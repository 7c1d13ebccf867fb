"""Every flow here runs over loopback sockets and over memory streams."""

import pytest

from voxrun.transports.network import MemoryNetwork, Network, TcpNetwork


@pytest.fixture(params=[TcpNetwork, MemoryNetwork])
def network(request: pytest.FixtureRequest) -> Network:
    made: Network = request.param()
    return made
