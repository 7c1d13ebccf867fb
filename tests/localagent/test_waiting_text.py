"""When text is due to be spoken, and in which pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.localagent.waiting_text import LIMIT, LONGEST_PIECE, SCHEDULE, WaitingText

TEXTS = st.text(st.sampled_from("ab .!?…\n\"')é"), max_size=200)
ADDITIONS = st.lists(st.tuples(TEXTS, st.booleans(), st.booleans()), max_size=20)


def taken(waiting: WaitingText) -> list[str]:
    """All that is due."""
    pieces = []
    while piece := waiting.take():
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize(
    ("text", "options", "pieces"),
    [
        ("Hello. ", {}, []),
        ("Hello", {"flush": True}, ["Hello"]),
        ("Hello. How are you? I am fi", {"flush": True}, ["Hello. ", "How are you? ", "I am fi"]),
        ("It is 3.14 or so. ", {"flush": True}, ["It is 3.14 or so. "]),
        ('He says "no!" Well… yes', {"flush": True}, ['He says "no!" ', "Well… ", "yes"]),
        ("Hello. " + "x" * 42, {"try_trigger": True}, []),
        ("Hello. " + "x" * 43, {"try_trigger": True}, ["Hello. "]),
        ("hello " * 9 + "wor", {"try_trigger": True}, ["hello " * 9]),
        ("Hello. " + "x" * 112, {}, []),
        ("Hello. " + "x" * 113, {}, ["Hello. "]),
        ("x" * 299, {}, []),
        ("x" * 300, {}, ["x" * 300]),
        ("x" * 301, {"flush": True}, ["x" * 300, "x"]),
        ("word " * 61, {"flush": True}, ["word " * 60, "word "]),
        ("longer " * 43, {"flush": True}, ["longer " * 42, "longer "]),
    ],
)
def test_what_is_due_at_once(text: str, options: dict[str, bool], pieces: list[str]) -> None:
    waiting = WaitingText()
    assert waiting.add(text, **options)
    assert taken(waiting) == pieces


@pytest.mark.parametrize(
    ("schedule", "lengths"),
    [(SCHEDULE, [120, 160, 250, 290, 290]), ([50], [50, 50, 50]), ([80, 60], [80, 60, 60])],
)
def test_the_schedule(schedule: list[float], lengths: list[int]) -> None:
    waiting = WaitingText(schedule)
    for length in lengths:
        for _ in range(length // 10 - 1):
            assert waiting.add("word, and ")
            assert taken(waiting) == []
        assert waiting.add("word, and ")
        assert taken(waiting) == ["word, and " * (length // 10)]


def test_at_once_means_all_whole_words() -> None:
    waiting = WaitingText(at_once=True)
    assert waiting.add("Hello. I am not su")
    assert taken(waiting) == ["Hello. ", "I am not "]
    assert waiting.add("re ")
    assert taken(waiting) == ["sure "]


def test_what_is_not_due_goes_on_with_the_next_text() -> None:
    waiting = WaitingText()
    assert waiting.add("One")
    assert waiting.add(" and two.", flush=True)
    assert waiting.add("Three.", flush=True)
    assert taken(waiting) == ["One and two.Three."]


def test_too_much_is_not_taken() -> None:
    waiting = WaitingText()
    assert waiting.add("word " * (LIMIT // 5))
    assert not waiting.add("x", flush=True)
    assert taken(waiting) == ["word " * (LONGEST_PIECE // 5)] * (LIMIT // LONGEST_PIECE) + ["word " * 20]
    assert waiting.add("x", flush=True)
    assert taken(waiting) == ["x"]


@given(ADDITIONS, st.booleans())
def test_nothing_is_lost_and_no_piece_is_too_long(additions: list[tuple[str, bool, bool]], at_once: bool) -> None:
    waiting = WaitingText(at_once=at_once)
    pieces = []
    for text, try_trigger, flush in additions:
        assert waiting.add(text, try_trigger=try_trigger, flush=flush)
        pieces += taken(waiting)
    assert waiting.add("", flush=True)
    pieces += taken(waiting)
    assert "".join(pieces) == "".join(text for text, *_ in additions)
    assert max(map(len, pieces), default=0) <= LONGEST_PIECE


@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_what_is_not_flushed_breaks_no_word(texts: list[str]) -> None:
    waiting = WaitingText([50])
    for text in texts:
        assert waiting.add(text, try_trigger=True)
    assert all(piece[-1].isspace() or len(piece) == LONGEST_PIECE for piece in taken(waiting))
