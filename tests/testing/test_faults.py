"""Faults, each a line of the timeline."""

from pathlib import Path

import pytest
import soundfile
from tests.testing.scenarios import BRIDGE, ECHO, write

from voxrun.errors import RemoteError
from voxrun.testing import (
    Agent,
    after,
    at,
    cut,
    event,
    hangUp,
    refuse,
    say,
    simulate,
    slowDisk,
    speech,
    stall,
    tone,
    turn,
)

AGENT = Agent(greeting=turn("A long greeting.", tone(4.0)), pace=1.0, chunkMs=100)


def test_a_cut_is_silence_and_a_lost_connection(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(5.0, hangUp())], agent=AGENT, faults=[at(2.0, cut())])
    assert call.log == ["closed 1006  False"]
    assert isinstance(call.outcome.error, RemoteError)
    assert call.caller.heard.silentFrom(2.3)
    assert call.caller.heard.level(0.5, 1.9) > -20
    assert call.agent.closed is not None
    assert call.agent.closed.code == 1006
    assert call.ofKind("fault") == [{"t": 2.0, "kind": "fault", "what": "Cut()"}]


def test_a_stall_is_a_gap_and_nothing_is_lost(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(7.0, hangUp())], agent=AGENT, faults=[at(2.0, stall(0.6))])
    call.expectOk()
    first, second = call.caller.heard.audible(gap=0.1)
    assert second.begin - first.end == pytest.approx(0.6, abs=0.13)
    assert first.seconds + second.seconds == pytest.approx(4.0, abs=0.05)


def test_a_stall_that_outlasts_the_call(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(3.0, hangUp())], agent=AGENT, faults=[at(2.0, stall(60.0))])
    assert call.seconds == pytest.approx(4.0, abs=1.1)
    assert call.leftovers == []


def test_a_refusal(tmp_path: Path) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(5.0, hangUp())], agent=AGENT, faults=[at(0.0, refuse())])
    assert "refused the connection" in str(call.outcome.error)
    assert call.requests == []


def test_a_fault_after_a_cue(tmp_path: Path) -> None:
    faults = [after(event("Call.Connected"), 0.5, cut())]
    call = simulate(write(tmp_path, BRIDGE), caller=[at(5.0, hangUp())], agent=AGENT, faults=faults)
    assert call.ofKind("fault")[0]["t"] == pytest.approx(0.5, abs=0.05)


def test_a_folder_that_a_real_run_would_miss_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = write(tmp_path, ECHO, 'call.record(name="takes/it.wav")')
    monkeypatch.chdir(tmp_path)
    call = simulate(scenario, caller=[at(1.0, hangUp())], files=tmp_path / "files")
    assert "takes/it.wav can't be written: No such file or directory" in str(call.outcome.error)
    assert call.files == []
    (tmp_path / "takes").mkdir()
    call = simulate(scenario, caller=[at(1.0, hangUp())], files=tmp_path / "files").expectOk()
    assert call.files == [tmp_path / "files" / "takes" / "it.wav"]


def test_a_slow_disk_costs_the_beginning_of_a_recording_and_no_more(tmp_path: Path) -> None:
    scenario = write(tmp_path, ECHO, 'call.record(name="it.wav", stereo=True)')
    steps = [at(1.0, say(speech(1.0))), at(3.0, hangUp())]
    fast, slow = (
        simulate(scenario, caller=steps, files=tmp_path / name, faults=faults).expectOk()
        for name, faults in (("fast", []), ("slow", [at(0.0, slowDisk(0.5))]))
    )
    seconds = [soundfile.info(call.files[0]).duration for call in (fast, slow)]
    assert seconds[0] == pytest.approx(3.0, abs=0.05)
    assert seconds[1] == pytest.approx(2.5, abs=0.05)
    assert fast.files == [tmp_path / "fast" / "it.wav"]
