"""Every session has modules of its own."""

import calendar
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from voxrun.errors import ConfigurationError, ScenarioError
from voxrun.session.loader import file_of, load, read, unload


class Folder:
    """A folder of scenarios; what is loaded from it is unloaded after the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loaded: list[ModuleType] = []

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def load(self, name: str = "scenario.py") -> ModuleType:
        module = load(read(self.path / name))
        self.loaded.append(module)
        return module


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    before = set(sys.modules), list(sys.path)
    made = Folder(tmp_path)
    yield made
    for module in made.loaded:
        unload(module)
    own = [name for name in set(sys.modules) - before[0] if name.startswith("voxrun_scenario")]
    assert own == []
    assert sys.path == before[1]


def test_each_load_is_a_fresh_namespace(folder: Folder) -> None:
    folder.write("scenario.py", "seen = []\n")
    first = folder.load()
    first.seen.append("something")
    second = folder.load()
    assert second.seen == []
    assert first.__name__ != second.__name__


def test_siblings_are_fresh_for_each_session_and_one_within_it(folder: Folder) -> None:
    folder.write("state.py", "values = []\n")
    folder.write(
        "scenario.py",
        """
        import state
        def later():
            import state as again
            return again
        def from_later():
            from state import values
            return values
        """,
    )
    first, second = folder.load(), folder.load()
    first.state.values.append(1)
    assert first.later() is first.state
    assert first.from_later() == [1]
    assert second.later() is second.state
    assert second.from_later() == []


def test_a_sibling_imported_only_inside_handlers_is_not_shared_either(folder: Folder) -> None:
    folder.write("state.py", "values = []\n")
    folder.write("scenario.py", "def later():\n    import state\n    return state.values\n")
    first, second = folder.load(), folder.load()
    first.later().append(1)
    assert (first.later(), second.later()) == ([1], [])
    unload(first)
    assert "state" not in sys.modules


def test_siblings_import_siblings_lazily_too(folder: Folder) -> None:
    folder.write("state.py", "values = []\n")
    folder.write("helper.py", "def values():\n    import state\n    return state.values\n")
    folder.write("scenario.py", "import state, helper\n")
    module = folder.load()
    assert module.helper.values() is module.state.values


def test_the_same_name_in_two_folders_is_two_modules_whatever_the_order(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.write(f"{name}/common.py", f"here = '{name}'\n")
        folder.write(f"{name}/scenario.py", "import common\n")
    assert [folder.load(f"{name}/scenario.py").common.here for name in "aba"] == ["a", "b", "a"]


def test_a_sibling_shadows_the_library_for_the_scenario_only(folder: Folder) -> None:
    folder.write("calendar.py", "own = True\n")
    folder.write("scenario.py", "import calendar\n")
    assert folder.load().calendar.own
    assert sys.modules["calendar"] is calendar


def test_an_import_elsewhere_does_not_touch_the_scripts_names(folder: Folder) -> None:
    folder.write("config.py", "")
    folder.write("helper.py", "def read():\n    import config\n")
    folder.write("scenario.py", "import helper\nconfig = {'mine': 1}\nhelper.read()\n")
    assert folder.load().config == {"mine": 1}


def test_siblings_may_import_each_other_and_the_script(folder: Folder) -> None:
    folder.write("a.py", "import b\nname = 'a'\n")
    folder.write("b.py", "import a, scenario\ndef other():\n    return a.name, scenario.name\n")
    folder.write("scenario.py", "name = 'script'\nimport a\n")
    module = folder.load()
    assert module.a.b.other() == ("a", "script")
    assert module.a.b.scenario is module


@pytest.mark.parametrize(
    ("statement", "expression"),
    [
        ("import pack.inner", "pack.inner.name"),
        ("import pack.inner as inner", "inner.name"),
        ("from pack import inner", "inner.name"),
        ("from pack.inner import name", "name"),
        ("from pack.inner import *", "name"),
        ("from pack.relative import name", "name"),
        ("from plain.inner import name", "name"),
    ],
)
def test_packages_beside_the_script(folder: Folder, statement: str, expression: str) -> None:
    folder.write("pack/__init__.py", "")
    folder.write("pack/inner.py", "name = 'inner'\n")
    folder.write("pack/relative.py", "from .inner import name\nfrom . import inner\n")
    folder.write("plain/inner.py", "name = 'inner'\n")  # no __init__.py
    folder.write("scenario.py", f"{statement}\nfound = {expression}\n")
    assert folder.load().found == "inner"


def test_a_folder_that_is_no_package_hides_no_library(folder: Folder) -> None:
    folder.write("msgspec/readme.txt", "")
    folder.write("scenario.py", "import msgspec\nfound = msgspec.json\n")
    assert folder.load().found is sys.modules["msgspec"].json


def test_a_script_may_be_called_voxrun(folder: Folder) -> None:
    folder.write("voxrun.py", "from voxrun import VoxEngine\n")
    assert folder.load("voxrun.py").VoxEngine.__name__ == "voxrun.api.voxengine"


def test_a_script_may_have_dots_in_its_name(folder: Folder) -> None:
    folder.write("state.py", "")
    folder.write("call.v2.py", "from . import state\n")
    assert folder.load("call.v2.py").state.__file__ == str(folder.path / "state.py")


def test_dataclasses_enums_and_pickle_work(folder: Folder) -> None:
    source = """
        from __future__ import annotations
        import enum, pickle, typing
        from dataclasses import dataclass, field

        @dataclass(slots=True)
        class Caller:
            name: str
            calls: typing.ClassVar[int] = 0
            more: list[Caller] = field(default_factory=list)

        class Mood(enum.Enum):
            GOOD = 1

        again = pickle.loads(pickle.dumps(Caller("me", [Caller("you")])))
        """
    folder.write("sibling.py", source)
    folder.write("scenario.py", dedent(source) + "import sibling\nhints = typing.get_type_hints(sibling.Caller)\n")
    module = folder.load()
    assert module.again == module.Caller("me", [module.Caller("you")])
    assert module.hints["name"] is str


def test_a_file_edited_meanwhile_is_read_anew(folder: Folder) -> None:
    folder.write("state.py", "value = 1\n")
    folder.write("scenario.py", "import state\n")
    assert folder.load().state.value == 1
    folder.write("state.py", "value = 2\n")
    assert folder.load().state.value == 2
    assert not (folder.path / "__pycache__").exists()


def test_the_script_is_not_the_main_module(folder: Folder) -> None:
    folder.write("scenario.py", "main = __name__ == '__main__'\nfile = __file__\n")
    module = folder.load()
    assert not module.main
    assert module.file == str(folder.path / "scenario.py")


def test_what_fails_to_load_leaves_nothing_behind(folder: Folder) -> None:
    folder.write("state.py", "")
    folder.write("scenario.py", "import state\n1 / 0\n")
    with pytest.raises(ScenarioError, match="ZeroDivisionError"):
        folder.load()


@pytest.mark.parametrize(
    ("source", "end"),
    [
        ("from voxrun import Call\nCall.playFile\n", "has no attribute 'playFile'"),
        ("class Mine:\n    _counter = 1\nMine._conter\n", "did you mean '_counter'?"),
    ],
)
def test_only_who_writes_a_private_name_is_told_of_one(folder: Folder, source: str, end: str) -> None:
    folder.write("scenario.py", source)
    with pytest.raises(ScenarioError) as error:
        folder.load()
    assert error.value.message.endswith(end)


@pytest.mark.parametrize("name", ["missing.py", ""])
def test_a_file_that_cannot_be_read_is_a_wrong_argument(folder: Folder, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"can't be read: (No such file|Is a directory)"):
        folder.load(name)


def test_a_keyboard_interrupt_while_a_scenario_loads_is_no_mistake_of_its(folder: Folder) -> None:
    folder.write("scenario.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        folder.load()


def test_the_ending_that_counts_is_the_one_that_was_given(tmp_path: Path) -> None:
    """A link may lead to a release of whatever name."""
    (tmp_path / "menu.py.3").write_text("")
    (tmp_path / "menu.py").symlink_to("menu.py.3")
    assert file_of(tmp_path / "menu.py") == tmp_path / "menu.py.3"
    with pytest.raises(ConfigurationError, match=r"menu\.py\.3 is no scenario: their names end with \.vox or \.py"):
        file_of(tmp_path / "menu.py.3")


def test_where_a_scenario_is_can_be_asked_whatever_its_name() -> None:
    name = Path("a" * 300 + ".py")  # more than a file system takes; opening it tells so
    assert file_of(name) == Path.cwd() / name
