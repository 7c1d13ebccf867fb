"""A scenario written down in a test, run in virtual time."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from tests.kit import Ran, Setting, simulate

HEAD = "from voxrun import *\n"
"""The scenario's first line; a test's source follows from line 2 on."""

Play = Callable[..., Ran]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def run(source: str, setting: Setting | None = None, **siblings: str) -> Ran:
        for name, text in siblings.items():
            (tmp_path / f"{name}.py").write_text(dedent(text))
        path = tmp_path / "scenario.py"
        path.write_text(HEAD + dedent(source).lstrip("\n"))
        return simulate(path, setting)

    return run
