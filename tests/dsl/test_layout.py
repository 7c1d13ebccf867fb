"""Where statements end, which braces are blocks, and where comments may stand."""

import re
from pathlib import Path

import pytest

from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.nodes import Binary, Block, Evaluation, If, Object
from voxrun.dsl.parser import _lark, parse, tokens
from voxrun.dsl.source import Source
from voxrun.dsl.tokens import Tokens

REFERENCE = Path(__file__).parents[2] / "grammar" / "README.md"


def statements(text: str) -> int:
    return len(parse(Source("a.vox", text)).statements)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("\n\n  \n// nothing\n", 0),
        (";;;", 0),
        ("a\nb", 2),
        ("a;b", 2),
        ("a;\nb;", 2),
        ("\n\na\r\n\r\nb\r\n", 2),
        ("a // x\nb /* y\n*/ c", None),
        ("a /* x */ ; b", 2),
        ("a /* over\nlines */ + b", 1),
        ("a +\nb", 1),
        ("a\n+ b", 1),
        ("a\n- b", 1),
        ("a; - b", 2),
        ("a\n.b\n?.c", 1),
        ("a\n-> b", 1),
        ("a\n(b)", 2),
        ("a\n[b]", 2),
        ("f(\na\n,\nb\n)", 1),
        ("f(a,\n// why\nb)", 1),
        ("x = [\n1,\n2\n]", 1),
        ("x = {\na: 1,\nb\n}\ny", 2),
        ("f(fn () {\na\nb\n})\nc", 2),
        ("log\n1", 1),
        ("wait for call\nX", 2),
        ("on call X\nas e\nwhere e\n{\n}", 1),
        ("if a { }\nelse { }", 1),
        ("if a { }\n\n// else:\nelse { }\nb", 2),
        ("if a\n{\n}\nelse if b\n{\n}\nc", 2),
        ("try { }\ncatch e { }", 1),
        ("fn f() { return\n}\nf()", 2),
        ("fn f() { return; 1 }", 1),
        ("fn f() {a}", 1),
        ('log "${\na\n}"', None),
    ],
)
def test_statements_end_where_they_can(text: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(SyntaxMistake):
            statements(text)
    else:
        assert statements(text) == count


def test_return_ends_with_its_line() -> None:
    (function,) = parse(Source("a.vox", "fn f() {\nreturn\n1\n}")).statements
    assert len(getattr(function, "body").statements) == 2  # noqa: B009 - any statement's


def test_a_minus_at_the_beginning_of_a_line_goes_on() -> None:
    (statement,) = parse(Source("a.vox", "a\n  - b")).statements
    assert isinstance(statement, Evaluation)
    assert isinstance(statement.expression, Binary)


def test_a_brace_is_an_object_where_a_value_stands_and_a_block_elsewhere() -> None:
    (statement,) = parse(Source("a.vox", "if f({ a }) == { b } { }")).statements
    assert isinstance(statement, If)
    ((condition, body),) = ((branch.condition, branch.body) for branch in statement.branches)
    assert isinstance(condition, Binary)
    assert isinstance(condition.right, Object)
    assert body == Block(body.span, ())


def test_tokens_are_the_whole_text() -> None:
    text = '\ufeffa /* b */ "c ${d} e" // f\r\n;\t1.5s {}\n§ "'
    assert "".join(token.value for token in tokens(Source("a.vox", text))) == text


def test_the_reference_names_all_words() -> None:
    listed = re.search(r"These name nothing else.*?:\n`([^`]*)`", REFERENCE.read_text(encoding="utf-8"), re.S)
    assert listed
    words = listed[1].split()
    for word in words:
        with pytest.raises(SyntaxMistake):
            statements(f"let {word} = 1")
    assert words == sorted(Tokens(_lark().lexer_conf).words)
