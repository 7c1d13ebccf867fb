"""`voxrun fmt`: files, folders and the input."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.command import COMMAND, environment, voxrun

from voxrun.cli.main import main

UNTIDY = "x=1;y = [ 1,2 ] // why\n"
TIDY = "x = 1\ny = [1, 2] // why\n"

Fmt = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fmt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fmt:
    """Run the command in the folder; its status and what it says."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["fmt", *arguments])
        return status, *capsys.readouterr()

    return run


def test_in_place(fmt: Fmt, tmp_path: Path) -> None:
    file = tmp_path / "a.vox"
    file.write_text(UNTIDY)
    file.chmod(0o640)
    assert fmt("a.vox") == (0, "formatted a.vox\n", "")
    assert file.read_text() == TIDY
    assert file.stat().st_mode & 0o777 == 0o640
    assert fmt("a.vox") == (0, "", "")
    assert os.listdir(tmp_path) == ["a.vox"]


def test_a_formatted_file_is_not_written(fmt: Fmt, tmp_path: Path) -> None:
    file = tmp_path / "a.vox"
    file.write_text(TIDY)
    before = file.stat()
    assert fmt("a.vox") == (0, "", "")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_check_shows_what_would_change(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(UNTIDY)
    (tmp_path / "b.vox").write_text(TIDY)
    status, out, err = fmt("--check", "a.vox", "b.vox")
    assert (status, err) == (1, "")
    assert out == (
        "--- a.vox\n+++ a.vox formatted\n@@ -1 +1,2 @@\n-x=1;y = [ 1,2 ] // why\n+x = 1\n+y = [1, 2] // why\n"
    )
    assert (tmp_path / "a.vox").read_text() == UNTIDY
    assert fmt("--check", "b.vox") == (0, "", "")


def test_folders(fmt: Fmt, tmp_path: Path) -> None:
    for name in ("b/c/a.vox", "b/a.vox", "b/.hidden/a.vox", "b/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(UNTIDY)
    status, out, _ = fmt("b", "b/a.vox")
    assert (status, sorted(out.splitlines())) == (0, ["formatted b/a.vox", "formatted b/c/a.vox"])
    assert (tmp_path / "b/.hidden/a.vox").read_text() == UNTIDY
    assert (tmp_path / "b/a.txt").read_text() == UNTIDY


def test_a_folder_without_scenarios_is_wrong_use(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x=1")
    assert fmt("--check", ".") == (2, "", "voxrun: there are no .vox scenarios in .\n")


def test_a_broken_file_stays_and_the_others_are_formatted(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text("if x {\n")
    (tmp_path / "b.vox").write_text(UNTIDY)
    (tmp_path / "c.vox").write_bytes(b'log "\xff"')
    status, out, err = fmt("a.vox", "c.vox", "b.vox")
    assert (status, out) == (1, "formatted b.vox\n")
    assert "a.vox:1:6: error: " in err
    assert "c.vox:1:6: error: this is no text in UTF-8" in err
    assert (tmp_path / "a.vox").read_text() == "if x {\n"
    assert (tmp_path / "c.vox").read_bytes() == b'log "\xff"'


def test_line_ends_stay(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    assert fmt("a.vox")[0] == 0
    assert (tmp_path / "a.vox").read_bytes() == TIDY.replace("\n", "\r\n").encode()


def test_mixed_line_ends_become_the_first(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_bytes(b"x = 1\ny = 2\r\n")
    assert fmt("--check", "a.vox") == (1, "a.vox: only its line ends would change\n", "")
    assert fmt("a.vox")[0] == 0
    assert (tmp_path / "a.vox").read_bytes() == b"x = 1\ny = 2\n"


def test_a_link_stays_one(fmt: Fmt, tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(UNTIDY)
    (tmp_path / "link.vox").symlink_to("a.vox")
    assert fmt("link.vox")[0] == 0
    assert (tmp_path / "link.vox").is_symlink()
    assert (tmp_path / "a.vox").read_text() == TIDY


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["no.vox"], "there is no scenario no.vox"),
        (["a.py"], "a.py is no .vox scenario"),
        (["-", "a.vox"], "goes alone"),
        (["--check", "-"], "goes alone"),
    ],
)
def test_wrong_use(fmt: Fmt, tmp_path: Path, arguments: list[str], what: str) -> None:
    (tmp_path / "a.py").write_text("pass")
    status, out, err = fmt(*arguments)
    assert (status, out) == (2, "")
    assert what in err


def test_from_the_input_to_the_output(tmp_path: Path) -> None:
    def run(text: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*COMMAND, "fmt", "-"],
            input=text.encode(),
            capture_output=True,
            cwd=tmp_path,
            env=environment(),
            timeout=30,
            check=False,
        )

    done = run(UNTIDY.replace("why", "größer"))
    assert (done.returncode, done.stdout.decode()) == (0, TIDY.replace("why", "größer"))
    done = run("if {")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"<input>:1:" in done.stderr


def test_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(UNTIDY)
    assert voxrun("fmt", "--check", ".", cwd=tmp_path).status == 1
    done = voxrun("fmt", ".", cwd=tmp_path)
    assert (done.status, done.text) == (0, "formatted a.vox\n")
