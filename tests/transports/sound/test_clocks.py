"""A device whose clock is not ours, simulated: blocks by its clock, ticks by ours, either a little late at times."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.audio.pace import TOO_HIGH_SECONDS
from voxrun.transports.sound.intake import Intake
from voxrun.transports.sound.outlet import Outlet
from voxrun.transports.sound.reserve import BLOCK_SECONDS, LEAST_SECONDS, Reserve

RATE = 48_000
HERTZ = 400.0
AMPLITUDE = 10_000
LATE_SECONDS = 0.002
"""The most, of ticks and blocks; a tenth of it on average."""

LEVEL_SECONDS = 0.06
"""Below this all that waits must stay: a tick's share, the reserve and what drift may add."""


def moments(count: int, period: float, generator: np.random.Generator) -> Iterator[float]:
    """When something that is due in each period really happens."""
    late = np.minimum(generator.exponential(LATE_SECONDS / 10, count), LATE_SECONDS)
    yield from np.arange(count) * period + late


def run(tick: Callable[[], None], block: Callable[[], None], seconds: float, drift: float) -> None:
    """Call each when it is its turn; the device's clock is `drift` (of 1) fast."""
    generator = np.random.default_rng(7)
    ticks = moments(int(seconds / FRAME_SECONDS), FRAME_SECONDS, generator)
    period = BLOCK_SECONDS / (1 + drift)
    blocks = moments(int(seconds / period), period, generator)
    next_tick, next_block = next(ticks), next(blocks)
    while True:
        if next_tick <= next_block:
            tick()
            following = next(ticks, None)
            if following is None:
                return
            next_tick = following
        else:
            block()
            next_block = next(blocks, np.inf)


def endless_tone(rate: int, seconds: float) -> Iterator[Samples]:
    """A tone in pieces; a whole number of its cycles fits each second."""
    second = tone(rate, 1.0, HERTZ, AMPLITUDE)
    pieces = second.reshape(-1, int(rate * seconds))
    while True:
        yield from pieces


def check(exchange: Intake | Outlet, heard: list[Samples], rates: tuple[int, int], reserve: Reserve) -> None:
    """Nothing was lost, nothing jumped, and not much waits."""
    device_rate, heard_rate = rates
    assert (exchange.ring.overflowed, exchange.ring.underflowed) == (0, 0)
    assert reserve.seconds == LEAST_SECONDS
    assert len(exchange.ring) / device_rate < LEVEL_SECONDS
    sound = np.concatenate(heard)[heard_rate:].astype(np.int32)
    steepest = 2 * np.pi * HERTZ / heard_rate * AMPLITUDE
    assert np.max(np.abs(np.diff(sound))) <= 1.01 * steepest + 2
    assert np.max(np.abs(sound)) <= AMPLITUDE + 10


def hear(device_rate: int, seconds: float, drift: float) -> None:
    """A microphone for so long."""
    reserve = Reserve()
    intake = Intake(device_rate, RATE, reserve)
    said = endless_tone(device_rate, BLOCK_SECONDS)
    heard: list[Samples] = []
    run(lambda: heard.append(intake.read()), lambda: intake.exchange(next(said).tobytes()), seconds, drift)
    check(intake, heard, (device_rate, RATE), reserve)


def speak(device_rate: int, seconds: float, drift: float) -> None:
    """A speaker for so long."""
    reserve = Reserve()
    outlet = Outlet(device_rate, RATE, reserve)
    said = endless_tone(RATE, FRAME_SECONDS)
    heard: list[Samples] = []

    def ask() -> None:
        heard.append(np.ones(int(device_rate * BLOCK_SECONDS), np.int16))
        outlet.exchange(heard[-1])

    run(lambda: outlet.write(next(said)), ask, seconds, drift)
    check(outlet, heard, (device_rate, device_rate), reserve)


@pytest.mark.parametrize("way", [hear, speak])
@pytest.mark.parametrize("device_rate", [8000, 16_000, 32_000, 48_000, 96_000])
@pytest.mark.parametrize("drift", [0.0, 0.0003, -0.0003])
def test_a_minute_with_a_device_of_any_rate(
    way: Callable[[int, float, float], None], device_rate: int, drift: float
) -> None:
    way(device_rate, 20.0 if device_rate != RATE else 60.0, drift)


def test_after_a_gap_it_is_led_back_without_a_click() -> None:
    reserve = Reserve()
    intake = Intake(RATE, RATE, reserve)
    said = endless_tone(RATE, BLOCK_SECONDS)
    heard: list[Samples] = []

    def block() -> None:
        samples = next(said)
        if not 100 <= len(heard) < 103:  # the device stands still for 60 ms
            intake.exchange(samples.tobytes())

    run(lambda: heard.append(intake.read()), block, 12.0, 0.0)
    assert intake.ring.underflowed == 1
    assert reserve.seconds == LEAST_SECONDS
    assert len(intake.ring) / RATE < LEAST_SECONDS + TOO_HIGH_SECONDS
    sound = np.concatenate(heard[150:]).astype(np.int32)
    assert np.max(np.abs(np.diff(sound))) <= 1.01 * 2 * np.pi * HERTZ / RATE * AMPLITUDE + 2
    assert np.min(np.abs(sound.reshape(-1, 960)).max(axis=1)) > AMPLITUDE - 10


@pytest.mark.parametrize("device_rate", [8000, 16_000, 48_000])
def test_neither_end_of_a_gap_clicks(device_rate: int) -> None:
    intake, outlet = Intake(device_rate, RATE, Reserve()), Outlet(device_rate, RATE, Reserve())
    size = int(device_rate * BLOCK_SECONDS)
    said, played = iter(tone(device_rate, 3.0, 437.0).reshape(-1, size)), iter(tone(RATE, 3.0, 437.0).reshape(-1, 960))
    recorded: list[Samples] = []
    heard = [np.zeros(size, np.int16) for _ in range(500)]
    for number, block in enumerate(heard):
        outlet.exchange(block)
        if not 200 <= number < 224:  # what is late is not lost
            intake.exchange(next(said).tobytes())
        if number % 4 == 3:
            recorded.append(intake.read())
        if number % 4 == 3 and not 200 <= number < 224:
            outlet.write(next(played))
    assert (intake.ring.underflowed, outlet.ring.underflowed) == (1, 1)
    for sound, rate in ((np.concatenate(recorded), RATE), (np.concatenate(heard), device_rate)):
        steps = np.abs(np.diff(sound[rate // 2 :].astype(int)))
        assert steps.max() <= 1.2 * 2 * np.pi * 437.0 / rate * AMPLITUDE


def test_what_a_tick_that_stood_still_left_too_much_is_gone_within_a_second() -> None:
    reserve = Reserve()
    intake = Intake(RATE, RATE, reserve)
    said = endless_tone(RATE, BLOCK_SECONDS)
    heard: list[Samples] = []
    ticks = iter(range(1000))

    def tick() -> None:
        if not 100 <= next(ticks) < 102:  # these are skipped
            heard.append(intake.read())

    run(tick, lambda: intake.exchange(next(said).tobytes()), 4.0, 0.0)
    assert (intake.ring.overflowed, intake.ring.underflowed) == (0, 0)
    assert len(intake.ring) / RATE < FRAME_SECONDS + LEAST_SECONDS + TOO_HIGH_SECONDS
    sound = np.concatenate(heard[1:]).astype(np.int32)
    steepest = 2 * np.pi * HERTZ / RATE * AMPLITUDE
    assert np.max(np.abs(np.diff(sound[RATE // 2 :]))) <= 1.2 * steepest + 2


@pytest.mark.slow
@pytest.mark.parametrize("way", [hear, speak])
@pytest.mark.parametrize("drift", [0.0003, -0.0003])
def test_half_an_hour_with_clocks_that_differ(way: Callable[[int, float, float], None], drift: float) -> None:
    way(RATE, 1800.0, drift)


def test_without_drift_samples_pass_unchanged() -> None:
    intake = Intake(RATE, RATE, Reserve())
    said = np.random.default_rng(3).integers(-9000, 9000, RATE).astype(np.int16)
    blocks = iter(said.reshape(-1, int(RATE * BLOCK_SECONDS)))
    heard: list[Samples] = []
    run(lambda: heard.append(intake.read()), lambda: intake.exchange(next(blocks).tobytes()), 0.9, 0.0)
    everything = np.concatenate(heard)
    start = int(np.argmax(everything != 0))
    assert np.array_equal(everything[start:][:30_000], said[int(np.argmax(said == everything[start])) :][:30_000])


def test_a_gap_makes_the_reserve_grow_to_a_bound() -> None:
    reserve = Reserve()
    intake = Intake(RATE, RATE, reserve)
    for _ in range(20):
        intake.exchange(bytes(1920))
        for _ in range(5):
            intake.read()
    assert intake.ring.underflowed >= 20
    assert reserve.seconds == 0.06
