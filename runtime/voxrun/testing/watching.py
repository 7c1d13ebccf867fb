"""`watch`: runs tests again whenever a file that they use is saved."""

import ast
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import trio

from voxrun.errors import ConfigurationError
from voxrun.testing.plugin import TEST_BLOCK

POLL_SECONDS = 0.2

_CODE = (".py", ".vox")
"""Files that nobody but a person writes."""

_PYTHON_TESTS = ("test_*.py", "*_test.py")
_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)+)"')


def test_files(paths: Iterable[Path]) -> list[Path]:
    """The files with tests among the paths, and below those that are folders; hidden ones are left out there.

    A Python file among the paths may have any name. ConfigurationError for one that can't be read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = (it for it in path.rglob("*") if it.suffix in _CODE and os.path.isfile(it))
        below = [path] if path.is_file() else sorted(inside)
        shown = [it for it in below if not any(part.startswith(".") for part in it.relative_to(path).parts)]
        found |= dict.fromkeys(it for it in shown if _has_tests(it) or (path.is_file() and it.suffix == ".py"))
    return list(found)


async def watch(paths: Sequence[Path], command: Sequence[str]) -> None:
    """Run `command` with the test files there are below `paths`, then again with those that are concerned by a change.

    Runs until it is cancelled.
    """
    before: dict[Path, float] = {}
    while True:
        used = {test: used_by(test) for test in test_files(paths)}
        now = _saved({file for files in used.values() for file in files})
        changed = {file for file in before.keys() | now.keys() if before.get(file) != now.get(file)}
        before = now
        concerned = [str(test) for test, files in used.items() if files & changed]
        if concerned:
            await trio.run_process([*command, *concerned], check=False)
            now = _saved({file for test in test_files(paths) for file in used_by(test)})
            before |= {file: time for file, time in now.items() if file.suffix not in _CODE}  # written by the tests
            print("waiting for changes; Ctrl-C ends this\n", flush=True)  # noqa: T201 - it is for a person to see
        await trio.sleep(POLL_SECONDS)


def used_by(test: Path) -> set[Path]:
    """The file itself, those that it names or imports, and those that these do: scenarios, modules, sounds.

    Every conftest.py that pytest reads for it counts as imported.
    """
    used: set[Path] = set()
    waiting = [test, *(it for folder in test.parents if (it := folder / "conftest.py").is_file())]
    while waiting:
        file = waiting.pop()
        if file not in used:
            used.add(file)
            waiting += _named_in(file)
    return used


def _has_tests(file: Path) -> bool:
    if file.suffix == ".vox":
        try:
            return bool(TEST_BLOCK.search(file.read_bytes()))
        except FileNotFoundError:  # gone for a moment, while it is saved
            return False
        except OSError as error:
            raise ConfigurationError(f"{file} can't be read: {error.strerror}") from None
    return any(file.match(pattern) for pattern in _PYTHON_TESTS)


def _saved(files: Collection[Path]) -> dict[Path, float]:
    """When each was saved last; not those that are gone for a moment while they are."""
    return {file: file.stat().st_mtime for file in files if file.exists()}


def _named_in(file: Path) -> Iterator[Path]:
    """Files in and below the file's folder that it names in a text, or imports."""
    if file.suffix not in _CODE or not file.exists():
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    names = _names_in_python(text) if file.suffix == ".py" else _TEXT.findall(text)
    for name in names:
        if len(name) < 256 and "\0" not in name and os.path.isfile(file.parent / name):
            yield file.parent / name


def _names_in_python(text: str) -> Iterator[str]:
    """Texts, and imported modules as files; nothing while it is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Import):
            yield from (f"{alias.name.replace('.', '/')}.py" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield f"{node.module.replace('.', '/')}.py"
