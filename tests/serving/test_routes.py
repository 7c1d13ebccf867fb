"""Which scenario answers, and that nobody outside can name a file."""

from pathlib import Path

import pytest

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.serving.routes import Route, Routes

DEFAULT, BERLIN, SALES = Path("a/default.py"), Path("b/berlin.vox"), Path("c/sales.py")
ROUTES = Routes(DEFAULT, [Route("+4930*", BERLIN), Route("/media/*/sales", SALES), Route("+49*", SALES)])


@pytest.mark.parametrize(
    ("path", "destination", "scenario"),
    [
        ("/media/twilio", "+493012345", BERLIN),
        ("/media/twilio/sales", "+493012345", BERLIN),
        ("/media/twilio/sales", "+1", SALES),
        ("/media/twilio", "+4940", SALES),
        ("/media/twilio", "+1", DEFAULT),
        ("/media/twilio", "", DEFAULT),
        ("/media/twilio", "/media/x/sales", DEFAULT),
        ("/media/twilio", "../c/sales.py", DEFAULT),
    ],
)
def test_the_first_route_that_fits_counts(path: str, destination: str, scenario: Path) -> None:
    assert ROUTES.choose(path, destination) == scenario


def test_without_a_default_some_calls_have_nobody() -> None:
    assert Routes(None, [Route("+49*", SALES)]).choose("/media/l16", "+1") is None


def test_scenarios_are_named_by_their_files_and_by_nothing_else() -> None:
    assert ROUTES.scenarios == (DEFAULT, BERLIN, SALES)
    assert ROUTES.named("") == DEFAULT
    assert ROUTES.named("sales.py") == SALES
    for name in ("../c/sales.py", "c/sales.py", "/etc/passwd", "sales", "sales.py\0", "*", "."):
        with pytest.raises(ConfigurationError, match=r"there are default\.py, berlin\.vox, sales\.py"):
            ROUTES.named(name)


def test_they_are_the_same_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (here := tmp_path / "here").symlink_to(tmp_path)
    routes = Routes(Path("here/a.py"), [Route("1", Path("b.py")), Route("2", Path("/c.py"))]).absolute()
    assert routes == Routes(here / "a.py", [Route("1", tmp_path / "b.py"), Route("2", Path("/c.py"))])
    assert Routes(None).absolute() == Routes(None, [])


def test_a_relative_one_is_nowhere_when_the_current_folder_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigurationError, match="the current folder is gone"):
        ROUTES.absolute()
    assert Routes(tmp_path).absolute() == Routes(tmp_path, [])


def test_as_long_as_one_can_be_read_there_is_something_to_serve() -> None:
    def read(scenario: Path) -> None:
        if scenario in wrong:
            raise ScenarioError(f"in {scenario.name}")

    wrong: set[Path] = set()
    assert ROUTES.mistakes(read) == []
    wrong |= {DEFAULT, SALES}
    assert [str(mistake) for mistake in ROUTES.mistakes(read)] == ["in default.py", "in sales.py"]
    wrong.add(BERLIN)
    with pytest.raises(ScenarioError, match=r"in default\.py"):
        ROUTES.mistakes(read)


def test_how_a_route_is_said() -> None:
    assert Route.parse("+49*=a=b.py") == Route("+49*", Path("a=b.py"))
    for text in ("", "=", "x", "x=", "=x"):
        with pytest.raises(ConfigurationError, match="PATTERN=FILE"):
            Route.parse(text)
