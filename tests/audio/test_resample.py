"""The resampler measured from outside, with sines and impulses in frames, and against one long filtering."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voxrun.audio.frame import Samples, frame_size, silence
from voxrun.audio.resample import DELAY_SECONDS, RATES, Resampler

PAIRS = list(permutations(RATES, 2))
DOWN = [(source, target) for source, target in PAIRS if target < source]
every_pair = pytest.mark.parametrize(("source", "target"), PAIRS)

# Whole numbers of periods in a frame: a tone is then exactly one line of the spectrum.
LINE_HZ = 50
AMPLITUDE = 32000.0


def passband(source: int, target: int) -> list[int]:
    """Tones in Hz up to 600 Hz below half the lower rate."""
    edge = (min(source, target) // 2 - 600) // LINE_HZ * LINE_HZ
    return [*range(LINE_HZ, edge, 250), edge]


def stopband(source: int, target: int) -> list[int]:
    """Tones in Hz from 600 Hz above half the lower rate, as far as the source can carry them."""
    edge = -(-(min(source, target) // 2 + 600) // LINE_HZ) * LINE_HZ
    return list(range(edge, source // 2, 250))


def spectrum(source: int, target: int, frequency: int) -> NDArray[np.complex128]:
    """What a tone comes out as once settled: line n is at n * LINE_HZ, 1 if nothing changed the tone."""
    times = np.arange(3 * frame_size(source)) / source
    tone = np.rint(AMPLITUDE * np.cos(2 * np.pi * frequency * times)).astype(np.int16)
    resampler = Resampler(source, target)
    *_, settled = [resampler.process(frame) for frame in np.split(tone, 3)]
    return np.fft.rfft(settled) / (settled.size / 2) / AMPLITUDE


def decibels(amplitudes: NDArray[np.complex128]) -> float:
    """The power of all of them together."""
    return float(10 * np.log10(np.sum(np.abs(amplitudes) ** 2) + 1e-20))


@every_pair
def test_the_passband_is_flat_and_every_tone_in_it_is_delayed_alike(source: int, target: int) -> None:
    for frequency in passband(source, target):
        line = spectrum(source, target, frequency)[frequency // LINE_HZ]
        assert abs(decibels(line)) < 0.02, frequency
        late = line * np.exp(2j * np.pi * frequency * DELAY_SECONDS)
        assert abs(np.angle(late)) < 0.001, frequency


@every_pair
def test_the_passband_reaches_as_far_as_promised(source: int, target: int) -> None:
    reach = passband(source, target)[-1]
    assert reach >= 3400
    assert reach >= 7000 or min(source, target) == 8000


@every_pair
def test_images_of_the_passband_are_rejected(source: int, target: int) -> None:
    for frequency in passband(source, target):
        lines = spectrum(source, target, frequency)
        assert decibels(np.delete(lines, frequency // LINE_HZ)) < -57, frequency


@every_pair
def test_nothing_comes_out_in_the_stopband(source: int, target: int) -> None:
    first_line = -(-(min(source, target) // 2 + 600) // LINE_HZ)
    for frequency in range(LINE_HZ, source // 2, 250):
        beyond = spectrum(source, target, frequency)[first_line:]
        assert decibels(beyond) < -57, frequency


@pytest.mark.parametrize(("source", "target"), DOWN)
def test_aliases_are_rejected(source: int, target: int) -> None:
    for frequency in stopband(source, target):
        assert decibels(spectrum(source, target, frequency)) < -57, frequency


@every_pair
def test_the_delay_of_an_impulse(source: int, target: int) -> None:
    impulse = np.zeros(3 * frame_size(source), np.int16)
    position = frame_size(source) + frame_size(source) // 3
    impulse[position] = 32767
    resampler = Resampler(source, target)
    heard = np.concatenate([resampler.process(frame) for frame in np.split(impulse, 3)]).astype(np.float64)
    centre = np.sum(np.arange(heard.size) * heard) / np.sum(heard)
    assert centre / target - position / source == pytest.approx(DELAY_SECONDS, abs=0.00005)
    assert DELAY_SECONDS <= 0.002


def one_long_filtering(signal: Samples, source: int, target: int) -> NDArray[np.float64]:
    """The windowed sinc in double precision at each output's own time, with no frames and no memory."""
    times = np.arange(signal.size * target // source) / target
    newest = np.arange(times.size) * source // target
    taps = newest[:, np.newaxis] - np.arange(int(0.003 * source) + 1)
    distances = times[:, np.newaxis] - taps / source - 0.0015
    inside = 1 - (distances / 0.0015) ** 2
    window = np.where(inside > 1e-9, np.i0(5.65 * np.sqrt(np.maximum(inside, 0))) / np.i0(5.65), 0)
    lower = min(source, target)
    weights = np.sinc(lower * distances) * window * (lower / source)
    heard = np.where(taps >= 0, signal[np.maximum(taps, 0)], 0)
    return np.asarray(np.clip(np.sum(heard * weights, axis=1), -32768, 32767))


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, int, list[Samples]]:
    """A pair of rates and frames of noise, full-scale square waves, shared and plain silence in any order."""
    source, target = draw(st.sampled_from(PAIRS))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = frame_size(source)
    square = np.where(np.arange(size) // draw(st.integers(1, 200)) % 2, 32767, -32767).astype(np.int16)
    choices = [
        lambda: generator.integers(-32768, 32768, size).astype(np.int16),
        lambda: square,
        lambda: silence(source),
        lambda: np.zeros(size, np.int16),
    ]
    kinds = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=5))
    return source, target, [make() for make in kinds]


@given(streams())
def test_frames_give_what_one_long_filtering_would_and_never_wrap(
    stream: tuple[int, int, list[Samples]],
) -> None:
    source, target, frames = stream
    resampler = Resampler(source, target)
    heard = [resampler.process(frame) for frame in frames]
    assert all(frame.dtype == np.int16 and frame.shape == (frame_size(target),) for frame in heard)
    exact = one_long_filtering(np.concatenate(frames), source, target)
    # Half a step of rounding, and float32's own at full scale.
    assert np.max(np.abs(np.concatenate(heard) - exact)) <= 0.53


@given(streams(), st.integers(1, 5))
def test_a_stream_that_starts_later_comes_out_the_same_later(stream: tuple[int, int, list[Samples]], late: int) -> None:
    source, target, frames = stream
    prompt, delayed = Resampler(source, target), Resampler(source, target)
    for _ in range(late):
        assert not delayed.process(np.zeros(frame_size(source), np.int16)).any()
    for frame in frames:
        assert np.array_equal(delayed.process(frame), prompt.process(frame))


@every_pair
def test_full_scale_square_waves_saturate(source: int, target: int) -> None:
    half_period = frame_size(source) // 4
    square = np.resize(np.repeat(np.array([32767, -32767], np.int16), half_period), 4 * frame_size(source))
    resampler = Resampler(source, target)
    heard = np.concatenate([resampler.process(frame) for frame in np.split(square, 4)])
    plateaus = one_long_filtering(square, source, target)
    clear = np.abs(plateaus) > 16000
    assert heard.max() == 32767
    assert heard.min() == -32768
    assert np.array_equal(np.sign(heard[clear]), np.sign(plateaus[clear]))


@every_pair
def test_silence_stays_the_shared_silence_once_the_filter_is_empty(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    assert resampler.process(silence(source)) is silence(target)
    resampler.process(np.full(frame_size(source), 1000, np.int16))
    assert resampler.process(silence(source)).any()
    assert resampler.process(silence(source)) is silence(target)
    assert resampler.process(np.zeros(frame_size(source), np.int16)) is not silence(target)


@every_pair
def test_kept_frames_are_never_written_again(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    frames = [np.full(frame_size(source), level, np.int16) for level in (1000, -2000, 3000)]
    kept = [resampler.process(frame) for frame in frames]
    assert all(frame.flags.writeable for frame in kept)
    assert not any(np.shares_memory(earlier, later) for earlier, later in pairwise(kept))
    assert [frame[-1] for frame in kept] == pytest.approx([1000, -2000, 3000], rel=0.002)


def test_equal_rates_pass_the_frame_on() -> None:
    frame = np.ones(160, np.int16)
    assert Resampler(8000, 8000).process(frame) is frame


@pytest.mark.parametrize(("source", "target"), [(11025, 8000), (8000, 44000), (0, 0)])
def test_other_rates_are_refused(source: int, target: int) -> None:
    with pytest.raises(ValueError, match=f"can't resample {source} Hz to {target} Hz"):
        Resampler(source, target)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="could not broadcast"):
        Resampler(8000, 16000).process(np.zeros(161, np.int16))
