"""The formatter: layouts that were looked at by a person, and what it never changes."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dsl.programs import programs
from tests.dsl.strewn import strewn

from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.formatter import COLUMNS, formatted
from voxrun.dsl.layout import DEEPEST
from voxrun.dsl.parser import parse, tokens
from voxrun.dsl.source import Source

LAYOUTS = Path(__file__).with_name("layouts")
SCENARIOS = Path(__file__).parents[2] / "scenarios"

LONG = "a_rather_long_name_for_a_thing"


def _format(text: str) -> str:
    return formatted(Source("a.vox", text))


def _comments(text: str) -> list[str]:
    found = [token.value for token in tokens(Source("a.vox", text)) if token.type.endswith("COMMENT")]
    return [comment.replace("\r\n", "\n").rstrip() for comment in found]


def _keeps(text: str) -> str:
    """The layout of `text`, after a look at what it must not change."""
    once = _format(text)
    assert parse(Source("a.vox", once)) == parse(Source("a.vox", text))
    assert _comments(once) == _comments(text)
    assert _format(once) == once
    return once


@given(strewn())
@settings(max_examples=30)
def test_tree_comments_and_layout_stay(text: str) -> None:
    shown = _keeps(text)
    assert "/*" in shown or not any(line != line.rstrip() for line in shown.splitlines())


@pytest.mark.slow
@given(strewn())
@settings(max_examples=1500)
def test_tree_comments_and_layout_stay_for_many_programs(text: str) -> None:
    shown = _keeps(text)
    assert "/*" in shown or not any(line != line.rstrip() for line in shown.splitlines())


def test_a_whole_file() -> None:
    untidy = (LAYOUTS / "reception.untidy.vox").read_text()
    assert _keeps(untidy) == (LAYOUTS / "reception.vox").read_text()


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.vox")), ids=lambda path: path.name)
def test_shipped_scenarios(path: Path) -> None:
    _keeps(path.read_text())


STATEMENTS = [
    # What stands in one line
    ("const  x=1;let y = 2", "const x = 1\nlet y = 2"),
    ("x=1\nx . y+=2\nx [0]-=3", "x = 1\nx.y += 2\nx[0] -= 3"),
    ("f( a,[ 1,2, ],{ b:1,c, },)", "f(a, [1, 2], { b: 1, c })"),
    ("x = [ ]; y = { }; f( )", "x = []\ny = {}\nf()"),
    ('x = {"a b":1, if:2, c : c}', 'x = { "a b": 1, if: 2, c: c }'),
    ("x=a?.b??c . d", "x = a?.b ?? c.d"),
    ('x = "\\u{41}${ a+b }\\$ ${"c"}"', 'x = "\\u{41}${a + b}\\$ ${"c"}"'),
    ("x = 1.50 + 007 * 5s", "x = 1.50 + 007 * 5s"),
    ("a->b;a<->b;stop a->b;stop a <-> b", "a -> b\na <-> b\nstop a -> b\nstop a <-> b"),
    ("wait 2s;log x;break;continue;return;breakpoint", "wait 2s\nlog x\nbreak\ncontinue\nreturn\nbreakpoint"),
    ("const e=wait for a.b C . D within 5s", "const e = wait for a.b C.D within 5s"),
    ("on A.B as{a,b,}where(x){}", "on A.B as { a, b } where x {}"),
    ("on call A.B as e{f(e)}", "on call A.B as e { f(e) }"),
    ("fn f(a,b,){return a}", "fn f(a, b) { return a }"),
    ("x=fn(a){}", "x = fn (a) {}"),
    ("for x in[1]{f(x)};while true{break}", "for x in [1] { f(x) }\nwhile true { break }"),
    ("after 5s{f()};every 1h {}", "after 5s { f() }\nevery 1h {}"),
    ("try{f()}catch e{g()};try{}catch{}", "try { f() } catch e { g() }\ntry {} catch {}"),
    ("if a{f()}else if b{g()}else{h()}", "if a { f() } else if b { g() } else { h() }"),
    # Blocks that don't stay in one line
    ("if a { f(); g() }", "if a {\n    f()\n    g()\n}"),
    ("if a { f() }\nelse { g() }", "if a {\n    f()\n} else {\n    g()\n}"),
    ("on A.B { if a { f() } }", "on A.B {\n    if a { f() }\n}"),
    ("on A.B {\n\n\n f()\n\n\n\n g()\n\n}", "on A.B {\n    f()\n\n    g()\n}"),
    # Lists and objects keep the lines of their own that they were given
    ("x = {\n a: 1 }", "x = {\n    a: 1,\n}"),
    ("x = [\n 1, 2]", "x = [\n    1,\n    2,\n]"),
    ("x = { a: 1,\n b: 2 }", "x = { a: 1, b: 2 }"),
    ("f(\n a,\n b\n)", "f(a, b)"),
    # What is too long
    (f"f({LONG}, {LONG}, {LONG}, {LONG})", f"f(\n    {LONG},\n    {LONG},\n    {LONG},\n    {LONG},\n)"),
    (f"x = {LONG} + {LONG} + {LONG} * {LONG}", f"x = {LONG}\n    + {LONG}\n    + {LONG} * {LONG}"),
    (
        f"if {LONG} == 1 and {LONG} or {LONG} {{ f() }}",
        f"if {LONG} == 1 and {LONG}\n        or {LONG} {{\n    f()\n}}",
    ),
    (
        f"on {LONG}.call A.B as {{ data }} where {LONG} and {LONG} {{}}",
        f"on {LONG}.call A.B as {{ data }}\n        where {LONG} and {LONG} {{}}",
    ),
    (f"{LONG}.b.c(1).d({LONG}).e({LONG}, {LONG})", f"{LONG}.b\n    .c(1)\n    .d({LONG})\n    .e({LONG}, {LONG})"),
    ("f(fn () { a(); b() }, 5s)", "f(fn () {\n    a()\n    b()\n}, 5s)"),
    (f"f(x, {{ a: {LONG}, b: {LONG}, c: {LONG} }})", f"f(x, {{\n    a: {LONG},\n    b: {LONG},\n    c: {LONG},\n}})"),
    (
        "f([\n1], fn () { a(); b() })",
        "f(\n    [\n        1,\n    ],\n    fn () {\n        a()\n        b()\n    },\n)",
    ),
    (
        f'log "${{f({LONG}, {LONG})}} and ${{{LONG} + {LONG}}}"',
        f'log "${{f({LONG}, {LONG})}} and ${{{LONG} + {LONG}}}"',
    ),
    (
        f"x = fn (a, b) {{ return [{LONG}, {LONG}, not_quite_so_long_it] }}",
        f"x = fn (a, b) {{\n    return [{LONG}, {LONG}, not_quite_so_long_it]\n}}",
    ),
    # Parentheses
    ("x = ((a + b)) * ((c)) + (d)", "x = (a + b) * c + d"),
    ("x = a - (b - c) - (d * e)", "x = a - (b - c) - d * e"),
    ("x = (a and b) or (c and (d or e))", "x = a and b or c and (d or e)"),
    ("x = (not a) == b; y = not (a == b)", "x = (not a) == b\ny = not a == b"),
    ("x = a == (not b); y = (a < b) == c", "x = a == (not b)\ny = (a < b) == c"),
    ("x = (await f()).y; x = await (f().y)", "x = (await f()).y\nx = await f().y"),
    ("x = -(-a) - (-b); y = -(a.b)", "x = -(-a) - -b\ny = -a.b"),
    ("x = (a ?? b) + c; y = a ?? (b + c)", "x = (a ?? b) + c\ny = a ?? b + c"),
    ("f(); -x; (-x) -> y; (-x).y = 1", "f()\n(-x)\n(-x) -> y\n(-x).y = 1"),
    ("-x; f(fn () { -x })", "-x\nf(fn () { -x })"),
    ("({ a: 1 }).b = 2; if ({} == x) {}", "({ a: 1 }.b) = 2\nif ({} == x) {}"),
    ("wait ({ a: 1s }).a; x = ({ a: 1 }).a", "wait ({ a: 1s }.a)\nx = { a: 1 }.a"),
]


@pytest.mark.parametrize(("text", "shown"), STATEMENTS)
def test_layout(text: str, shown: str) -> None:
    assert _keeps(text) == f"{shown}\n"


COMMENTS = [
    ("// a\n\n\n\n/* b */ f()   // c", "// a\n\n/* b */ f() // c\n"),
    ("f(); // a\n\n// b\n", "f() // a\n\n// b\n"),
    ("f() // a\r\ng()\r\n", "f() // a\r\ng()\r\n"),
    ("/* a\n   b */\nf()", "/* a\n   b */\nf()\n"),
    ("x = [1, // one\n 2 /* two */,\n // three\n ]", "x = [\n    1, // one\n    2, /* two */\n    // three\n]\n"),
    ("x = [ // a\n1]", "x = [ // a\n    1,\n]\n"),
    ("f(/* a */ b, /* c */)", "f(/* a */ b /* c */)\n"),
    ("f(/* a */)", "f(/* a */)\n"),
    ("f((/* a */ 1).b, fn () {\n c()\n})", "f(\n    /* a */ 1.b,\n    fn () {\n        c()\n    },\n)\n"),
    ("(/* a */ b).c()", "/* a */ b.c()\n"),
    ("x = [(\n/* a */ b).c]", "x = [\n    /* a */ b.c,\n]\n"),
    ("on A.B {\n // only\n}", "on A.B {\n    // only\n}\n"),
    ("on A.B { // a\n f()\n // b\n}", "on A.B { // a\n    f()\n    // b\n}\n"),
    ("if a { f() } // a\n// b\nelse { g() }", "if a {\n    f()\n} // a\n// b\nelse {\n    g()\n}\n"),
    ("try { f() } /* a */ catch { g() }", "try { f() } /* a */ catch { g() }\n"),
    ("x = a // a\n  or b // b\n  // c\n  or c", "x = a // a\n    or b // b\n    // c\n    or c\n"),
    ("x\n // a\n .f()\n // b\n .g()", "x\n    // a\n    .f()\n    // b\n    .g()\n"),
    ("x = // a\n 5", "x = 5 // a\n"),
    ("x = (f // a\n // b\n (1))", "x = f(1) // a\n// b\n"),
    ("on A.B // a\n where x {}", "on A.B // a\n        where x {}\n"),
    ('x = "${(a /* b */)}" // c', 'x = "${a /* b */}" // c\n'),
    ("on A.B // a\n{ /* b */ }", "on A.B {} // a\n/* b */\n"),
    ("x = [y[ // a\n1], { /* b */ }, f(/* c */)]", "x = [y[1], {}, f()] // a\n/* b */\n/* c */\n"),
    ("", ""),
    ("\n\n", ""),
    ("// a", "// a\n"),
]


@pytest.mark.parametrize(("text", "shown"), COMMENTS)
def test_comments(text: str, shown: str) -> None:
    assert _keeps(text) == shown


def test_no_line_is_longer_than_it_must_be() -> None:
    text = "".join(f"x = f({', '.join(['[abc, defg]'] * n)})\n" for n in range(40))
    assert max(map(len, _keeps(text).splitlines())) <= COLUMNS


@pytest.mark.parametrize(
    "text", ["x = " + "(" * (DEEPEST - 1) + "1" + ")" * (DEEPEST - 1), "x = " + "f(" * 90 + ")" * 90]
)
def test_the_deepest_tree(text: str) -> None:
    _keeps(text)


@given(programs(), st.data())
@settings(max_examples=100)
def test_what_is_left_of_a_program_has_a_layout_or_a_mistake(text: str, data: st.DataObject) -> None:
    found = [token for token in tokens(Source("a.vox", text)) if token.type not in ("SPACE", "NEWLINE")]
    gone = data.draw(st.sampled_from(found)) if found else None
    left = text[: gone.start_pos] + text[gone.end_pos :] if gone else text
    try:
        parse(Source("a.vox", left))
    except SyntaxMistake as mistake:
        with pytest.raises(SyntaxMistake, match=re.escape(str(mistake))):
            _format(left)
    else:
        _keeps(left)


@pytest.mark.parametrize("text", ["if x == {", "f())", "f(]", "}"])
def test_a_file_with_a_mistake_has_no_layout(text: str) -> None:
    with pytest.raises(SyntaxMistake, match=r"a\.vox:1:"):
        _format(text)
