"""Which tests a changed file concerns."""

import errno
import os
from pathlib import Path

import pytest

from voxrun.errors import ConfigurationError
from voxrun.testing.watching import test_files as files_with_tests
from voxrun.testing.watching import used_by


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("__", "/").replace("_vox", ".vox").replace("_py", ".py")).write_text(text)


def names(folder: Path, files: "set[Path] | list[Path]") -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in files)


def test_files_with_tests_are_found_but_not_hidden_ones(tmp_path: Path) -> None:
    for folder in ("in", ".hidden"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.vox").write_text('log 1\ntest "x" { nobody calls }')
    write(tmp_path, plain_vox='const test = "test"', a_py="", test_a_py="", b_test_py="")
    assert names(tmp_path, files_with_tests([tmp_path])) == ["b_test.py", "in/a.vox", "test_a.py"]
    assert names(tmp_path, files_with_tests([tmp_path / "plain.vox", tmp_path / "a.py"])) == ["a.py"]


def test_what_is_called_as_a_file_with_tests_but_is_none_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, a_vox='test "x" { nobody calls }')
    (tmp_path / "folder.vox").mkdir()
    (tmp_path / "test_folder.py").mkdir()
    (tmp_path / "gone.vox").symlink_to("nowhere")
    (tmp_path / "circle.vox").symlink_to("circle.vox")
    os.mkfifo(tmp_path / "pipe.vox")  # to read it would take for ever
    assert names(tmp_path, files_with_tests([tmp_path])) == ["a.vox"]


def test_a_file_that_nobody_may_read_is_told_and_one_that_is_gone_meanwhile_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_vox='test "x" { nobody calls }')
    number = errno.ENOENT

    def refuse(path: Path) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert files_with_tests([tmp_path]) == []
    number = errno.EACCES
    with pytest.raises(ConfigurationError, match=r"a\.vox can't be read: Permission denied"):
        files_with_tests([tmp_path])


def test_a_test_uses_what_it_names_and_what_that_imports(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "hello.flac").touch()
    write(
        tmp_path,
        test_a_py='simulate("a.py", say("sounds/hello.flac"), "none.wav")',
        a_py="import b\nfrom c import d\nimport numpy",
        b_py="import a",
        c_py="",
        wrong_py="def",
    )
    assert names(tmp_path, used_by(tmp_path / "test_a.py")) == [
        "a.py",
        "b.py",
        "c.py",
        "sounds/hello.flac",
        "test_a.py",
    ]
    (tmp_path / "conftest.py").write_text("import c")
    (tmp_path / "sounds" / "test_b.py").touch()
    assert names(tmp_path, used_by(tmp_path / "sounds" / "test_b.py")) == ["c.py", "conftest.py", "sounds/test_b.py"]
    (tmp_path / "conftest.py").unlink()
    (tmp_path / "t.vox").write_text('test "x" of "wrong.py" { caller says "sounds/hello.flac" }')
    assert names(tmp_path, used_by(tmp_path / "t.vox")) == ["sounds/hello.flac", "t.vox", "wrong.py"]
