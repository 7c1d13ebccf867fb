"""The right name for a mistyped one."""

import pytest

from voxrun.nearest import MOST_CANDIDATES, MOST_CHARACTERS, nearest

NAMES = ("Connected", "Disconnected", "Failed", "PlaybackFinished")


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("Conected", "Connected"),
        ("CONNECTED", "Connected"),
        ("playbackFinish", "PlaybackFinished"),
        ("Faild", "Failed"),
        ("Transcript", ""),
        ("", ""),
    ],
)
def test_the_most_like_is_found(mistyped: str, meant: str) -> None:
    assert nearest(mistyped, NAMES) == meant


def test_likeness_can_be_asked_for() -> None:
    assert nearest("Fail", NAMES, likeness=0.9) == ""


def test_only_so_many_are_compared() -> None:
    names = [*(f"n{number}" for number in range(MOST_CANDIDATES)), "Connected"]
    assert nearest("Connected", names) == ""


def test_of_names_that_differ_in_case_only_the_first_counts() -> None:
    assert nearest("sAY", ["Say", "say"]) == "Say"


def test_long_names_are_not_compared() -> None:
    name = "c" * MOST_CHARACTERS
    assert nearest(name, [name]) == name
    assert nearest(f"{name}c", [f"{name}c", name]) == ""
    assert nearest(name, [f"{name}c"]) == ""
