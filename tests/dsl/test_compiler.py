"""What each construct does when it runs, and what the debugger and coverage see of it."""

import inspect
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest
from coverage import Coverage
from hypothesis import HealthCheck, given, settings
from tests.dsl.played import play, play_statements
from tests.dsl.programs import programs
from tests.kit import Ran, ScriptedLeg, Setting, simulate

from voxrun.dsl.compiler import compile_program
from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.parser import parse
from voxrun.dsl.source import Source
from voxrun.errors import ConfigurationError
from voxrun.session.loader import read
from voxrun.testing import Agent, at, send
from voxrun.testing.running import simulate as simulated

MEANINGS = [
    # Values
    ('log "${1} ${1.5} ${2.0} ${-3} ${true} ${null} ${5s} ${1.5min}"', "1 1.5 2 -3 true null 5000 90000"),
    ('log [1, "a\\n\\"", [true], { b: null }]', '[1, "a\\n\\"", [true], {"b": null}]'),
    ('const b = 2\nlog { a: 1, b, "c d": 3, }', '{"a": 1, "b": 2, "c d": 3}'),
    ('log "a${"b${"c"}"}${{ x: 1 }.x}"', "abc1"),
    ("log any(call)", "call-1"),
    # Operators
    ('log "${1 + 2 * 3 - 4 / 2} ${7 % 3} ${-7 % 3} ${1 / 2} ${0.1 + 0.2}"', "5 1 -1 0.5 0.30000000000000004"),
    ('log "a" + "b"', "ab"),
    ('log "${1 < 2} ${"a" < "b"} ${2 <= 1} ${2 > 1} ${1 >= 2}"', "true true false true false"),
    (
        'log "${any(1) == "1"} ${any(1) == true} ${any([1, { a: 2 }]) == [1.0, { a: 2 }]} ${any(1) != 2}"',
        "false false true true",
    ),
    ('log "${any("x") == "x"} ${"x" != any(1)} ${any(null) == null}"', "true true true"),
    (
        'log "${any(0) or "b"} ${any("a") and "b"} ${any([]) and "list"} ${any(null) ?? "c"} ${any(0) ?? 1}"',
        "b b list c 0",
    ),
    ('log "${not any({ })} ${not any("")} ${not any(0)}"', "false true true"),
    (
        'log "${any(null)?.x} ${any({ })?.x} ${any({ x: 1 })?.x} ${any(null)?.f(1)} ${any({ })["x"]}"',
        "null null 1 null null",
    ),
    # Texts and lists
    (
        'log "${"abc".length} ${"abc".includes("b")} ${"abc".indexOf("z")} ${"abc".slice(1)} ${"abc".slice(0, -1)}"',
        "3 true -1 bc ab",
    ),
    ('log "${"a b".split(" ")} ${" x ".trim()} ${"aa".replace("a", "b")} ${"aB".toUpperCase()}"', '["a", "b"] x ba AB'),
    ('log "${"abc".startsWith("ab")} ${"abc".endsWith("ab")} ${"AB".toLowerCase()} ${"abc"[1]}"', "true false ab b"),
    (
        "const l = [3, 1]\nl.push(2)\nlog l\n"
        'log "${l.length} ${l.pop()} ${l.includes(1)} ${l.indexOf(9)} ${l.join("-")}"',
        "[3, 1, 2]|3 2 true -1 3-1",
    ),
    ('log "${[1, 2, 3].slice(1)} ${[][0]} ${["a", "b"].join()}"', "[2, 3] null a,b"),
    ('log ["a", "b"].join(null)', "a,b"),
    ('log "${round(2.5)} ${number(" 12.50 ")} ${number("x")} ${text(3)} ${secret("NONE")}"', "3 12.5 null 3 null"),
    ('log "${number("9007199254740992")} ${number("4111111111111111111")}"', "9007199254740992 4.111111111111111e+18"),
    ('log parse("[1, {\\"a\\": 2.50}]")', '[1, {"a": 2.5}]'),
    ('log "${parse("[1e999]")} ${parse("-2E400")}"', "null null"),
    # Variables
    ("let n = 1\nn += 2\nn -= 5\nlog n", "-2"),
    ('const o = { a: [1] }\no.b = 2\no.a[0] += 5\no["c"] = o.b\no.b -= 1\nlog o', '{"a": [6], "b": 1, "c": 2}'),
    ('const x = "outer"\nif true { const x = "inner"; log x }\nlog x', "inner|outer"),
    ("const made = []\nfor x in [1, 2] { const x = 5; made.push(fn () { return x }) }\nlog made[1]()", "5"),
    ("try { any(1).x } catch e { const e = 2; log e }", "2"),
    ("const f = fn () { }\nif true { fn f() { }; log f }\nlog f", "fn f|fn"),
    (
        "if true { const l·l = 1 }\nfn l·l(a) { }\nlog l·l\ntry { any(l·l)() } catch e { log e.message }",
        "fn l·l|l·l takes 1 argument, but was given 0",
    ),
    ("let n = 0\nfn count() { n += 1; return n }\ncount()\ncount()\nlog n", "2"),
    ("log twice(4)\nfn twice(n) { return n * 2 }", "8"),
    ('const None = 1\nconst class = 2\nlog "${None + class}"', "3"),
    # Control
    ('const n = any(2)\nif n == 1 { log "one" } else if n == 2 { log "two" } else { log "many" }', "two"),
    ("for x in [1, 2, 3] { if x == 2 { continue }; log x }", "1|3"),
    ('for k in { a: 1, b: 2 } { log k }\nfor c in "xy" { log c }', "a|b|x|y"),
    ("let n = 0\nwhile true { n += 1; if n > 3 { break } }\nlog n", "4"),
    ("const made = []\nfor x in [1, 2] { made.push(fn () { return x }) }\nfor f in made { log f() }", "1|2"),
    (
        "const made = []\nlet i = 0\nwhile i < 2 { let n = i; fn up() { n += 1; return n }; made.push(up); i += 1 }\n"
        "for f in made { f(); log f() }",
        "2|3",
    ),
    (
        "const made = []\nfor x in [1, 2] { fn even(n) { return n == 0 or odd(n - 1) }\n"
        "fn odd(n) { return n != 0 and even(n - 1) }\n"
        'made.push(fn () { return "${x} ${even(x)}" }) }\nfor f in made { log f() }',
        "1 false|2 true",
    ),
    ("const made = []\nfor x in [1, 2] { made.push(fn () { return fn () { x } }) }\nlog made.length", "2"),
    # Errors
    (
        'try { any(null).x } catch e { log e.message }\nlog "on"',
        "null has no x; where there may be nothing, write ?.x|on",
    ),
    (
        "fn early() { return later }\ntry { log early() } catch e { log e.message }\nconst later = 1",
        "later is used before it is declared",
    ),
    (
        "fn early() { return l·l }\ntry { log early() } catch e { log e.message }\nconst l·l = 1",
        "l·l is used before it is declared",
    ),
    ('const reject = any(call.reject)\ntry { reject("a", "b", "c", "d") } catch { log "no" }', "no"),
    (
        "try { try { 1 / any(0) } catch { any({ }).x } } catch e { log e.message }",
        "an object has no 'x'; where there may be nothing, write ?.x",
    ),
    # Waiting
    ('fn slow(n) { wait 1s; return n }\nlog await slow(3)\nlog "${await slow(await slow(4))}"', "3|4"),
    ("const e = wait for call CallEvents.ToneReceived within 2s\nlog e", "null"),
    ("const e = wait for call CallEvents.Connected\nlog e.name", "Call.Connected"),
    ("const e = await call.waitFor(CallEvents.Connected, 2s)\nlog e.call", "call-1"),
    (
        "try { await call.waitFor(CallEvents.Failed, 2s) } catch e { log e.message }",
        "waitFor: Call.Failed did not fire within 2.0 s",
    ),
    ("const l = [call.waitFor(CallEvents.Connected)]\nconst e = await l[0]\nlog e.name", "Call.Connected"),
    ("log await 5", "5"),
    # Handlers, timers and routes
    (
        'on call CallEvents.Connected as e where e.name == "x" { log 1 }\n'
        "on call CallEvents.Connected as { name, call } { log name }",
        "Call.Connected",
    ),
    (
        'let n = 0\nevery 1s { n += 1; log n; if n == 2 { VoxEngine.terminate() } }\nafter 500ms { log "half" }',
        "half|1|2",
    ),
    ('on AppEvents.Terminating { log "over" }\ncall.hangup()\nVoxEngine.terminate()', "over"),
    (
        "fn f(e) { log e.name }\ncall.addEventListener(CallEvents.Disconnected, f)\n"
        "call.removeEventListener(CallEvents.Disconnected, f)\ncall.hangup()\nlog 1",
        "1",
    ),
    ('setTimeout(call.hangup, 1s)\non call CallEvents.Disconnected { log "gone" }', "gone"),
    ('call.addEventListener(CallEvents.Connected, VoxEngine.terminate)\non AppEvents.Terminated { log "end" }', "end"),
    (
        "Logger.write(null)\nLogger.write(true)\nLogger.write({ a: null })\nLogger.write(any)\nLogger.write(call)",
        'null|true|{"a": null}|fn any|call-1',
    ),
]
"""Statements in a call's handler, and the lines of the log."""

PLACES = [
    ('log "ü"; any(null).here', "8:24", "null has no here"),
    ("const o = { a: { } }\nlog o.a.b", "9:13", "no 'b'"),
    ('log 1 +\n    any("x")', "8:9", "can't be added"),
    ("fn f(x) { return x.y }\nlog f(4)", "8:24", "a number has no 'y'"),
    ("fn f() { return any(1)() }\nlog f()", "8:21", "can't be called"),
    ("call.waitFor(CallEvents.Connected)", "8:5", "promise"),
    ("const p = any(call.waitFor)\np(CallEvents.Connected)", "9:5", "waitFor gives a promise: put `await` before it"),
    ("wait 1s\nany(5).x", "9:12", "a number has no 'x'"),
    ("after 1s { any(5).x }", "8:23", "in a setTimeout callback: a number has no 'x'"),
    ("const o = { f: fn (x) { x } }\no.f()", "9:7", "this function takes 1 argument, but was given 0"),
    ("const f = any(fn (x) { x })\nsetTimeout(f, 1s)", "8", "this function has more parameters than it is given here"),
    ("VoxEngine.createConference(any({ hd: true }))", "8:15", "no parameter 'hd'"),
    ("VoxEngine.destroyConference(any(5))", "8:15", "destroyConference needs a conference, but was given 5"),
    ("call.sendMediaTo(any(call.answer))", "8:10", "audio can't be sent to answer: it is not a unit"),
    ('await ElevenLabs.createAgentsClient({ xiApiKey: any(5), agentId: "a" })', "8:5", "needs a text as 'xiApiKey'"),
    ("secret(any([]))", "8:5", "needs a text, but was given []"),
    ("await call.waitFor(any([]))", "8:5", "an event is a text such as CallEvents.Connected, not []"),
    ("call.removeEventListener(any([]))", "8:10", "an event is a text such as CallEvents.Connected, not []"),
    ("await ElevenLabs.createAgentsClient(any(5))", "8:5", "by name or as one dict, but was given 5"),
    ("call.say(any(null))", "8:10", "call.say needs a text, but was given null"),
    ("call.record(any(true))", "8:10", "by name or as one dict, but was given true"),
    ("fn f() { }\nVoxEngine.createTTSPlayer(any(f))", "9:15", "createTTSPlayer needs a text, but was given fn f"),
    ('any(setTimeout)(any("x"), 1)', "8:5", 'setTimeout needs a function to call, but was given "x"'),
    ("call.sendMediaTo(any({ a: [null, fn () { }] }))", "8:10", 'audio can\'t be sent to {"a": [null, "fn"]}: it'),
    ("wait 1s\nawait Net.httpRequestAsync(any(null))", "9:5", "httpRequestAsync needs a text, but was given null"),
    ("after 1s { any(setTimeout)(fn () { }, any(null)) }", "8:16", "as a number of ms, but was given null"),
    ("call.removeEventListener(any(event))", "8:10", "an event is a text such as CallEvents.Connected, not "),
]
"""Statements, where they are wrong, and what is told."""


@pytest.mark.parametrize(("statements", "lines"), MEANINGS)
def test_meaning(tmp_path: Path, statements: str, lines: str) -> None:
    ran = play_statements(tmp_path, statements, 6.0)
    assert ran.outcome.error is None
    assert ran.logged == lines.split("|")


@pytest.mark.parametrize(("statements", "place", "message"), PLACES)
def test_an_error_has_its_place(tmp_path: Path, statements: str, place: str, message: str) -> None:
    told = str(play_statements(tmp_path, statements).outcome.error)
    assert f"scenario.vox:{place}" in told
    assert message in told


def test_a_session_gets_a_namespace_of_its_own(tmp_path: Path) -> None:
    source = "const seen = []\non AppEvents.Started { seen.push(1); log seen.length; VoxEngine.terminate() }"
    assert [play(tmp_path, source).logged for _ in range(2)] == [["1"], ["1"]]


def test_a_name_of_a_module_may_be_declared_anew(tmp_path: Path) -> None:
    source = "require ElevenLabs\nconst Events = 1\non AppEvents.Started { log Events; VoxEngine.terminate() }"
    assert play(tmp_path, source).logged == ["1"]


def test_mistakes_are_found_before_anything_runs(tmp_path: Path) -> None:
    ran = play(tmp_path, 'log "runs"\nfoo()\nbar()\n')
    assert ran.logged == []
    told = str(ran.outcome.error)
    assert "scenario.vox:2:1: error: " in told
    assert "scenario.vox:3:1: error: " in told


def test_warnings_are_told_and_the_scenario_runs(tmp_path: Path) -> None:
    ran = play(tmp_path, "const unused = 1\non AppEvents.Started { VoxEngine.terminate() }")
    assert ran.outcome.error is None
    assert "scenario.vox:1:7: warning: " in ran.of_kind("warning")[0]["message"]


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "scenario.vox").write_bytes(b"// fine\n\xff\n")
    told = str(play_file(tmp_path / "scenario.vox").outcome.error)
    assert "scenario.vox:2:1: error: this is no text in UTF-8" in told


def play_file(path: Path) -> Ran:
    return simulate(path, Setting(leg=ScriptedLeg(), stop_after=10.0))


def test_a_session_without_the_language_says_so(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text("")
    with pytest.raises(ConfigurationError, match=r"without the `\.vox` language"):
        read(path)


def test_byte_order_mark_and_windows_line_ends_change_no_place(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_bytes("\ufefffn any(x) { return x }\r\non AppEvents.Started { any(null).x }\r\n".encode())
    assert f"{path}:2:34: " in str(play_file(path).outcome.error)


def test_a_message_sends_no_events_whatever_its_fields_are_called(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text("""\
require ElevenLabs
fn any(x) { return x }
on AppEvents.CallAlerting as { call } {
    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: "none", agentId: "agent_1" })
    on agent AgentsEvents.Unknown as { data } {
        const fields = any(data)
        try { wait for fields CallEvents.Connected } catch e { log e.message }
        VoxEngine.terminate()
    }
}
""")
    call = simulated(path, agent=Agent(script=[at(0.5, send({"type": "new", "waitFor": "x"}))])).expectOk()
    assert call.log == ["a message sends no events"]


def check_code(source: str) -> None:
    """It becomes code with its own lines, or a located mistake."""
    text = Source("program.vox", source)
    names = ["VoxEngine", "Logger", "AppEvents", "CallEvents", "secret", "text", "number", "round", "parse"]
    try:
        parts = compile_program(parse(text), text, "program.vox", names, {"ElevenLabs": ["ElevenLabs", "AgentsEvents"]})
    except SyntaxMistake as mistake:
        assert re.match(r"program\.vox:\d+:\d+: error: ", str(mistake))  # noqa: PT017 - one of two right ends
    else:
        lines = source.count("\n") + 1
        assert all(1 <= (line or 1) <= lines for code in parts for _, _, line in code.co_lines())


@given(source=programs())
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
def test_every_program_becomes_code_or_a_located_mistake(source: str) -> None:
    check_code(source)


@pytest.mark.slow
@given(source=programs())
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_many_programs_become_code_or_a_located_mistake(source: str) -> None:
    check_code(source)


def test_only_what_waits_is_asynchronous() -> None:
    source = "fn f() { return 1 }\nfn g() { wait 1s; fn h() { return 2 } }\nfn k() { after 1s { wait 1s } }"
    text = Source("functions.vox", source)
    todo = [*compile_program(parse(text), text, "functions.vox", ["setTimeout"], {})]
    found: dict[str, bool] = {}
    while todo:
        todo += (inner := [each for each in todo.pop().co_consts if isinstance(each, CodeType)])
        found |= {each.co_name: bool(each.co_flags & inspect.CO_COROUTINE) for each in inner}
    assert found == {"f": False, "g": True, "h": False, "k": False, "after": True}


def test_blocks_that_python_could_not_nest_are_a_located_mistake() -> None:
    source = "while true {" * 16 + "}" * 16
    text = Source("deep.vox", source)
    compile_program(parse(text), text, "deep.vox", [], {})


def test_too_many_blocks_for_python_are_told_at_their_own_line() -> None:
    """What Python's texts take for line ends, a page feed say, is none in a scenario."""
    source = "// a page\f and a line\u2028 further\n\n" + "try { } catch { " * 14 + "}" * 14
    text = Source("deep.vox", source)
    with pytest.raises(SyntaxMistake, match=r"^deep\.vox:3:1: error: this is nested too deeply"):
        compile_program(parse(text), text, "deep.vox", [], {})


def test_coverage_sees_the_lines_that_ran(tmp_path: Path) -> None:
    """Line events are what coverage measures by."""
    source = """\
on AppEvents.Started {
    let n = 0
    for x in [1, 2] {
        if x == 3 {
            n += 1
        } else {
            n += x
        }
    }
    log "${n}"
    wait 500ms
    VoxEngine.terminate()
}
fn never() {
    log "not this"
}
const unused = never
"""
    coverage = Coverage(data_file=None, include=["*.vox"])
    coverage.start()
    try:
        play(tmp_path, source)
    finally:
        coverage.stop()
    ran = coverage.get_data().lines(str(tmp_path / "scenario.vox"))
    assert set(ran or ()) == {1, 2, 3, 4, 7, 10, 11, 12, 14, 17}


def test_a_breakpoint_stops_in_the_debugger_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(
        "on AppEvents.Started {\n    const answer = 42\n"
        '    breakpoint\n    log "went on"\n    VoxEngine.terminate()\n}\n'
    )
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "voxrun", str(path), "--call", "none"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as process:
        os.close(theirs)
        seen = read_until(ours, b"(Pdb)")
        os.write(ours, b"p answer\n")
        seen += read_until(ours, b"(Pdb)")
        os.write(ours, b"c\n")
        seen += read_until(ours, b"went on")
    os.close(ours)
    text = seen.decode()
    line, shown = (3, "breakpoint") if sys.version_info >= (3, 13) else (4, 'log "went on"')  # it, or what follows
    assert f"> {path}({line})on AppEvents.Started()" in text
    assert f"-> {shown}" in text
    assert "42" in text
    assert process.returncode == 0


def read_until(terminal: int, wanted: bytes) -> bytes:
    """What the terminal shows until `wanted` comes."""
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 1024)
    return seen
