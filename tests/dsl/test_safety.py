"""Attempts to break out of the language, to get at what it hides, or to take more than there is: each fails cleanly."""

import json
import re
import time
from pathlib import Path

import pytest
from tests.dsl.played import SECRET, play_statements

from voxrun.errors import ScenarioError

DOUBLED = """
    let l = [1]
    let i = 0
    while i < 40 { l = [l, l]; i += 1 }
"""

LONG = """
    let s = "x"
    let i = 0
    while i < 16 { s = s + s; i += 1 }
"""

DEEP = """
    let l = []
    let i = 0
    while i < 500 { l = [l]; i += 1 }
"""

WALKS = [
    ('"".__class__', "_"),
    ("[].__class__.__base__.__subclasses__()", "_"),
    ("(fn () { }).__globals__", "_"),
    ("call._host", "_"),
    ("call?._host", "_"),
    ("event.__dict__", "_"),
    ("CallEvents.Connected.__class__", "_"),
    ("const __builtins__ = 1", "_"),
    ("_member(call, 1)", "_"),
    ("try { any(null).x } catch e { log e.message.__traceback__ }", "_"),
    ('any("x")["__class__"]', "a place in a list or text is a whole number"),
    ('any(fn () { })["__globals__"]', "a function has nothing in [ ]"),
    ('any(call)["_host"]', "call-1 has nothing in [ ]"),
    ('any(VoxEngine)["current_session"]', "has nothing in [ ]"),
    ('any(event)["__dict__"]', "has nothing in [ ]"),
    ("any(call).output", "call-1 has no 'output'"),
    ("any(call).inlet(call)", "call-1 has no 'inlet'"),
    ("any(call).produce()", "call-1 has no 'produce'"),
    ("any(call).namespaces", "call-1 has no 'namespaces'"),
    ('any(call).listeners_of("Call.Connected")', "call-1 has no 'listeners_of'"),
    ("any(VoxEngine).current_session()", "VoxEngine has no 'current_session'"),
    ("any(VoxEngine).inspect", "VoxEngine has no 'inspect'"),
    ("any(ElevenLabs).connect_agent", "ElevenLabs has no 'connect_agent'"),
    ("any(Logger).current_session", "Logger has no 'current_session'"),
    ("any(CallEvents).mro()", "CallEvents has no 'mro'"),
    ("any(CallEvents.Connected).upper()", "a text has no 'upper'"),
    ('any("{0.x}").format(call)', "a text has no 'format'"),
    ('any("%s") % any(call)', "% needs two numbers"),
    ('any("x").encode()', "a text has no 'encode'"),
    ("any([]).append(1)", "a list has no 'append'"),
    ("any([]).sort()", "a list has no 'sort'"),
    ("any({ }).items()", "an object has no 'items'"),
    ('any({ }).get("x")', "an object has no 'get'"),
    ("any(1).bit_length()", "a number has no 'bit_length'"),
    ("any(1).real", "a number has no 'real'"),
    ("any(true).numerator", "true or false has no 'numerator'"),
    ("any(fn () { }).func_globals", "a function has no 'func_globals'"),
    ("any(VoxEngine.terminate).function", "a function has no 'function'"),
    ("any(secret).call", "a function has no 'call'"),
    ("any(call.waitFor(CallEvents.Connected)).cr_frame", "put `await` before it"),
    ("any(call.waitFor(CallEvents.Connected)).send(null)", "put `await` before it"),
    ("try { any(null).x } catch e { any(e).with_traceback(null) }", "an object has no 'with_traceback'"),
    ("try { any(null).x } catch e { any(e).args }", "an object has no 'args'"),
    ('try { any(null).x } catch e { e["__traceback__"].tb_frame }', "null has no tb_frame"),
    ('any(event).name = "x"', "can't be changed"),
    ("any(call).hangup = 1", "can't be changed"),
    ("any(VoxEngine).terminate = 1", "can't be changed"),
    ("any(event.headers).x.y", "an object has no 'x'"),
    ('any(parse("{\\"items\\": 1, \\"__class__\\": 2, \\"_host\\": 3}")).items()', "a number can't be called"),
    ('any(parse("{\\"__class__\\": 2}"))["__class__"].x', "a number has no 'x'"),
    (
        'call.addEventListener("x", any("__import__"))\ncall.addEventListener(CallEvents.Connected, any("os"))',
        "a handler must be",
    ),
    ("any(any(call).on(CallEvents.Connected))(1)", "can't be called"),
    ("any(fn (a) { })()", "takes 1 argument"),
    ("any(call).say()", "say takes"),
]
"""Statements, and what is told about them."""

FOREIGN = [
    "import os",
    "require os",
    '__import__("os")',
    'eval("1")',
    'exec("1")',
    'open("/etc/passwd")',
    "globals()",
    'getattr(call, "_host")',
    "type(call)",
    "yield 1",
    "const x = 2 ** 9999999",
    "lambda: 1",
    "del call",
    "raise call",
    "with call { }",
    "async fn f() { }",
]

EXHAUSTING = [
    ("while true { }", "takes too long"),
    ("while true { try { any(null).x } catch { } }", "takes too long"),
    ("try { while true { } } catch { log 1 }", "takes too long"),
    ("const l = [1]\nfor x in l { l.push(x) }", "takes too long"),
    ("let n = 2\nwhile true { n = n * n }", "this number is too large"),
    ("let n = 1.5\nwhile true { n = n * n }", "this number is too large"),
    ("let n = 1\nwhile true { n += n }", "this number is too large"),
    ('any("x") * 1000000000', "needs two numbers"),
    ("any([1]) * 1000000000", "needs two numbers"),
    ('let s = "xy"\nwhile true { s = s + s }', "a text has at most"),
    ('let s = "xy"\nwhile true { s = "${s}${s}" }', "a text has at most"),
    (LONG + "const all = [s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s]\nall.join(s)", "a text has at most"),
    (LONG + 'let t = "x"\nwhile true { t = t.replace("x", "${s}x") }', "a text has at most|takes too long"),
    (LONG + 'while true { s.split("") }', "takes too long|has at most"),
    (LONG + 'const l = []\nwhile true { l.push(s.split("")) }', "takes too long|has at most"),
    (
        LONG + 's = s.slice(0, 30000)\nwhile true { s.includes("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy") }',
        "takes too long",
    ),
    (DOUBLED + "log l", "takes too long"),
    (DOUBLED + "let m = [1]\ni = 0\nwhile i < 40 { m = [m, m]; i += 1 }\nif l == m { log 1 }", "takes too long"),
    (DOUBLED + "call.customData(l)", "takes too long|inside one another"),
    (DEEP + "log l", "inside one another"),
    (DEEP + "let m = []\ni = 0\nwhile i < 500 { m = [m]; i += 1 }\nif l == m { log 1 }", "inside one another"),
    ('const l = []\nl.push(l)\nlog "${l}"', "does one hold itself"),
    ("const l = []\nl.push(l)\nconst m = []\nm.push(m)\nif l == m { log 1 }", "inside one another"),
    ("const o = { }\no.o = o\ncall.answer(o)", "inside one another"),
    ("const o = { }\nlet i = 0\nwhile true { o[i] = o; i += 1 }", "takes too long|at most"),
    ('while true { log "x" }', "takes too long"),
    (LONG + "while true { log s }", "takes too long"),
    (LONG + "s = s + s\ncall.customData(s)", "texts of 65536 characters at most"),
    ("while true { on call CallEvents.Connected { } }", "takes too long|handlers"),
    ("every 100ms { let i = 0; while i < 200 { on call CallEvents.Connected { }; i += 1 } }", "handlers already"),
    ("while true { setTimeout(fn () { }, 1s) }", "100 timers are running already"),
    ("let i = 0\nwhile i < 200 { every 100ms { }; i += 1 }", "100 timers are running already"),
    ("fn f() { setTimeout(f, 0) }\nf()", "takes too long"),
    ("fn f() { f() }\nf()", "100 calls inside one another"),
    ("fn f() { g() }\nfn g() { f() }\nf()", "100 calls inside one another"),
    ("fn f() { try { f() } catch { f() } }\nf()", "100 calls inside one another"),
    ("fn f() { await f() }\nawait f()", "wait for one another"),
    ("fn f() { await g() }\nfn g() { await f() }\nawait f()", "wait for one another"),
    ("fn f() { return 1 }\nwhile true { await f() }", "takes too long"),
    ("let i = 0\nwhile i < 100 { every 100ms { wait 1h }; i += 1 }", "are waiting already"),
    ('while true { any(1) ?? 2; any([]).length; const o = { a: [1, 2], b: "x" }; o.a[0] }', "takes too long"),
    (
        "const l = []\nlet i = 0\nwhile i < 1000 { l.push(1000 - i); i += 1 }\n"
        "for a in l { for b in l { if a < b { l[0] = b } } }",
        "takes too long",
    ),
    ("wait 0 - 5s", "can't be less than 0"),
    ('wait any("long")', "a duration is needed"),
    ("const p = call.waitFor(CallEvents.Connected)\nawait p\nawait p", "was awaited before"),
    ("await any([call.waitFor(CallEvents.Connected)])[0].x", "put `await` before it"),
]

DOUBLE = "let i = 0; while i < 15 { s = s + s; i += 1 }"

KEEPING = [
    'const all = []\nevery 100ms { let s = "${all.length}"; ' + DOUBLE + "; all.push(s) }",
    "const all = { }\nlet n = 0\nevery 100ms { let i = 0; while i < 1000 { n += 1; all[n] = [n]; i += 1 } }",
    "let all = null\nevery 100ms { let i = 0; while i < 1000 { all = { all, i }; i += 1 } }",
    "let all = fn () { }\n"
    "every 100ms { let i = 0; while i < 1000 { const last = all; all = fn () { return last }; i += 1 } }",
    'every 100ms { let s = "${call.id()}"; ' + DOUBLE + "; wait 1h; log s }",
    'every 100ms { let s = "${call.id()}"; ' + DOUBLE + "; setTimeout(fn () { log s }, 1h) }",
]
"""What each keeps more of in every tenth of a second."""


def fails(folder: Path, statements: str, expected: str) -> str:
    """Run it: the error has a place, says what is expected, and took no time."""
    began = time.process_time()
    ran = play_statements(folder, statements)
    assert time.process_time() - began < 10
    error = ran.outcome.error
    assert isinstance(error, ScenarioError), ran.logged
    told = str(error)
    assert re.search(r"scenario\.vox:\d+:\d+: ", told), told
    assert re.search(expected, told), told
    for internal in ("Traceback", "object at 0x", "NoneType", "<class"):
        assert internal not in told
    return told


@pytest.mark.parametrize(("statements", "expected"), WALKS)
def test_no_walk_leads_out(tmp_path: Path, statements: str, expected: str) -> None:
    fails(tmp_path, statements, re.escape(expected))


@pytest.mark.parametrize("statements", FOREIGN)
def test_what_other_languages_have_is_not_there(tmp_path: Path, statements: str) -> None:
    assert "error: " in fails(tmp_path, statements, "")


@pytest.mark.parametrize(("statements", "expected"), EXHAUSTING)
def test_nobody_takes_more_than_there_is(tmp_path: Path, statements: str, expected: str) -> None:
    fails(tmp_path, statements, expected)


@pytest.mark.parametrize("statements", KEEPING)
def test_nobody_keeps_more_than_there_is(tmp_path: Path, statements: str) -> None:
    fails(tmp_path, statements, "the scenario keeps too much|are waiting already|timers are running")


def test_there_are_enough_attempts() -> None:
    assert len(WALKS) + len(FOREIGN) + len(EXHAUSTING) + len(KEEPING) >= 60


def test_no_secret_is_shown(tmp_path: Path) -> None:
    statements = """
        const room = VoxEngine.createConference()
        log "the key is ${secret("KEY")}"
        try { any(null).x } catch e { log "${e} ${[secret("KEY")]}" }
        room.add({ call, direction: secret("KEY") })
    """
    ran = play_statements(tmp_path, statements)
    assert ran.outcome.error is not None
    assert ran.logged[0] == "the key is ***"
    assert SECRET not in json.dumps(ran.records)


def test_what_is_harmless_stays_harmless(tmp_path: Path) -> None:
    statements = """
        const data = parse("{\\"__class__\\": \\"a\\", \\"_host\\": [1], \\"items\\": {\\"get\\": null}}")
        log "${data["__class__"]} ${data["_host"][0]} ${data.items} ${data.items.get ?? "none"}"
        log "${parse("[[[[")} ${parse("NaN")} ${number("1_000")} ${number("٣")} ${number("1e999")}"
        log "{0.__class__} %s"
        breakpoint
        VoxEngine.terminate()
    """
    ran = play_statements(tmp_path, statements)
    assert ran.outcome.error is None
    assert ran.logged == ['a 1 {"get": null} none', "null null null null null", "{0.__class__} %s"]
