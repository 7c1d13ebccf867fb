"""`Secrets`: what `getSecretValue` reads, and the texts that no output may hold."""

import json
import re
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import groupby
from urllib.parse import quote
from weakref import ref

MIN_LENGTH = 4
"""Shorter texts are not replaced: they would tear holes into everything, and guard nothing."""

LONG = 16
"""A line that is a word of so many characters is known by itself, and without its capitals, as in a host's name."""

LONGEST = 200
"""Longer ones, such as whole files, are known as they are, in JSON, a repr or a URL: a pattern would take too long."""

BASE64_BYTES = 8
"""So many are known in base64: less might be the middle of anything there."""

SCRUBBED = "***"
"""What stands in place of one."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
"""What everybody writes as it is."""

_SHORT = {"\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r"}
_BACKSLASHES = r"\\{1,15}"
"""Before what is escaped in JSON or a repr, in up to four of them one within the other."""


class Secrets:
    """Named secrets: those given for this run first, then the environment's.

    Each value given, read or protected is replaced by SCRUBBED in all text that goes through `scrub`.
    """

    def __init__(self, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._environment = environment
        self._hidden: dict[str, str] = {}  # by each text what of it stands wherever it does; the longest first
        self._shortest = sys.maxsize
        _ALL.add(ref(self, _ALL.discard))
        for value in given.values():
            self.protect(value)

    def get(self, name: str) -> str | None:
        """The secret `name`, or None when nobody set it."""
        value = self._given.get(name, self._environment.get(name))
        if value is not None:
            self.protect(value)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._given or name in self._environment

    def protect(self, value: str) -> None:
        """Keep `value` out of every output from now on."""
        if value not in self._hidden:
            new = {it: _core(it) for it in {value, *_forms(value)} if len(it) >= MIN_LENGTH}
            hidden = sorted({**new, **self._hidden}.items(), key=lambda it: len(it[0]), reverse=True)
            self._shortest = min((len(it) for it, _ in hidden), default=sys.maxsize)
            self._hidden = dict(hidden)  # another one, as a thread may read a trace

    def scrub(self, text: str) -> str:
        """`text` without any secret, be it there plainly or escaped: in JSON, a repr, a URL, HTML, or base64."""
        if len(text) < self._shortest:  # however it is written, it takes no fewer characters
            return text
        for hidden, core in self._hidden.items():
            if core in text:
                text = text.replace(hidden, SCRUBBED) if core == hidden else _anyhow(hidden).sub(SCRUBBED, text)
        return text


def scrub_all(text: str) -> str:
    """`text` without the secrets of all sessions that are still there."""
    for one in list(_ALL):  # at one go, as a thread may ask; for a tuple the collector may take some away meanwhile
        secrets = one()
        text = text if secrets is None else secrets.scrub(text)
    return text


_ALL: set[ref[Secrets]] = set()


def _forms(value: str) -> Iterator[str]:
    """What else would tell it: without the line end of the file that it is from, a line of a key that has some."""
    yield value.strip()
    words = (line for line in map(str.strip, value.splitlines()) if len(line) >= LONG and len(line.split()) == 1)
    lines = [word for word in words if any(map(str.isalnum, word))]  # not a line that is drawn, of dashes
    yield from lines
    yield from map(str.lower, lines if len(lines) == 1 else ())
    if len(value) > LONGEST:
        yield from (json.dumps(value, ensure_ascii=only_ascii)[1:-1] for only_ascii in (True, False))
        yield from (repr(value)[1:-1], quote(value, safe="", errors="replace"))
    for text in {value, value.strip()}:
        yield from _in_base64(text.encode(errors="surrogatepass"))


def _in_base64(secret: bytes) -> Iterator[str]:
    """The characters that it alone makes, after as many bytes before it as there may be in a group of three."""
    if len(secret) >= BASE64_BYTES:
        for before in range(3):
            whole = slice(-(-8 * before // 6), 8 * (before + len(secret)) // 6)
            for encode in (b64encode, urlsafe_b64encode):
                yield encode(bytes(before) + secret).decode()[whole]


def _core(text: str) -> str:
    """What stands in it however the rest is written; itself if that is so for all, or if it is too long for others."""
    if len(text) > LONGEST or _PLAIN.fullmatch(text):
        return text
    return max(_PLAIN.findall(text), key=len, default="")


@lru_cache(maxsize=1000)
def _anyhow(text: str) -> re.Pattern[str]:
    """For `text` however each of its characters is written."""
    return re.compile("".join(_written(char, len(list(run))) for char, run in groupby(text)))


def _written(char: str, times: int) -> str:
    if _PLAIN.fullmatch(char):
        return re.escape(char * times)
    raw = rf"\\{{{times},{16 * times}}}" if char == "\\" else rf"(?:\\{{0,15}}{re.escape(char)}){{{times}}}"
    return f"(?:{raw}|(?:{'|'.join(_escapes(char))}){{{times}}})"


def _escapes(char: str) -> Iterator[str]:
    """Patterns for it in JSON, in a repr of text or bytes, in a URL, in HTML, for a shell, and lost."""
    number, units, octets = ord(char), char.encode("utf-16-be", "surrogatepass"), char.encode(errors="surrogatepass")
    if char in _SHORT:
        yield _BACKSLASHES + _SHORT[char]
    yield "".join(f"{_BACKSLASHES}u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    yield f"{_BACKSLASHES}U(?i:{number:08x})"
    yield f"{_BACKSLASHES}x(?i:{number:02x})"
    yield "".join(f"{_BACKSLASHES}x(?i:{octet:02x})" for octet in octets)
    yield "".join(f"%(?:25)*(?i:{octet:02x})" for octet in octets)
    yield f"&(?:amp;)*(?:#0*{number}|#[xX]0*(?i:{number:x}){_names_in_html().get(number, '')});"
    if char == " ":
        yield r"\+"
    if char == "'":
        yield r"""'"'"'|'\\''"""
    if 0xD800 <= number < 0xE000:  # half of a surrogate pair, which nobody can send
        yield r"\?|%3[Ff]"


@cache
def _names_in_html() -> dict[int, str]:
    """For the end of a pattern, by code point."""
    from html.entities import codepoint2name  # noqa: PLC0415 - 0.4 MiB, and few secrets need it

    return {code: f"|{name}" for code, name in {**codepoint2name, ord("'"): "apos"}.items()}
