"""Scenarios that many sessions share: a mistake that is saved does not reach the calls."""

import json
import os
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import trio
import trio.testing
from tests.kit import HEAD

from voxrun.api.vox import vox_language
from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.media.ticker import Ticker
from voxrun.session.http_request import HttpReply
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.session.versions import Versions
from voxrun.transports.network import MemoryNetwork

GOOD = {
    ".py": HEAD + "Logger.write('version {}')\nVoxEngine.terminate()\n",
    ".vox": 'log "version {}"\nVoxEngine.terminate()\n',
}
SECRETS = Secrets({"KEY": "key-of-the-test"}, {})
NOT_MENDED = "; until that is mended, calls get the version before it"


def records_of(scenario: Path, versions: Versions, data: str = "") -> list[dict[str, Any]]:
    """The trace of a session."""
    services = Services(secrets=SECRETS, network=MemoryNetwork(), language=vox_language, versions=versions)

    async def main() -> list[dict[str, Any]]:
        ticker = Ticker()
        session = Session(scenario, services, ticker, idle_seconds=1.0)
        session.custom_data = data
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            await session.run()
            nursery.cancel_scope.cancel()
        return [json.loads(line) for line in session.trace_log.lines()]

    return trio.run(main)


def run(scenario: Path, versions: Versions) -> tuple[str, str, str]:
    """What a session logs, what it is warned of, and how it fails."""
    records = records_of(scenario, versions)
    told = {str(record["kind"]): str(record.get("message")) for record in records}
    return told.get("log", ""), told.get("warning", ""), str(records[-1]["error"] or "")


@pytest.mark.parametrize(
    ("kind", "mistake", "wrong"),
    [(".py", "x = (", "a.py:1:5: while loading: '(' was never closed"), (".vox", "let = 1", "a.vox:1:5: error: ")],
)
def test_while_a_mistake_is_there_calls_get_the_version_before_it(
    tmp_path: Path, kind: str, mistake: str, wrong: str
) -> None:
    said: list[str] = []
    versions = Versions(said.append)
    scenario = tmp_path / f"a{kind}"
    scenario.write_text(GOOD[kind].format(1))
    assert run(scenario, versions) == ("version 1", "", "")
    for _ in range(2):
        scenario.write_text(mistake)
        for _ in range(3):
            logged, warned, error = run(scenario, versions)
            assert (logged, error) == ("version 1", "")
            assert wrong in warned
            assert warned.endswith(NOT_MENDED)
        assert said == [warned]
        scenario.write_text(GOOD[kind].format(2))
        assert run(scenario, versions) == ("version 2", "", "")
        scenario.write_text(GOOD[kind].format(1))
        assert run(scenario, versions) == ("version 1", "", "")
        said.clear()


def test_a_file_that_is_gone_is_a_mistake_as_well(tmp_path: Path) -> None:
    said: list[str] = []
    versions = Versions(said.append)
    scenario = tmp_path / "a.py"
    scenario.write_text(GOOD[".py"].format(1))
    versions.read(scenario, None)
    scenario.unlink()
    assert run(scenario, versions)[0] == "version 1"
    assert said == [f"{scenario} can't be read: No such file or directory{NOT_MENDED}"]


def test_without_a_version_before_it_a_mistake_is_an_error(tmp_path: Path) -> None:
    versions = Versions(print)
    with pytest.raises(ConfigurationError, match="can't be read"):
        versions.read(tmp_path / "none.py", None)
    (tmp_path / "a.py").write_text("x = (")
    with pytest.raises(ScenarioError, match="never closed"):
        versions.read(tmp_path / "a.py", None)


def test_a_link_that_leads_to_a_mistake_or_nowhere_is_one_as_well(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
    (tmp_path / "1" / "a.py").write_text(HEAD + "from beside import name\nLogger.write(name)\nVoxEngine.terminate()\n")
    (tmp_path / "1" / "beside.py").write_text("name = 'release 1'\n")
    (tmp_path / "2" / "a.py").write_text("x = (")
    current = tmp_path / "current"
    said: list[str] = []
    versions = Versions(said.append)
    current.symlink_to("1")
    assert run(current / "a.py", versions) == ("release 1", "", "")
    wrongs = {
        "2": f"{tmp_path / '2' / 'a.py'}:1:5: while loading: '(' was never closed",
        "3": f"{tmp_path / '3' / 'a.py'} can't be read: No such file or directory",
        "current": f"{current / 'a.py'} can't be read: Too many levels of symbolic links",
    }
    for target, wrong in wrongs.items():
        current.unlink()
        current.symlink_to(target)
        assert run(current / "a.py", versions) == ("release 1", wrong + NOT_MENDED, "")
    assert said == [wrong + NOT_MENDED for wrong in wrongs.values()]


class Served:
    """A scenario, `a.py` in a folder of its own, that is served."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder = folder / "served"
        self.folder.mkdir()
        self.said: list[str] = []
        self.versions = Versions(self.said.append)
        self.save(**files)
        self.versions.read(self.scenario, None)

    @property
    def scenario(self) -> Path:
        """Its file."""
        return self.folder / "a.py"

    def save(self, **files: str) -> None:
        """Write these modules; a call may come at any time."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(HEAD + text if name == "a" else text)

    def call(self) -> tuple[str, str, str]:
        """See `run`."""
        return run(self.scenario, self.versions)

    def goes_on(self, logged: str, wrong: str) -> None:
        """Several calls get the version before, and that is told once."""
        self.said.clear()
        for _ in range(3):
            assert self.call() == (logged, f"{wrong}{NOT_MENDED}", "")
        assert self.said == [f"{wrong}{NOT_MENDED}"]


SAYS = "import beside\nLogger.write(beside.text)\nVoxEngine.terminate()\n"


def test_a_module_beside_it_is_of_the_same_version(tmp_path: Path) -> None:
    served = Served(tmp_path, a=SAYS, beside="text = 'one'\n")
    assert served.call() == ("one", "", "")
    served.save(beside="text = (\n")
    served.goes_on("one", f"{served.folder}/beside.py:1:8: while loading: '(' was never closed")
    served.save(a=SAYS.replace("text", "words"))
    assert served.call()[0::2] == ("one", "")
    served.save(beside="text = 'two'\n")
    wrong = "while loading: AttributeError: module 'beside' has no attribute 'words'"
    served.goes_on("one", f"{served.folder}/a.py:3: {wrong}")
    served.save(beside="words = 'two'\n")
    assert served.call() == ("two", "", "")


def test_modules_that_are_moved_are_still_there_for_the_version_before(tmp_path: Path) -> None:
    served = Served(tmp_path, a="from beside import text\n" + SAYS, beside="from package.inner import text\n")
    inner = served.folder / "package" / "inner.py"
    inner.parent.mkdir()
    inner.write_text("from a import VoxEngine\ntext = 'one'\n")
    (inner.parent / "__init__.py").touch()
    assert served.call() == ("one", "", "")
    inner.rename(served.folder / "inner.py")
    os.rename(inner.parent, served.folder / "renamed")
    wrong = "while loading: ModuleNotFoundError: No module named 'package'"
    served.goes_on("one", f"{served.folder}/beside.py:1: {wrong}")
    for path in served.folder.glob("*.py"):
        path.unlink()
    served.goes_on("one", f"{served.scenario} can't be read: No such file or directory")
    served.save(a="Logger.write('two')\nVoxEngine.terminate()\n")
    assert served.call() == ("two", "", "")


def test_a_package_without_init_that_is_moved_is_still_there_as_well(tmp_path: Path) -> None:
    says = "Logger.write(two.text)\nVoxEngine.terminate()\n"
    served = Served(tmp_path, a="from package.one import two\n" + says)
    inner = served.folder / "package" / "one" / "two.py"
    inner.parent.mkdir(parents=True)
    inner.write_text("text = 'one'\n")
    assert served.call() == ("one", "", "")
    (served.folder / "package").rename(served.folder / "renamed")
    served.goes_on("one", f"{served.scenario}:2: while loading: ModuleNotFoundError: No module named 'package'")


def test_a_version_that_ends_the_session_before_it_fails_is_none_either(tmp_path: Path) -> None:
    served = Served(tmp_path, a=GOOD[".py"])
    served.save(a="VoxEngine.terminate()\nnonsuch\n")
    wrong = f"{served.scenario}:3: while loading: NameError: name 'nonsuch' is not defined"
    served.goes_on("version {}", wrong)


@pytest.mark.parametrize("mistake", ["nonsuch\n", "x = (\n"])
def test_who_hangs_up_while_a_version_is_read_gets_no_call(tmp_path: Path, mistake: str) -> None:
    served = Served(tmp_path, a="VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write('one'))\n")
    served.save(a=mistake)
    services = Services(secrets=SECRETS, network=MemoryNetwork(), versions=served.versions)

    async def main() -> tuple[str, str]:
        session = Session(served.scenario, services, Ticker())
        session.interrupt("hung up")
        outcome = await session.run()
        return outcome.reason, "\n".join(session.trace_log.lines())

    reason, told = trio.run(main)
    assert reason == "hung up"
    assert '"kind":"log"' not in told


@pytest.mark.parametrize("ends", ["", "VoxEngine.terminate()\n"])
def test_who_connects_meanwhile_waits_for_the_version_before_even_if_the_new_one_ended_the_session(
    tmp_path: Path, ends: str
) -> None:
    allows = """
        async def begin(event):
            pass
        VoxEngine.addEventListener(AppEvents.Started, begin)
        VoxEngine.addEventListener(AppEvents.Started, lambda e: VoxEngine.allowWebSocketConnections())
        VoxEngine.addEventListener(AppEvents.Started, lambda e: setTimeout(VoxEngine.terminate, 100))
        """
    served = Served(tmp_path, a=dedent(allows))
    served.save(a=f"{ends}nonsuch\n")
    services = Services(secrets=SECRETS, network=MemoryNetwork(), versions=served.versions)
    refusals: list[HttpReply | None] = []

    async def main() -> None:
        session = Session(served.scenario, services, Ticker())
        session.access_url = "http://control.test"

        async def connect() -> None:
            refusals.append(await session.incoming.refusal())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(connect)
            await trio.testing.wait_all_tasks_blocked()
            await session.run()

    trio.run(main)
    assert refusals == [None]


def test_a_module_that_is_loaded_again_is_as_it_is_now_and_its_sessions_alone(tmp_path: Path) -> None:
    again = """
        import importlib
        from pathlib import Path
        import beside
        path = Path(beside.__file__)
        if VoxEngine.customData():
            path.write_text(VoxEngine.customData())
            importlib.reload(beside)
        """
    served = Served(tmp_path, a=dedent(again) + SAYS, beside="text = 'one'\n")
    assert served.call() == ("one", "", "")
    records = records_of(served.scenario, served.versions, "text = 'one and two'\nwords = text\n")
    assert [it["message"] for it in records if it["kind"] == "log"] == ["one and two"]
    served.save(beside="words = 'two'\n")
    wrong = "while loading: AttributeError: module 'beside' has no attribute 'text'"
    served.goes_on("one", f"{served.scenario}:11: {wrong}")


def test_nothing_is_left_of_a_version_that_fails_while_it_is_loaded(tmp_path: Path) -> None:
    good = """
        Logger.write(VoxEngine.customData())
        VoxEngine.addEventListener(AppEvents.Started, lambda e: setTimeout(VoxEngine.terminate, 100))
        """
    bad = """
        VoxEngine.customData("changed")
        VoxEngine.addEventListener(AppEvents.Started, lambda e: Logger.write("a handler"))
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: Logger.write("the last handler"))
        setTimeout(lambda: Logger.write("a timer"), 0)
        Net.httpRequest("http://nobody.test", lambda e: Logger.write("a request"))
        VoxEngine.createWebSocket("ws://nobody.test").addEventListener(
            WebSocketEvents.ERROR, lambda e: Logger.write("a connection")
        )
        Logger.write("begun")
        nonsuch
        """
    served = Served(tmp_path, a=dedent(good))
    served.save(a=dedent(bad))
    records = records_of(served.scenario, served.versions, "given")
    assert [it["message"] for it in records if it["kind"] == "log"] == ["begun", "given"]
    wrong = f"{served.scenario}:12: while loading: NameError: name 'nonsuch' is not defined{NOT_MENDED}"
    assert [it["message"] for it in records if it["kind"] == "warning"] == [wrong]
    assert [it for it in records if it["kind"] in ("error", "traceback", "http")] == []
    assert records[-1]["reason"] == "terminated by the scenario"


def test_what_fails_in_a_version_that_could_be_loaded_is_an_error_and_runs_once(tmp_path: Path) -> None:
    count = "from pathlib import Path\nwith Path(__file__).with_name('count').open('a') as file:\n    file.write('x')\n"
    served = Served(tmp_path, a=count + "if Path(__file__).with_name('now').exists():\n    1 / 0\n" + GOOD[".py"])
    assert served.call() == ("version {}", "", "")
    (served.folder / "now").touch()
    assert served.call()[2].startswith(f"{served.scenario}:6: while loading: ZeroDivisionError")
    assert (served.folder / "count").read_text() == "xx"
    assert served.said == []


def test_a_new_version_of_the_language_that_fails_at_once_is_no_version_either(tmp_path: Path) -> None:
    said: list[str] = []
    versions = Versions(said.append)
    scenario = tmp_path / "a.vox"
    scenario.write_text(GOOD[".vox"].format(1))
    assert run(scenario, versions) == ("version 1", "", "")
    scenario.write_text('const none = parse("null")\nlog none.length\n')
    for _ in range(2):
        assert run(scenario, versions)[0::2] == ("version 1", "")
    assert len(said) == 1
    assert said[0].startswith(f"{scenario}:2:10: while loading: null has no length")
    assert said[0].endswith(NOT_MENDED)


@pytest.mark.parametrize(
    ("mistake", "is_told"),
    [
        ("1 / 0", "error"),
        ("VoxEngine.addEventListener('zzz', print)\n    VoxEngine.terminate()", "warning"),
    ],
)
def test_a_line_is_shown_as_it_is_in_the_version_that_runs(tmp_path: Path, mistake: str, is_told: str) -> None:
    fails = f"@VoxEngine.on(AppEvents.Started)\ndef fail(event):\n    {mistake}\n"
    served = Served(tmp_path, a=fails)
    assert served.call()[1:] != ("", "")
    served.save(a="# quite\n# something\n# else\n# now\n1 +\n")
    records = records_of(served.scenario, served.versions)
    *_, told = (record["message"] for record in records if record["kind"] == is_told)
    assert told.startswith(f"{served.scenario}:4: ")
    assert told.endswith("\n    " + mistake.partition("\n")[0])
    shown = [record["text"] for record in records if record["kind"] == "traceback"]
    assert all("1 / 0" in text and "# now" not in text for text in shown)
    assert len(shown) == (is_told == "error")


def test_no_secret_is_told_with_a_mistake(tmp_path: Path) -> None:
    served = Served(tmp_path, a=GOOD[".py"])
    served.save(a="raise ValueError(VoxEngine.getSecretValue('KEY'))\n")
    served.goes_on("version {}", f"{served.scenario}:2: while loading: ValueError: ***")


def test_secrets_that_are_lacking_are_told_to_each_session(tmp_path: Path) -> None:
    scenario = tmp_path / "a.vox"
    scenario.write_text('log secret("NONE")\nVoxEngine.terminate()\n')
    versions = Versions(print)
    versions.read(scenario, vox_language)
    for _ in range(2):
        assert "the secret NONE is not set" in run(scenario, versions)[1]


def test_a_version_that_was_only_read_and_is_no_better_is_not_told(tmp_path: Path) -> None:
    served = Served(tmp_path, a="first\n")
    for name in ("second", "third"):
        served.save(a=f"{name}\n")
        for _ in range(2):
            logged, warned, error = served.call()
            assert (logged, warned) == ("", "")
            assert f"name '{name}' is not defined" in error
    assert served.said == []


def test_what_never_could_be_loaded_is_no_version_before(tmp_path: Path) -> None:
    served = Served(tmp_path, a="first\n")
    for name in ("first", "second", "third"):
        served.save(a=f"{name}\n")
        assert "name '" + name in served.call()[2]
    served.save(a=GOOD[".py"])
    assert served.call() == ("version {}", "", "")
    assert served.said == []
