"""Audio that comes in bursts, and what is heard of it."""

import operator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import tone

from voxrun.audio.frame import Samples, silence
from voxrun.media.stream_inbox import LIMIT_SECONDS, WATCHED_TICKS, StreamInbox

RATE = 8000
SIZE = 160


def frames(count: int) -> Samples:
    return tone(RATE, count * 0.02, 400.0)


def taken(inbox: StreamInbox, count: int) -> Samples:
    return np.concatenate([inbox.take() for _ in range(count)])


def test_what_comes_in_time_passes_unchanged() -> None:
    inbox, said = StreamInbox(RATE), frames(10)
    heard = []
    for frame in said.reshape(-1, SIZE):
        inbox.put(frame)
        heard.append(inbox.take())
    assert np.array_equal(np.concatenate(heard), said)
    assert (inbox.concealed, inbox.left_out, inbox.dropped) == (0, 0, 0)


def test_before_the_first_audio_there_is_silence_and_nothing_to_conceal() -> None:
    inbox = StreamInbox(RATE)
    assert inbox.take() is silence(RATE)
    assert inbox.concealed == 0


def test_late_audio_is_concealed_and_still_heard() -> None:
    inbox, said = StreamInbox(RATE), frames(10)
    inbox.put(said[: 4 * SIZE])
    taken(inbox, 4)
    filled = taken(inbox, 2)
    inbox.put(said[4 * SIZE :])
    rest = taken(inbox, 6)
    assert inbox.concealed == 2
    assert np.abs(filled).max() > 5000
    assert np.array_equal(rest[SIZE:], said[5 * SIZE :])  # its first frame is joined to the fill


def test_a_long_gap_ends_in_silence() -> None:
    inbox = StreamInbox(RATE)
    inbox.put(frames(4))
    taken(inbox, 10)
    assert inbox.take() is silence(RATE)
    assert inbox.concealed == 3


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_pieces_of_any_size_lose_no_sample(sizes: list[int]) -> None:
    inbox, said = StreamInbox(RATE), frames(-(-sum(sizes) // SIZE) + 1)
    place, heard = 0, []
    for size in sizes:
        inbox.put(said[place : place + size])
        place += size
        while inbox._playout.size >= SIZE:
            heard.append(inbox.take())
    whole = place // SIZE
    assert np.array_equal(np.concatenate([*heard, said[:0]]), said[: whole * SIZE])


def test_some_frames_may_be_looked_at_once_before_their_ticks() -> None:
    inbox = StreamInbox(RATE)
    inbox.put(frames(5))
    ahead = [inbox.peek() for _ in range(4)]
    assert ahead[3] is None  # the others stay until there is room for them
    assert inbox.waiting == 0.1
    assert all(inbox.take() is frame for frame in ahead[:3])
    assert inbox.peek() is not None
    assert inbox.waiting == 0.04


def test_a_delay_of_frames_that_were_looked_at_goes_away_as_well() -> None:
    inbox = StreamInbox(RATE)
    looked_at: list[Samples] = []
    heard: list[Samples] = []
    inbox.put(np.zeros(SIZE * 2, np.int16))
    for _ in range(3 * WATCHED_TICKS):
        inbox.put(np.zeros(SIZE, np.int16))
        while (frame := inbox.peek()) is not None:
            looked_at.append(frame)
        heard.append(inbox.take())
    assert inbox.left_out == 1
    assert inbox.waiting == 0.02
    assert all(map(operator.is_, looked_at, heard))


def test_a_delay_that_is_no_longer_needed_goes_away_in_quiet_frames() -> None:
    inbox = StreamInbox(RATE)
    inbox.put(np.zeros(SIZE * 10, np.int16))
    for _ in range(2 * WATCHED_TICKS):
        inbox.put(np.zeros(SIZE, np.int16))
        inbox.take()
    assert inbox.left_out == 9
    assert inbox.waiting == 0.02


def test_a_delay_that_the_next_burst_needs_stays() -> None:
    inbox = StreamInbox(RATE)
    for _ in range(2 * WATCHED_TICKS // 5):
        inbox.put(np.zeros(SIZE * 5, np.int16))
        taken(inbox, 5)
    assert (inbox.left_out, inbox.concealed) == (0, 0)


def test_a_delay_under_somebody_who_speaks_without_a_pause_stays() -> None:
    inbox = StreamInbox(RATE)
    inbox.put(frames(10))
    for _ in range(2 * WATCHED_TICKS):
        inbox.put(frames(1))
        inbox.take()
    assert inbox.left_out == 0


def test_a_delay_goes_away_between_the_words_of_somebody_in_a_street_without_a_click() -> None:
    inbox, word, street = StreamInbox(RATE), tone(RATE, 0.5, 50.0, 8000), tone(RATE, 1.0, 90.0, 400)
    spoken = np.concatenate((word, street))
    inbox.put(street)
    heard = []
    for frame in np.tile(spoken, 6).reshape(-1, SIZE):
        inbox.put(frame)
        heard.append(inbox.take())
    steepest = np.abs(np.diff(spoken.astype(int))).max()
    assert inbox.left_out == 49
    assert inbox.waiting == 0.02
    assert np.abs(np.diff(np.concatenate(heard).astype(int))).max() <= 1.2 * steepest


def test_a_delay_under_somebody_who_only_listens_in_a_street_stays_until_they_speak() -> None:
    inbox, street = StreamInbox(RATE), tone(RATE, 0.02, 100.0, 400)
    for count in (10, *(1 for _ in range(2 * WATCHED_TICKS))):
        inbox.put(np.tile(street, count))
        inbox.take()
    assert inbox.left_out == 0


def test_what_waits_has_a_bound_and_the_rest_is_counted() -> None:
    inbox = StreamInbox(RATE)
    inbox.put(np.zeros(round(RATE * (LIMIT_SECONDS + 1)), np.int16))
    assert inbox.dropped == RATE
    assert inbox.waiting == LIMIT_SECONDS


def test_a_clock_that_runs_fast_there_does_not_make_the_delay_grow() -> None:
    inbox, quiet = StreamInbox(RATE), np.zeros(SIZE + 1, np.int16)  # 0.6 % fast
    for _ in range(50 * 60):
        inbox.put(quiet)
        inbox.take()
    assert inbox.waiting < 0.16
    assert inbox.dropped == 0
