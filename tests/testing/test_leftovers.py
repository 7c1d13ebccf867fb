"""What a session leaves behind fails its own test, and no other."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.testing.scenarios import ECHO, write

from voxrun.testing import at, hangUp, simulate

LEFT = "voxrun_scenario_of_somebody.module"
BUSY = f"    import sys; sys.modules['{LEFT}'] = sys"


@pytest.fixture(autouse=True)
def clean_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LEFT, ModuleType(LEFT))
    monkeypatch.delitem(sys.modules, LEFT)


def test_a_module_that_is_left_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=f"left behind: module {LEFT} is left"):
        simulate(write(tmp_path, ECHO, BUSY), caller=[at(1.0, hangUp())])


def test_what_another_test_has_left_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LEFT, ModuleType(LEFT))  # as when somebody ended it by force
    simulate(write(tmp_path, ECHO), caller=[at(1.0, hangUp())]).expectOk()
