"""The parser: each construct, how operators bind, exact places, limits, and whatever else one may feed it."""

import gc
import random
import stat
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dsl.programs import programs
from tests.yardstick import millions

from voxrun.dsl import grammar
from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.layout import MOST_TOKENS
from voxrun.dsl.nodes import Identifier, Name, Node, Number, Program, Span, Text
from voxrun.dsl.parser import LONGEST, parse, tokens
from voxrun.dsl.source import Source

SAMPLE = """\
// reception.vox: answer every caller with an ElevenLabs agent
require ElevenLabs

on AppEvents.CallAlerting as { call, callerid } {
    const agent = await ElevenLabs.createAgentsClient({
        xiApiKey: secret("ELEVENLABS_API_KEY"),
        agentId: "agent_…",
    })
    on agent AgentsEvents.UserTranscript as { data } {
        log "caller ${callerid}: ${data.user_transcription_event.user_transcript}"
    }
    on agent AgentsEvents.Interruption { agent.clearMediaBuffer() }
    on agent AgentsEvents.ClientToolCall as { data } where data.client_tool_call.tool_name == "opening_hours" {
        agent.clientToolResult({ tool_call_id: data.client_tool_call.tool_call_id, result: "nine", is_error: false })
    }
    on call CallEvents.Disconnected { VoxEngine.terminate() }

    call.answer()
    call <-> agent                        // both ways; `a -> b` one way, `stop a -> b` ends it
    after 10min { call.hangup() }         // durations: 250ms 30s 10min 1h
}
"""

CONSTRUCTS = [
    ("", ""),
    ("require ElevenLabs", "Require(ElevenLabs)"),
    ("const a = 1", "Declaration(True a 1)"),
    ("let a = null", "Declaration(False a null)"),
    ("a = 1", "Assignment(a '=' 1)"),
    ("a.b += 1", "Assignment(Member(a b False) '+=' 1)"),
    ("a[0] -= 1", "Assignment(Index(a 0) '-=' 1)"),
    ("a", "Evaluation(a)"),
    ("a.b.c()", "Evaluation(Call(Member(Member(a b False) c False) []))"),
    ("a?.b", "Evaluation(Member(a b True))"),
    ("f(1, 2,)", "Evaluation(Call(f [1 2]))"),
    ("a -> b", "Route(a False b)"),
    ("a <-> b.c", "Route(a True Member(b c False))"),
    ("stop a -> b", "Stop(a False b)"),
    ("stop a <-> b", "Stop(a True b)"),
    ('log "x"', "Log('x')"),
    ("wait 2s", "Wait(2s)"),
    ("wait for call C.D", "Evaluation(WaitFor([call] [C D] None))"),
    ("const e = wait for C.D within 5s", "Declaration(True e WaitFor(None [C D] 5s))"),
    ("a = wait for x.y C.D within n", "Assignment(a '=' WaitFor([x y] [C D] n))"),
    ("return wait for D", "Return(WaitFor(None [D] None))"),
    ("return", "Return(None)"),
    ("return -1", "Return(Unary('-' 1))"),
    ("if a { } ", "If([Branch(a Block([]))] None)"),
    ("if a { b } else { c }", "If([Branch(a Block([Evaluation(b)]))] Block([Evaluation(c)]))"),
    ("if a { } else if b { } else if c { }", "If([Branch(a Block([])) Branch(b Block([])) Branch(c Block([]))] None)"),
    ("if a { } else if b { } else { c }", "If([Branch(a Block([])) Branch(b Block([]))] Block([Evaluation(c)]))"),
    ("for x in [1] { break }", "For(x List([1]) Block([Break()]))"),
    ("while true { continue }", "While(true Block([Continue()]))"),
    ("try { } catch { }", "Try(Block([]) None Block([]))"),
    ("try { } catch e { log e.message }", "Try(Block([]) e Block([Log(Member(e message False))]))"),
    ("fn f() { }", "Function(f [] Block([]))"),
    ("fn f(a, b,) { return a }", "Function(f [a b] Block([Return(a)]))"),
    ("const f = fn (x) { return x }", "Declaration(True f Lambda([x] Block([Return(x)])))"),
    ("on A.B { }", "Handler(None [A B] None None Block([]))"),
    ("on call C.D as e { }", "Handler([call] [C D] e None Block([]))"),
    ("on x.y C.D as { a, b, } { }", "Handler([x y] [C D] Fields([a b]) None Block([]))"),
    ("on A.B as e where e.x { }", "Handler(None [A B] e Member(e x False) Block([]))"),
    ("after 250ms { }", "After(250ms Block([]))"),
    ("every 1.5h { }", "Every(1.5h Block([]))"),
    ("breakpoint", "Breakpoint()"),
    ("log [1, [true], {}]", "Log(List([1 List([true]) Object([])]))"),
    ("x = { a: 1, \"b c\": 2, d, in: 3, }", "Assignment(x '=' Object([Pair(a 1) Pair(b c 2) Pair(d d) Pair(in 3)]))"),
    ("x = { true: 1 }.true", "Assignment(x '=' Member(Object([Pair(true 1)]) true False))"),
    ("log 1.50", "Log(1.5)"),
    ("log 007", "Log(7)"),
    ("log 9007199254740992", "Log(9007199254740992)"),
    (r'log "a\n\t\r\"\\\$\u{1F600}$ {}"', r"""Log('a\n\t\r"\\$😀$ {}')"""),
    ('log "${a}"', "Log(Template([a]))"),
    ('log "a ${b} c ${d.e}"', "Log(Template(['a ' b ' c ' Member(d e False)]))"),
    ('log "${a}${b}"', "Log(Template([a b]))"),
    ('log "${f("x", { a: "}" })}!"', "Log(Template([Call(f ['x' Object([Pair(a '}')])]) '!']))"),
    ('log "${"${a}"}"', "Log(Template([Template([a])]))"),
    ('log "$${a}"', "Log(Template(['$' a]))"),
    ("größe = имя", "Assignment(größe '=' имя)"),
    ("a.on.log()", "Evaluation(Call(Member(Member(a on False) log False) []))"),
]  # fmt: skip

BINDING = [
    ("a or b and c", "(a or (b and c))"),
    ("not a == b", "(not (a == b))"),
    ("not a and b", "((not a) and b)"),
    ("a - b - c", "((a - b) - c)"),
    ("a + b * c - d", "((a + (b * c)) - d)"),
    ("a / b % c", "((a / b) % c)"),
    ("-a * b", "((- a) * b)"),
    ("- - a", "(- (- a))"),
    ("await f() + 1", "((await f()) + 1)"),
    ("-await f()", "(- (await f()))"),
    ("a ?? b == c", "((a ?? b) == c)"),
    ("a ?? b + c", "(a ?? (b + c))"),
    ("a < b and c >= d", "((a < b) and (c >= d))"),
    ("(a < b) == c", "((a < b) == c)"),
    ("(a + b) * c", "((a + b) * c)"),
    ("a == not b", "(a == (not b))"),
    ("((a))", "a"),
]


def said(value: object) -> str:
    """A node in short: names and values as they are, others as Kind(fields)."""
    match value:
        case tuple():
            return f"[{' '.join(map(said, value))}]"
        case Name(_, name):
            return name
        case Node():
            inside = [getattr(value, field.name) for field in fields(value) if field.name != "span"]
            kind = type(value).__name__
            if kind in ("Identifier", "Number", "Text"):
                return str(inside[0]) if kind != "Text" else repr(inside[0])
            if kind == "Constant":
                return str(inside[0]).lower().replace("none", "null")
            if kind == "Duration":
                return f"{inside[0]}{inside[1]}"
            if kind == "Path":
                return said(inside[0])
            return f"{kind}({' '.join(map(said, inside))})"
        case _:
            return repr(value)


def bound(value: object) -> str:
    """An expression with all its parentheses."""
    match value:
        case Node():
            inside = [getattr(value, field.name) for field in fields(value) if field.name != "span"]
            if type(value).__name__ == "Unary":
                return f"({inside[0]} {bound(inside[1])})"
            if type(value).__name__ == "Binary":
                return f"({bound(inside[1])} {inside[0]} {bound(inside[2])})"
            return f"{inside[0].name}()" if type(value).__name__ == "Call" else str(inside[0])
    return str(value)


def nodes(node: Node) -> list[Node]:
    """The node and all below it."""
    found, waiting = [], [node]
    while waiting:
        node = waiting.pop()
        found.append(node)
        for field in fields(node):
            value = getattr(node, field.name)
            inside = value if isinstance(value, tuple) else (value,)
            waiting += [item for item in inside if isinstance(item, Node)]
    return found


def program(text: str) -> Program:
    return parse(Source("a.vox", text))


@pytest.mark.parametrize(("text", "meaning"), CONSTRUCTS)
def test_each_construct(text: str, meaning: str) -> None:
    assert said(program(text).statements) == f"[{meaning}]"


@pytest.mark.parametrize(("text", "meaning"), BINDING)
def test_operators_bind_as_everywhere(text: str, meaning: str) -> None:
    (statement,) = program(f"x = {text}").statements
    assert bound(getattr(statement, "value")) == meaning  # noqa: B009 - any statement's


def test_the_page_of_the_design_parses() -> None:
    found = nodes(program(SAMPLE))
    assert sum(type(node).__name__ == "Handler" for node in found) == 5
    assert sum(type(node).__name__ == "Template" for node in found) == 1


def test_places_are_exact() -> None:
    text = """const a = (b + (c)) * -f(1)[2].d
log "x ${ y } z" // why
on u E as { k } where (w) { }
if p { } else if q { }"""
    parsed = program(text)
    spans = {f"{type(node).__name__}: {text[slice(*node.span)]}" for node in nodes(parsed)}
    assert spans >= {
        "Declaration: const a = (b + (c)) * -f(1)[2].d",
        "Binary: (b + (c)) * -f(1)[2].d",
        "Binary: b + (c)",
        "Name: c",
        "Unary: -f(1)[2].d",
        "Member: f(1)[2].d",
        "Index: f(1)[2]",
        "Call: f(1)",
        'Log: log "x ${ y } z"',
        'Template: "x ${ y } z"',
        "Name: y",
        "Handler: on u E as { k } where (w) { }",
        "Fields: { k }",
        "Path: u",
        "Name: w",
        "Branch: if p { }",
        "Branch: if q { }",
        "If: if p { } else if q { }",
        f"Program: {text}",
    }


def test_parentheses_belong_to_the_statement_they_end() -> None:
    (statement,) = program("log ((a))  ").statements
    assert statement.span == Span(0, 9)


@pytest.mark.parametrize("name", ["हिन्दी", "ที่อยู่", "שָׁלוֹם", "cafe\u0301", "café", "l·l"])
def test_a_name_has_the_marks_of_its_letters_however_they_are_encoded(name: str) -> None:
    read = [node for node in nodes(program(f"log {name}")) if isinstance(node, Name)]
    assert read == [Name(Span(4, 4 + len(name)), normalize("NFC", name))]


def check_places(text: str) -> None:
    """It parses, each leaf stands where it says, and nodes lie within the node they belong to."""
    for node in nodes(program(text)):
        assert all(node.span.start <= it.span.start <= it.span.end <= node.span.end for it in nodes(node))
        written = text[slice(*node.span)]
        if isinstance(node, Name | Identifier):
            name = node.name if isinstance(node, Name) else node.text
            assert normalize("NFC", written) in (name, f'"{name}"')
        elif isinstance(node, Number):
            assert float(written) == node.value
        elif isinstance(node, Text):
            assert written[0] == written[-1] == '"'


@settings(max_examples=40)
@given(programs())
def test_what_is_valid_parses_and_each_node_stands_where_it_says(text: str) -> None:
    check_places(text)


@pytest.mark.slow
@settings(max_examples=400)
@given(programs())
def test_each_node_of_many_programs_stands_where_it_says(text: str) -> None:
    check_places(text)


def test_comments_are_found_where_they_stand() -> None:
    source = Source("a.vox", '// one\nlog "// no" /* two */ // three\n  /* four\n*/ log "${"/*"}"\r\n// five\r\n')
    found = [token for token in tokens(source) if token.type.endswith("COMMENT")]
    assert [token.value for token in found] == ["// one", "/* two */", "// three", "/* four\n*/", "// five"]
    assert all(source.text[slice(*token.span)] == token.value for token in found)


# Limits


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "(" * 5000, "this goes too deep"),
        ("x = " + "(" * 101 + "1" + ")" * 101, "this goes too deep"),
        ("x = " + "[" * 200_000, "this goes too deep"),
        ("x = " + "f(" * 5000 + ")" * 5000, "this goes too deep"),
        ("x = " + "1 + " * 5000 + "1", "this goes too deep"),
        ("x = " + "not " * 5000 + "a", "this goes too deep"),
        ("x = " + "-" * 5000 + "a", "this goes too deep"),
        ("x = a" + ".a" * 5000, "this goes too deep"),
        ("x = a" + "()" * 5000, "this goes too deep"),
        ("x = a" + "[0]" * 5000, "this goes too deep"),
        ("if a { }" + " else if a { }" * 5000, "this goes too deep"),
        ("x = " + '"${' * 5000, "this goes too deep"),
        ("x = " + "(1 + 1 + " * 60 + "1" + ")" * 60, "this goes too deep"),
        ("if a { " * 5000 + "}" * 5000, "more than 16 blocks, one in the other"),
        ("x = " + "fn () { return " * 5000, "more than 16 blocks, one in the other"),
        ("x = " + "9" * 100_000, "this number is too large"),
        ("x = 9007199254740993", "this number is too large"),
        ("wait " + "9" * 100_000 + "s", "this number is too large"),
        ("\n" * (LONGEST + 1), f"a scenario has at most {LONGEST} characters"),
        pytest.param(
            "x\n" * (MOST_TOKENS // 2 + 1),
            f"a scenario has at most {MOST_TOKENS} words and marks",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_too_much_is_told(text: str, message: str) -> None:
    with pytest.raises(SyntaxMistake) as caught:
        program(text)
    assert caught.value.diagnostic.message == message


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 99 + "1" + ")" * 99,
        "x = " + "1 + " * 99 + "1",
        "x = [" + "1," * 50_000 + "]",
        "f(" + "a.b(1 + 2)," * 10_000 + ")",
        "a.b.c(d)\n" * 10_000,
        'log "' + "${a}" * 10_000 + '"',
        "if a { " * 16 + "}" * 16,
        "if a { }" + " else if a { }" * 99,
    ],
)
@pytest.mark.slow
def test_what_is_long_but_not_deep_is_fine(text: str) -> None:
    compile_depth = len(nodes(program(text)))
    assert compile_depth > 1


@pytest.mark.slow
def test_time_is_linear() -> None:
    def cost(size: int, times: int = 1) -> float:
        return millions(partial(program, SAMPLE * (size // len(SAMPLE))), times)

    cost(10_000)
    small = cost(100_000, times=3)
    large = cost(1_000_000)
    assert large < 25 * small
    assert large < 40


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SAMPLE * 700 + "if a = b { }", marks=pytest.mark.slow),
        pytest.param(SAMPLE * 700 + "on A.B {", marks=pytest.mark.slow),
        pytest.param("x = [" + "f()," * 50_000, marks=pytest.mark.slow),
        pytest.param("f(1);" * 30_000 + "on A.B { a; ", marks=pytest.mark.slow),
        'x = "' + "a\\n" * 200_000,
        "/*" + "*" * 900_000,
        "x = " + "a" * 900_000 + " §",
    ],
    ids=["assignment", "brace", "brackets in one line", "statements in one line", "text", "comment", "name"],
)
def test_mistakes_at_the_end_take_no_longer(text: str) -> None:
    def fail() -> None:
        with pytest.raises(SyntaxMistake):
            program(text)

    assert millions(fail) < 80


def test_mistakes_leave_nothing_behind() -> None:
    def objects() -> int:
        for _ in range(50):
            with suppress(SyntaxMistake):
                program("if a = b { }")
        gc.collect()
        return len(gc.get_objects())

    before = objects()
    assert objects() <= before + 10


def test_the_garbage_collector_goes_on_after_a_parse() -> None:
    for text in ("a", "if"):
        with suppress(SyntaxMistake):
            program(text)
        assert gc.isenabled()


# Whatever else

_WORDS = """a b if else for in while try catch fn on as where after every wait within log stop require const let return
    break continue breakpoint true false null and or not await function def elif import var _x new print"""
_PIECES = (
    *"()[]{}.,;:=+-*/%<>?!&|\"'`$#@\\\n\t _\x00\r\u2028\ufeff\u00a0é語²",
    *("${", "//", "/*", "*/", "->", "<->", "?.", "??", "==", "=>", "...", '"', '"${', '}"', "5s", "1.5", "1e5", "0x"),
    *_WORDS.split(),
)


def odd(seed: int) -> str:
    """Text that is mostly no scenario: pieces of the language in any order, or a scenario with some changed."""
    chance = random.Random(seed)
    if seed % 2:
        return "".join(chance.choice(_PIECES) + chance.choice(("", " ", "")) for _ in range(chance.randrange(40)))
    start = chance.randrange(len(SAMPLE))
    text = SAMPLE[start : start + chance.randrange(400)] if seed % 4 else SAMPLE
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice((*_PIECES, "")) + text[place + chance.randrange(4) :]
    return text


def parses_or_tells(text: str) -> None:
    began = time.process_time()
    told = None
    try:
        program(text)
    except SyntaxMistake as mistake:
        told = mistake
    assert time.process_time() - began < 1
    if told:
        assert 0 <= told.diagnostic.span.start <= told.diagnostic.span.end <= len(text)
        assert told.diagnostic.message
        assert str(told).startswith("a.vox:")


def test_any_text_parses_or_is_told_why_not() -> None:
    for seed in range(500):
        parses_or_tells(odd(seed))


@pytest.mark.slow
def test_any_of_100_000_texts_parses_or_is_told_why_not() -> None:
    for seed in range(500, 103_000):
        parses_or_tells(odd(seed))


@settings(max_examples=300)
@given(st.text(max_size=60))
def test_any_characters_parse_or_are_told(text: str) -> None:
    parses_or_tells(text)


# The tables' file

_RUN = "from voxrun.dsl.parser import parse; from voxrun.dsl.source import Source; parse(Source('a', 'log 1'))"


def _parse_elsewhere(folder: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(folder), "HOME": str(folder), "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", _RUN], env=environment, check=True)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the folder is another elsewhere")
def test_tables_are_kept_where_only_this_user_writes(tmp_path: Path) -> None:
    _parse_elsewhere(tmp_path)
    (file,) = (tmp_path / "voxrun").iterdir()
    assert stat.S_IMODE((tmp_path / "voxrun").stat().st_mode) == 0o700
    kept = file.read_bytes()
    _parse_elsewhere(tmp_path)
    assert file.read_bytes() == kept
    file.write_bytes(kept[:1000])
    _parse_elsewhere(tmp_path)
    assert file.stat().st_size > 1000


@pytest.mark.skipif(sys.platform != "linux", reason="the folder is another elsewhere")
def test_a_folder_that_others_can_write_to_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "voxrun"
    folder.mkdir()
    folder.chmod(0o777)
    assert grammar._cache_file("scenario") is None
    folder.chmod(0o755)
    assert grammar._cache_file("scenario") is not None
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert grammar._cache_file("scenario") is None


def test_without_any_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert grammar._cache_file("scenario") is None
