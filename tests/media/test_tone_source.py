import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.tones import Burst, Tone, render
from voxrun.dsl.tonescript import parse_tone_script
from voxrun.media.tone_source import RATE, ToneSource


def test_a_script_is_as_long_as_it_says_however_short_its_bursts() -> None:
    source = ToneSource(parse_tone_script("425@-19;10(.0101/.0102/1)"))
    assert source.duration == 10
    assert len(source.read(20 * RATE)) == 10 * RATE
    assert len(source.read(1)) == 0


def test_its_duration_is_that_of_its_samples() -> None:
    source = ToneSource(parse_tone_script("425@-19;.10003(*/0/1)"))
    assert source.duration == len(source.read(RATE)) / RATE == 1600 / RATE


def test_bursts_and_pauses_alternate() -> None:
    source = ToneSource(parse_tone_script("425@-19;2(.5/.5/1)"))
    burst = render(Burst(0.5, (Tone(425, -19),)), RATE, 0, RATE // 2)
    pause = np.zeros(RATE // 2, np.int16)
    assert np.array_equal(source.read(2 * RATE), np.concatenate((burst, pause, burst, pause)))


def test_an_endless_one_has_no_duration_and_goes_on() -> None:
    source = ToneSource(parse_tone_script("425@-19;*(*/0/1)"))
    assert source.duration == 0
    assert [len(source.read(8000)) for _ in range(100)] == [8000] * 100


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=20), st.integers(0, 5))
def test_any_reading_gives_the_same_and_so_does_reading_it_again(counts: list[int], before: int) -> None:
    text = "425@-19,440@-10;.3(.05/.02/1,.01/0/2);.2(*/0/1+2)"
    whole = ToneSource(parse_tone_script(text)).read(RATE)
    assert len(whole) == pytest.approx(0.5 * RATE)
    source = ToneSource(parse_tone_script(text))
    source.read(before * 1000)
    source.rewind()
    pieces = np.concatenate([source.read(count) for count in counts])
    assert np.array_equal(pieces, whole[: len(pieces)])
    assert len(pieces) == min(sum(counts), len(whole))
