"""The example scenarios and those of the language reference have nothing wrong in them."""

import re
from pathlib import Path

import pytest
from tests.dsl.checked import findings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "grammar" / "README.md"
EXAMPLES = re.findall(r"```vox\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.S) if REFERENCE.exists() else []


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").rglob("*.vox")), ids=lambda path: path.name)
def test_a_scenario_is_right(path: Path) -> None:
    assert findings(path.read_text(encoding="utf-8")) == ()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_reference_is_right(example: str) -> None:
    assert findings(example) == ()
