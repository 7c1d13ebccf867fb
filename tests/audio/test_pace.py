"""What leads a buffer back, with a buffer that obeys it."""

import pytest

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.audio.pace import TOO_HIGH_SECONDS, TOO_LOW_SECONDS, Pace


def follow(error: float, seconds: float, drift: float = 0.0) -> tuple[list[float], Pace]:
    """The error at each tick, from this one on, between clocks that differ by `drift`."""
    pace = Pace()
    errors = []
    for _ in range(round(seconds / FRAME_SECONDS)):
        pace.observe(error, FRAME_SECONDS)
        error += (1.0 + drift - pace.speed) * FRAME_SECONDS
        errors.append(error)
    return errors, pace


@pytest.mark.parametrize("error", [-0.004, -0.002, 0.003, 0.0045, 0.02])
def test_an_error_is_led_back_soon_and_not_beyond(error: float) -> None:
    errors, pace = follow(error, 3.0 + abs(error) / 0.005)
    assert abs(errors[-1]) < 0.0005
    assert pace.speed == 1.0
    assert all(later * error > 0 for later in errors)
    assert abs(errors[49] - error) < 0.001


@pytest.mark.parametrize("error", [-TOO_LOW_SECONDS, 0.0, TOO_HIGH_SECONDS])
def test_a_small_one_is_left_alone(error: float) -> None:
    errors, pace = follow(error, 10.0)
    assert set(errors) == {error}
    assert pace.speed == 1.0


@pytest.mark.parametrize("drift", [0.0003, -0.0003])
def test_clocks_that_differ_keep_within_what_is_allowed(drift: float) -> None:
    errors, _ = follow(0.0, 600.0, drift)
    assert min(errors) > -TOO_LOW_SECONDS - 0.001
    assert max(errors) < TOO_HIGH_SECONDS + 0.001
