"""Where a scenario, talking to an agent from a cassette, did something else than when the cassette was recorded."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, TypeAlias

from voxrun.protocol.elevenlabs.cassette import AUDIO_FIELDS, SCRUBBED, Cassette, Entry

UNTOLD = frozenset({AUDIO_FIELDS["sent"], "pong"})
"""Messages that are not compared: there are as many as the conversation is long."""

END = "end"
"""The type of the deed that ends a connection."""

WIDTH = 160
"""Characters of a message that are shown."""

_CHANGED = 1.0  # what another content costs: less than a message that is missing and one that is new
_MISSING = 1.0
_LIKE = 0.5  # less is no likeness


@dataclass(frozen=True, slots=True)
class Deed:
    """Something the scenario did with the agent: `number` counts them on its connection, from 1."""

    number: int
    time: float
    type: str
    content: Any

    @property
    def text(self) -> str:
        """Its content, for reading."""
        text = json.dumps(self.content, ensure_ascii=False) if self.content else ""
        return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


Pair: TypeAlias = tuple[Deed | None, Deed | None]


def differences(expected: Cassette, got: Cassette) -> list[str]:
    """What `got` has that the cassette did not, and what it lacks: a paragraph each, none if there is nothing.

    Audio, answers to pings and times are not compared, nor is the end when one of both was broken off; what is a secret
    on the cassette may be anything now.
    """
    found = []
    for number, (then, now) in enumerate(zip_longest(expected.connections, got.connections), start=1):
        if now is None:
            found.append(
                f"the scenario did not connect to the agent for time {number}, as at {then[0].time:.2f} s then"
            )
        elif then is None:
            found.append(f"the scenario connected to the agent for time {number}, at {now[0].time:.2f} s: not then")
        else:
            both_end = all(entries[-1].kind == "closed" for entries in (then, now))
            deeds = [[deed for deed in _deeds(entries) if both_end or deed.type != END] for entries in (then, now)]
            found += [f"connection {number}: {text}" for text in _compare(*deeds)]
    return found


def matches(expected: Any, got: Any) -> bool:
    """Whether it is the same, or differs only where there was a secret."""
    if isinstance(expected, str) and SCRUBBED in expected and type(got) in (str, int, float):
        pattern = ".*".join(map(re.escape, expected.split(SCRUBBED)))
        return re.fullmatch(pattern, str(got), re.DOTALL) is not None
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(matches(value, got[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(matches, expected, got))
    return isinstance(expected, bool) == isinstance(got, bool) and bool(expected == got)


def _deeds(entries: Sequence[Entry]) -> Iterator[Deed]:
    number = 0
    for entry in entries:
        if entry.kind == "sent" and entry.type not in UNTOLD:
            content = {key: value for key, value in entry.value.items() if key != "type"}
            kind = entry.type
        elif entry.kind == "cleared":
            kind, content = "clearMediaBuffer", {}
        elif entry.kind == "closed":
            kind, content = END, {"by": entry.value["by"], "code": entry.value["code"]}
        else:
            continue
        number += 1
        yield Deed(number, entry.time, kind, content)


def _compare(expected: list[Deed], got: list[Deed]) -> Iterator[str]:
    for then, now in _aligned(expected, got):
        if then is not None and now is not None:
            if not matches(then.content, now.content):
                yield _changed(then, now)
        elif then is not None:
            near = _nearest(then, got, "got")
            yield f"message {then.number}, {then.type}, did not come\n  expected {_at(then)}\n  nearest  {near}"
        elif now is not None:
            near = _nearest(now, expected, "expected")
            yield f"{now.type} came, which is not on the cassette\n  got      {_at(now)}\n  nearest  {near}"


def _changed(then: Deed, now: Deed) -> str:
    keys = [key for key in {**then.content, **now.content} if not matches(then.content.get(key), now.content.get(key))]
    what = f"message {then.number}, {then.type}, differs in {' and '.join(keys)}"
    return f"{what}\n  expected {_at(then)}\n  got      {_at(now)}"


def _at(deed: Deed) -> str:
    return f"at {deed.time:.2f} s  {deed.text}".rstrip()


def _nearest(deed: Deed, others: Sequence[Deed], what: str) -> str:
    """The one that is most like it, and of those the nearest in time."""
    rated = [(round(_likeness(deed, other), 2), -abs(other.time - deed.time), other.number) for other in others]
    likeness, _, number = max(rated, default=(0.0, 0.0, 0))
    if likeness < _LIKE:
        return "nothing like it"
    best = others[number - 1]
    return f"message {best.number}, {best.type}, {what} {_at(best)}"


def _likeness(one: Deed, other: Deed) -> float:
    """From 0 to 2: the type counts as much as all the rest, of which there may be none."""
    both = one.text and other.text
    texts = SequenceMatcher(None, one.text, other.text, autojunk=False).ratio() if both else 0.0
    return (one.type == other.type) + texts


def _aligned(expected: list[Deed], got: list[Deed]) -> list[Pair]:
    """Both sequences side by side, so that as little as can be is missing, new or changed."""
    head = _same_beginning(expected, got)
    tail = _same_beginning(expected[head:][::-1], got[head:][::-1])
    thens, nows = expected[head : len(expected) - tail], got[head : len(got) - tail]
    costs = _costs(thens, nows)
    pairs: list[Pair] = []
    row, column = len(thens), len(nows)
    while row or column:
        cost = costs[row][column]
        if row and column and cost == costs[row - 1][column - 1] + _cost(thens[row - 1], nows[column - 1]):
            row, column = row - 1, column - 1
            pairs.append((thens[row], nows[column]))
        elif row and cost == costs[row - 1][column] + _MISSING:
            row -= 1
            pairs.append((thens[row], None))
        else:
            column -= 1
            pairs.append((None, nows[column]))
    return pairs[::-1]


def _same_beginning(expected: Sequence[Deed], got: Sequence[Deed]) -> int:
    pairs = zip(expected, got, strict=False)
    return next((index for index, (then, now) in enumerate(pairs) if _cost(then, now)), min(len(expected), len(got)))


def _costs(thens: list[Deed], nows: list[Deed]) -> list[list[float]]:
    """The least cost for each pair of beginnings."""
    costs = [[column * _MISSING for column in range(len(nows) + 1)]]
    for row, then in enumerate(thens, start=1):
        above, line = costs[-1], [row * _MISSING]
        for column, now in enumerate(nows, start=1):
            pairing = above[column - 1] + _cost(then, now)
            line.append(min(pairing, above[column] + _MISSING, line[-1] + _MISSING))
        costs.append(line)
    return costs


def _cost(then: Deed, now: Deed) -> float:
    if then.type != now.type:
        return 3 * _MISSING
    return 0.0 if matches(then.content, now.content) else _CHANGED
