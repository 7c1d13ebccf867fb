"""`voxrun test` as somebody uses it."""

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.cli.command import COMMAND, environment, run, voxrun

from voxrun.cli import main
from voxrun.cli.status import OK, SCENARIO_FAILED, WRONG_USE

ROOT = Path(__file__).parents[2]

SCENARIO = """\
on AppEvents.CallAlerting as { call } {
    on call CallEvents.ToneReceived as { tone } { log "key ${tone}" }
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call.handleTones(true)
    call -> call
}

test "a key is logged" {
    caller presses "5" at 1s
    caller hangs up at 2s
    expect log "key 5"
}

test "the call is short" {
    caller says tone lasting 1s at 1s
    caller hangs up at 3s
    expect call lasts at most LENGTH
}
"""

PYTHON = """\
from voxrun.testing import at, hangUp, say, tone

def test_the_caller_hears_himself(simulate):
    call = simulate("echo.vox", caller=[at(1.0, say(tone(1.0))), at(3.0, hangUp())]).expectOk()
    assert call.caller.heard.silentFrom(TIME)
"""

HIDE_PYTEST = (
    "from importlib import util; find = util.find_spec; "
    "util.find_spec = lambda name, *rest: None if name == 'pytest' else find(name, *rest)"
)


def write(folder: Path, length: str = "3s", time_: float = 2.1) -> None:
    (folder / "echo.vox").write_text(SCENARIO.replace("LENGTH", length))
    (folder / "test_echo.py").write_text(PYTHON.replace("TIME", str(time_)))


@pytest.mark.parametrize("options", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_all_pass(tmp_path: Path, options: tuple[str, ...]) -> None:
    write(tmp_path)
    done = voxrun("test", *options, cwd=tmp_path)
    *files, last = done.out.splitlines()
    assert sorted(files) == ["echo.vox  2 passed", "test_echo.py  1 passed"]
    assert last.startswith("3 passed in ")
    assert last.endswith(" s, 8 s of calls")
    assert done.status == 0
    assert done.err == ""


def test_a_failure_shows_its_line_the_reason_and_the_call(tmp_path: Path) -> None:
    write(tmp_path, "2s", 1.5)
    done = voxrun("test", "--timeline-png", "pictures", cwd=tmp_path)
    assert done.status == 1
    assert "echo.vox  1 passed, 1 failed\n" in done.out
    assert (
        "echo.vox:18:5: error: the call lasted 3.00 s\n"
        "   |\n"
        "18 |     expect call lasts at most 2s\n"
        "   |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    ) in done.out
    assert "test_echo.py:5:5: error: " in done.out
    assert "silence was wanted from 1.500 s on" in done.out
    line = "assert call.caller.heard.silentFrom(1.5)"
    assert f"5 |     {line}\n  |     {'^' * len(line)}\n" in done.out
    assert done.out.count("caller  .....") == 2
    assert "1 passed, 2 failed in " in done.out.splitlines()[-1]
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [picture.name for picture in pictures] == [
        "echo.vox-the-call-is-short-1.png",
        "test_echo.py-test_the_caller_hears_himself-1.png",
    ]
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert str(picture) in done.out


@pytest.mark.slow
def test_what_can_t_be_judged_is_a_failure_with_its_line(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "test_echo.py").write_text(PYTHON.replace("silentFrom(TIME)", "level(100, 101) < -60"))
    done = voxrun("test", "test_echo.py", cwd=tmp_path)
    assert "test_echo.py:5:5: error: the audio is from 0.020 to 3.000 s: nothing to judge from 100" in done.out


@pytest.mark.slow
def test_some_of_them_and_a_report_for_ci(tmp_path: Path) -> None:
    write(tmp_path)
    done = voxrun("test", "-k", "key", "--junit", "report.xml", cwd=tmp_path)
    assert done.status == 0
    assert done.out.startswith("echo.vox  1 passed\n1 passed in ")
    (case,) = ElementTree.parse(tmp_path / "report.xml").iter("testcase")
    assert case.get("name") == "a key is logged"


@pytest.mark.slow
def test_golden_recordings_are_made_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "echo.vox"
    path.write_text(path.read_text() + '\ntest "golden" { expect caller hears exactly "golden.flac" until 1s }\n')
    path.write_text(path.read_text().replace("{ expect caller", "{\ncaller hangs up at 2s\nexpect caller"))
    assert "run with --update-golden to make it" in voxrun("test", "-k", "golden", cwd=tmp_path).out
    assert voxrun("test", "-k", "golden", "--update-golden", cwd=tmp_path).status == 0
    assert (tmp_path / "golden.flac").exists()
    assert voxrun("test", "-k", "golden", cwd=tmp_path).status == 0


@pytest.mark.slow
def test_a_file_that_is_no_test_fails_and_the_others_are_run(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "wrong.vox").write_text('test "a" {\n    caller say "x"\n}\n')
    (tmp_path / "test_wrong.py").write_text("import nothing_like_it\n")
    done = voxrun("test", cwd=tmp_path)
    assert done.status == 1
    assert "wrong.vox:2:12: error: `say` has no meaning here" in done.out
    assert "did you mean `says`?" in done.out
    assert "nothing_like_it" in done.out
    assert "3 passed, 2 failed" in done.out.splitlines()[-1]


@pytest.mark.slow
def test_a_file_that_is_no_test_is_told_once(tmp_path: Path) -> None:
    """However many processes have tried to read it."""
    write(tmp_path)
    (tmp_path / "test_wrong.py").write_text("raise ValueError\n")
    done = voxrun("test", "-n", "2", cwd=tmp_path)
    assert done.out.count("test_wrong.py  can't be read\n") == 1
    assert done.out.count("--- test_wrong.py") == 1
    assert "3 passed, 1 failed" in done.out.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        (b"x = (\n", 'test_wrong.py", line 1', "SyntaxError: '(' was never closed"),
        (b'x = "\xff"\n', 'test_wrong.py", line 1', "'utf-8' codec can't decode byte 0xff"),
        (b"import nothing_like_it\n", "test_wrong.py:1: in <module>", "No module named 'nothing_like_it'"),
        (
            b"from voxrun import VoxEngine\nVoxEngine.terminate()\n",
            "test_wrong.py:2: in <module>",
            "the names of voxrun work in a scenario, begun by `voxrun FILE` or in a test by `simulate(FILE)`",
        ),
    ],
)
def test_why_a_file_is_no_test_is_told_without_the_way_there(
    tmp_path: Path, content: bytes, place: str, why: str
) -> None:
    (tmp_path / "test_wrong.py").write_bytes(content)
    told = voxrun("test", cwd=tmp_path).out
    assert place in told
    assert why in told
    assert not re.search(r"importlib|_pytest|runtime", told)


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_without_an_error_output_they_are_run_all_the_same(tmp_path: Path, processes: str) -> None:
    write(tmp_path)
    done = run(["sh", "-c", f"{shlex.join([*COMMAND, 'test', '-n', processes])} 2>&-"], tmp_path)
    assert (done.status, done.out.splitlines()[-1].partition(" in ")[0]) == (0, "3 passed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.vox",), "there is no none.vox: check the path"),
        (("test_echo.py::test_it",), "there is no test_echo.py::test_it: -k WORDS runs some of a file's tests"),
        (("empty",), "there are no tests in empty"),
        (("plain.vox",), "there are no tests in plain.vox"),
    ],
)
def test_wrong_use(here: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    write(here)
    (here / "empty").mkdir()
    (here / "plain.vox").write_text("log 1\n")
    assert main(["test", *arguments]) == WRONG_USE
    shown = capsys.readouterr()
    assert (shown.out, shown.err.startswith(f"voxrun: {said}")) == ("", True)


@pytest.mark.parametrize(
    ("report", "why"), [("echo.vox/report.xml", "File exists"), ("folder", "Is a directory"), ("", "Is a directory")]
)
def test_a_report_that_can_not_be_written(
    here: Path, capsys: pytest.CaptureFixture[str], report: str, why: str
) -> None:
    write(here)
    (here / "folder").mkdir()
    assert main(["test", "--junit", report]) == WRONG_USE
    assert capsys.readouterr().err == f"voxrun: --junit {Path(report)} can't be written: {why}\n"


def test_a_report_in_the_home_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = here / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    write(here)
    assert main(["test", "-n", "0", "--junit=~/new/report.xml"]) == OK
    assert b"testcase" in (home / "new" / "report.xml").read_bytes()
    assert not (here / "~").exists()


@pytest.mark.parametrize(
    ("arguments", "said"), [(("-n", "many"), "'many' is no number of processes"), (("--unknown",), "--unknown")]
)
def test_a_wrong_option(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["test", *arguments])
    assert ended.value.code == WRONG_USE
    assert said in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("nowhere", ["| true", "> /dev/full"])
def test_tests_that_nobody_reads_of_are_run_all_the_same(tmp_path: Path, nowhere: str) -> None:
    write(tmp_path, length="2s")
    done = run(["bash", "-c", f"{shlex.join([*COMMAND, 'test'])} {nowhere}; exit ${{PIPESTATUS[0]}}"], tmp_path)
    assert (done.status, done.text) == (SCENARIO_FAILED, "")


def test_a_scenario_without_tests_keeps_none_from_running(tmp_path: Path) -> None:
    """As in `voxrun test *.vox`."""
    write(tmp_path)
    (tmp_path / "plain.vox").write_text("log 1\n")
    done = voxrun("test", "plain.vox", "echo.vox", cwd=tmp_path)
    assert (done.status, done.out.splitlines()[-1].partition(" in ")[0]) == (0, "2 passed")


def test_words_that_no_test_has_are_wrong_use(tmp_path: Path) -> None:
    write(tmp_path)
    done = voxrun("test", "echo.vox", "-k", "nothing", cwd=tmp_path)
    assert done.status == 2
    assert "there is no such test" in done.text


def test_a_test_file_without_tests_is_no_wrong_name(tmp_path: Path) -> None:
    (tmp_path / "test_later.py").touch()
    done = voxrun("test", "test_later.py", cwd=tmp_path)
    assert (done.status, done.err) == (2, "voxrun: there are no tests in test_later.py\n")


def test_without_pytest_it_says_what_to_install(tmp_path: Path) -> None:
    write(tmp_path)
    command = [
        sys.executable,
        "-c",
        f"{HIDE_PYTEST}; import sys; from voxrun.cli import main; sys.exit(main(['test']))",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "voxrun: `voxrun test` needs pytest: pip install 'voxrun[testing]'\n"


@pytest.mark.slow
def test_the_shipped_scenarios_pass_and_each_has_tests(tmp_path: Path) -> None:
    scenarios = ROOT / "scenarios"
    done = voxrun("test", scenarios, cwd=tmp_path)
    assert done.status == 0, done.out
    for path in scenarios.glob("*.*"):
        tested = path.name if path.suffix == ".vox" else f"test_{path.stem}.py"
        assert f"{tested}  " in done.out


class Terminal:
    """`voxrun test --watch` in a terminal of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests may ignore it
            os.execve(sys.executable, [*COMMAND, "test", "--watch", *options], environment())

    def until(self, text: str, seconds: float = 40.0) -> str:
        """What is shown up to and with `text`."""
        shown = ""
        end = time.monotonic() + seconds
        while text not in shown:
            ready, _, _ = select.select([self._file], [], [], max(end - time.monotonic(), 0.0))
            assert ready, f"{text!r} was not shown in time, but {shown}"
            shown += os.read(self._file, 65536).decode()
        return shown

    def press_ctrl_c(self) -> int:
        """The exit status after it. As people do, it is pressed again when nothing comes of it for a while."""
        for _ in range(10):
            os.write(self._file, b"\x03")
            if self._closed_within(3.0):
                _, status = os.waitpid(self.pid, 0)  # who ends closes the terminal a moment before having ended
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("Ctrl-C does not end it")

    def _closed_within(self, seconds: float) -> bool:
        """Whether the terminal's other end is closed; looked at until nothing has been shown for so long."""
        with contextlib.suppress(OSError):
            while select.select([self._file], [], [], seconds)[0]:
                if not os.read(self._file, 65536):
                    return True
            return False
        return True

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._file)


@pytest.mark.slow
def test_watch_runs_what_a_change_concerns(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "other").mkdir()
    write(tmp_path / "other")
    (tmp_path / "other" / "test_echo.py").rename(tmp_path / "other" / "test_other.py")
    terminal = Terminal(tmp_path)
    try:
        assert "6 passed" in terminal.until("waiting for changes")
        write(tmp_path, "2s")
        shown = terminal.until("waiting for changes")
        assert "2 passed, 1 failed" in shown
        assert "other" not in shown
        (tmp_path / "other" / "test_other.py").write_text(PYTHON.replace("TIME", "2.2"))
        shown = terminal.until("waiting for changes")
        assert "other/test_other.py  1 passed" in shown
        assert "other/echo.vox" not in shown
        assert terminal.press_ctrl_c() == 130
    finally:
        terminal.close()


GOLDEN = """
from voxrun.testing import at, hangUp

def test_golden(simulate):
    assert simulate("echo.vox", caller=[at(1.0, hangUp())]).caller.heard.matchesGolden("golden.wav")
"""


@pytest.mark.slow
def test_watch_does_not_run_again_for_what_the_tests_have_written(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "test_echo.py").write_text(GOLDEN)
    (tmp_path / "test_other.py").write_text("def test_it(): pass")
    terminal = Terminal(tmp_path, "--update-golden")
    try:
        assert "test_echo.py  1 passed" in terminal.until("waiting for changes")
        (tmp_path / "test_other.py").write_text("def test_it(): assert 1")
        assert "test_echo.py" not in terminal.until("test_other.py  1 passed")
        assert terminal.press_ctrl_c() == 130
    finally:
        terminal.close()
