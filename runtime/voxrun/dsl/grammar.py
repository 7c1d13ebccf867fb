"""`grammar`: where a `.lark` file is, in an installed package and in a checkout."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from lark import Lark


@cache
def grammar(name: str) -> Lark:
    """The parser (LALR) of `<name>.lark`, made once. Its trees know their positions in the text."""
    return Lark(_text(f"{name}.lark"), parser="lalr", propagate_positions=True)


def _text(file: str) -> str:
    installed = files("voxrun.dsl") / "_grammar" / file
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    candidates = [parent / "grammar" / file for parent in Path(__file__).parents]
    return next(path for path in candidates if path.is_file()).read_text(encoding="utf-8")
