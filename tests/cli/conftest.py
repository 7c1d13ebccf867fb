"""A scenario written down in a test, and a caller for it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from tests.cli.command import write_tone
from tests.kit import HEAD

Write = Callable[..., Path]
"""What the fixture `scenario` is."""

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def scenario(tmp_path: Path) -> Write:
    def write(source: str = "") -> Path:
        path = tmp_path / "scenario.py"
        path.write_text(HEAD + dedent(source).lstrip("\n"))
        return path

    return write


@pytest.fixture
def caller(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "caller.wav")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the scenario and the caller in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sessions that fail leave their traces."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder
