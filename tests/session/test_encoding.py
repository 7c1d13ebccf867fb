"""Scenarios in Python that say in which encoding they are, and where lines end in them."""

from pathlib import Path

import pytest
from tests.kit import simulate


@pytest.mark.parametrize("name", ["scenario", "beside"])
@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-32", "nonsuch", "rot13", "hex", "undefined", "punycode", "ascii"]
)
def test_an_encoding_that_is_not_the_files_is_told_with_its_line(tmp_path: Path, name: str, encoding: str) -> None:
    said = f"# -*- coding: {encoding} -*-"
    (tmp_path / "scenario.py").write_text("import beside\n")
    for even in ("", " "):  # in UTF-16, half a character at the end is no character
        (tmp_path / f"{name}.py").write_text(f"#!/usr/bin/env python\n{said}{even}\nhello = 'ähm'\n")
        error = simulate(tmp_path / "scenario.py").outcome.error
        assert str(error) == (
            f"{tmp_path}/{name}.py:2: while loading: this is not the file's encoding: "
            f"take the line out, and save the file as UTF-8\n    {said}"
        )


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8", "utf-8-sig"])
def test_a_file_may_be_in_the_encoding_that_it_says(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(f"# coding: {encoding}\nassert 'ähm' == 'z', 'ü'\n", encoding=encoding)
    error = str(simulate(path).outcome.error)
    assert error == f"{path}:2: while loading: AssertionError: ü\n    assert 'ähm' == 'z', 'ü'"


@pytest.mark.parametrize("content", ["hello = 'ähm'\n".encode("utf-16"), b"fLaC\0\0\0\x22", b"hello = 1\0\n\0"])
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "scenario.py"
    path.write_bytes(content)
    error = str(simulate(path).outcome.error)
    assert error.startswith(f"{path}:1: while loading: this is no text in UTF-8: save the file in that encoding")


@pytest.mark.parametrize("line", ["1 / 0  # here", "hello = [f'{a b}']"])
def test_lines_end_where_python_ends_them(tmp_path: Path, line: str) -> None:
    path = tmp_path / "scenario.py"
    path.write_text(f"hello = '\f\x1c\u2028'\n{line}\n", encoding="utf-8")
    error = str(simulate(path).outcome.error)
    assert error.startswith(f"{path}:2:")
    assert error.endswith(f"\n    {line}")


def test_a_mark_of_utf_8_and_another_encoding_are_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "scenario.py"
    path.write_text("# coding: latin-1\n", encoding="utf-8-sig")
    assert str(simulate(path).outcome.error).startswith(f"{path}:1: while loading: this is not the file's encoding: ")


@pytest.mark.parametrize(("line", "column"), [(b"class:\n\xe9 = 1", 1), (b"\nhello = 'h\xe9'", 11)])
def test_the_place_of_what_is_no_text_is_told_whatever_python_says(tmp_path: Path, line: bytes, column: int) -> None:
    path = tmp_path / "scenario.py"
    path.write_bytes(b"hello = 1\n" + line + b"\n")
    error = str(simulate(path).outcome.error)
    assert error.startswith(
        f"{path}:3:{column}: while loading: this is no text in UTF-8: save the file in that encoding"
    )
