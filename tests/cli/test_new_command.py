"""`voxrun new`, and what a new user meets who breaks what it has written."""

import os
from pathlib import Path

import pytest
from tests.cli.command import Finished, voxrun

LANGUAGES = [("py", ()), ("vox", ("--vox",))]


def begun(folder: Path, *options: str) -> Path:
    done = voxrun("new", "mycall", *options, cwd=folder)
    assert done.status == 0, done.err
    assert done.out.endswith("Try it: voxrun test mycall\n")
    return folder / "mycall"


@pytest.mark.parametrize(("end", "options"), LANGUAGES)
def test_what_it_writes_passes_and_has_nothing_wrong_in_it(tmp_path: Path, end: str, options: tuple[str, ...]) -> None:
    folder = begun(tmp_path, *options)
    names = {"mycall.vox", "README.md"} if options else {"mycall.py", "test_mycall.py", "README.md"}
    assert {path.name for path in folder.iterdir()} == names
    done = voxrun("test", "mycall", cwd=tmp_path)
    assert done.status == 0
    assert "2 passed in " in done.out
    checked = voxrun("check", "mycall", cwd=tmp_path, env={"ELEVENLABS_API_KEY": "k", "ELEVENLABS_AGENT_ID": "a"})
    assert checked.out.startswith("nothing wrong")
    readme = (folder / "README.md").read_text()
    assert f"`mycall.{end}`" in readme
    assert "scenario.py" not in readme
    assert len(readme.splitlines()) < 15


def test_the_new_vox_file_is_laid_out_as_fmt_does(tmp_path: Path) -> None:
    begun(tmp_path, "--vox")
    assert voxrun("fmt", "--check", "mycall", cwd=tmp_path).status == 0


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / "mycall.py").write_text("mine")
    done = voxrun("new", "mycall", cwd=tmp_path)
    assert done.status == 2
    assert done.err == "voxrun: there is a mycall already: take another name\n"
    assert (folder / "mycall.py").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["9lives", "my call", "a-b", "..", ""])
def test_a_name_that_is_none(tmp_path: Path, name: str) -> None:
    done = voxrun("new", name, cwd=tmp_path)
    assert done.status == 2
    assert os.listdir(tmp_path) == []


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = voxrun("new", "file/mycall", cwd=tmp_path)
    assert done.status == 2
    assert "can't be written" in done.err


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
    folder = begun(tmp_path, *(["--vox"] if end == "vox" else []))
    done = broken(folder, f"mycall.{end}", right, wrong)
    assert said in done.out
    assert "^^^^" in done.out
