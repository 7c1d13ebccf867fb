"""`sentence_slip`: what to say about a token that can't stand where it is in a test."""

from collections.abc import Iterable, Sequence, Set

from voxrun.dsl.diagnostic import Slip, any_of
from voxrun.dsl.layout import SENTENCE_WORDS
from voxrun.dsl.nodes import Span
from voxrun.dsl.tokens import Token
from voxrun.nearest import nearest

_BEGINNINGS = (
    "a sentence begins with `caller`, `agent`, `network`, `disk`, `speech`, `control`, `web`, `nobody`, `secret` or"
    " `expect`"
)
_PLACES = {
    "TEXT": 'a text, `"…"`',
    "DURATION": "a duration such as `2s`",
    "NUMBER": "a number",
    "OBJECT": "an object, `{ … }`",
    "NAME": "an event such as `CallEvents.Connected`",
    "WITHIN": "`within`",
    "AFTER": "`after`",
    "FOR": "`for`",
    "LOG": "`log`",
}
_ENDS = frozenset(("END", "RBRACE"))
_CLOSED_BY = {"LBRACE": "RBRACE", "TEXT_BEGIN": "TEXT_END"}


def sentence_slip(wrong: Token | None, before: Sequence[Token], accepts: Set[str]) -> Slip | None:
    """None when it is not in a test. `before`: what comes before; `accepts`: the terminals that might stand here."""
    if wrong is None or not _is_in_test(before):
        return None
    words = {word: f"`{word}`" for word, terminal in SENTENCE_WORDS.items() if terminal in accepts}
    words |= {place.strip("`"): place for terminal, place in _PLACES.items() if terminal in accepts}
    if wrong.type in _ENDS:
        last = next(token for token in reversed(before) if token.type not in ("NEWLINE", "SEMICOLON"))
        return Slip(Span(last.end_pos, last.end_pos), "this sentence ends too early", _missing(words.values()))
    if wrong.type == "TEXT_BEGIN":
        return Slip(wrong.span, "there are no values in a test's texts", "write the text as it is")
    if [token.value for token in (*before[-2:], wrong)] == ["hears", "no", "sound"]:
        return Slip(wrong.span, "no sound is silence", "write `hears silence`")
    if near := nearest(wrong.value, words) if wrong.value.isalpha() else "":
        return Slip(wrong.span, f"`{wrong.value}` has no meaning here", f"did you mean `{near}`?")
    if "EXPECT" in accepts:
        return Slip(wrong.span, f"`{wrong.value}` begins no sentence of a test", _BEGINNINGS)
    return Slip(wrong.span, f"`{wrong.value}` has no meaning here", _missing(words.values()))


def _is_in_test(before: Sequence[Token]) -> bool:
    """Whether the last test has not ended."""
    start = max((index for index, token in enumerate(before) if token.type == "TEST"), default=None)
    if start is None:
        return False
    opened = 0
    for token in before[start:]:
        opened += (token.type in _CLOSED_BY) - (token.type in _CLOSED_BY.values())
        if token.type == "RBRACE" and not opened:
            return False
    return True


def _missing(places: Iterable[str]) -> str:
    known = sorted(places)
    return f"here may stand: {any_of(known)}" if known else "the line ends here"
