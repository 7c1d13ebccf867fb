"""A host with scenarios of the test's, as the tests of serving share it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from tests.kit import hum, inline

from voxrun.media.ticker import Ticker
from voxrun.serving.host import Host, HostSettings
from voxrun.serving.routes import Route, Routes
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.transports.network import MemoryNetwork, Network
from voxrun.transports.sound_library import SoundLibrary

HEAD = "from voxrun import AppEvents, CallEvents, ElevenLabs, Logger, VoxEngine\n"


def written(folder: Path, name: str, body: str) -> Path:
    """A scenario file."""
    path = folder / name
    path.write_text(HEAD + body)
    return path


@asynccontextmanager
async def hosted(
    *scenarios: Path,
    network: Network | None = None,
    max_calls: int = 100,
    agent: str = "http://agent.test",
    record: Path | None = None,
    trace: Path | None = None,
) -> AsyncIterator[Host]:
    """A host that runs; the first scenario answers all calls, the others those of their stem's number."""
    net = network or MemoryNetwork()
    services = Services(
        secrets=Secrets({"ELEVENLABS_API_KEY": "key-of-the-test"}, os.environ),
        network=net,
        sounds=SoundLibrary(net, inline, hum),
        base_urls={"elevenlabs": agent},
        offload=inline,
    )
    routes = Routes(scenarios[0], [Route(path.stem, path) for path in scenarios[1:]])
    ticker = Ticker()
    settings = HostSettings(routes=routes, max_calls=max_calls, record=record, trace=trace)
    host = Host(lambda scenario: services, ticker, settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        await nursery.start(host.run)
        yield host
        nursery.cancel_scope.cancel()
