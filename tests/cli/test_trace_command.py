"""`voxrun trace`, and the trace that a failed session leaves behind."""

import json
import os
import re
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import Capture, Write

from voxrun.cli.main import main
from voxrun.cli.status import OK, SCENARIO_FAILED, WRONG_USE

pytestmark = pytest.mark.slow  # a call in real time before each

ECHO = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        event.call.answer()
        event.call.sendMediaTo(event.call)
        setTimeout(event.call.hangup, 600)
    """

FAILING = """
    key = VoxEngine.getSecretValue("KEY")
    @VoxEngine.on(AppEvents.Started)
    def fail(event):
        Logger.write(f"the key is {key}")
        raise ValueError("no luck")
    """


@pytest.fixture
def trace(here: Path, scenario: Write, caller: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "100")
    assert main([str(scenario(ECHO)), "--call", str(caller), "--trace", "call.jsonl", "--idle-timeout", "0"]) == OK
    capsys.readouterr()
    return here / "call.jsonl"


def test_a_trace_is_told(trace: Path, capsys: Capture) -> None:
    first = json.loads(trace.read_text().splitlines()[0])
    assert (first["kind"], first["format"]) == ("session", 1)
    assert main(["trace", "call.jsonl"]) == OK
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{first['scenario']}: ")
    assert re.search(r"^caller +[.#+-]*#", out, re.M)
    assert re.search(r"^hears +[.#+-]*#", out, re.M)
    assert re.search(r"^route  call-1 -> call-1 .* dBFS$", out, re.M)
    assert max(map(len, out.splitlines()[1:])) <= 100


def test_the_moments_around_a_time(trace: Path, capsys: Capture) -> None:
    assert main(["trace", "call.jsonl", "--around", "0.3"]) == OK
    out = capsys.readouterr().out
    assert out.startswith("s       0")
    assert "turn" not in out


def test_a_page_is_written(trace: Path, capsys: Capture) -> None:
    assert main(["trace", "call.jsonl", "--html", "call.html"]) == OK
    assert capsys.readouterr().out == ""
    assert "<title>call.jsonl</title>" in Path("call.html").read_text()


def test_a_page_opens_at_a_moment(trace: Path) -> None:
    assert main(["trace", "call.jsonl", "--around", "0.3", "--html", "call.html"]) == OK
    assert '"around":0.3}' in Path("call.html").read_text()


def test_a_byte_order_mark_is_no_part_of_a_trace(trace: Path, capsys: Capture) -> None:
    trace.write_text(trace.read_text(), encoding="utf-8-sig")
    assert main(["trace", "call.jsonl"]) == OK


def test_a_trace_that_ends_amid_a_character_is_told(trace: Path, capsys: Capture) -> None:
    with trace.open("ab") as file:
        file.write('{"t":9.0,"kind":"log","message":"café'.encode()[:-1])
    assert main(["trace", "call.jsonl"]) == OK
    assert "caf" not in capsys.readouterr().out


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("120", 120), ("10", 40)])
@pytest.mark.parametrize("around", [[], ["--around", "0.3"]])
def test_it_is_as_wide_as_the_terminal(
    trace: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, columns: str, width: int, around: list[str]
) -> None:
    with trace.open("a") as file:
        file.write(json.dumps({"t": 0.1, "kind": "log", "message": "x" * 300}) + "\n")
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["trace", "call.jsonl", *around]) == OK
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "xxx" in line)
    assert len(line) == width


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl"], "can't read the trace nowhere.jsonl: No such file or directory"),
        (["."], "can't read the trace .: Is a directory"),
        (["caller.wav"], "caller.wav is no trace: it is not UTF-8 text"),
        (["scenario.py"], "scenario.py, line 1: is no JSON"),
        (["broken.jsonl"], "broken.jsonl, line 2: lacks what a record of the kind 'log' has"),
        (["call.jsonl", "--html", "call.jsonl"], "--html call.jsonl would overwrite the trace"),
        (["call.jsonl", "--html", "nowhere/call.html"], "--html nowhere/call.html can't be written: No such file"),
    ],
)
def test_what_can_not_be_done_is_said(trace: Path, capsys: Capture, arguments: list[str], message: str) -> None:
    first, *_ = trace.read_text().splitlines()
    Path("broken.jsonl").write_text(f'{first}\n{{"t":1,"kind":"log"}}\n')
    assert main(["trace", *arguments]) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"voxrun: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("around", ["soon", "", "nan", "inf", "1e308"])
def test_a_time_is_a_number(trace: Path, capsys: Capture, around: str) -> None:
    with pytest.raises(SystemExit):
        main(["trace", "call.jsonl", "--around", around])
    assert "is no time in seconds" in capsys.readouterr().err


def test_a_failed_session_leaves_its_trace(here: Path, scenario: Write, temporary: Path, capsys: Capture) -> None:
    status = main([str(scenario(FAILING)), "--call", "none", "--secret", "KEY=sesame-open"])
    assert status == SCENARIO_FAILED
    [left] = temporary.iterdir()
    assert capsys.readouterr().err.endswith(f"voxrun: see what led to this: voxrun trace {left}\n")
    assert left.name.startswith("voxrun-scenario-")
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert "sesame" not in left.read_text()
    assert main(["trace", str(left)]) == OK
    out = capsys.readouterr().out
    assert "ValueError: no luck" in out.splitlines()[1]
    assert "the key is ***" in out


def test_another_failure_leaves_another_trace(here: Path, scenario: Write, temporary: Path) -> None:
    path = str(scenario(FAILING))
    for _ in range(3):
        main([path, "--call", "none", "--secret", "KEY=sesame-open"])
    assert len(list(temporary.iterdir())) == 3


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        (FAILING, ["--trace", "call.jsonl"]),  # it is there
        ("this is no Python", []),  # nothing has happened
        ("VoxEngine.terminate()", []),
    ],
)
def test_there_is_nothing_to_leave(
    here: Path, scenario: Write, temporary: Path, capsys: Capture, source: str, arguments: list[str]
) -> None:
    main([str(scenario(source)), "--call", "none", "--secret", "KEY=sesame-open", *arguments])
    assert list(temporary.iterdir()) == []
    assert "led to this" not in capsys.readouterr().err


def test_a_trace_that_can_not_be_kept_is_no_failure_of_its_own(
    here: Path, scenario: Write, temporary: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("voxrun.cli.failure_trace.mkstemp", refuse)
    status = main([str(scenario(FAILING)), "--call", "none", "--secret", "KEY=sesame-open"])
    assert status == SCENARIO_FAILED
    assert capsys.readouterr().err.endswith("voxrun: the trace could not be kept: No space left on device\n")
