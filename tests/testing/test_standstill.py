"""Virtual time that a scenario does not let go on."""

import sys
from pathlib import Path
from types import FrameType

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


PLAY_AGAIN = """
call.addEventListener(CallEvents.PlaybackFinished, lambda e: call.startPlayback("none.wav"))
call.addEventListener(CallEvents.Connected, lambda e: call.startPlayback("none.wav"))
"""


def test_handlers_that_lead_to_each_other_in_one_moment_end_the_call_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxrun.testing.standstill.MOST_ROUNDS", 500)
    call = simulate(write(tmp_path, ECHO, PLAY_AGAIN), caller=[at(3.0, hangUp())])
    assert call.outcome.reason == "time stood still"
    (told,) = [it["message"] for it in call.ofKind("error") if "time stands still" in it["message"]]
    assert "scenario.py:11: time stands still: " in told
    assert sys.getprofile() is None


def test_a_profiler_of_the_user_s_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxrun.testing.standstill.MOST_ROUNDS", 500)

    def profiler(frame: FrameType, event: str, argument: object) -> None:
        pass

    sys.setprofile(profiler)
    try:
        simulate(write(tmp_path, ECHO, PLAY_AGAIN), caller=[at(3.0, hangUp())])
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)


GOES_ON = """
async def go_on(event):
    import trio
    while True:
        await trio.sleep(0)
VoxEngine.addEventListener(AppEvents.{event}, go_on)
"""


@pytest.mark.parametrize("event", ["Terminating", "Terminated"])
def test_so_does_a_loop_at_the_very_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str) -> None:
    monkeypatch.setattr("voxrun.testing.standstill.MOST_ROUNDS", 500)
    call = simulate(write(tmp_path, ECHO, GOES_ON.format(event=event)), caller=[at(1.0, hangUp())])
    assert call.outcome.reason == "time stood still"
    with pytest.raises(AssertionError, match=r"scenario.py:14: time stands still: .*\n    await trio.sleep\(0\)"):
        call.expectOk()
