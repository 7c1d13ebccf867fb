"""Fixtures: a scenario with a call and an agent (`play`), or a WebSocket (`play_socket`), in virtual time."""

from functools import partial
from pathlib import Path

import pytest
from tests.providers import socket_play
from tests.providers.agent_play import Play, play_scenario


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return partial(play_scenario, tmp_path)


@pytest.fixture
def play_socket(tmp_path: Path) -> socket_play.Play:
    return partial(socket_play.play_scenario, tmp_path)
