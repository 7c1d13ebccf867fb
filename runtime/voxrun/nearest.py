"""`nearest`: the right name that a mistyped one was most likely meant to be."""

from collections.abc import Iterable
from itertools import islice

MOST_CANDIDATES = 1_000
"""Beyond them nobody is compared: a long list would take longer than a tick."""

MOST_CHARACTERS = 100
"""Of a name that may be mistyped: to compare longer ones may take seconds."""


def nearest(name: str, candidates: Iterable[str], likeness: float = 0.6) -> str:
    """The one of `candidates` most like `name`, in whatever case; empty when none is (0: any would do, 1: the same)."""
    import difflib  # noqa: PLC0415 - only for mistakes, and it costs every run 0.2 MiB

    if len(name) > MOST_CHARACTERS:
        return ""
    by_lower_case: dict[str, str] = {}
    for candidate in islice(candidates, MOST_CANDIDATES):
        if len(candidate) <= MOST_CHARACTERS:
            by_lower_case.setdefault(candidate.lower(), candidate)
    found = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=likeness)
    return by_lower_case[found[0]] if found else ""
