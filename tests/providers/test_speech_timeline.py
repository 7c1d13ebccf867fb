"""Characters and their times: pieces add up, what is cut off was never there, and the oldest are forgotten."""

import pytest
from tests.tts_service import evenly

from voxrun.providers.elevenlabs.speech_timeline import KEPT_CHARACTERS, SpeechTimeline, SpokenCharacter


def test_pieces_follow_each_other() -> None:
    timeline = SpeechTimeline(8000)
    timeline.add(800, evenly("ab", 100))
    timeline.add(80, None)
    timeline.add(800, evenly("c", 100))
    assert timeline.characters() == [
        SpokenCharacter("a", 0, 50),
        SpokenCharacter("b", 50, 50),
        SpokenCharacter("c", 110, 100),
    ]


@pytest.mark.parametrize(("cut", "left"), [(0, "abcd"), (399, "abcd"), (400, "abc"), (401, "abc"), (1600, "")])
def test_a_character_is_gone_when_its_begin_is(cut: int, left: str) -> None:
    timeline = SpeechTimeline(8000)
    timeline.add(1600, evenly("abcd", 200))
    timeline.cut(cut)
    assert "".join(character.char for character in timeline.characters()) == left
    timeline.add(80, evenly("x", 10))
    assert timeline.characters()[-1].startMs == (1600 - cut) / 8


def test_the_oldest_are_forgotten_and_counted() -> None:
    timeline = SpeechTimeline(8000)
    for _ in range(KEPT_CHARACTERS // 100 + 1):
        timeline.add(800, evenly("x" * 100, 100))
    assert (len(timeline.characters()), timeline.forgotten) == (KEPT_CHARACTERS, 100)
    assert timeline.characters()[0].startMs == 100
