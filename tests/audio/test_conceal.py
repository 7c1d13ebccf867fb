"""What fills a gap, and how it joins what was there before and comes after."""

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.conceal import LONGEST_MS, Concealer
from voxrun.audio.frame import Samples

RATES = (8000, 16000, 24000, 48000)


def voice(rate: int, seconds: float, pitch: float = 125.0) -> Samples:
    """A steady vowel: harmonics of a pitch."""
    harmonics = [tone(rate, seconds, pitch * n, 6000 // n) for n in range(1, 8)]
    return np.asarray(np.sum(harmonics, axis=0), np.int16)


def jump(samples: Samples) -> int:
    """The largest step between neighbours."""
    return int(np.abs(np.diff(samples.astype(np.int32))).max())


def played(sound: Samples, rate: int, lost_from: float, lost_to: float) -> Samples:
    """The sound in 20 ms pieces, of which those between two times (s) are lost."""
    concealer = Concealer(rate)
    size = rate // 50
    pieces = []
    for at in range(0, len(sound), size):
        is_lost = lost_from <= at / rate < lost_to
        pieces.append(concealer.conceal(size) if is_lost else concealer.heard(sound[at : at + size]))
    return np.concatenate(pieces)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pitch", [80.0, 125.0, 200.0, 400.0])
def test_a_vowel_goes_on_in_tune(rate: int, pitch: float) -> None:
    sound = voice(rate, 0.4, pitch)
    heard = played(sound, rate, 0.2, 0.22)
    lost = slice(round(0.2 * rate), round(0.22 * rate))
    assert np.corrcoef(heard[lost], sound[lost])[0, 1] > 0.97


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("lost_to", [0.22, 0.26, 0.3])
def test_nothing_clicks(rate: int, lost_to: float) -> None:
    sound = voice(rate, 0.4, 110.0)
    assert jump(played(sound, rate, 0.2, lost_to)) <= 1.1 * jump(sound)


def test_what_was_heard_is_not_touched() -> None:
    sound = voice(8000, 0.4)
    heard = played(sound, 8000, 0.2, 0.22)
    assert np.array_equal(heard[:1600], sound[:1600])
    assert np.array_equal(heard[1840:], sound[1840:])


def test_a_long_gap_fades_to_silence() -> None:
    concealer = Concealer(8000)
    concealer.heard(voice(8000, 0.2))
    levels = []
    while not concealer.is_silent:
        levels.append(float(np.std(concealer.conceal(80))))
    assert len(levels) == LONGEST_MS // 10
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.2 * levels[0]
    assert not concealer.conceal(160).any()


def test_silence_stays_silence() -> None:
    concealer = Concealer(8000)
    concealer.heard(np.zeros(800, np.int16))
    assert not concealer.conceal(160).any()


@pytest.mark.parametrize("level", [32767, -32768])
def test_full_scale_does_not_wrap(level: int) -> None:
    concealer = Concealer(8000)
    square = np.repeat(np.array([level, -1 - level] * 20, np.int16), 30)
    concealer.heard(square)
    assert jump(concealer.conceal(480)) <= 65535
    assert np.abs(concealer.heard(square).astype(int)).max() <= 32768


def test_an_interruption_joins_without_a_gap() -> None:
    before, after = voice(8000, 0.1, 120.0), voice(8000, 0.1, 190.0)
    concealer = Concealer(8000)
    concealer.heard(before)
    concealer.interrupt()
    joined = np.concatenate((before, concealer.heard(after[37:])))
    assert len(joined) == len(before) + len(after) - 37
    assert jump(joined) <= 1.2 * max(jump(before), jump(after))


def bridged(sound: Samples, rate: int, lost_from: float, lost_to: float) -> Samples:
    """The sound with a gap between two times (s) of which both ends are known."""
    concealer = Concealer(rate)
    first, last = round(lost_from * rate), round(lost_to * rate)
    return np.concatenate((concealer.heard(sound[:first]), concealer.bridge(last - first, sound[last:])))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("milliseconds", [5, 20, 60])
def test_a_bridge_hits_both_ends(rate: int, milliseconds: int) -> None:
    sound = voice(rate, 0.4)
    heard = bridged(sound, rate, 0.2, 0.2 + milliseconds / 1000)
    lost = slice(round(0.2 * rate), round((0.2 + milliseconds / 1000) * rate))
    assert len(heard) == len(sound)
    assert np.corrcoef(heard[lost], sound[lost])[0, 1] > 0.97
    assert jump(heard) <= 1.1 * jump(sound)
    assert np.array_equal(heard[lost.stop :], sound[lost.stop :])


def test_a_gliding_voice_is_met_better_from_both_ends() -> None:
    times = np.arange(3200) / 8000
    glide = np.rint(9000 * np.sin(2 * np.pi * (120 + 150 * times) * times)).astype(np.int16)
    lost = slice(1600, 1760)
    one_sided, two_sided = played(glide, 8000, 0.2, 0.22), bridged(glide, 8000, 0.2, 0.22)
    errors = [float(np.std(heard[lost] - glide[lost].astype(float))) for heard in (one_sided, two_sided)]
    assert errors[1] < 0.7 * errors[0]
