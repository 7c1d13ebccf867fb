"""`SENTENCE_FIELDS`: what the nodes of tests have of the children that their rules find, in their order."""

from collections.abc import Callable
from itertools import pairwise
from types import UnionType
from typing import Any

from voxrun.dsl import sentences
from voxrun.dsl.nodes import Duration, List, Node, Number, Object, Path, Text

Children = list[Any]


def _has(children: Children, kind: str) -> bool:
    return any(getattr(child, "type", "") == kind for child in children)


def _one(children: Children, kind: type | UnionType) -> Any:
    return next((child for child in children if isinstance(child, kind)), None)


def _after(children: Children, kind: str) -> Any:
    """The node behind a word, None when the word is not there."""
    for word, node in pairwise(children):
        if getattr(word, "type", "") == kind:
            return node
    return None


def _calls(children: Children) -> tuple[Any, ...]:
    expecting = children[-1] if _has(children, "EXPECTING") else None
    return _after(children, "TOOL"), _after(children, "WITH"), _has(children, "ERROR"), expecting


def _hears(children: Children) -> tuple[Any, ...]:
    party, last = children[0], children[-1]
    what = last if isinstance(last, Node) else last.value
    return party, _has(children, "NO"), what, _has(children, "EXACTLY")


def _fires(children: Children) -> tuple[Any, ...]:
    path, number, fields = (_one(children, kind) for kind in (Path, Number, Object))
    return _has(children, "NO"), path, number, fields


def _test(children: Children) -> tuple[Any, ...]:
    return children[1], _after(children, "OF"), tuple(it for it in children[2:] if isinstance(it, sentences.Sentence))


SENTENCE_FIELDS: dict[Any, Callable[[Children], Any]] = {
    sentences.Party: lambda children: (children[0].value, _one(children, Node)),
    sentences.TurnCue: lambda children: (children[0], _has(children, "STOPS"), _one(children, Number)),
    sentences.EventCue: lambda children: (children[0], _one(children, Number)),
    sentences.ScenarioCue: lambda children: (_has(children, "SENDS"), _one(children, Text), _one(children, Number)),
    sentences.Later: lambda children: (_one(children[:1], Node), children[-1]),
    sentences.Says: lambda children: (_one(children, Text), _one(children, Duration)),
    sentences.Calls: _calls,
    sentences.Ends: lambda children: (_has(children, "FAILS"), _one(children, Number), _one(children, Text)),
    sentences.Refuses: lambda children: (_has(children, "SOCKET"), _after(children, "WITH"), _after(children, "FOR")),
    sentences.Answers: lambda children: (
        children[1],
        _one(children, Number),
        _one(children[2:], Object | List | Text),
    ),
    sentences.Action: lambda children: (children[0], children[1], _one(children[2:], Node)),
    sentences.Hears: _hears,
    sentences.Receives: lambda children: (
        children[0],
        _has(children, "NO"),
        _has(children, "KEYS"),
        _one(children, Text),
        _one(children, Object),
    ),
    sentences.Fires: _fires,
    sentences.Notes: lambda children: (_has(children, "NO"), children[1].value, children[2]),
    sentences.Lasts: lambda children: (_has(children, "LEAST"), children[-1]),
    sentences.ScenarioFails: lambda children: (_after(children, "WITH"),),
    sentences.During: lambda children: (_after(children, "FROM"), _after(children, "UNTIL")),
    sentences.Expectation: lambda children: (children[1], _one(children[2:], Node)),
    sentences.Test: _test,
}
