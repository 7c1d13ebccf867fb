"""`Secrets`: what `getSecretValue` reads, and the texts that no output may hold."""

import json
from collections.abc import Mapping
from urllib.parse import quote

MIN_LENGTH = 4
"""Shorter texts are not replaced: they would tear holes into everything, and guard nothing."""

SCRUBBED = "***"
"""What stands in place of one."""


class Secrets:
    """Named secrets: those given for this run first, then the environment's.

    Each value given, read or protected is replaced by SCRUBBED in all text that goes through `scrub`.
    """

    def __init__(self, given: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._given = dict(given)
        self._environment = environment
        self._forms: list[str] = []
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
        if len(value) >= MIN_LENGTH and value not in self._forms:
            escaped = _escaped(value)
            forms = {value, *escaped, *(twice for once in escaped for twice in _escaped(once))}
            self._forms = sorted({*self._forms, *forms}, key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """`text` without any secret, whether it stands there plainly or escaped: in JSON, a repr or a URL."""
        for form in self._forms:
            text = text.replace(form, SCRUBBED)
        return text


def _escaped(text: str) -> set[str]:
    in_json = {json.dumps(text, ensure_ascii=only_ascii)[1:-1] for only_ascii in (True, False)}
    with_slashes = {form.replace("/", "\\/") for form in in_json}  # as PHP writes it
    in_url = {quote(text, safe=safe, errors="replace") for safe in ("", "/")}
    return {*in_json, *with_slashes, *in_url, repr(text)[1:-1], ascii(text)[1:-1]}
