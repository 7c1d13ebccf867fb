"""`SentencePlace`: a place in a test where a word may stand, and which."""

from collections.abc import Iterator
from dataclasses import dataclass

from voxrun.dsl import sentences
from voxrun.dsl.diagnostic import SyntaxMistake
from voxrun.dsl.layout import SENTENCE_WORDS
from voxrun.dsl.nodes import Node
from voxrun.dsl.parser import acceptable, tokens
from voxrun.dsl.sentence_checker import DEEDS
from voxrun.dsl.source import Source
from voxrun.dsl.tokens import Token

_MOST_BROKEN = 8
"""How many broken sentences before the place are left out."""

_WORDS = {**SENTENCE_WORDS, "after": "AFTER", "within": "WITHIN", "for": "FOR", "log": "LOG"}

_DEEDS: dict[str, type[Node]] = {
    word.split()[0]: deed for deeds in DEEDS.values() for deed, words in deeds.items() for word in words.split(" or ")
}
_CLAIMS: dict[str, type[Node]] = {
    "event": sentences.Fires,
    "log": sentences.Notes,
    "warning": sentences.Notes,
    "file": sentences.Notes,
    "call": sentences.Lasts,
    "scenario": sentences.ScenarioFails,
}
_MOMENTS: dict[str, type[Node]] = {"at": sentences.At, "when": sentences.Later}
_ELSEWHERE: dict[str, type[Node]] = {
    **dict.fromkeys(DEEDS, sentences.Party),
    "secret": sentences.Secret,
    "expect": sentences.Expectation,
    "hears": sentences.Hears,
    "receives": sentences.Receives,
    **dict.fromkeys(("lasts", "at", "most", "least"), sentences.Lasts),
    "fails": sentences.ScenarioFails,
    "after": sentences.Later,
    **dict.fromkeys(("starts", "stops"), sentences.TurnCue),
    **dict.fromkeys(("scenario", "sends", "answers"), sentences.ScenarioCue),
    "by": sentences.By,
    "within": sentences.Within,
    **dict.fromkeys(("from", "until"), sentences.During),
}
_BY_PLACE = (("SAYS", _DEEDS), ("EVENT", _CLAIMS), ("WHEN", _MOMENTS))
"""What a word begins where this terminal may stand."""


@dataclass(frozen=True, slots=True)
class SentencePlace:
    """Behind these tokens, where these terminals may stand."""

    before: tuple[Token, ...]
    accepts: frozenset[str]

    def words(self) -> Iterator[tuple[str, type[Node] | None]]:
        """Those of the language, with what they begin; of what is done, only what this party does."""
        able = self._able()
        for word, terminal in _WORDS.items():
            part = self._part(word)
            if terminal in self.accepts and (able is None or part in able):
                yield word, part

    @property
    def takes_event(self) -> bool:
        """Whether an event may stand here."""
        return "NAME" in self.accepts

    @property
    def namespace(self) -> str:
        """The name before the `.` at the place, if there is one."""
        dotted = len(self.before) > 1 and self.before[-1].type == "DOT"
        return self.before[-2].value if dotted else ""

    def _able(self) -> set[type] | None:
        if "SAYS" not in self.accepts:
            return None
        party = next(token.value for token in reversed(self.before) if token.value in DEEDS)
        return set(DEEDS[party])

    def _part(self, word: str) -> type[Node] | None:
        found = (parts[word] for terminal, parts in _BY_PLACE if terminal in self.accepts and word in parts)
        return next(found, _ELSEWHERE.get(word))


def sentence_place(text: str, place: int) -> SentencePlace | None:
    """None when the place is in no test, or among the fields of an object there."""
    before = _test_before(text, place)
    if not before:
        return None
    begin = before[0].start_pos
    head = text[begin:place]
    first = next((token.end_pos - begin for token in before if token.type == "LBRACE"), len(head))
    for _ in range(_MOST_BROKEN):
        try:
            return SentencePlace(before, acceptable(head))
        except SyntaxMistake as mistake:
            broken = mistake.diagnostic.span.start
        start, end = max(first, head.rfind("\n", 0, broken) + 1), head.find("\n", broken)
        if start > broken or end < 0:
            break
        head = head[:start] + " " * (end - start) + head[end:]
    return SentencePlace(before, frozenset())


def _test_before(text: str, place: int) -> tuple[Token, ...]:
    """The tokens from the beginning of the test on; none when it is over, or a bracket in it is open."""
    found: list[Token] = []
    opened = 0
    for token in tokens(Source("", text)):
        if token.end_pos > place:
            break
        opened = 0 if token.type == "TEST" else opened + (token.type == "LBRACE") - (token.type == "RBRACE")
        if token.type == "TEST" or (token.type == "RBRACE" and not opened):
            found.clear()
        if token.type == "TEST" or found:
            found.append(token)
    silent = ("SPACE", "NEWLINE", "LINE_COMMENT", "BLOCK_COMMENT")
    return tuple(token for token in found if token.type not in silent) if opened <= 1 else ()
