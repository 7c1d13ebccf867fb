"""What is said about common slips, and where exactly."""

import pytest

from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.parser import parse
from voxrun.dsl.slips import FOREIGN_NAMES, STRANGE, WORDS
from voxrun.dsl.source import Source

SEVERAL = 'write `fn (a, b) { … }` for a function, `[a, b]` for a list, `log "${a} ${b}"` for a line of several'
HANDLER = "write `on AppEvents.Started as e { … }`, `on call CallEvents.Connected as e { … }`"
KEYS = 'write `{ "1": value }`; a key that is a value: `object[key] = value`'

SLIPS = [
    ("on A.B ⟦{⟧\n  f()", "this `{` is not closed", "a `}` is missing"),
    ("if a ⟦=⟧ 1 { }", "`=` does not compare", "write `==`"),
    ("if a.b ⟦=⟧ c and d { }", "`=` does not compare", "write `==`"),
    ("on call A.B where x ⟦=⟧ 1 { }", "`=` does not compare", "write `==`"),
    (
        "⟦function⟧ f() { }",
        "`function` is not a word of this language",
        "write `fn name(parameters) { … }`, or `fn (parameters) { … }`",
    ),
    (
        "x = ⟦function⟧ (a) { }",
        "`function` is not a word of this language",
        "write `fn name(parameters) { … }`, or `fn (parameters) { … }`",
    ),
    (
        "f(⟦function⟧ (a) { log a })",
        "`function` is not a word of this language",
        "write `fn name(parameters) { … }`, or `fn (parameters) { … }`",
    ),
    ("if a ⟦&⟧ b { }", "`&` is not an operator", "write `and`"),
    ("if a ⟦&&⟧ b { }", "`&&` is not an operator", "write `and`"),
    ("if ⟦!⟧a { }", "`!` is not an operator", "write `not`"),
    ("x = a ⟦||⟧ b", "`||` is not an operator", "write `or`"),
    (
        "⟦def⟧ f(x):\n    return x",
        "`def` is not a word of this language",
        "write `fn name(parameters) { … }`, or `fn (parameters) { … }`",
    ),
    ("let x⟦:⟧ int = 5", "types are not written", "leave `:` and the type out"),
    ("if a ⟦===⟧ b { }", "`===` is not an operator", "write `==`: it never takes a number for a text"),
    ("f(async () ⟦=>⟧ { })", "there are no arrow functions", "write `fn (x) { return x + 1 }`"),
    ("x = (a) ⟦=>⟧ a + 1", "there are no arrow functions", "write `fn (x) { return x + 1 }`"),
    ("f((a⟦,⟧ b) => a)", "one value stands in parentheses", SEVERAL),
    ("log(a⟦,⟧ b)", "one value stands in parentheses", SEVERAL),
    ("log a⟦,⟧ b", "`log` takes one value", 'write a text with all of them: `log "${a} ${b}"`'),
    ("for i in 0⟦..⟧10 { }", "`..` is not an operator", "a list has each of its items: `[1, 2, 3]`"),
    ("log ⟦.⟧5", "a value can't begin with `.`", "write `0.5`, `log value`, `name.member`"),
    ("x = ⟦.⟧5", "a value can't begin with `.`", "write `0.5`, `log value`, `name.member`"),
    ("log ⟦=⟧ 5", "`log` can't be a name", "choose another name"),
    ('x = { ⟦1⟧: "sales" }', "a key is a name or a text", KEYS),
    ('x = { a: 1, ⟦2⟧: "sales" }', "a key is a name or a text", KEYS),
    ("x = { ⟦[⟧a]: 1 }", "a key is a name or a text", KEYS),
    (
        "fn f(a, b ⟦=⟧ 2) { }",
        "parameters have no default values",
        "give the value at the beginning of the body: `a = a ?? 1`",
    ),
    ('call.on("x", (⟦)⟧ => { })', "there are no arrow functions", "write `fn (x) { return x + 1 }`"),
    (
        '⟦import⟧ x from "y"',
        "`import` is not a word of this language",
        "`require ElevenLabs` brings a module in; the rest is always there",
    ),
    (
        "⟦from⟧ voxrun import x",
        "`from` is not a word of this language",
        "`require ElevenLabs` brings a module in; the rest is always there",
    ),
    ("f(a ⟦b⟧)", "a comma is missing before this", "write `,` between values"),
    ("f({ a: 1 ⟦b⟧: 2 })", "a comma is missing before this", "write `,` between values"),
    ("f({\n  a: 1\n  ⟦b⟧: 2\n})", "a comma is missing before this", "write `,` between values"),
    ("x = [1 ⟦2⟧]", "a comma is missing before this", "write `,` between values"),
    ("log ⟦“hello”⟧", "these are typographic quotes", 'texts stand in straight double quotes: `"text"`'),
    ("log ⟦'hello'⟧", "a text stands in double quotes", 'write `"text"`'),
    ("log ⟦`hello ${a}`⟧", "a text stands in double quotes", 'write `"text"`; it may hold values: `"at ${time}"`'),
    ("if a { } ⟦elif⟧ b { }", "`elif` is not a word of this language", "write `else if condition { … }`"),
    ("if a { }\n⟦elif⟧ b { }", "`elif` is not a word of this language", "write `else if condition { … }`"),
    ("if a { } else⟦:⟧", "a block is written in braces", "write `{ … }`"),
    ("if a⟦:⟧\n    log b", "a block is written in braces", "write `{ … }`"),
    (
        "⟦var⟧ x = 1",
        "`var` is not a word of this language",
        "write `const` for what never changes, `let` for what does",
    ),
    ("x⟦++⟧", "`++` is not an operator", "write `name += 1`"),
    ("for ⟦(⟧let i = 0; i < 3; i++) { }", "no parentheses here", "write `for name in list { … }`"),
    ("f(a⟦;⟧ b)", "`;` does not stand between values", "write `,`"),
    ("on call CallEvents.X ⟦e⟧ { }", "`as` is missing before this", "write `on unit EVENT as e { … }`"),
    ("on call CallEvents.X { data } ⟦{⟧ }", "`as` is missing before this", "write `on unit EVENT as e { … }`"),
    ("wait 5 ⟦s⟧", "a duration is written as one word", "write `5s`, with no space"),
    ("after 5 ⟦minutes⟧ { }", "a duration is written as one word", "write `5s`, with no space"),
    ('⟦print⟧ "x"', "`print` is not a word of this language", "write `log value`"),
    ("⟦# comment⟧", "`#` begins no comment", "write `// comment`"),
    ('log ⟦"abc⟧', "this text is not closed", 'it ends with `"` on the same line; `\\n` in it is a line end'),
    ('log "a ⟦${⟧b"', "this `${` is not closed", 'write `"${value}"`'),
    ('log "a ⟦${⟧b\nlog "c"', "this `${` is not closed", 'write `"${value}"`'),
    ("⟦/*⟧ comment\nlog a", "this comment is not closed", "it ends with `*/`"),
    ('on ⟦"Call.Connected"⟧ { }', "an event is written as its name", "write `on call CallEvents.Connected { … }`"),
    ("let ⟦log⟧ = 1", "`log` is a word of the language and can't be a name", "choose another name"),
    ("fn ⟦stop⟧() { }", "`stop` is a word of the language and can't be a name", "choose another name"),
    ("x = { ⟦log⟧ }", "`log` is a word of the language and can't be a name", "give it a value: `{ log: value }`"),
    ("⟦_private⟧ = 1", "a name can't begin with `_`", "begin it with a letter"),
    ("a.⟦_b⟧()", "a name can't begin with `_`", "begin it with a letter"),
    (
        "x = a ⟦?⟧ b : c",
        "`?` is not an operator",
        "write `if … { } else { }`; `a ?? b` is b when a is null, and `a?.b` null when a is",
    ),
    ("f(a⟦=⟧1)", "arguments have no names", "put them into an object: `f({ name: value })`"),
    ("f(a⟦:⟧ 1)", "arguments have no names", "put them into an object: `f({ name: value })`"),
    ("f(a, b⟦=⟧1)", "arguments have no names", "put them into an object: `f({ name: value })`"),
    (
        "fn f(a ⟦=⟧ 1) { }",
        "parameters have no default values",
        "give the value at the beginning of the body: `a = a ?? 1`",
    ),
    ('call.answer⟦(⟧\nlog "x"', "this `(` is not closed", "a `)` is missing"),
    ('log ⟦[⟧"a", "b"\ncall.answer()', "this `[` is not closed", "a `]` is missing"),
    ('on A.B {\n  if x ⟦{⟧\n    log "a"\n}\nlog "b"', "this `{` is not closed", "a `}` is missing"),
    ('on A.B {\n  log "a"\n}\n⟦}⟧', "this `}` closes nothing", "delete it, or open what it should close"),
    ("f⟦(⟧a]", "this `(` is not closed", "a `)` is missing"),
    ("f⟦(⟧a}", "this `(` is not closed", "a `)` is missing"),
    ("wait ⟦5sec⟧", "`5sec` is not a number", "numbers are `12` and `0.5`; durations `250ms`, `30s`, `10min`, `1h`"),
    ("x = ⟦1e5⟧", "`1e5` is not a number", "numbers are `12` and `0.5`; durations `250ms`, `30s`, `10min`, `1h`"),
    ("x = ⟦0x10⟧", "`0x10` is not a number", "numbers are `12` and `0.5`; durations `250ms`, `30s`, `10min`, `1h`"),
    ("x = ⟦1_000⟧", "`1_000` is not a number", "numbers are `12` and `0.5`; durations `250ms`, `30s`, `10min`, `1h`"),
    ("while x⟦\n⟧  log a", "a `{` is missing", "a block stands in braces: `{ … }`"),
    ("if x ⟦log⟧ a", "a `{` is missing", "a block stands in braces: `{ … }`"),
    (
        "if x ⟦then⟧ log a",
        "`then` is not a word of this language",
        "a block is written in braces: `if condition { … }`",
    ),
    ("⟦else⟧ { }", "`else` belongs to the `if` before it", "write `if … { } else { }`"),
    ("try { f() }⟦\n⟧log a", "`catch` is missing", "write `try { … } catch e { … }`"),
    ("try { } catch ⟦(⟧e) { }", "no parentheses here", "write `catch e { … }`"),
    ("let x⟦⟧", "this name has no value yet", "write `let name = null` when there is none"),
    ("let x⟦,⟧ y", "only one name is declared at a time", "write a `let` or `const` for each"),
    ("let ⟦{⟧a} = b", "a declaration takes one name", "write `const name = value.name` for each"),
    ("x ⟦:⟧= 1", "a name is assigned with `=` alone", "write `let name = value`, then `name = value`"),
    ("if x ⟦in⟧ y { }", "`in` is no operator", "write `list.includes(value)`"),
    ("if x ⟦not⟧ in y { }", "`in` is no operator", "write `list.includes(value)`"),
    ("if x ⟦is⟧ null { }", "`is` is not a word of this language", "write `==` or `!=`"),
    ("x = y *⟦*⟧ 2", "`**` is not an operator", "multiply: `n * n`"),
    ("x *⟦=⟧ 2", "there is no `*=` or `/=`", "write `name = name * 2`"),
    ("f(⟦...⟧a)", "`...` is not an operator", "pass the values one by one"),
    ("⟦@⟧on(x)", "`@` has no meaning here", "there are no decorators: write `on unit EVENT { … }`"),
    ("a -> b ⟦->⟧ c", "a route has two ends", "write `a -> b` and `b -> c`"),
    (
        "x = ⟦new⟧ Foo()",
        "`new` is not a word of this language",
        "leave it out: `const agent = await ElevenLabs.createAgentsClient({ … })`",
    ),
    (
        '⟦throw⟧ "x"',
        "`throw` is not a word of this language",
        "nothing can be thrown: `log` what is wrong, then `return`",
    ),
    ("⟦switch⟧ (x) { }", "`switch` is not a word of this language", "write `if … { } else if … { } else { }`"),
    ("⟦class⟧ A { }", "`class` is not a word of this language", "there are no classes: use objects and functions"),
    (
        "⟦do⟧ { }",
        "`do` is not a word of this language",
        "loops are `for name in list { … }` and `while condition { … }`",
    ),
    ("log a ⟦log⟧ b", "one statement ends before the next begins", "put this on its own line"),
    ("f() ⟦g⟧()", "one statement ends before the next begins", "put this on its own line"),
    (
        "⟦{⟧ a: 1 }",
        "a block can't stand here",
        "a block belongs to `if`, `for`, `while`, `fn`, `on`, …; an object to `=`, `(` or `,`",
    ),
    (
        "f(x) ⟦{⟧ }",
        "a block can't stand here",
        "a block belongs to `if`, `for`, `while`, `fn`, `on`, …; an object to `=`, `(` or `,`",
    ),
    ("fn f() ⟦->⟧ int { }", "types are not written", "leave `->` and the type out"),
    ('require ⟦"ElevenLabs"⟧', "a module's name stands without quotes", "write `require ElevenLabs`"),
    ("for x ⟦of⟧ y { }", "`of` is not a word of this language", "write `for name in list { … }`"),
    ("wait for ⟦5s⟧", "`wait for` takes an event", "for some time, write `wait 5s`"),
    ("x =⟦⟧ ", "the end of the file comes too early", "here may stand: a value"),
    ("x = ⟦)⟧", "this `)` closes nothing", "delete it, or open what it should close"),
    ("f(1 + ⟦)⟧", "`)` has no meaning here", "here may stand: a value"),
    ("a.⟦1⟧", "`1` has no meaning here", "here may stand: a name"),
    ("const x⟦\n⟧y", "this name has no value yet", "write `let name = null` when there is none"),
    ("1 < 2 ⟦<⟧ 3", "comparisons can't be chained", "compare two at a time: `a < b and b < c`"),
    ("⟦f()⟧ = 1", "this can't be assigned to", "on the left stands a name, `object.name` or `list[index]`"),
    ("x = ⟦99999999999999999999⟧", "this number is too large", "numbers go up to 9007199254740992"),
    (
        'log "⟦\\q⟧"',
        "`\\q` has no meaning in a text",
        'write `\\\\` for a backslash; others: \\n \\t \\r \\" \\$ \\u{1F600}',
    ),
    (
        "⟦async⟧ fn f() { }",
        "`async` is not a word of this language",
        "a function that waits is written as any other: `fn name() { … }`",
    ),
    ("await⟦⟧", "the end of the file comes too early", "here may stand: a value"),
    ("on ⟦{⟧ }", "`{` has no meaning here", "here may stand: a name"),
    (
        "⟦import⟧ elevenlabs",
        "`import` is not a word of this language",
        "`require ElevenLabs` brings a module in; the rest is always there",
    ),
    ("let ⟦5⟧ = x", "`5` has no meaning here", "here may stand: a name"),
    ("a ⟦b⟧", "one statement ends before the next begins", "put this on its own line"),
    ("x = a?.⟦⟧", "the end of the file comes too early", "here may stand: a name"),
    ('⟦"text"⟧ = 1', "this can't be assigned to", "on the left stands a name, `object.name` or `list[index]`"),
    (
        "⟦when⟧ call.x { }",
        "`when` is not a word of this language",
        "write `on unit EVENT where condition { … }`, or `if condition { … }`",
    ),
    ("return ⟦return⟧", "`return` begins a statement and has no value", "put it on its own line"),
    ("on A.B as e where ⟦{⟧ }", "`{` has no meaning here", "here may stand: a value"),
    ("x = ⟦if⟧ a { 1 } else { 2 }", "`if` begins a statement and has no value", "put it on its own line"),
    ("every ⟦{⟧ }", "`{` has no meaning here", "here may stand: a value"),
    ("x = ⟦“a”⟧", "these are typographic quotes", 'texts stand in straight double quotes: `"text"`'),
    ('log "a⟦\x00⟧b"', "there is an invisible character here: U+0000", "write `\\u{0000}`"),
    ('log "⟦\u202e⟧b"', "there is an invisible character here: U+202E", "write `\\u{202E}`"),
    ('log "a\x00b" ⟦\x00⟧', "there is an invisible character here: U+0000", "delete it"),
    ("a⟦\xa0⟧= 1", "there is an invisible character here: U+00A0", "delete it"),
    (
        "x = ⟦\\⟧",
        "`\\` has no meaning outside a text",
        "a statement goes on after an operator, a comma or an open bracket",
    ),
    ("⟦~⟧a", "`~` is not an operator", ""),
    ("x = a ⟦^⟧ b", "`^` is not an operator", "multiply instead: `n * n`"),
    (
        "x = ⟦$⟧a",
        "`$` has no meaning outside a text",
        'names begin with a letter; values go into texts: `"at ${time}"`',
    ),
    ("a--⟦⟧", "`--` is not an operator", "write `name += 1` or `name -= 1`"),
    ('call.say("a", 5 ⟦s⟧)', "a duration is written as one word", "write `5s`, with no space"),
    ("fn (a⟦:⟧ int) { }", "types are not written", "leave `:` and the type out"),
    ("f(\n  a\n  ⟦b⟧\n)", "a comma is missing before this", "write `,` between values"),
    ("on call.connected⟦(⟧) { }", "a handler has no parentheses", HANDLER),
    ("on AppEvents.Started ⟦(⟧e) { }", "a handler has no parentheses", HANDLER),
    ("on call CallEvents.Connected⟦(⟧e) { }", "a handler has no parentheses", HANDLER),
    (
        "on call⟦,⟧ CallEvents.Connected { }",
        "a unit comes before its event",
        "write `on call CallEvents.Connected { … }`",
    ),
    ("x = a ⟦->⟧ b", "a route is a statement of its own", "write `a -> b` on its own line"),
    ("⟦else⟧ if a { }", "`else` belongs to the `if` before it", "write `if … { } else { }`"),
    ("try { } ⟦log⟧ a", "`catch` is missing", "write `try { … } catch e { … }`"),
    ("let a = b ⟦=⟧ c", "one value is assigned at a time", "write two statements"),
    ("x = { a ⟦=⟧ 1 }", "in an object, `:` stands between key and value", "write `{ key: value }`"),
    ("return a ⟦=⟧ 1", "one value is assigned at a time", "write two statements"),
    ("x += ⟦-=⟧ 1", "`-=` has no meaning here", "here may stand: a value"),
    ('wait for ⟦"x"⟧', "an event is written as its name", "write `on call CallEvents.Connected { … }`"),
    ("x = 1.2.⟦3⟧", "`3` has no meaning here", "here may stand: a name"),
    ('log "${⟦}"⟧', '`}"` has no meaning here', "here may stand: a value"),
    ("f(⟦,⟧)", "`,` has no meaning here", "here may stand: a value or `)`"),
    ("x = [1,⟦,⟧2]", "`,` has no meaning here", "here may stand: a value or `]`"),
    ("on A.B as { a ⟦b⟧ } { }", "a comma is missing before this", "write `,` between values"),
    ("fn f(a ⟦b⟧) { }", "a comma is missing before this", "write `,` between values"),
    ("require⟦(⟧ElevenLabs)", "no parentheses here", "write `require ElevenLabs`"),
    ('log "${a + ⟦}"⟧', '`}"` has no meaning here', "here may stand: a value"),
    ("await⟦⟧", "the end of the file comes too early", "here may stand: a value"),
    ("x = ⟦=⟧ 1", "`=` has no meaning here", "here may stand: a value"),
    ("const ⟦const⟧ = 1", "`const` is a word of the language and can't be a name", "choose another name"),
    ("a.b.⟦⟧", "the end of the file comes too early", "here may stand: a name"),
    ("x = a.⟦⟧", "the end of the file comes too early", "here may stand: a name"),
    ("⟦5⟧ = x", "this can't be assigned to", "on the left stands a name, `object.name` or `list[index]`"),
    ("break ⟦5⟧", "`5` has no meaning here", "here may stand: the end of the line"),
]
"""The text, in which the wrong part stands in ⟦ ⟧; the message; the advice."""


def mistake(text: str) -> SyntaxMistake:
    with pytest.raises(SyntaxMistake) as caught:
        parse(Source("a.vox", text))
    return caught.value


@pytest.mark.parametrize(("marked", "message", "advice"), SLIPS)
def test_a_slip_is_shown_where_it_is_with_advice(marked: str, message: str, advice: str) -> None:
    before, wrong, after = marked.replace("⟧", "⟦").split("⟦")
    found = mistake(before + wrong + after)
    lines = before.split("\n")
    span = found.diagnostic.span
    assert (found.diagnostic.message, found.diagnostic.advice) == (message, advice)
    assert found.source.place(span.start) == (len(lines), len(lines[-1]) + 1)
    assert span.end - span.start == len(wrong)


ANYWHERE = [
    row
    for row in SLIPS
    if "⟦⟧" not in row[0]
    and not any(sign in row[1] + row[2] for sign in ("closes nothing", "not closed", "end of the"))
]
"""Those that the braces around them do not change."""


@pytest.mark.parametrize(("marked", "message", "advice"), ANYWHERE)
def test_a_slip_is_the_same_in_a_handler(marked: str, message: str, advice: str) -> None:
    """lark compares how much the parser has stacked; we must not."""
    found = mistake("on A.B {\n  if x {\n" + marked.replace("⟦", "").replace("⟧", "") + "\n}\n}")
    assert (found.diagnostic.message, found.diagnostic.advice) == (message, advice)


@pytest.mark.parametrize(
    "text", ["if\ta {\r\n\tlog b\r\n}\r\n", "\ufeffrequire ElevenLabs", "a\r\n;b", "if a\n{\n}\nelse\n{\n}"]
)
def test_what_is_fine(text: str) -> None:
    assert parse(Source("a.vox", text)).statements


def test_the_caret_stands_under_the_place_after_tabs_and_a_byte_order_mark() -> None:
    assert str(mistake("\ufeff\tif a = 1 { }")).splitlines() == [
        "a.vox:1:7: error: `=` does not compare",
        "  |",
        "1 | \tif a = 1 { }",
        "  | \t     ^",
        "  = write `==`",
    ]


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_another_language_is_ours(word: str) -> None:
    assert parse(Source("a.vox", f"const {word} = 1")).statements
    assert f"`{word}`" in mistake(f"{word} x {{ }}").diagnostic.message


@pytest.mark.parametrize("strange", STRANGE)
def test_each_strange_sign_has_its_advice(strange: str) -> None:
    written = "0x1" if strange == "0" else strange
    assert mistake(f"x = a {written}").diagnostic.advice == STRANGE[strange].advice


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_names_of_other_languages_parse_and_are_the_checkers(name: str) -> None:
    assert parse(Source("a.vox", f"x = {name}")).statements
