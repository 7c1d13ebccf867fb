"""The gate and the detector, on speech-like noise."""

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.echo_detector import EchoDetector
from voxrun.audio.echo_gate import HOLD_TICKS, EchoGate
from voxrun.audio.frame import Samples, silence

RATE = 48_000
QUIET = silence(RATE)


def babble(seed: int, seconds: int) -> Samples:
    """Low-pitched noise in syllables."""
    generator = np.random.default_rng(seed)
    noise = np.convolve(generator.normal(0, 1, RATE * seconds), np.hanning(60) / 30, "same")
    syllables = np.repeat(generator.uniform(0, 1, seconds * 5) > 0.3, RATE // 5)
    return np.asarray(3000 * noise * syllables / np.std(noise), np.int16)


def frames(samples: Samples) -> list[Samples]:
    """Of 20 ms."""
    return list(samples.reshape(-1, len(QUIET)))


def noticed(played: Samples, heard: Samples) -> list[float]:
    """The seconds at which the detector was certain."""
    detector = EchoDetector(RATE)
    pairs = zip(frames(played), frames(heard), strict=True)
    return [(tick + 1) / 50 for tick, pair in enumerate(pairs) if detector.observe(*pair)]


@pytest.mark.parametrize("delay", [0.0, 0.06, 0.4, 0.9])
@pytest.mark.parametrize("gain", [1.0, -0.1, 0.03])
def test_an_echo_is_noticed_within_four_seconds(delay: float, gain: float) -> None:
    played = babble(1, 6)
    late = np.concatenate((np.zeros(int(delay * RATE), np.int16), played))[: len(played)]
    heard = np.asarray(gain * late + 0.2 * gain * babble(2, 6), np.int16)
    assert noticed(played, heard)[0] <= 4.0


def test_an_echo_of_a_room_is_noticed() -> None:
    played = babble(1, 6)
    generator = np.random.default_rng(5)
    room = generator.normal(0, 1, RATE // 4) * np.exp(-np.arange(RATE // 4) / (RATE * 0.03))
    room[0] = 27.0  # as loud as the reverberation: the speaker is next to the microphone
    heard = np.asarray(np.convolve(played, room)[: len(played)] / 40, np.int16)
    assert noticed(played, heard)


@pytest.mark.parametrize("seed", range(2, 12))
def test_somebody_else_who_speaks_is_no_echo(seed: int) -> None:
    assert noticed(babble(1, 20), babble(seed, 20)) == []


def test_silence_and_what_nobody_would_hear_is_no_echo() -> None:
    played = babble(1, 6)
    assert noticed(played, np.zeros_like(played)) == []
    assert noticed(np.zeros_like(played), played) == []
    assert noticed(played, np.asarray(played * 0.005, np.int16)) == []


def test_the_gate_is_shut_while_something_is_played_and_a_while_after() -> None:
    gate = EchoGate(RATE)
    said = tone(RATE, 0.02)
    assert gate.clean(QUIET, said) is said
    closing = gate.clean(said, said)
    assert closing[0] == said[0]
    assert closing[-1] == 0
    for _ in range(10):
        assert gate.clean(said, said) is QUIET
    held = [gate.clean(QUIET, said) is QUIET for _ in range(HOLD_TICKS + 1)]
    assert held == [True] * (HOLD_TICKS - 1) + [False, False]
    assert gate.clean(QUIET, said) is said


def test_what_is_hardly_audible_does_not_shut_the_gate() -> None:
    gate = EchoGate(RATE)
    said = tone(RATE, 0.02)
    assert gate.clean(tone(RATE, 0.02, amplitude=20), said) is said
