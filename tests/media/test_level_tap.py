"""How loud a call is, told every five seconds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voxrun.audio.frame import silence
from voxrun.media.level_tap import LevelTap

RATE = 8000


class Told:
    """A tap on a clock that moves 20 ms a tick, and what it has told."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, list[int], list[int]]] = []
        self.position = 0
        self.late = 0.0
        self.tap = LevelTap(
            lambda: self.position / 50 + self.late,
            lambda began, said, heard: self.pieces.append((began, said.tolist(), heard.tolist())),
        )

    def take(self, said: int, heard: int = 0) -> None:
        """One tick with frames of which a single sample has a value."""
        frames = [np.zeros(len(silence(RATE)), np.int16) for _ in range(2)]
        for frame, value in zip(frames, (said, heard), strict=True):
            frame[self.position % len(frame)] = value
        self.tap.take(self.position, *frames)
        self.position += 1


def test_five_seconds_are_told_at_once() -> None:
    told = Told()
    for _ in range(249):
        told.take(32767)
    assert told.pieces == []
    told.take(0)
    assert told.pieces == [(0.0, [0] * 249 + [-96], [-96] * 250)]


def test_the_next_piece_begins_where_the_first_ended() -> None:
    told = Told()
    for _ in range(500):
        told.take(0, 328)
    assert [began for began, _, _ in told.pieces] == [0.0, 5.0]
    assert told.pieces[1][2] == [-40] * 250


def test_the_rest_is_told_at_the_end_and_only_once() -> None:
    told = Told()
    for _ in range(13):
        told.take(-32768, 1)
    told.tap.flush()
    told.tap.flush()
    assert told.pieces == [(0.0, [0] * 13, [-90] * 13)]


def test_after_skipped_ticks_levels_have_their_own_time_again() -> None:
    told = Told()
    for _ in range(13):
        told.take(32767)
    told.position += 30
    for _ in range(250):
        told.take(328)
    assert told.pieces == [(0.0, [0] * 13, [-96] * 13), (0.86, [-40] * 250, [-96] * 250)]


def test_ticks_that_come_late_after_a_stall_have_the_times_they_should_have_had() -> None:
    """As have the same ticks' frames in a recording."""
    told = Told()
    told.take(32767)
    told.position += 30
    told.late = 0.06
    told.take(32767)
    told.late = 0.0
    for _ in range(250):
        told.take(32767)
    told.tap.flush()
    assert [(began, len(said)) for began, said, _ in told.pieces] == [(0.0, 1), (0.62, 250), (5.62, 1)]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=600))
def test_no_frame_is_lost_and_each_level_is_its_peak(peaks: list[int]) -> None:
    told = Told()
    for peak in peaks:
        told.take(peak, -peak if peak > -32768 else 0)
    told.tap.flush()
    levels = [level for _, said, _ in told.pieces for level in said]
    assert levels == [round(20 * np.log10(abs(peak) / 32768)) if peak else -96 for peak in peaks]
