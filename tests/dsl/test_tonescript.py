import math
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.tones import Burst, Tone
from voxrun.dsl.tonescript import parse_tone_script
from voxrun.errors import ScenarioError
from voxrun.media.progress_tones import RINGING

HIGH, LOW = Tone(480, -19), Tone(350, -13.5)


def test_sections_follow_one_another_and_are_cut_where_they_end() -> None:
    script = parse_tone_script("480@-19,350@-13.5;2(.5/.25/1);.3(.1/.1/2,.1/0/1+2)")
    assert script.seconds == pytest.approx(2.3)
    assert list(script.bursts()) == [
        Burst(0.5, (HIGH,)),
        Burst(0.25),
        Burst(0.5, (HIGH,)),
        Burst(0.25),
        Burst(0.5, (HIGH,)),
        Burst(0.1, (LOW,)),
        Burst(0.1),
        Burst(pytest.approx(0.1), (HIGH, LOW)),  # type: ignore[arg-type]
    ]


def test_an_endless_section_is_endless() -> None:
    script = parse_tone_script("480@-19;*(1/4/1)")
    assert math.isinf(script.seconds)
    assert list(islice(script.bursts(), 5)) == [Burst(1, (HIGH,)), Burst(4)] * 2 + [Burst(1, (HIGH,))]


def test_a_tone_that_stays_on_is_cut_by_its_section() -> None:
    assert list(parse_tone_script("480@-19;10(*/0/1)").bursts()) == [Burst(10, (HIGH,))]
    assert list(parse_tone_script("480@-19;*(*/0/1)").bursts()) == [Burst(math.inf, (HIGH,))]


def test_tone_0_is_a_pause_and_space_is_free() -> None:
    assert list(parse_tone_script(" 480 @ -19 ; 3 ( 1 / 2 / 0 ) ").bursts()) == [Burst(1), Burst(2)]


@pytest.mark.parametrize("country", RINGING)
def test_the_progress_tones_can_be_read(country: str) -> None:
    assert math.isinf(parse_tone_script(RINGING[country]).seconds)


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "there should be a number", 1),
        ("busy", "there should be a number", 1),
        ("425", "a tone is a frequency and its level, such as 425@-19", 1),
        ("425@-19", "after the tones and a ';' comes a cadence, such as *(1/4/1)", 6),
        ("425@-19;", "after the tones and a ';' comes a cadence, such as *(1/4/1)", 8),
        ("425@-19;10", "a cadence is how long and its segments in brackets, such as 10(.5/.5/1)", 9),
        ("425@-19;*(1/4)", "a segment is seconds on, seconds off and the tones, such as 1/4/1+2", 14),
        ("425@-19;*(1/4/1", "the bracket is not closed", 15),
        ("425@-19;*(1/4/1)x", "there should be ';'", 17),
        ("425@-19;*(1/4/1+2)", "there is no tone 2: they are numbered from 1 to 1", 17),
        ("425@19;*(1/4/1)", "a level is 3 dBm0 at most, and mostly far below 0: did you forget the '-'?", 5),
        ("9000@-19;*(1/4/1)", "a frequency lies above 0 and is 4000 Hz at most", 1),
        ("425@-19;0(1/4/1)", "a section can't last for 0 s", 9),
        ("425@-19;*(0/0/1)", "this section has only segments of 0 s", 9),
        ("425@-19;*(.0004/.0005/1)", "this is too short to be heard: it takes 1 ms at least", 11),
        ("425@-19;.0009(1/1/1)", "this is too short to be heard: it takes 1 ms at least", 9),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, message: str, column: int) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_tone_script(text)
    assert str(caught.value) == f"no ToneScript: {message}\n    {text}\n    {' ' * (column - 1)}^"


def test_a_script_that_nobody_has_written_is_not_even_read() -> None:
    tones, numbers = ",".join(["1@0"] * 3000), "+".join(map(str, range(1, 3001)))
    with pytest.raises(ScenarioError, match="it has 25899 characters, and none has more than 1000"):
        parse_tone_script(f"{tones};*(1/0/{numbers})")


def test_the_shortest_segments_are_few() -> None:
    bursts = parse_tone_script("480@-19;*(.0005/.0005/1,0/0/1)").bursts()
    assert sum(burst.seconds for burst in islice(bursts, 2000)) == pytest.approx(1)


@given(st.text("0123456789.,;@-+*()/ x", max_size=40))
def test_any_text_is_a_script_or_a_mistake(text: str) -> None:
    with suppress(ScenarioError):
        script = parse_tone_script(text)
        assert script.seconds > 0
        assert all(burst.seconds > 0 for burst in islice(script.bursts(), 100))
