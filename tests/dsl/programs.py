"""`programs()`: random `.vox` programs that can be parsed, as text; not ones that make sense."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_NAMES = ("a", "b1", "call", "agent_2", "Größe", "имя", "名前", "हिन्दी", "cafe\u0301", "data", "x")
_EVENTS = ("AppEvents.CallAlerting", "AgentsEvents.UserTranscript", "CallEvents.Disconnected", "E")
_INFIX = ("or", "and", "??", "+", "-", "*", "/", "%", "==", "<", ">=", "!=")
_LINE_ENDS = ("\n", "\r\n", "\n\n", ";", " ; ", " // why\n", "\n/* own\nlines */\n")
_CHARACTERS = ("a", " ", "ü", "語", "'", "{", "}", "//", "$", "\\n", '\\"', "\\$", "\\\\", "\\u{1F600}", "#")

names = st.sampled_from(_NAMES)
paths = st.lists(names, min_size=1, max_size=3).map(".".join)
events = st.sampled_from(_EVENTS)
numbers = st.one_of(st.integers(0, 2**53).map(str), st.sampled_from(("0.5", "12.25", "007")))
durations = st.builds("{}{}".format, st.integers(0, 9999), st.sampled_from(("ms", "s", "min", "h")))
texts = st.lists(st.sampled_from(_CHARACTERS), max_size=5).map("".join).filter(lambda text: "${" not in text)
constants = st.sampled_from(("true", "false", "null"))


def _joined(items: SearchStrategy[str], opening: str, closing: str) -> SearchStrategy[str]:
    def written(found: list[str], comma: str, trailing: bool) -> str:
        return opening + comma.join(found) + (comma if trailing and found else "") + closing

    return st.builds(written, st.lists(items, max_size=3), st.sampled_from((",", ", ", ",\n  ")), st.booleans())


def _template(parts: list[tuple[str, str]], last: str) -> str:
    return '"' + "".join(f"{text}${{{value}}}" for text, value in parts) + last + '"'


_one_line = st.recursive(
    st.one_of(names, numbers, st.builds('"{}"'.format, texts)),
    lambda inner: st.one_of(
        st.builds("{}.{}".format, names, names),
        st.builds("{} + {}".format, inner, inner),
        st.builds("f({})".format, inner),
        st.builds("[{}]".format, inner),
        st.builds("{{ a: {} }}.a".format, inner),
    ),
    max_leaves=4,
)
templates = st.builds(_template, st.lists(st.tuples(texts, _one_line), min_size=1, max_size=3), texts)


def _bigger(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    grouped = st.builds("({})".format, inner)
    targets = st.one_of(names, grouped)
    keys = st.one_of(names, st.sampled_from(('"two words"', "log", "in")))
    entries = st.one_of(names, st.builds("{}: {}".format, keys, inner))
    statements = _statements(st.builds("return {}".format, inner))
    return st.one_of(
        grouped,
        templates,
        st.builds("{} {} {}".format, grouped, st.sampled_from(_INFIX), grouped),
        st.builds("{}{}{}".format, names, st.sampled_from((" + ", "-", "\n  * ", " /* x */ ?? ", " and\n")), targets),
        st.builds("{} {}".format, st.sampled_from(("not", "-", "await")), targets),
        st.builds("{}{}".format, targets, _joined(inner, "(", ")")),
        st.builds("{}[{}]".format, targets, inner),
        st.builds(
            "{}{}{}".format, targets, st.sampled_from((".", "?.", "\n  .")), st.sampled_from((*_NAMES, "on", "log"))
        ),
        _joined(inner, "[", "]"),
        _joined(entries, "{ ", " }"),
        st.builds("fn {} {}".format, _joined(names, "(", ")"), statements),
    )


def _statements(statement: SearchStrategy[str]) -> SearchStrategy[str]:
    def written(lines: list[tuple[str, str]]) -> str:
        return "{ " + "".join(line + end for line, end in lines) + "}"

    return st.builds(written, st.lists(st.tuples(statement, st.sampled_from(_LINE_ENDS)), max_size=3))


expressions: SearchStrategy[str] = st.recursive(
    st.one_of(names, numbers, durations, st.builds('"{}"'.format, texts), constants), _bigger, max_leaves=6
)
conditions = expressions.map(lambda text: f"({text})" if text.startswith("{") else text)
"""Right after a word, a `{` would open a block."""

_waits = st.builds(
    "wait for {}{}{}".format, st.sampled_from(("", "call ", "a.b ")), events, st.sampled_from(("", " within 5s"))
)
values = st.one_of(expressions, expressions, _waits)

simple: SearchStrategy[str] = st.one_of(
    st.sampled_from(("break", "continue", "breakpoint", "return", "require ElevenLabs")),
    st.builds("{} {} = {}".format, st.sampled_from(("const", "let")), names, values),
    st.builds(
        "{} {} {}".format,
        st.one_of(paths, st.builds("{}[{}]".format, names, expressions)),
        st.sampled_from(("=", "+=", "-=")),
        values,
    ),
    st.builds("{}({})".format, paths, expressions),
    st.builds("{} {} {}".format, names, st.sampled_from(("->", "<->")), names),
    st.builds("stop {} {} {}".format, names, st.sampled_from(("->", "<->")), names),
    st.builds("{} {}".format, st.sampled_from(("log", "return")), expressions),
    st.builds("wait {}".format, durations),
)


def _compound(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    block = _statements(inner)
    otherwise = st.one_of(
        st.just(""), st.builds(" else {}".format, block), st.builds("\nelse if {} {}".format, names, block)
    )
    bound = st.sampled_from(("", " as e", " as { call, data }", "\n  as { call, }"))
    return st.one_of(
        st.builds("if {} {}{}".format, conditions, block, otherwise),
        st.builds("for {} in {} {}".format, names, expressions, block),
        st.builds("while {} {}".format, conditions, block),
        st.builds("try {}{}catch {}{}".format, block, st.sampled_from((" ", "\n")), st.sampled_from(("", "e ")), block),
        st.builds("fn {}{} {}".format, names, _joined(names, "(", ")"), block),
        st.builds(
            "on {}{}{}{} {}".format,
            st.sampled_from(("", "call ", "a.b ")),
            events,
            bound,
            st.sampled_from(("", " where a == 1")),
            block,
        ),
        st.builds("{} {} {}".format, st.sampled_from(("after", "every")), durations, block),
    )


statements: SearchStrategy[str] = st.recursive(simple, _compound, max_leaves=6)


def programs(longest: int = 8) -> SearchStrategy[str]:
    """Programs of at most `longest` statements, with comments, both line ends and `;`, and names of many alphabets."""

    def written(lines: list[tuple[str, str]]) -> str:
        return "".join(line + end for line, end in lines)

    return st.builds(written, st.lists(st.tuples(statements, st.sampled_from(_LINE_ENDS)), max_size=longest))
