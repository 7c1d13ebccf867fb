"""The tests in the language reference pass."""

import re
from pathlib import Path

import pytest

from voxrun.testing.expectations import judge
from voxrun.testing.running import simulate
from voxrun.testing.vox_tests import vox_tests

REFERENCE = Path(__file__).parents[2] / "grammar" / "README.md"
EXAMPLES = [
    it for it in re.findall(r"```vox\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.S) if "\ntest " in it
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_passes(example: str, tmp_path: Path) -> None:
    path = tmp_path / "example.vox"
    path.write_text(example)
    tests = vox_tests(path)
    assert tests
    for test in tests:
        call = simulate(test.scenario, **test.parameters(tmp_path / "files"))
        assert judge(test, call) == []


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 2
