"""For tests of `serving` in real time."""

import math

import pytest

from voxrun.serving import load


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, no call is refused for that."""
    monkeypatch.setattr(load, "MOST_LAG", math.inf)
    monkeypatch.setattr(load, "MOST_LATE", math.inf)
