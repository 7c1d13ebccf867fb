"""`grammar`: the parser of a `.lark` file, which is found in an installed package and in a checkout."""

import os
import stat
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from lark import Lark


@cache
def grammar(name: str) -> Lark:
    """The parser (LALR) of `<name>.lark`, made once. Its trees know their positions in the text."""
    return Lark(_text(f"{name}.lark"), parser="lalr", propagate_positions=True)


def cached_grammar(name: str, **options: Any) -> Lark:
    """The parser of `<name>.lark` with lark's `options`; its tables are kept in a file for the next process."""
    return Lark(_text(f"{name}.lark"), parser="lalr", cache=_cache_file(name) or False, **options)


def _text(file: str) -> str:
    installed = files("voxrun.dsl") / "_grammar" / file
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    candidates = [parent / "grammar" / file for parent in Path(__file__).parents]
    return next(path for path in candidates if path.is_file()).read_text(encoding="utf-8")


def _cache_file(name: str) -> str | None:
    """A file in a folder that only this user can write to, for what is read there is run; None when there is none."""
    try:
        folder = _caches() / "voxrun"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(folder.lstat()):
            return None
        file = folder / f"{name}-{sys.implementation.cache_tag}.tables"
        if not os.access(file if file.exists() else folder, os.R_OK | os.W_OK):
            return None
    except (OSError, RuntimeError, KeyError):
        return None
    return str(file)


def _caches() -> Path:
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path.home() / ".cache"


def _is_private(folder: os.stat_result) -> bool:
    if sys.platform == "win32":
        return True
    return stat.S_ISDIR(folder.st_mode) and folder.st_uid == os.getuid() and not folder.st_mode & 0o022
