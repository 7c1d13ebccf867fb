"""Places in a text, and how a diagnostic is shown."""

from hypothesis import given
from hypothesis import strategies as st

from voxrun.dsl.diagnostic import Diagnostic, as_json, render
from voxrun.dsl.nodes import Span
from voxrun.dsl.source import Source

LETTERS = st.text(alphabet="aü語😀\t \r\n\u2028", max_size=40)


@given(LETTERS, st.data())
def test_a_place_is_the_character_of_its_line(text: str, data: st.DataObject) -> None:
    source = Source("a.vox", text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = source.place(offset)
    assert line == text.count("\n", 0, offset) + 1
    lines = text.split("\n")
    assert "\n".join([*lines[: line - 1], lines[line - 1][: column - 1]]) == text[:offset]


def test_a_byte_order_mark_takes_no_room() -> None:
    source = Source("a.vox", "\ufeffab\nc")
    assert [source.place(offset) for offset in range(6)] == [(1, 1), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    assert source.line(1) == "ab"


def test_a_diagnostic_is_shown_in_its_line() -> None:
    source = Source("a.vox", "x\r\n\ty = nam\r\n" + "\n" * 9)
    shown = render(source, Diagnostic(Span(8, 11), "warning", "there is no `nam`", "do you mean `name`?"))
    assert shown.splitlines() == [
        "a.vox:2:6: warning: there is no `nam`",
        "  |",
        "2 | \ty = nam",
        "  | \t    ^^^",
        "  = do you mean `name`?",
    ]


def test_advice_of_several_lines_keeps_its_columns() -> None:
    shown = render(Source("a.vox", "x"), Diagnostic(Span(0, 1), "error", "m", "  440@-20\n    ^"))
    assert shown.splitlines()[-2:] == ["  =   440@-20", "        ^"]


def test_carets_end_with_the_line_and_stand_behind_it_at_the_end() -> None:
    source = Source("a.vox", "if a {\nb\n}")
    assert render(source, Diagnostic(Span(3, 10), "error", "m")).splitlines()[-1] == "  |    ^^^"
    assert render(source, Diagnostic(Span(6, 6), "error", "m")).splitlines()[-1] == "  |       ^"
    assert render(source, Diagnostic(Span(10, 10), "error", "m")).splitlines()[-1] == "  |  ^"


def test_wide_characters_take_two_places() -> None:
    shown = render(Source("a.vox", '語 = "名前" é§'), Diagnostic(Span(11, 12), "error", "m")).splitlines()
    assert shown[-1] == "  | " + " " * 14 + "^"


def test_json_counts_from_1() -> None:
    found = as_json(Source("a.vox", "a\nb c"), Diagnostic(Span(4, 5), "error", "m", "do"))
    assert found == {
        "file": "a.vox",
        "line": 2,
        "column": 3,
        "endLine": 2,
        "endColumn": 4,
        "severity": "error",
        "message": "m",
        "advice": "do",
    }
