"""Turns found while the call goes on, against those found in its whole trace."""

import subprocess
import sys
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voxrun.serving.turn_watch import KEPT_SECONDS, BargeIn, TurnWatch
from voxrun.trace.story import SILENCE, STEP, Voice
from voxrun.trace.turns import Turn, turns_of

Levels = NDArray[np.int8]
LOUD = -20
PIECE = 250
"""As many levels as a record has."""

WITHOUT_FILES = """
import numpy as np
import resource
from voxrun.serving.turn_watch import TurnWatch
said = np.array([-96] * 50 + [-20] * 50 + [-96] * 100, np.int8)
heard = np.roll(said, 60)
watch = TurnWatch()
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
print(len([*watch.take(0.0, said, heard), *watch.finish()]))
"""


def voice(seconds: float, *spans: tuple[float, float]) -> Levels:
    """Levels of somebody who speaks from one time to another."""
    levels = np.full(round(seconds / STEP), SILENCE, np.int8)
    for begin, end in spans:
        levels[round(begin / STEP) : round(end / STEP)] = LOUD
    return levels


def found(watch: TurnWatch, said: Levels, heard: Levels, began: float = 0.0) -> Iterator[Turn | BargeIn]:
    """What it tells of two voices, piece by piece."""
    for first in range(0, len(said), PIECE):
        piece = slice(first, first + PIECE)
        yield from watch.take(began + first * STEP, said[piece], heard[piece])


def test_each_turn_of_a_long_call_is_told_once() -> None:
    calls = [20.0 * number for number in range(30)]
    said = voice(600, *((begin + 2, begin + 4) for begin in calls))
    heard = voice(600, *((begin + 4 + 0.02 * number, begin + 15) for number, begin in enumerate(calls, start=10)))
    turns = [turn for turn in found(TurnWatch(), said, heard) if isinstance(turn, Turn)]
    assert [turn.timeToAnswer for turn in turns] == pytest.approx([0.02 * number for number in range(10, 40)])


def test_an_answer_at_the_edge_of_a_record_waits_for_the_next_one() -> None:
    watch = TurnWatch()
    said, heard = voice(10, (1, 4.5)), voice(10, (4.9, 7))
    first, second = slice(0, PIECE), slice(PIECE, 2 * PIECE)
    assert list(watch.take(0.0, said[first], heard[first])) == []
    (turn,) = watch.take(5.0, said[second], heard[second])
    assert isinstance(turn, Turn)
    assert turn.timeToAnswer == pytest.approx(0.4)


def test_an_answer_in_the_very_moment_is_told_once() -> None:
    said, heard = voice(60, (26.4, 30.4)), voice(60, (30.4, 34.4))
    turns = [turn for turn in found(TurnWatch(), said, heard, 0.7) if isinstance(turn, Turn)]
    assert [turn.timeToAnswer for turn in turns] == pytest.approx([0.0])


def test_an_agent_that_speaks_on_for_long_gave_no_answer() -> None:
    """Nor does it when it paused shortly just where the watch looks back to."""
    said, heard = voice(60, (1, 5.1)), voice(60, (0, 5), (5.2, 50))
    assert list(found(TurnWatch(), said, heard)) == []


def test_an_interruption_is_told_once_the_agent_is_silent() -> None:
    watch = TurnWatch()
    watch.interrupt(4.0)
    said, heard = voice(15, (3.8, 5)), voice(15, (1, 6.5))
    assert [it for it in found(watch, said, heard) if isinstance(it, BargeIn)] == [BargeIn(4.0, 2.5)]


def test_an_interruption_of_silence_takes_no_time() -> None:
    watch = TurnWatch()
    watch.interrupt(4.0)
    assert list(found(watch, voice(10), voice(10))) == [BargeIn(4.0, 0.0)]


def test_an_interruption_that_never_led_to_silence_is_given_up() -> None:
    watch = TurnWatch()
    watch.interrupt(4.0)
    heard = voice(KEPT_SECONDS * 3, (1, KEPT_SECONDS * 2.5))
    assert list(found(watch, voice(KEPT_SECONDS * 3), heard)) == []


@pytest.mark.parametrize("before_the_end", [STEP, 0.1, 0.28])
def test_an_answer_just_before_the_end_is_told_at_the_end(before_the_end: float) -> None:
    watch = TurnWatch()
    assert list(found(watch, voice(4.5, (1, 3)), voice(4.5, (4.5 - before_the_end, 4.5)))) == []
    (turn,) = watch.finish()
    assert isinstance(turn, Turn)
    assert turn.timeToAnswer == pytest.approx(1.5 - before_the_end)
    assert list(watch.finish()) == []


@pytest.mark.parametrize(("silent_at", "seconds"), [(4.4, [0.4]), (4.5, [])])
def test_an_interruption_just_before_the_end_is_told_if_it_led_to_silence(
    silent_at: float, seconds: list[float]
) -> None:
    watch = TurnWatch()
    watch.interrupt(4.0)
    assert list(found(watch, voice(4.5, (3.8, 4.2)), voice(4.5, (1, silent_at)))) == []
    assert [it.seconds for it in watch.finish() if isinstance(it, BargeIn)] == pytest.approx(seconds)


def test_a_session_without_a_call_has_nothing_to_tell_at_its_end() -> None:
    assert list(TurnWatch().finish()) == []


@pytest.mark.parametrize("seconds", [0.1, 3.0, -0.06])
def test_a_stall_of_the_machine_hides_neither_turn_nor_interruption(seconds: float) -> None:
    """Levels begin later than the last have ended, as ticks were skipped; or sooner, as late ones were made good."""
    watch = TurnWatch()
    watch.interrupt(4.9)
    assert list(watch.take(0.0, voice(5, (1, 4)), voice(5, (0.5, 4.92)))) == []
    turn, interruption = watch.take(5 + seconds, voice(5), voice(5, (1, 3)))
    assert isinstance(turn, Turn)
    assert turn.timeToAnswer == pytest.approx(2 + seconds)
    assert isinstance(interruption, BargeIn)
    assert interruption.seconds == pytest.approx(0.02)


@pytest.mark.parametrize("answered", [0.0, 3.0, 10.0])
def test_a_noisy_line_is_as_noisy_however_late_the_call_was_answered(answered: float) -> None:
    noise = np.random.default_rng(1).integers(-52, -44, 1000).astype(np.int8)
    said, heard = np.maximum(voice(20, (2, 4), (8, 10), (14, 16)), noise), voice(20, (5, 6), (11, 12), (17, 18))
    turns = [turn for turn in found(TurnWatch(), said, heard, answered) if isinstance(turn, Turn)]
    assert [turn.timeToAnswer for turn in turns] == pytest.approx([1.0, 1.0, 1.0])


def test_after_a_gap_it_begins_anew() -> None:
    watch = TurnWatch()
    assert list(found(watch, voice(5, (1, 4)), voice(5))) == []
    assert list(found(watch, voice(5), voice(5, (1, 3)), began=60.0)) == []


pauses = st.lists(st.floats(0.4, 2.0), min_size=4, max_size=12)


@given(pauses, st.lists(st.sampled_from(["said", "heard"]), min_size=12, max_size=12))
def test_it_finds_what_the_whole_trace_holds(lengths: list[float], speakers: list[str]) -> None:
    """Pauses and speech by turns, said by either one."""
    spans: dict[str, list[tuple[float, float]]] = {"said": [], "heard": []}
    time = 0.0
    for length, speaker in zip(lengths, speakers, strict=False):
        spans[speaker].append((time + length, time + 2 * length))
        time += 2 * length
    said, heard = (voice(time + 20, *spans[who]) for who in ("said", "heard"))
    whole = turns_of(Voice(0.0, said).sounds(), Voice(0.0, heard).sounds())
    answered = [turn.timeToAnswer for turn in whole if turn.caller and turn.answer]
    told = [turn.timeToAnswer for turn in found(TurnWatch(), said, heard) if isinstance(turn, Turn)]
    assert told == pytest.approx(answered, abs=STEP / 2)


parts = st.lists(st.tuples(st.sampled_from(["said", "heard", "both", ""]), st.integers(1, 900)), max_size=12)


@given(parts, st.floats(0, 9))
def test_however_they_speak_each_turn_of_the_whole_trace_is_told_once(spoken: list[tuple[str, int]], at: float) -> None:
    """Without a pause between them, over each other, and for longer than the watch looks back."""
    size = sum(count for _, count in spoken) + 2 * PIECE
    said, heard = (np.full(size, SILENCE, np.int8) for _ in range(2))
    place = 0
    for who, count in spoken:
        said[place : place + count] = LOUD if who in ("said", "both") else SILENCE
        heard[place : place + count] = LOUD if who in ("heard", "both") else SILENCE
        place += count
    whole = turns_of(Voice(at, said).sounds(), Voice(at, heard).sounds())
    told = [turn for turn in found(TurnWatch(), said, heard, at) if isinstance(turn, Turn)]
    assert begins_of_answers(told) == pytest.approx(begins_of_answers(whole), abs=STEP / 2)


def begins_of_answers(turns: Iterable[Turn]) -> list[float]:
    """Of those that came soon enough for the watch to know in any case whose answer it is."""
    return [turn.answer.begin for turn in turns if turn.answer and turn.timeToAnswer < KEPT_SECONDS / 2]


def test_a_turn_is_told_of_when_the_system_has_no_descriptors_left() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_FILES], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1\n", "")
