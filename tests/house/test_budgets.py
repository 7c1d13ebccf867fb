"""The house rules that no linter knows: sizes, inheritance, and where errors may be caught wholesale."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "runtime" / "voxrun"
SOURCES = sorted(PACKAGE.rglob("*.py"))

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_INHERITANCE = 2

CATCHES_EVERYTHING = {"session/dispatch.py", "session/loader.py", "session/session.py", "cli/main.py"}
"""Where the session meets user code, where it meets the code of its units, and the command line."""


Trees = list[tuple[str, ast.Module]]


@pytest.fixture(scope="module")
def trees() -> Trees:
    return [(path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text())) for path in SOURCES]


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    """True unless it only tidies up and raises the same again."""
    named = ast.dump(handler.type) if handler.type else "'Exception'"
    last = handler.body[-1]
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    return ("'Exception'" in named or "'BaseException'" in named) and not raises_again


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 40


@pytest.mark.parametrize(
    "path", sorted([*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "scenarios").rglob("*.py")])
)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES


def test_no_function_is_too_long(trees: Trees) -> None:
    functions = [
        (name, node)
        for name, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {f"{name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 for name, node in functions}
    assert {where: length for where, length in lengths.items() if length > MAX_FUNCTION_LINES} == {}


def test_every_file_says_what_lives_there(trees: Trees) -> None:
    assert [name for name, tree in trees if not ast.get_docstring(tree)] == []


def test_inheritance_is_shallow(trees: Trees) -> None:
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for name, tree in trees
        if name != "errors.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def depth(name: str) -> int:
        return max((1 + depth(base) for base in bases.get(name, []) if base in bases), default=0)

    assert {name: depth(name) for name in bases if depth(name) > MAX_INHERITANCE} == {}


def test_errors_are_caught_wholesale_in_few_places(trees: Trees) -> None:
    catching = {
        name
        for name, tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node)
    }
    assert catching <= CATCHES_EVERYTHING
