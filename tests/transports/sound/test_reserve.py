"""How much is kept waiting: more after a gap, less again after a while without one."""

import pytest

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.transports.sound.reserve import LEAST_SECONDS, MOST_SECONDS, Reserve


def quiet_until_change(reserve: Reserve) -> float:
    """How long it takes, in seconds."""
    before, seconds = reserve.seconds, 0.0
    while reserve.seconds == before:
        reserve.rest(FRAME_SECONDS)
        seconds += FRAME_SECONDS
    return seconds


def test_it_grows_with_each_gap_up_to_a_bound_and_shrinks_back_in_steps() -> None:
    reserve = Reserve()
    for expected in (0.012, 0.018, 0.027, 0.0405, MOST_SECONDS, MOST_SECONDS):
        reserve.grow()
        assert reserve.seconds == pytest.approx(expected)
    for expected in (0.04, 0.0267, 0.0178, 0.0119, LEAST_SECONDS):
        quiet_until_change(reserve)
        assert reserve.seconds == pytest.approx(expected, abs=1e-4)
    reserve.rest(1000.0)
    assert reserve.seconds == LEAST_SECONDS


def test_a_machine_that_always_has_gaps_gets_less_and_less_of_them() -> None:
    reserve = Reserve()
    waits = []
    for _ in range(9):
        reserve.grow()
        waits.append(quiet_until_change(reserve))
    assert waits == pytest.approx([2, 4, 8, 16, 32, 64, 64, 64, 64], abs=0.03)
