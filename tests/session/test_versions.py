"""Scenarios that many sessions share: a mistake that is saved does not reach the calls."""

from pathlib import Path

import pytest
import trio
from tests.kit import HEAD

from voxrun.api.vox import vox_language
from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.session.versions import Versions
from voxrun.transports.network import MemoryNetwork

GOOD = {
    ".py": HEAD + "Logger.write('version {}')\nVoxEngine.terminate()\n",
    ".vox": 'log "version {}"\nVoxEngine.terminate()\n',
}
NOT_MENDED = "; until that is mended, calls get the version before it"


def run(scenario: Path, versions: Versions) -> tuple[str, str, str]:
    """What a session logs, what it is warned of, and how it fails."""
    services = Services(secrets=Secrets({}, {}), network=MemoryNetwork(), language=vox_language, versions=versions)

    async def main() -> tuple[str, str, str]:
        session = Session(scenario, services, Ticker())
        told: dict[str, str] = {"log": "", "warning": ""}
        session.trace_log.observe(lambda record: told.update({str(record["kind"]): str(record.get("message"))}))
        outcome = await session.run()
        return told["log"], told["warning"], str(outcome.error or "")

    return trio.run(main)


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
