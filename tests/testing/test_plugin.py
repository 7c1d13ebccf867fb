"""The pytest plugin, in a pytest of its own."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.testing.scenarios import ECHO, write

TEST = """
from voxrun.testing import at, hangUp, say, tone

def test_it(simulate):
    call = simulate("scenario.py", caller=[at(1.0, say(tone(0.5))), at(2.0, hangUp())])
    call.expectOk()
    assert call.caller.heard.silentFrom({silent})
    assert call.caller.heard.matchesGolden({golden!r})
"""

NEEDS_NOTHING = """
import sys

def test_nothing_of_voxrun_is_loaded():
    assert [name for name in sys.modules if name.startswith("voxrun.") and "plugin" not in name] in (
        [], ["voxrun.namespace", "voxrun.testing"])
    assert "numpy" not in sys.modules
"""

UNCUT = ("CI", "BUILD_NUMBER")
"""With these in the environment pytest says all of a failure once more at the end."""


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest there, as a user of voxrun does."""
    installed = [point for point in entry_points(group="pytest11") if point.value == "voxrun.testing.plugin"]
    plugin = [] if installed else ["-p", "voxrun.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *arguments]
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if name not in UNCUT}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_scenario_beside_the_test_and_a_golden_recording(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    write(folder, ECHO)
    (folder / "test_it.py").write_text(TEST.format(silent=1.6, golden="golden.flac"))
    missing = pytest_in(tmp_path)
    assert missing.returncode == 1
    assert "--update-golden" in missing.stdout
    assert pytest_in(tmp_path, "--update-golden").returncode == 0
    assert (folder / "golden.flac").exists()
    assert pytest_in(tmp_path).returncode == 0


@pytest.mark.slow
def test_a_failure_shows_what_was_heard_and_the_timeline(tmp_path: Path) -> None:
    write(tmp_path, ECHO)
    (tmp_path / "test_it.py").write_text(TEST.format(silent=1.2, golden="none.flac"))
    failed = pytest_in(tmp_path)
    assert failed.returncode == 1
    assert "silence was wanted from 1.200 s" in failed.stdout
    assert "voxrun timeline of call 1" in failed.stdout
    assert "caller  " in failed.stdout
    assert "is answered" in failed.stdout


FIXTURES = """
import pytest
from voxrun.testing import at, hangUp, press

@pytest.fixture
def call(simulate):
    call = simulate("scenario.py", caller=[at(1.0, press("5")), at(2.0, hangUp())])
    assert call.log == [{before!r}]
    yield call
    assert call.log == [{after!r}]

def test_it(call):
    call.expectOk()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [("key 7", "key 5"), ("key 5", "key 7")])
def test_a_fixture_that_fails_shows_its_call(tmp_path: Path, before: str, after: str) -> None:
    write(tmp_path, ECHO)
    (tmp_path / "test_it.py").write_text(FIXTURES.format(before=before, after=after))
    failed = pytest_in(tmp_path)
    assert failed.returncode == 1
    assert failed.stdout.count("voxrun timeline of call 1") == 1
    assert "key 5" in failed.stdout.partition("voxrun timeline of call 1")[2]


LATE = """
from voxrun.testing import at, press

def test_it(simulate):
    call = simulate("scenario.py", caller=[at(2.0, press("5"))])
    assert call.events.first("Call.ToneReceived")
"""


@pytest.mark.slow
def test_a_failure_shows_what_the_caller_did_not_come_to_do(tmp_path: Path) -> None:
    write(tmp_path, ECHO, "setTimeout(call.hangup, 1000)")
    (tmp_path / "test_it.py").write_text(LATE)
    failed = pytest_in(tmp_path)
    assert "the call was over before the caller did Press(digits='5')" in failed.stdout


def test_it_costs_nothing_when_unused(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(NEEDS_NOTHING)
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout


VOX = """
on AppEvents.CallAlerting as { call } {
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    setTimeout(fn () { call.hangup() }, 2s)
}
test "it is short" {
    caller presses "5" at 3s
    expect call lasts at most 1s
}
"""


def test_a_sentence_whose_cue_never_came_is_told_once(tmp_path: Path) -> None:
    late = 'caller presses "5" when CallEvents.Failed'
    (tmp_path / "a.vox").write_text(VOX.replace("caller presses", f"{late}\n    caller presses"))
    failed = pytest_in(tmp_path)
    assert failed.stdout.count(late) == 1
    assert "it waits for: event Call.Failed" in failed.stdout


def test_a_vox_file_with_tests_is_collected(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(VOX)
    (tmp_path / "b.vox").write_text('const test = "no test"\n')
    failed = pytest_in(tmp_path, "-v")
    assert failed.returncode == 1
    assert "a.vox::it is short FAILED" in failed.stdout
    assert "a.vox:9:5: error: the call lasted 2.00 s" in failed.stdout
    assert 'the call was over before `caller presses "5" at 3s`' in failed.stdout
    assert "voxrun timeline of call 1" in failed.stdout
    assert "1 failed" in failed.stdout
    assert "Traceback" not in failed.stdout


@pytest.mark.slow
def test_a_test_of_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text('test "it" of "none.py" {\n    nobody calls\n    expect log "x"\n}\n')
    failed = pytest_in(tmp_path)
    assert failed.returncode == 2
    assert "a.vox:1:14: error: there is no file none.py" in failed.stdout


@pytest.mark.slow
def test_pictures_of_calls_that_failed(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(VOX)
    failed = pytest_in(tmp_path, "--timeline-png", "pictures")
    (picture,) = (tmp_path / "pictures").iterdir()
    assert picture.name == "a.vox-it-is-short-1.png"
    assert str(picture) in failed.stdout


@pytest.mark.slow
def test_pictures_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(VOX)
    failed = pytest_in(tmp_path, "--timeline-png", "a.vox")
    assert f"--timeline-png {tmp_path / 'a.vox'} can't be written: File exists" in failed.stdout
    assert "INTERNALERROR" not in failed.stdout + failed.stderr
    assert "1 failed" in failed.stdout


@pytest.mark.slow
def test_without_pillow_there_is_no_picture_and_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.vox").write_text(VOX)
    (tmp_path / "conftest.py").write_text('import sys\nsys.modules["PIL"] = None\n')
    failed = pytest_in(tmp_path, "--timeline-png", "pictures")
    assert "Pillow" in failed.stdout
    assert "INTERNALERROR" not in failed.stdout
