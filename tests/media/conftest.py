"""What the media tests share: a session to host units."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.kit import hum, inline

from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.sound_library import SoundLibrary


@pytest.fixture
def new_host(tmp_path: Path) -> Callable[..., Session]:
    """A session that has not begun; `offload` is how it does blocking work."""

    def make(offload: Callable[..., Awaitable[object]] = inline) -> Session:
        network = MemoryNetwork()
        services = Services(
            secrets=Secrets({}, {}), network=network, offload=offload, sounds=SoundLibrary(network, offload, hum)
        )
        return Session(tmp_path / "scenario.py", services, Ticker())

    return make
