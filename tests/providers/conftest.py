"""The fixture `play`: a scenario with a call and an agent, in virtual time."""

from functools import partial
from pathlib import Path

import pytest
from tests.providers.agent_play import Play, play_scenario


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return partial(play_scenario, tmp_path)
