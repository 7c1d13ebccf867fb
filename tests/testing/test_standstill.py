"""Virtual time that a scenario does not let go on."""

from pathlib import Path

import pytest
from tests.testing.scenarios import ECHO, write

from voxrun.testing import at, hangUp, simulate

LOOK = """
async def look(e):
    import trio
    await {first}
    while call.state() == "CONNECTED":
        await trio.sleep(0)
call.addEventListener(CallEvents.Connected, look)
"""


@pytest.mark.parametrize(("first", "moment"), [("trio.sleep(0)", 0.0), ("trio.sleep(1.5)", 1.5)])
def test_a_loop_in_one_moment_ends_the_call_and_is_told_at_its_line(tmp_path: Path, first: str, moment: float) -> None:
    call = simulate(write(tmp_path, ECHO, LOOK.format(first=first)), caller=[at(3.0, hangUp())])
    assert call.seconds == pytest.approx(moment, abs=0.1)
    assert "scenario.py:15: time stands still: " in str(call.outcome.error)
    assert str(call.outcome.error).endswith("\n    await trio.sleep(0)")


def test_who_waits_a_while_each_time_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxrun.testing.standstill.MOST_ROUNDS", 500)
    body = LOOK.format(first="trio.sleep(0)").replace("sleep(0)\ncall", "sleep(0.001)\ncall")
    simulate(write(tmp_path, ECHO, body), caller=[at(3.0, hangUp())]).expectOk()
