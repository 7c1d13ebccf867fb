"""The TextMate grammar: it knows all words and signs of the language, and colours scenarios in VS Code's engine."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.lexer import PatternStr, TerminalDef

from voxrun.dsl.layout import SENTENCE_WORDS
from voxrun.dsl.parser import tokens
from voxrun.dsl.source import Source
from voxrun.dsl.tokens import Tokens

ROOT = Path(__file__).parents[2]
GRAMMAR = ROOT / "grammar" / "vox.tmLanguage.json"
TOKENISE = Path(__file__).with_name("tokenise.cjs")
SCENARIOS = sorted((ROOT / "scenarios").glob("*.vox"))

SAMPLES = {
    "NAME": ("a", "variable"),
    "NUMBER": ("1.5", "constant.numeric"),
    "DURATION": ("5min", "constant.numeric.duration"),
    "TEXT": ('"a"', "string.quoted"),
    "TEXT_BEGIN": ('"a ${b}"', "string.quoted"),
    "TEXT_MIDDLE": ('"${a} b ${c}"', "string.quoted"),
    "TEXT_END": ('"${a} b"', "string.quoted"),
    "TEST": ('test "a" { }', "keyword.control.test"),
    "STEP": ("+=", "keyword.operator.assignment"),
    "COMPARISON": ("<=", "keyword.operator.comparison"),
    "TIMES": ("%", "keyword.operator.arithmetic"),
    "LINE_COMMENT": ("// a", "comment.line"),
    "BLOCK_COMMENT": ("/* a */", "comment.block"),
}
"""Something of each kind that is no fixed word or sign, and how its scope begins."""

NOTHING_TO_SEE = {"NEWLINE", "SPACE", "FOREIGN", "STRANGE"}


@cache
def _terminals() -> list[TerminalDef]:
    conf = Lark(
        (ROOT / "grammar" / "scenario.lark").read_text(), parser="lalr", lexer=Tokens, start="program"
    ).lexer_conf
    return [terminal for terminal in conf.terminals if terminal.name not in NOTHING_TO_SEE]


FIXED = [str(terminal.pattern.value) for terminal in _terminals() if isinstance(terminal.pattern, PatternStr)]
WORDS = [text for text in FIXED if text.isalpha()]


def _matches(node: object) -> Iterator[str]:
    """Every expression below a part of the grammar that colours one thing, or begins or ends a longer one."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("match", "begin", "end") if key in node)
        for inner in node.values():
            yield from _matches(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _matches(inner)


def _repository() -> dict[str, Any]:
    repository: dict[str, Any] = json.loads(GRAMMAR.read_text())["repository"]
    return repository


def test_every_part_is_included_and_there() -> None:
    text = GRAMMAR.read_text()
    included = set(re.findall(r'"include": "#(\w+)"', text))
    assert included == set(_repository())


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_a_keyword(word: str) -> None:
    assert any(re.fullmatch(pattern, word) for pattern in _matches(_repository()["keywords"]))


@pytest.mark.parametrize("word", sorted(SENTENCE_WORDS))
def test_every_word_of_a_test_is_a_keyword(word: str) -> None:
    assert any(re.fullmatch(pattern, word) for pattern in _matches(_repository()["sentences"]))


@pytest.mark.parametrize("sign", [text for text in FIXED if not text.isalpha()])
def test_every_sign_is_known(sign: str) -> None:
    parts = ("operators", "punctuation", "braces")
    assert any(re.fullmatch(pattern, sign) for part in parts for pattern in _matches(_repository()[part]))


def test_every_other_terminal_has_a_sample() -> None:
    others = {terminal.name for terminal in _terminals() if not isinstance(terminal.pattern, PatternStr)}
    assert others == set(SAMPLES)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VS Code's tokeniser, from npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm here to run VS Code's tokeniser with")
    folder = tmp_path_factory.mktemp("node")
    packages = ["vscode-textmate@9", "vscode-oniguruma@2"]
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm can't install vscode-textmate here: it takes too long")
    if done.returncode != 0:
        pytest.skip(f"npm can't install vscode-textmate here: {done.stderr.strip()[-200:]}")
    return folder / "node_modules"


def _coloured(modules: Path, *files: Path) -> list[list[tuple[str, str, int]]]:
    """Text, scope and line of each token, for each file."""
    command = ["node", str(TOKENISE), str(modules), str(GRAMMAR), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [[tuple(token) for token in json.loads(line)] for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_samples_in_the_real_engine(modules: Path, tmp_path: Path) -> None:
    samples: list[tuple[str, str | tuple[str, ...]]] = [*SAMPLES.values()]
    samples += [(word, ("keyword", "storage", "constant.language")) for word in WORDS]
    file = tmp_path / "samples.vox"
    file.write_text("\n".join(text for text, _ in samples))
    (found,) = _coloured(modules, file)
    for line, (text, scope) in enumerate(samples, 1):
        scopes = [it[1] for it in found if it[2] == line]
        assert any(it.startswith(scope) for it in scopes), (text, scopes)
        assert not any("invalid" in it for it in scopes), (text, scopes)


@pytest.mark.slow
def test_scenarios_in_the_real_engine(modules: Path) -> None:
    for path, found in zip(SCENARIOS, _coloured(modules, *SCENARIOS), strict=True):
        assert not [token for token in found if "invalid" in token[1] or token[1] == "source.vox"]
        source = Source(str(path), path.read_text())
        coloured = {(text.strip(), scope.split(".")[0], line) for text, scope, line in found}
        for token in tokens(source):
            line, _ = source.place(token.start_pos)
            scopes = {"NAME": ("variable", "entity", "support", "constant")}
            expected: tuple[str, ...] | None = scopes.get(token.type)
            if token.value in WORDS and token.type != "NAME":
                expected = ("keyword", "storage", "constant", "variable")
            if expected is not None and token.value in SENTENCE_WORDS:  # a name outside of tests
                expected = (*expected, "keyword")
            if expected is not None:
                assert any((token.value, scope, line) in coloured for scope in expected), (path.name, line, token.value)


@pytest.mark.slow
def test_values_in_texts_are_code_again(modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.vox"
    file.write_text('log "a ${f({ b: "c ${if}" }).d} e"\nlet x = 1')
    (found,) = _coloured(modules, file)
    scopes = [(text.strip(), scope) for text, scope, _ in found]
    assert ("f", "entity.name.function.vox") in scopes
    assert ("b", "variable.other.property.vox") in scopes
    assert ("e", "string.quoted.double.vox") in scopes
    assert ("let", "storage.type.vox") in scopes
