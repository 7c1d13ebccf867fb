"""Arguments: the help page, wrong use, and that a message never shows what may be a secret."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.command import environment, run, voxrun
from tests.cli.conftest import Capture

from voxrun.cli import main
from voxrun.cli.status import INTERRUPTED, OK, UNREACHABLE, WRONG_USE

OPTIONS = ("--call", "--record", "--local-agent", "--secret", "--env-file", "--trace", "--json", "--idle-timeout")


def refused(arguments: list[str], capsys: Capture) -> str:
    """What is said about arguments that argparse itself refuses."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_the_help_is_a_page_for_a_terminal(
    arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == OK
    page = capsys.readouterr().out
    lines = page.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 66
    assert lines[0] == "usage: voxrun SCENARIO [options]"
    for option in OPTIONS:
        assert re.search(rf"^  {option}\b", page, re.MULTILINE), option
    for status in ("0 ended well", "1 the scenario failed", "2 wrong use", "3 a peer", "130 interrupted"):
        assert status in page


@pytest.mark.parametrize("arguments", [["--help"], ["agent", "--help"]])
def test_the_module_runs_as_a_program(tmp_path: Path, arguments: list[str]) -> None:
    done = voxrun(*arguments, cwd=tmp_path)
    assert done.status == OK
    assert done.out.startswith("usage: voxrun")
    assert done.err == ""


def test_the_installed_command_says_its_version(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("voxrun")
    done = subprocess.run([command, "--version"], cwd=tmp_path, env=environment(), capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout == f"voxrun {version('voxrun')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: SCENARIO"),
        (["s.py", "--bogus"], "there is no option --bogus"),
        (["s.py", "--cal", "x.wav", "--jason"], "no option --cal, --jason; did you mean `--call`, `--json`?"),
        (["s.py", "--recor", "x.wav"], "there is no option --recor; did you mean `--record`?"),
        (["s.py", "--recor=hunter2"], "there is no option --recor; did you mean `--record`?"),
        (["s.py", "t.py"], "only one SCENARIO can be run"),
        (["s.py", "--local-agent", "x.toml"], "only one SCENARIO can be run; --local-agent takes a value only as"),
        (["chekc", "s.py"], "only one SCENARIO can be run; did you mean `voxrun check`?"),
        (["s.py", "--record"], "--record: expected one argument"),
        (["s.py", "--idle-timeout", "soon"], "'soon' is no number of seconds"),
        (["s.py", "--idle-timeout", "nan"], "'nan' is no number of seconds"),
        (["s.py", "--idle-timeout=-1"], "'-1' is no number of seconds"),
        (["check", "--jsn", "s.py"], "there is no option --jsn; did you mean `--json`?"),
        (["serve", "s.py", "--tokn", "hunter2"], "there is no option --tokn; did you mean `--token`?"),
        (["serve", "s.py", "--secret", "A=1", "B=hunter2"], "these are more arguments than it takes"),
        (["trace", "t.jsonl", "--htlm=hunter2"], "there is no option --htlm; did you mean `--html`?"),
        (["devices", "hunter2"], "these are more arguments than it takes"),
        (["agent", "--port", "99999"], "'99999' is no port"),
        (["agent", "--port", "-1"], "'-1' is no port"),
        (["agent", "--port", "x"], "'x' is no port"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], said: str, capsys: Capture) -> None:
    err = refused(arguments, capsys)
    assert err.startswith("usage: voxrun")
    assert said in err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["s.py", "--secrets", "A=hunter2"],
        ["s.py", "--secrets=A=hunter2"],
        ["s.py", "--secret", "A", "=", "hunter2"],
        ["s.py", "--secret", "A=1", "hunter2"],
        ["s.py", "--secret", "A=1", "-=hunter2"],
    ],
)
def test_a_secret_gone_astray_is_not_shown(arguments: list[str], capsys: Capture) -> None:
    assert "hunter2" not in refused(arguments, capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        ["SCENARIO", "--call", "https://me:hunter2@host/a.wav"],
        ["SCENARIO", "--call", "https://host/a.wav?token=hunter2"],
        ["SCENARIO", "--call", "rtp://me:hunter2@127.0.0.1:4000"],
        ["SCENARIO", "--call", "rtps://127.0.0.1:4000?crypto=AES_CM_128_HMAC_SHA1_80 inline:hunter2"],
        ["serve", "SCENARIO", "--public-url", "https://me:hunter2@host?"],
        ["serve", "SCENARIO", "--public-url", "https://host/?token=hunter2"],
        ["serve", "SCENARIO", "--listen", "me:hunter2@host"],
        ["serve", "SCENARIO", "--control", "me:hunter2@host", "--control-token", "token"],
    ],
)
def test_an_address_that_is_none_is_shown_without_its_secrets(
    arguments: list[str], tmp_path: Path, capsys: Capture
) -> None:
    scenario = tmp_path / "scenario.py"
    scenario.touch()
    assert main([str(scenario) if it == "SCENARIO" else it for it in arguments]) == WRONG_USE
    err = capsys.readouterr().err
    assert "host" in err or "127.0.0.1:4000" in err
    assert "hunter2" not in err


@pytest.mark.parametrize("given", ["hunter2", "=hunter2", ""])
def test_a_secret_without_a_name_is_not_shown(given: str, capsys: Capture) -> None:
    assert main(["s.py", "--secret", given]) == WRONG_USE
    assert capsys.readouterr().err == "voxrun: --secret takes NAME=VALUE\n"


def test_an_env_file_that_is_missing(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "nope.env"
    assert main(["s.py", "--env-file", str(path)]) == WRONG_USE
    assert capsys.readouterr().err == f"voxrun: --env-file {path} can't be read: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["agent", "--script", "nope.toml"], "can't read the agent's script nope.toml: No such file or directory"),
        (["agent", "--host", "203.0.113.1"], "can't listen on 203.0.113.1:8765"),  # a documentation address: RFC 5737
    ],
)
def test_the_local_agent_says_what_it_lacks_in_one_line(arguments: list[str], said: str, capsys: Capture) -> None:
    assert main(arguments) == WRONG_USE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_a_local_agent_inside_the_run_says_what_it_lacks_too(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "scenario.py"
    path.touch()
    assert main([str(path), "--call", "none", f"--local-agent={tmp_path / 'nope.toml'}"]) == WRONG_USE
    assert "can't read the agent's script" in capsys.readouterr().err


def test_an_interrupt_at_any_other_time_is_quiet_too(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["voxrun.cli.main"], "run", interrupted)
    assert main(["s.py"]) == INTERRUPTED
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("tset", "did you mean `voxrun test`?"),
        ("Trace", "did you mean `voxrun trace`?"),
        ("agents.py", "check the path"),
    ],
)
def test_a_misspelt_command_is_recognised(here: Path, capsys: Capture, word: str, advice: str) -> None:
    assert main([word]) == WRONG_USE
    assert capsys.readouterr().err == f"voxrun: there is no scenario {word}: {advice}\n"


def test_an_option_is_no_misspelt_command(capsys: Capture) -> None:
    err = refused(["--trace", "out.jsonl", "s.py", "t.py"], capsys)
    assert err.endswith("error: only one SCENARIO can be run\n")


# An output that can't be written.

TOLD = [
    ["check", "mistakes"],
    ["fmt", "--check", "mistakes"],
    ["trace", "call.jsonl"],
    ["rtp", "--sdp", "rtp://127.0.0.1:4000?remote=127.0.0.1:4002"],
    ["agent", "--port", "0"],
    ["devices"],
    ["new", "mine"],
    ["--version"],
]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder in which each of the commands has something to tell."""
    (tmp_path / "mistakes").mkdir()
    (tmp_path / "mistakes" / "a.vox").write_text("log   nothing\n" * 20)
    (tmp_path / "call.jsonl").write_text('{"t":0,"kind":"session","format":1}\n')
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("arguments", TOLD, ids=lambda arguments: arguments[0])
def test_a_reader_that_has_left_ends_a_command_quietly(told: Path, arguments: list[str]) -> None:
    command = shlex.join([sys.executable, "-m", "voxrun", *arguments])
    done = run(["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"], told)
    assert (done.status, done.text) == (INTERRUPTED, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", TOLD, ids=lambda arguments: arguments[0])
def test_a_command_says_that_its_output_is_full(told: Path, arguments: list[str]) -> None:
    done = run(["sh", "-c", f"{shlex.join([sys.executable, '-m', 'voxrun', *arguments])} > /dev/full"], told)
    assert done.status == UNREACHABLE
    assert done.err == "voxrun: the output can't be written: No space left on device\n"
