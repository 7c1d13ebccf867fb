"""What a test may ask of the audio that a party said or heard."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.errors import ConfigurationError
from voxrun.events.message import Message
from voxrun.testing.simulated_call import SimulatedEvent
from voxrun.testing.sounds import render, speech
from voxrun.testing.track import Track
from voxrun.testing.turn_taking import interruptionToSilence, turns
from voxrun.trace.spans import Span

RATE = 16_000


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)


def noise(seconds: float, seed: int = 0, amplitude: int = 4000) -> Samples:
    return np.random.default_rng(seed).integers(-amplitude, amplitude, round(seconds * RATE)).astype(np.int16)


def track(*pieces: Samples, begin: float = 0.0) -> Track:
    return Track(np.concatenate(pieces), RATE, begin)


@pytest.mark.parametrize("time", [math.nan, "2", SimulatedEvent(2.0, "Call.Connected", "call-1", Message({}))])
@pytest.mark.parametrize("ask", ["silentFrom", "level", "slice", "firstSoundAfter", "lastSoundBefore"])
def test_what_is_no_time_is_told(ask: str, time: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"a time is a number of seconds, not {re.escape(repr(time))}"):
        getattr(track(noise(1.0)), ask)(time)


def near(*spans: tuple[float, float], within: float = 0.001) -> tuple[object, ...]:
    return tuple(pytest.approx(span, abs=within) for span in spans)


HEARD = track(quiet(1.0), noise(0.5), quiet(0.5), noise(1.0, 1), quiet(1.0), begin=2.0)
"""Sound from 3 to 3.5 and from 4 to 5 s, the end at 6 s."""


def test_it_has_a_beginning_and_an_end() -> None:
    assert (HEARD.begin, HEARD.end, HEARD.seconds) == (2.0, 6.0, 4.0)
    assert repr(HEARD) == "<4.00 s of audio from 2.00 s, 16000 Hz, -27.3 dBFS>"


def test_a_slice_keeps_its_time_and_ends_where_the_audio_does() -> None:
    piece = HEARD.slice(3.25, 99)
    assert (piece.begin, piece.end) == (3.25, 6.0)
    assert np.array_equal(piece.samples, HEARD.samples[round(1.25 * RATE) :])


def test_levels_are_those_of_the_window() -> None:
    assert HEARD.level(3.0, 3.5) == pytest.approx(-23.0, abs=0.2)
    assert HEARD.level(2.0, 3.0) == -96.0


def test_audible_spans_are_exact_and_joined_over_short_gaps() -> None:
    assert HEARD.audible() == near((3.0, 3.5), (4.0, 5.0))
    assert HEARD.audible(gap=0.6) == near((3.0, 5.0))
    assert HEARD.audible(threshold=-10) == ()
    assert track(quiet(1.0)).audible() == ()
    assert Track(np.full(10, -32768, np.int16), RATE).audible() == near((0, 10 / RATE))


@given(st.lists(st.tuples(st.floats(0.01, 0.3), st.floats(0.25, 0.5)), min_size=1, max_size=6))
def test_audible_spans_are_where_the_sounds_were_put(pieces: list[tuple[float, float]]) -> None:
    parts, expected, time = [], [], 0.0
    for sound, pause in pieces:
        samples = np.full(round(sound * RATE), 1000, np.int16)
        parts += [quiet(pause), samples]
        begin = time + len(parts[-2]) / RATE
        time = begin + len(samples) / RATE
        expected.append((begin, time))
    assert track(*parts).audible() == near(*expected, within=1e-9)


def test_silence_is_confirmed_to_the_sample() -> None:
    assert HEARD.silentFrom(5.0)
    assert HEARD.silentBetween(3.5, 4.0)
    assert not HEARD.silentFrom(5.0 - 2 / RATE)


def test_what_breaks_the_silence_is_named() -> None:
    verdict = HEARD.silentFrom(3.2)
    assert not verdict
    assert repr(verdict) == ("heard -23.0 dBFS from 3.200 to 3.500 s and 1 more; silence was wanted from 3.200 s on")
    assert verdict.detail.splitlines()[1].split() == ["4.000", "5.000", "s", "-23.0", "dBFS"]


@pytest.mark.parametrize(("begin", "end"), [(6.5, math.inf), (0.0, 1.9)])
def test_silence_where_there_is_no_audio_is_no_silence(begin: float, end: float) -> None:
    verdict = HEARD.silentBetween(begin, end)
    assert not verdict
    assert "from 2.000 to 6.000 s: nothing to judge" in repr(verdict)


def test_no_time_at_all_is_no_silence() -> None:
    verdict = HEARD.silentBetween(5.5, 3.6)
    assert not verdict
    assert repr(verdict) == "no time is from 5.500 to 3.600 s: nothing to judge"


def test_the_first_and_last_sound_around_a_time() -> None:
    assert HEARD.firstSoundAfter(0) == pytest.approx(3.0, abs=1e-3)
    assert HEARD.firstSoundAfter(3.7) == pytest.approx(4.0, abs=1e-3)
    assert HEARD.firstSoundAfter(5.1) == math.inf
    assert HEARD.lastSoundBefore(4.0) == pytest.approx(3.5, abs=1e-3)
    assert HEARD.lastSoundBefore(2.9) == -math.inf


def test_a_sound_is_found_with_its_lag_gain_and_likeness() -> None:
    source = Track(noise(0.4, 7), RATE, 1.0)
    quieter = (source.samples // 4).astype(np.int16)
    match = track(quiet(2.5), quieter, quiet(1.0), begin=0.5).contains(source)
    assert match
    assert (match.at, match.lag) == (3.0, 2.0)
    assert match.gain == pytest.approx(-12.0, abs=0.1)
    assert match.likeness > 0.99


def test_silence_around_what_is_looked_for_does_not_matter() -> None:
    source = track(quiet(1.0), noise(0.4, 7), quiet(1.0))
    match = track(quiet(0.5), noise(0.4, 7), quiet(0.1)).contains(source)
    assert match
    assert match.lag == pytest.approx(-0.5)


def test_a_sound_that_is_not_there_is_not_found() -> None:
    match = HEARD.contains(noise(0.4, 99))
    assert not match
    assert "wanted 0.9" in repr(match)
    with pytest.raises(ValueError, match="silent"):
        HEARD.contains(quiet(1.0))


def test_what_is_no_audio_can_not_be_looked_for() -> None:
    sound: Any = "hello.flac"
    for ask in (HEARD.contains, HEARD.spansOf):
        with pytest.raises(ConfigurationError, match=r"or samples can be looked for, not 'hello\.flac'"):
            ask(sound)


def test_what_could_be_said_can_be_looked_for() -> None:
    sound = speech(1.0, 4)
    track = Track(np.concatenate([np.zeros(8000, np.int16), render(sound, 16_000)]), 16_000)
    assert track.contains(sound).at == pytest.approx(0.5, abs=0.001)
    assert track.spansOf(sound)
    assert not track.spansOf(speech(1.0, 5))


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_a_sound_is_found_at_another_rate_and_through_a_telephone(rate: int) -> None:
    source = tone(RATE, 0.3, 500) + tone(RATE, 0.3, 1234)
    telephone = decode_ulaw(encode_ulaw(Conversion(RATE, 8_000).convert(source, is_last=True)))
    heard = Conversion(8_000, rate).convert(telephone, is_last=True)
    match = Track(np.concatenate((np.zeros(rate, np.int16), heard)), rate).contains(Track(source, RATE))
    assert match
    assert match.at == pytest.approx(1.0, abs=0.002)


def test_it_is_known_which_source_was_audible_when() -> None:
    first, second = noise(1.0, 1), noise(1.0, 2)
    heard = track(quiet(0.5), first[: RATE // 2], second, quiet(0.3), first[RATE // 2 :], begin=10.0)
    assert heard.spansOf(first) == near((10.5, 11.0), (12.3, 12.8), within=0.021)
    assert heard.spansOf(Track(second, RATE, 3.0)) == near((11.0, 12.0), within=0.021)
    assert heard.spansOf(noise(1.0, 3)) == ()


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_nobody_else_s_voice_is_taken_for_it(rate: int) -> None:
    for seed in range(6):
        heard = Track(render(speech(4.0, seed), rate), rate)
        assert heard.spansOf(speech(4.0, seed + 1000)) == ()
        assert heard.spansOf(speech(4.0, seed)) == near((0.0, 4.0), within=0.021)


@pytest.mark.parametrize(("around", "seconds"), [(quiet(1.0), 0.15), (noise(1.0, 2), 0.5)])
@pytest.mark.parametrize("begins", [0.0, 0.13, 0.71])
def test_a_part_is_found_if_it_is_long_enough(around: Samples, seconds: float, begins: float) -> None:
    part = noise(2.0, 1)[round(begins * RATE) :][: round(seconds * RATE)]
    heard = track(around[: round((1 - begins) * RATE)], part, around)
    assert heard.spansOf(noise(2.0, 1)) == near((1 - begins, 1 - begins + seconds), within=0.021)


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_what_is_hardly_a_sound_is_looked_for_to_the_end(samples: int) -> None:
    assert len(HEARD.spansOf(noise(1.0, 99)[:samples])) < 2000


@pytest.mark.parametrize("begins", [0.5, 0.53, 0.59])
def test_a_short_sound_is_found_among_others(begins: float) -> None:
    beep = noise(0.1, 1)
    heard = track(noise(1.0, 2)[: round(begins * RATE)], beep, noise(1.0, 3))
    assert heard.spansOf(beep) == near((begins, begins + 0.1), within=0.021)


def test_a_pause_within_a_source_is_part_of_it() -> None:
    source = np.concatenate((noise(0.3, 1), quiet(0.4), noise(0.3, 2)))
    assert track(quiet(0.2), source, quiet(1.0)).spansOf(source) == near((0.2, 1.2))


def test_a_source_that_is_mixed_with_another_is_found_when_less_likeness_will_do() -> None:
    voice, other = noise(1.0, 1), noise(1.0, 2)
    mixed = track(voice + other)
    assert mixed.spansOf(voice) == ()
    assert mixed.spansOf(voice, likeness=0.6) == near((0.0, 1.0), within=0.021)


def test_golden_recordings_match_until_the_sound_changes(tmp_path: Path) -> None:
    path = tmp_path / "golden" / "heard.flac"
    missing = HEARD.matchesGolden(path)
    assert not missing
    assert "--update-golden" in repr(missing)
    HEARD.save(path)
    assert HEARD.matchesGolden(path)
    almost = Track((HEARD.samples + 3).astype(np.int16), RATE, HEARD.begin)
    assert almost.matchesGolden(path)
    assert not almost.matchesGolden(path, tolerance=-90)


def test_turns_and_interruptions_are_timed() -> None:
    said = track(quiet(1.0), noise(1.0), quiet(2.0), noise(0.5), quiet(3.0))
    heard = track(quiet(2.75), noise(1.5), quiet(1.0), noise(0.5), quiet(1.75))
    first, second = turns(said, heard)
    assert first.timeToAnswer == pytest.approx(0.75, abs=1e-3)
    assert second.timeToAnswer == pytest.approx(0.75, abs=1e-3)
    assert second.caller == pytest.approx(Span(4.0, 4.5), abs=1e-3)
    assert interruptionToSilence([4.1, 5.0], heard) == near((0.15, 0.0))[0]
