"""Slips: what people who know other languages write in a `.vox` file, and what to tell them."""

from typing import NamedTuple


class Advice(NamedTuple):
    """What is wrong and what to do. In both, `{found}` stands for the wrong text."""

    message: str
    advice: str


def _each(words: str, message: str, advice: str) -> dict[str, Advice]:
    return dict.fromkeys(words.split(), Advice(message, advice))


_NO_WORD = "`{found}` is not a word of this language"

WORDS = {
    **_each(
        "function def func fun sub lambda", _NO_WORD, "write `fn name(parameters) { … }`, or `fn (parameters) { … }`"
    ),
    **_each(
        "import from include using export",
        _NO_WORD,
        "`require ElevenLabs` brings a module in; the rest is always there",
    ),
    **_each("var local global", _NO_WORD, "write `const` for what never changes, `let` for what does"),
    **_each("elif elsif elseif elsewhen unless", _NO_WORD, "write `else if condition { … }`"),
    **_each("async", _NO_WORD, "a function that waits is written as any other: `fn name() { … }`"),
    **_each("class struct interface type enum extends", _NO_WORD, "there are no classes: use objects and functions"),
    **_each("new", _NO_WORD, "leave it out: `const agent = await ElevenLabs.createAgentsClient({ … })`"),
    **_each("switch match case default", _NO_WORD, "write `if … { } else if … { } else { }`"),
    **_each("do loop repeat until foreach", _NO_WORD, "loops are `for name in list { … }` and `while condition { … }`"),
    **_each("throw raise", _NO_WORD, "nothing can be thrown: `log` what is wrong, then `return`"),
    **_each("except rescue finally", _NO_WORD, "write `try { … } catch e { … }`"),
    **_each("print echo puts console", _NO_WORD, "write `log value`"),
    **_each("then begin", _NO_WORD, "a block is written in braces: `if condition { … }`"),
    **_each("end pass done fi endif", _NO_WORD, "a block ends with `}`"),
    **_each("is", _NO_WORD, "write `==` or `!=`"),
    **_each("typeof instanceof", _NO_WORD, "a value's type can't be asked for; compare it with `==`"),
    **_each("of", _NO_WORD, "write `for name in list { … }`"),
    **_each("sleep delay pause", _NO_WORD, "write `wait 2s`"),
    **_each("yield with del delete goto", _NO_WORD, "there is nothing like it here"),
    **_each("when", _NO_WORD, "write `on unit EVENT where condition { … }`, or `if condition { … }`"),
}
"""Words of other languages: found as the wrong word, or right before what makes no sense after it."""

STRANGE = {
    "===": Advice("`===` is not an operator", "write `==`: it never takes a number for a text"),
    "!==": Advice("`!==` is not an operator", "write `!=`: it never takes a number for a text"),
    "=>": Advice("there are no arrow functions", "write `fn (x) { return x + 1 }`"),
    "&": Advice("`{found}` is not an operator", "write `and`"),
    "|": Advice("`{found}` is not an operator", "write `or`"),
    "!": Advice("`!` is not an operator", "write `not`"),
    "?": Advice(
        "`?` is not an operator", "write `if … { } else { }`; `a ?? b` is b when a is null, and `a?.b` null when a is"
    ),
    "...": Advice("`...` is not an operator", "pass the values one by one"),
    "..": Advice("`..` is not an operator", "a list has each of its items: `[1, 2, 3]`"),
    "++": Advice("`++` is not an operator", "write `name += 1`"),
    '"': Advice("this text is not closed", 'it ends with `"` on the same line; `\\n` in it is a line end'),
    "'": Advice("a text stands in double quotes", 'write `"text"`'),
    "`": Advice("a text stands in double quotes", 'write `"text"`; it may hold values: `"at ${time}"`'),
    "“": Advice("these are typographic quotes", 'texts stand in straight double quotes: `"text"`'),
    "#": Advice("`#` begins no comment", "write `// comment`"),
    "/*": Advice("this comment is not closed", "it ends with `*/`"),
    "_": Advice("a name can't begin with `_`", "begin it with a letter"),
    "0": Advice("`{found}` is not a number", "numbers are `12` and `0.5`; durations `250ms`, `30s`, `10min`, `1h`"),
    "@": Advice("`@` has no meaning here", "there are no decorators: write `on unit EVENT { … }`"),
    "$": Advice("`$` has no meaning outside a text", 'names begin with a letter; values go into texts: `"at ${time}"`'),
    "\\": Advice(
        "`\\` has no meaning outside a text", "a statement goes on after an operator, a comma or an open bracket"
    ),
    "~": Advice("`~` is not an operator", ""),
    "^": Advice("`^` is not an operator", "multiply instead: `n * n`"),
}
"""By what the strange text begins with; a digit is listed as 0, all typographic quotes as one."""

_VALUES = ("any", "1", "5s", '"a"', '"${', "[", "{", "true", "null", "fn", "(")
_ITEMS = [value for value in _VALUES if value not in ("[", "(", "{")]


def _after(*beginnings: str, wrong: tuple[str, ...] | list[str] = _VALUES) -> tuple[str, ...]:
    return tuple(f"{beginning} {value}" for beginning in beginnings for value in wrong)


SLIPS: tuple[tuple[Advice, tuple[str, ...]], ...] = (
    (
        Advice("one value is assigned at a time", "write two statements"),
        ("return a =", "log a =", "a = b =", "let a = b =", "a += b ="),
    ),
    (
        Advice("`=` does not compare", "write `==`"),
        (
            "if a =",
            "while a =",
            "on a B where a =",
            "if (a =",
            "x = (a =",
            "if a.b =",
            "if f() =",
        ),
    ),
    (
        Advice("arguments have no names", "put them into an object: `f({ name: value })`"),
        ("f(a =", "f(a, b =", "f(a:", "f(1, a:"),
    ),
    (
        Advice("parameters have no default values", "give the value at the beginning of the body: `a = a ?? 1`"),
        ("fn f(a =", "fn f(a, b =", "fn (a =", "fn (a, b ="),
    ),
    (
        Advice("in an object, `:` stands between key and value", "write `{ key: value }`"),
        ("x = { a =", "x = { a: 1, b =", 'x = { "a" ='),
    ),
    (
        Advice("types are not written", "leave `:` and the type out"),
        ("let x:", "const x:", "fn f(a:", "fn (a:", "fn f(a, b:", "for x:"),
    ),
    (Advice("types are not written", "leave `->` and the type out"), ("fn f() ->", "x = fn () ->")),
    (
        Advice("a block is written in braces", "write `{ … }`"),
        (
            "if a:",
            "while a:",
            "for a in b:",
            "if a { } else:",
            "try:",
            "try { } catch:",
            "try { } catch e:",
            "fn f():",
            "x = fn ():",
            "on a B:",
            "on a B as e:",
            "on a B as { e }:",
            "on a B where c:",
            "after 5s:",
            "every 5s:",
        ),
    ),
    (
        Advice("`in` is no operator", "write `list.includes(value)`"),
        ("if a in", "x = a in", "if (a in", "log a in", "if not a in", "while a in", "f(a in", "if a not", "x = a not"),
    ),
    (
        Advice("a `{` is missing", "a block stands in braces: `{ … }`"),
        (
            *_after(
                "if a",
                "while a",
                "after 5s",
                "every 5s",
                "for a in b",
                "on a B where c",
                wrong=[*_ITEMS, "log", "\nany"],
            ),
            *_after(
                "if a { } else",
                "try",
                "try { } catch e",
                "fn f()",
                "on a B as e",
                "on a B as { e }",
                wrong=[*_VALUES[:-1], "log", "\nany"],
            ),
        ),
    ),
    (
        Advice("a name is assigned with `=` alone", "write `let name = value`, then `name = value`"),
        ("x :=", "x:", "x.y:"),
    ),
    (
        Advice("only one name is declared at a time", "write a `let` or `const` for each"),
        ("let a,", "let a = 1,", "const a = 1,"),
    ),
    (
        Advice("a declaration takes one name", "write `const name = value.name` for each"),
        ("let {", "const {", "let [", "const ["),
    ),
    (
        Advice("this name has no value yet", "write `let name = null` when there is none"),
        ("let a\nany", "const a\nany", "let a", "const a", "let a;any"),
    ),
    (
        Advice("`;` does not stand between values", "write `,`"),
        ("f(a;", "[a;", "x = { a: 1;", "x = { a;", "fn f(a;", "on a B as { a;", "f(1, a;", "[1, a;", "(a;"),
    ),
    (
        Advice("a comma is missing before this", "write `,` between values"),
        (
            *_after(
                "f(a",
                "f(1, a",
                "x = [a",
                "x = [1, a",
                "x = { a: 1",
                "x = { a: 1, b: 2",
                'x = { "a": 1',
                "x = { a",
                wrong=_ITEMS,
            ),
            *_after("fn f(a", "fn (a", "fn f(a, b", "on a B as { a", "on a B as { a, b", wrong=["any"]),
        ),
    ),
    (
        Advice("a duration is written as one word", "write `5s`, with no space"),
        (
            "wait 5 s",
            "after 5 s",
            "x = 5 s",
            "f(5 s",
            "every 5 min",
            "wait 5 ms",
            "wait 5 h",
            "wait 5 sec",
            "wait 5 seconds",
            "wait 5 minutes",
            "after 5 min",
            "after 5 minutes",
            "after 5 seconds",
            "every 5 s",
            "every 5 minutes",
            "every 5 seconds",
            "wait for a within 5 s",
            "wait for a within 5 seconds",
            "wait 5 hours",
            "f(x, 5 s",
            "wait 5 minute",
            "wait 1 second",
            "after 1 minute",
            "wait 1 hour",
            "after 1 hour",
            "every 1 hour",
            "every 1 minute",
        ),
    ),
    (
        Advice("`as` is missing before this", "write `on unit EVENT as e { … }`"),
        ("on a B any", "on a B {} {", "on a B (", "on a {} {"),
    ),
    (
        Advice("an event is written as its name", "write `on call CallEvents.Connected { … }`"),
        ('on "x"', 'on a "x"', 'wait for "x"', 'wait for a "x"'),
    ),
    (
        Advice("`wait for` takes an event", "for some time, write `wait 5s`"),
        ("wait for 5s", "wait for 5", "wait for ("),
    ),
    (Advice("no parentheses here", "write `for name in list { … }`"), ("for (",)),
    (Advice("no parentheses here", "write `catch e { … }`"), ("try { } catch (",)),
    (Advice("no parentheses here", "write `require ElevenLabs`"), ("require (",)),
    (Advice("a module's name stands without quotes", "write `require ElevenLabs`"), ('require "a"',)),
    (
        Advice("a key is a name or a text", 'write `{ "1": value }`; a key that is a value: `object[key] = value`'),
        _after("x = {", "x = { a: 1,", wrong=("1", "[", "5s", "(")),
    ),
    (Advice("`log` can't be a name", "choose another name"), ("log =",)),
    (
        Advice("a value can't begin with `.`", "write `0.5`, `log value`, `name.member`"),
        ("log.", "x = .", "f(.", "wait ."),
    ),
    (
        Advice("`{found}` is a word of the language and can't be a name", "choose another name"),
        (
            "let log",
            "const log",
            "fn log",
            "fn f(log",
            "fn f(a, log",
            "fn (log",
            "for log",
            "on a B as log",
            "on a B as { log",
            "try { } catch log",
            "require log",
            "on log",
            "on a log",
            "on a B as { a, log",
        ),
    ),
    (
        Advice("`{found}` begins a statement and has no value", "put it on its own line"),
        (
            "x = log",
            "f(log",
            "f(a, log",
            "x = [log",
            "x = (log",
            "x = a + log",
            "x = { a: log",
            "if log",
            "log log",
            "return log",
        ),
    ),
    (
        Advice(
            "a block can't stand here",
            "a block belongs to `if`, `for`, `while`, `fn`, `on`, …; an object to `=`, `(` or `,`",
        ),
        ("{", "a\n{", "f(x) {", "a {", "on a B { {", "x = 5 {", "on a B { a\n{"),
    ),
    (
        Advice("there are no arrow functions", "write `fn (x) { return x + 1 }`"),
        ("f(()", "x = ()"),
    ),
    (
        Advice(
            "one value stands in parentheses",
            'write `fn (a, b) { … }` for a function, `[a, b]` for a list, `log "${a} ${b}"` for a line of several',
        ),
        ("f((a, b", "x = (a,"),
    ),
    (Advice("`log` takes one value", 'write a text with all of them: `log "${a} ${b}"`'), ("log a,",)),
    (Advice("`**` is not an operator", "multiply: `n * n`"), ("a **", "x = a **", "f(a **")),
    (
        Advice("`--` is not an operator", "write `name += 1` or `name -= 1`"),
        ("a --", "a --;", "on a B { a -- }"),
    ),
    (Advice("there is no `*=` or `/=`", "write `name = name * 2`"), ("a *=",)),
    (
        Advice("`else` belongs to the `if` before it", "write `if … { } else { }`"),
        ("else", "on a B { else", "a\nelse", "on a B { a\nelse"),
    ),
    (Advice("`catch` belongs to the `try` before it", "write `try { } catch e { }`"), ("catch", "on a B { catch")),
    (
        Advice("`catch` is missing", "write `try { … } catch e { … }`"),
        ("try { }\nany", "try { }", "try { } any", "try { } log", "try { };any", "on a B { try { } }", "try { } else"),
    ),
    (
        Advice(
            "a handler has no parentheses",
            "write `on AppEvents.Started as e { … }`, `on call CallEvents.Connected as e { … }`",
        ),
        ("on a.b()", "on a(", "on a b(", "on a b.c("),
    ),
    (
        Advice("a unit comes before its event", "write `on call CallEvents.Connected { … }`"),
        ("on a,",),
    ),
    (
        Advice("a route is a statement of its own", "write `a -> b` on its own line"),
        ("x = a ->", "f(a ->", "if a ->", "x = a <->", "f(a <->"),
    ),
    (
        Advice("a route has two ends", "write `a -> b` and `b -> c`"),
        ("a -> b ->", "a <-> b <->", "a -> b <->", "a <-> b ->"),
    ),
    (
        Advice("one statement ends before the next begins", "put this on its own line"),
        _after(
            "a",
            "x = a",
            "f(a)",
            "let x = a",
            "a -> b",
            "log a",
            "wait 1s",
            "stop a -> b",
            "return a",
            "if a { }",
            "on a B { }",
            "while a { }",
            wrong=[*_ITEMS, "log", "let", "if"],
        ),
    ),
)
"""Advice, and texts that end in the wrong token, where `any` is any name and `log` any word of the language."""

FOREIGN_NAMES = {
    **dict.fromkeys(("None", "nil", "undefined", "NULL"), "write `null`"),
    **dict.fromkeys(("True", "TRUE"), "write `true`"),
    **dict.fromkeys(("False", "FALSE"), "write `false`"),
    **dict.fromkeys(("print", "console", "echo"), "write `log value`"),
    **dict.fromkeys(("self", "this"), "there are no classes: a function sees the names around it"),
    **dict.fromkeys(("str", "String"), 'write `"${value}"`'),
    "JSON": "write `parse(text)` to read it, `text(value)` to write it",
    "Math": "there is `round(number)`",
    "Date": "only Python has clocks: write this scenario in Python",
    "Object": "write `for key in object { }`",
    "Promise": "`await` one after the other, or give Net.httpRequest a function",
    **dict.fromkeys(("int", "float", "parseInt", "parseFloat", "Number"), "write `number(value)`"),
    "len": "write `value.length`",
    "sleep": "write `wait 2s`",
}
"""Names that other languages have: they parse, but nothing has them. And what to write."""
