"""Promises that a scenario lets go of, in a simulated call: warnings as anywhere else, and Python's stay Python's."""

import warnings
from pathlib import Path

import pytest

from voxrun.testing import simulate

FORGETFUL = """
from voxrun import *
import trio

@VoxEngine.on(AppEvents.Started)
async def begin(event):
    trio.sleep(1)
    Net.httpRequestAsync("https://crm.example/calls")
    VoxEngine.terminate()
"""


@pytest.mark.filterwarnings("default::RuntimeWarning")
def test_each_is_a_warning_of_its_call_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(FORGETFUL)
    shown = warnings.showwarning
    for _ in range(2):
        call = simulate(path, caller=None).expectOk()
        sleep, request = call.warnings
        assert "scenario.py:7: `sleep` did nothing, as nobody waits for it: put `await` before it" in sleep
        assert "scenario.py:8: `httpRequestAsync` did nothing" in request
    assert warnings.showwarning is shown
