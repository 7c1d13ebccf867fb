"""Paths that lead nowhere, in a circle, or where nobody may look; and an input that is closed."""

import errno
import os
import re
import shlex
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, run
from tests.cli.conftest import Capture, Write

from voxrun.cli import main
from voxrun.cli.status import OK, SCENARIO_FAILED, WRONG_USE


@pytest.mark.parametrize(
    "arguments", [["locked/a.vox"], ["check", "locked/a.vox"], ["fmt", "locked/a.vox"], ["test", "locked"],
                  ["new", "locked"], ["scenario.vox", "--call", "none", "--sandbox=locked"]]
)  # fmt: skip
def test_a_folder_that_nobody_may_look_into(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str]
) -> None:
    (here / "scenario.vox").write_text("log 1\n")
    stat = Path.stat

    def refused(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if "locked" in self.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refused)  # root may look into any
    assert main(arguments) == WRONG_USE
    assert re.fullmatch(r"voxrun: locked\S* can't be read: Permission denied\n", capsys.readouterr().err)


@pytest.mark.parametrize("command", ["check", "fmt", "test"])
def test_a_folder_whose_files_nobody_may_list(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: str
) -> None:
    (here / "locked").mkdir()
    scandir = os.scandir

    def refused(path: Path) -> object:
        if "locked" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)  # root may list any
    assert main([command, "locked"]) == WRONG_USE
    assert capsys.readouterr().err == "voxrun: locked can't be read: Permission denied\n"


@pytest.mark.parametrize("command", ["check", "fmt"])
def test_a_folder_below_whose_files_nobody_may_look_at(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, command: str
) -> None:
    (here / "below").mkdir()
    (here / "below" / "a.vox").write_text("log nam\n")
    (here / "b.vox").write_text("log 1\n")
    stat = os.stat

    def refused(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if str(path).endswith("below/a.vox"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", refused)  # root may look at any
    assert main([command, "."]) == OK
    assert capsys.readouterr().err == ""


def test_a_pipe_is_a_scenario_too(scenario: Write, tmp_path: Path) -> None:
    scenario("Logger.write('hello')\n1 / 0")
    command = f"{shlex.join(COMMAND)} /dev/stdin --call none"
    done = run(["sh", "-c", f"cat scenario.py | {command}"], tmp_path)
    assert done.status == SCENARIO_FAILED
    assert "scenario  hello\n" in done.text
    assert "/dev/stdin:3: while loading: ZeroDivisionError: division by zero\n" in done.text


def test_a_name_that_is_too_long(here: Path, capsys: Capture) -> None:
    name = f"{'a' * 300}.vox"
    assert main(["check", name]) == WRONG_USE
    assert capsys.readouterr().err == f"voxrun: {name} can't be read: File name too long\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--call", "loop"], "can't read the audio file 'loop': Too many levels of symbolic links"),
        (["--call", "none", "--trace", "loop"], "--trace loop can't be written: Too many levels of symbolic links"),
    ],
)
def test_a_link_that_leads_in_a_circle(
    scenario: Write, here: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    (here / "loop").symlink_to("loop")
    assert main([str(scenario()), *arguments]) == WRONG_USE
    assert capsys.readouterr().err == f"voxrun: {said}\n"


def test_the_current_folder_is_gone(scenario: Write, tmp_path: Path) -> None:
    scenario()
    (tmp_path / "gone").mkdir()
    command = f"{shlex.join(COMMAND)} {tmp_path}/scenario.py --call none --trace call.jsonl"
    done = run(["sh", "-c", f"cd gone && rmdir ../gone && {command}"], tmp_path)
    assert done.status == WRONG_USE
    assert done.text == "voxrun: --trace call.jsonl can't be written: No such file or directory\n"


@pytest.mark.parametrize("arguments", ["fmt -", "lsp"])
def test_a_closed_input_is_an_empty_one(tmp_path: Path, arguments: str) -> None:
    done = run(["sh", "-c", f"{shlex.join(COMMAND)} {arguments} <&-"], tmp_path)
    assert (done.status, done.text) == (OK, "")
