"""The faults in mutations.toml, put into a copy of the runtime one at a time: the tests named there notice."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "runtime" / "voxrun"
MUTATIONS = tomllib.loads((HERE / "mutations.toml").read_text())["mutation"]
ALL_TESTS = sorted({test for mutation in MUTATIONS for test in mutation["caught_by"]})

pytestmark = pytest.mark.slow


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "voxrun", ignore=shutil.ignore_patterns("__pycache__")))


def outcomes(package: Path, tests: list[str]) -> dict[str, bool]:
    """Which of the tests, and of those that one of them stands for, passed with that package."""
    report = package.parent / "report.xml"
    folder = package.parent
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    done = subprocess.run(
        [*command, "-o", f"pythonpath={folder} .", *(f"tests/testing/{test}" for test in tests)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert len(cases) >= len(tests)
    return {f"{case.get('classname')}::{case.get('name')}": case.find("failure") is None for case in cases}


def test_without_a_fault_all_of_them_pass(package: Path) -> None:
    assert set(outcomes(package, ALL_TESTS).values()) == {True}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[mutation["fault"] for mutation in MUTATIONS])
def test_a_fault_is_caught(package: Path, mutation: dict[str, Any]) -> None:
    file = package / mutation["file"]
    source = file.read_text()
    assert source.count(mutation["old"]) == 1, f"{mutation['file']} has changed: where is the place of this fault now?"
    file.write_text(source.replace(mutation["old"], mutation["new"]))
    passed = [test for test, has_passed in outcomes(package, mutation["caught_by"]).items() if has_passed]
    assert passed == []
