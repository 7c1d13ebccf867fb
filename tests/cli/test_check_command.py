"""`voxrun check` as a process: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from tests.cli.command import voxrun

from voxrun.cli import main
from voxrun.cli.check import check
from voxrun.cli.status import SCENARIO_FAILED, WRONG_USE
from voxrun.errors import ConfigurationError

VOX = """\
require ElevenLabs

on AppEvents.CallAlerting as { call } {
    const agent = await ElevenLabs.createAgentsClient({
        xiApiKey: secret("ELEVENLABS_API_KEY"),
        agentId: "agent_1",
    })
    on agent AgentsEvents.UserTranscript as { data } {
        log "caller: ${data.user_transcription_event.user_transcrip}"
    }
    call.anwser()
    call <-> agent
}
"""

FOUND = """\
reception.vox:5:26: warning: the secret ELEVENLABS_API_KEY is not set
  |
5 |         xiApiKey: secret("ELEVENLABS_API_KEY"),
  |                          ^^^^^^^^^^^^^^^^^^^^
  = set it in the environment, or with `--secret ELEVENLABS_API_KEY=…` or `--env-file FILE`

reception.vox:9:54: error: this message has no field `user_transcrip`
  |
9 |         log "caller: ${data.user_transcription_event.user_transcrip}"
  |                                                      ^^^^^^^^^^^^^^
  = did you mean `user_transcript`?

reception.vox:11:10: error: a Call has no member `anwser`
   |
11 |     call.anwser()
   |          ^^^^^^
   = did you mean `answer`?

2 errors, 1 warning in 1 file
"""

RIGHT = "on AppEvents.Started { VoxEngine.terminate() }\n"


@pytest.fixture
def vox(tmp_path: Path) -> Path:
    path = tmp_path / "reception.vox"
    path.write_text(VOX)
    return path


def test_findings_are_shown_with_their_lines_and_advice(vox: Path) -> None:
    done = voxrun("check", vox.name, cwd=vox.parent)
    assert (done.status, done.out, done.err) == (1, FOUND, "")


def test_what_is_set_counts_as_set(
    vox: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY", raising=False)
    file = vox.with_name(".env")
    file.write_text("ELEVENLABS_API_KEY=key\n")
    for options in (["--secret", "ELEVENLABS_API_KEY=key"], ["--env-file", str(file)]):
        assert main(["check", str(vox), *options]) == SCENARIO_FAILED
        assert "not set" not in capsys.readouterr().out
    monkeypatch.setenv("ELEVENLABS_API_KEY", "key")
    assert main(["check", str(vox)]) == SCENARIO_FAILED
    assert "not set" not in capsys.readouterr().out


def test_json_is_a_finding_a_line_and_nothing_else(vox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check([str(vox), "--json", "--secret", "ELEVENLABS_API_KEY=key"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[1]) == {
        "file": str(vox),
        "line": 11,
        "column": 10,
        "endLine": 11,
        "endColumn": 16,
        "severity": "error",
        "message": "a Call has no member `anwser`",
        "advice": "did you mean `answer`?",
    }
    assert len(lines) == 2


def test_nothing_wrong_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.vox").write_text(RIGHT)
    assert check([str(tmp_path / "a.vox")]) == 0
    assert capsys.readouterr().out == "nothing wrong in 1 file\n"
    assert check([str(tmp_path / "a.vox"), "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_a_folder_is_its_scenarios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "below" / ".hidden").mkdir(parents=True)
    (tmp_path / "a.vox").write_text(RIGHT)
    (tmp_path / "below" / "b.py").write_text("from voxrun import VoxEngine\nVoxEngine.terminat()\n")
    (tmp_path / "below" / "other.py").write_text("not even Python")
    (tmp_path / "below" / ".hidden" / "c.vox").write_text("log a")
    assert check([str(tmp_path), str(tmp_path / "a.vox")]) == 1
    out = capsys.readouterr().out
    assert f"{tmp_path / 'below' / 'b.py'}:2:11: error: VoxEngine has no `terminat`" in out
    assert out.endswith("1 error in 2 files\n")


def test_folders_without_scenarios_are_wrong_use(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "empty").mkdir()
    (here / "other").mkdir()
    (here / "other" / "plain.py").write_text("print(1)\n")
    for option in ("--secret=A=b", "--json"):
        assert main(["check", "empty", "other", option]) == WRONG_USE
        assert capsys.readouterr() == ("", "voxrun: there are no scenarios in empty, other\n")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"log (1", "a.vox", "a.vox:1:"),
        (b"x = (1", "a.py", "a.py:1:5: error: '(' was never closed"),
        ("log 'ü'".encode("latin-1"), "a.vox", "a.vox:1:6: error: this is no text in UTF-8"),
        (b"\xef\xbb\xbfprint(nam)\n", "a.py", "a.py:1:7: error: unknown name `nam`"),
        (b"#!/usr/bin/env voxrun\nprint(nam)\n", "a", "a:2:7: error: unknown name `nam`"),
        (b"log 1\r\nlog nam\r\n", "a.vox", "a.vox:2:5: error: unknown name `nam`"),
        ("\ufeffé = 'éé".encode() + b"\xe9'\n", "a.py", "a.py:1:8: error: this is no text in UTF-8"),
        (b"1\r2\r\n'\xe9'\n", "a.py", "a.py:3:2: error: this is no text in UTF-8"),
        (b"x = 1\n\0", "a.py", "a.py:2:1: error: this is no text in UTF-8"),
        (b"#!/bin/x\n# coding: nonsuch\n", "a.py", "a.py:2:1: error: this is not the file's encoding"),
    ],
)
def test_what_is_no_scenario_at_all_is_a_finding(
    content: bytes, name: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_bytes(content)
    assert check([name]) == 1
    assert message in capsys.readouterr().out


def test_a_python_file_may_have_line_ends_of_any_kind(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "scenario.py").write_bytes(b"from voxrun import Logger\r\rLogger.write(text)\r\nLogger.wirte('')\n")
    assert main(["check", "scenario.py"]) == SCENARIO_FAILED
    places = [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("scenario")]
    assert places == ["scenario.py:3:14", "scenario.py:4:8"]


def test_a_python_file_may_be_in_the_encoding_that_it_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "scenario.py").write_text("# coding: latin-1\n'ähm'; print(nam)\n", encoding="latin-1")
    assert main(["check", "scenario.py"]) == SCENARIO_FAILED
    assert "scenario.py:2:14: error: unknown name `nam`" in capsys.readouterr().out


def test_control_characters_stay_in_the_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a.vox").write_text("log nam // \x1b[31m\n")
    assert check(["a.vox"]) == 1
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["no.vox"], ["README.md"]])
def test_wrong_use_ends_with_2(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    (here / "README.md").write_text("")
    assert main(["check", *arguments]) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert err


def test_no_argument_is_wrong_use(tmp_path: Path) -> None:
    done = voxrun("check", cwd=tmp_path)
    assert (done.status, done.out) == (WRONG_USE, "")
    assert done.err


def test_a_file_that_nobody_may_read_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.vox").write_text(RIGHT)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigurationError, match="can't be read: Permission denied"):
        check([str(tmp_path / "a.vox")])
