"""What the media tests share: a session to host units, and scenarios that run in virtual time."""

import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.kit import Ran, Setting, hum, inline, simulate

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


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ran]:
    """Runs the text of a scenario to its end."""

    def run(text: str, setting: Setting | None = None) -> Ran:
        path = tmp_path / "scenario.py"
        path.write_text("from voxrun import *\n" + textwrap.dedent(text))
        return simulate(path, setting)

    return run
