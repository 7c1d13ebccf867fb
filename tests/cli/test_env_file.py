"""`--env-file`: what its lines mean, and that nothing of them is ever shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.cli.env_file import read_env_file
from voxrun.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# a comment\n\n   \n", {}),
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("  A = 1  ", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A=a=b#c", {"A": "a=b#c"}),
        ("A='x y '", {"A": "x y "}),
        ('A="x"', {"A": "x"}),
        ("A=\"x'", {"A": "\"x'"}),
        ("A='", {"A": "'"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=ä", {"A": "ä"}),
    ],
)
def test_lines_are_read(tmp_path: Path, text: str, values: dict[str, str]) -> None:
    path = tmp_path / "secrets.env"
    path.write_bytes(text.encode())
    assert read_env_file(path) == values


@pytest.mark.parametrize("line", ["hunter2", "=hunter2", "1A=hunter2", "A B=hunter2", "export =hunter2"])
def test_a_wrong_line_is_named_but_not_shown(tmp_path: Path, line: str) -> None:
    path = tmp_path / "secrets.env"
    path.write_text(f"# first\nA=1\n{line}\n")
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(path)
    assert str(caught.value).startswith(f"{path}:3: this line is not NAME=VALUE")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "said"), [("missing", "No such file or directory"), ("folder", "Is a directory"), ("bytes", "UTF-8")]
)
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "secrets.env"
    if kind == "folder":
        path.mkdir()
    if kind == "bytes":
        path.write_bytes(b"A=\xff")
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_env_file(path)
    assert str(path) in str(caught.value)
    assert "Errno" not in str(caught.value)


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text("abc=# '\"äé", max_size=8)))
def test_what_is_quoted_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("env") / "secrets.env"
    path.write_text("".join(f'{name}="{value}"\n' for name, value in values.items()), encoding="utf-8")
    assert read_env_file(path) == values
