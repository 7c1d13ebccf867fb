"""`voxrun new`, and what a new user meets who breaks what it has written."""

import os
from pathlib import Path

import pytest
from tests.cli.command import Finished, voxrun
from tests.cli.conftest import Capture

from voxrun.cli import main
from voxrun.cli.status import OK, WRONG_USE

LANGUAGES = {"py": (), "vox": ("--vox",)}
NAMES = {"py": {"mycall.py", "test_mycall.py", "README.md"}, "vox": {"mycall.vox", "README.md"}}


def begun(folder: Path, end: str = "py") -> Path:
    assert main(["new", str(folder / "mycall"), *LANGUAGES[end]]) == OK
    return folder / "mycall"


def test_what_it_writes_passes_and_has_nothing_wrong_in_it(tmp_path: Path) -> None:
    for end, options in LANGUAGES.items():
        (tmp_path / end).mkdir()
        made = voxrun("new", "mycall", *options, cwd=tmp_path / end)
        assert made.status == 0, made.err
        assert made.out.endswith("Try it: voxrun test mycall\n")
    done = voxrun("test", "py/mycall", "vox/mycall", cwd=tmp_path)
    assert done.status == 0
    assert "test_mycall.py  2 passed\n" in done.out
    assert "mycall.vox  2 passed\n" in done.out
    assert "4 passed in " in done.out


@pytest.mark.parametrize("end", LANGUAGES)
def test_what_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, end: str) -> None:
    folder = begun(tmp_path, end)
    assert {path.name for path in folder.iterdir()} == NAMES[end]
    capsys.readouterr()
    monkeypatch.setenv("ELEVENLABS_API_KEY", "k")
    monkeypatch.setenv("ELEVENLABS_AGENT_ID", "a")
    assert main(["check", str(folder)]) == OK
    assert capsys.readouterr().out.startswith("nothing wrong")
    readme = (folder / "README.md").read_text()
    assert f"`mycall.{end}`" in readme
    assert "scenario.py" not in readme
    assert len(readme.splitlines()) < 15


def test_the_new_vox_file_is_laid_out_as_fmt_does(tmp_path: Path) -> None:
    assert main(["fmt", "--check", str(begun(tmp_path, "vox"))]) == OK


def test_nothing_is_overwritten(here: Path, capsys: Capture) -> None:
    folder = begun(here)
    (folder / "mycall.py").write_text("mine")
    assert main(["new", "mycall"]) == WRONG_USE
    assert capsys.readouterr().err == "voxrun: there is a mycall already: take another name\n"
    assert (folder / "mycall.py").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["9lives", "my call", "a-b", "..", ""])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    done = voxrun("new", name, cwd=tmp_path)
    assert done.status == 2
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "shown"), [("123", "123"), ("sub/a-b", "a-b"), (".", "."), ("", "."), ("/", "/")])
def test_what_a_name_is_like_is_told(here: Path, capsys: Capture, name: str, shown: str) -> None:
    assert main(["new", name]) == WRONG_USE
    said = f"voxrun: '{shown}' is no name for a scenario: take a letter, then letters, digits and _\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("name", ["test_call", "call_test", "conftest"])
def test_a_name_of_a_file_that_pytest_runs(here: Path, capsys: Capture, name: str) -> None:
    assert main(["new", name]) == WRONG_USE
    said = f"voxrun: pytest would run {name}.py by itself, as it does tests: take another name\n"
    assert capsys.readouterr().err == said
    assert not (here / name).exists()
    assert main(["new", name, "--vox"]) == OK


def test_a_folder_that_can_not_be_written(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    assert main(["new", str(tmp_path / "file" / "mycall")]) == WRONG_USE
    assert "can't be written" in capsys.readouterr().err


def broken(folder: Path, name: str, right: str, wrong: str) -> Finished:
    """The test run of a scenario in which `right` was replaced."""
    text = (folder / name).read_text()
    assert right in text
    (folder / name).write_text(text.replace(right, wrong))
    done = voxrun("test", folder, cwd=folder.parent)
    assert done.status == 1
    return done


QUICK = ("py", '"result": hours', '"result": "closed"', "was answered with 'closed', not 'nine to five'")
OTHERS = (
    ("vox", "call.answer()", "call.anser()", "did you mean `answer`?"),
    ("py", "VoxEngine.sendMediaBetween(call, agent)", "pass", "the caller still waits until agent stops"),
    ("py", "AgentsEvents.Interruption,", "AgentsEvents.Interuption,", "did you mean 'Interruption'?"),
    ("py", "agent.clearMediaBuffer()", "None", "silence was wanted from 2.0"),
    ("vox", "    call <-> agent\n", "", "the caller still waits until agent stops"),
    ("vox", "result: hours", 'result: "closed"', "was answered with 'closed', not 'nine to five'"),
    ("vox", "agent.clearMediaBuffer()", "", "until there was silence"),
)
BREAKAGES = [QUICK, *(pytest.param(*breakage, marks=pytest.mark.slow) for breakage in OTHERS)]


@pytest.mark.parametrize(("end", "right", "wrong", "said"), BREAKAGES)
def test_a_breakage_is_told(tmp_path: Path, end: str, right: str, wrong: str, said: str) -> None:
    folder = begun(tmp_path, end)
    done = broken(folder, f"mycall.{end}", right, wrong)
    assert said in done.out
    assert "^^^^" in done.out
