"""The difference of two conversations: what is missing, new and changed, paired so that as little as possible is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.protocol.elevenlabs.cassette import Cassette, Entry
from voxrun.testing.differences import differences, matches

Sent = tuple[str, dict[str, Any]]
A: Sent = ("user_message", {"text": "where are you?"})
B: Sent = ("contextual_update", {"text": "the caller is called Ada"})
C: Sent = ("client_tool_result", {"tool_call_id": "call_1", "result": "42", "is_error": False})
D: Sent = ("user_message", {"text": "and when?"})


def cassette(*messages: Sent) -> Cassette:
    """One connection, a message each second."""
    entries = [Entry(float(second), "sent", {"type": kind, **body}) for second, (kind, body) in enumerate(messages, 1)]
    return Cassette("call.cassette", ((Entry(0.0, "opened", "ws://x"), *entries),))


def headlines(expected: Cassette, got: Cassette) -> list[str]:
    return [text.splitlines()[0] for text in differences(expected, got)]


@pytest.mark.parametrize(
    ("expected", "got", "found"),
    [
        ([A, B, C], [A, B, C], []),
        ([A, B, C], [A, C], ["message 2, contextual_update, did not come"]),
        ([A, C], [A, B, C], ["contextual_update came, which is not on the cassette"]),
        ([A, D], [D], ["message 1, user_message, did not come"]),
        ([A], [D, A], ["user_message came, which is not on the cassette"]),
        ([A, B], [D, B], ["message 1, user_message, differs in text"]),
        ([C], [("client_tool_result", {**C[1], "result": "43", "is_error": True})],
         ["message 1, client_tool_result, differs in result and is_error"]),
        ([A, B], [], ["message 1, user_message, did not come", "message 2, contextual_update, did not come"]),
        ([("user_message", {"text": "a"})], [("user_message", {"text": "a", "more": 1})],
         ["message 1, user_message, differs in more"]),
    ],
)  # fmt: skip
def test_headlines(expected: list[Sent], got: list[Sent], found: list[str]) -> None:
    assert headlines(cassette(*expected), cassette(*got)) == [f"connection 1: {text}" for text in found]


def test_a_difference_shows_both_sides_and_the_nearest() -> None:
    assert differences(cassette(A, B), cassette(B, ("user_message", {"text": "where were you?"}))) == [
        "connection 1: message 1, user_message, did not come\n"
        '  expected at 1.00 s  {"text": "where are you?"}\n'
        '  nearest  message 2, user_message, got at 2.00 s  {"text": "where were you?"}',
        "connection 1: user_message came, which is not on the cassette\n"
        '  got      at 2.00 s  {"text": "where were you?"}\n'
        '  nearest  message 1, user_message, expected at 1.00 s  {"text": "where are you?"}',
    ]


def test_a_long_message_is_cut() -> None:
    (text,) = differences(cassette(), cassette(("user_message", {"text": "x" * 1000})))
    assert max(map(len, text.splitlines())) < 200
    assert "xxx…" in text


messages = st.lists(st.sampled_from([A, B, C, D]), max_size=6)


@given(messages)
def test_a_conversation_does_not_differ_from_itself(sent: list[Sent]) -> None:
    assert differences(cassette(*sent), cassette(*sent)) == []


@given(messages, messages)
def test_there_are_as_many_differences_as_messages_that_differ_at_most(then: list[Sent], now: list[Sent]) -> None:
    found = headlines(cassette(*then), cassette(*now))
    assert bool(found) == (then != now)
    missing, new = (sum(words in text for text in found) for words in ("did not come", "not on the cassette"))
    assert missing - new == len(then) - len(now)


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        ("a *** c", "a b c", True),
        ("a *** c", "a b\nb c", True),
        ("a *** c", "a b d", False),
        ("***", "", True),
        ("***", 4711, True),
        ("***", True, False),
        ({"a": ["***"]}, {"a": ["x"]}, True),
        ({"a": ["***"]}, {"a": ["x", "y"]}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (1, True, False),
        (1, 1.0, True),
        ("1", 1, False),
    ],
)
def test_what_was_a_secret_may_be_anything(expected: Any, got: Any, same: bool) -> None:
    assert matches(expected, got) is same
