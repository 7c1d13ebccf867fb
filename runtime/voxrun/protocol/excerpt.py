"""`excerpt`: the beginning of what a peer said, which may send a secret of ours back."""

import re

_CUT_OFF = re.compile(r"(?<![\w.+/=%~-])[\w.+/=%~-]+\Z", re.ASCII)
"""However long: a signed token (JWT) may have a thousand characters."""


def excerpt(text: str, most: int) -> str:
    """At most so many characters, without the word at their end that was cut off: half of a secret would be no secret
    that anybody knows, and so be shown.
    """
    whole = text.strip()
    return whole if len(whole) <= most else _CUT_OFF.sub("", whole[:most])
