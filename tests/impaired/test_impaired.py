"""What is heard over a bad network, in the figures other programs are measured by."""

from pathlib import Path
from random import Random
from textwrap import dedent

import numpy as np
import pytest
from tests.impaired.likeness import Likeness, compare
from tests.impaired.listening import listen
from tests.impaired.network import BAD, CLEAN, RATE, SECONDS, Arrival, Impairment, impair, packets, speech
from tests.kit import simulate, tone
from tests.media.rtp_hearing import ANSWER, Hearing

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw

LONGEST_DELAY = 0.120
SEEDS = pytest.mark.parametrize("seeds", [range(1, 2), pytest.param(range(1, 9), marks=pytest.mark.slow)], ids=len)


def figures(impairment: Impairment, seed: int) -> Likeness:
    """Listen to the reference's speech; the tick falls anywhere between packets."""
    sent = speech()
    heard = listen(impair(packets(sent), impairment, seed), SECONDS + 0.5, phase=Random(seed).uniform(0, 0.02))
    return compare(sent, heard.samples, RATE)


def jump(samples: Samples) -> int:
    """The largest step between neighbours."""
    return int(np.abs(np.diff(samples.astype(np.int32))).max())


def test_a_clean_network(capsys: pytest.CaptureFixture[str]) -> None:
    likeness = figures(CLEAN, seed=1)
    with capsys.disabled():
        print(f"\nclean: {likeness}")  # noqa: T201 - the figures are what this is for
    assert likeness.good_share >= 0.991
    assert likeness.mean >= 0.996
    assert max(likeness.delays) <= 0.04


@SEEDS
def test_a_bad_network(seeds: range, capsys: pytest.CaptureFixture[str]) -> None:
    measured = [figures(BAD, seed) for seed in seeds]
    with capsys.disabled():
        print(f"\nbad, {seeds}:", *measured, sep="\n  ")  # noqa: T201 - the figures are what this is for
    assert measured[0].good_share >= 0.88
    assert measured[0].mean >= 0.955
    assert np.mean([likeness.good_share for likeness in measured]) >= 0.88
    assert np.mean([likeness.mean for likeness in measured]) >= 0.955
    assert max(max(likeness.delays) for likeness in measured) <= LONGEST_DELAY


@SEEDS
def test_a_bad_network_through_a_leg(seeds: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All the way to a unit of the scenario, what comes ahead of its tick included."""
    sent = speech()
    scenario = tmp_path / "scenario.py"
    scenario.write_text("from voxrun import *\n" + dedent(ANSWER))
    measured = []
    for seed in seeds:
        hearing = Hearing(impair(packets(sent), BAD, seed))
        simulate(scenario, hearing.setting(SECONDS + 0.5))
        measured.append(compare(sent, hearing.ear.heard, RATE))
    with capsys.disabled():
        print("\nbad, through a leg:", *measured, sep="\n  ")  # noqa: T201 - the figures are what this is for
    assert min(likeness.good_share for likeness in measured) >= 0.88
    assert min(likeness.mean for likeness in measured) >= 0.955
    assert max(max(likeness.delays) for likeness in measured) <= LONGEST_DELAY


@pytest.mark.parametrize("is_forger", [False, True], ids=["stranger", "forger"])
def test_a_stranger_talks_for_six_seconds(is_forger: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """The forger knows the peer's SSRC, numbers and timestamps, but not its address."""
    sent = speech()
    genuine = impair(packets(sent), CLEAN, seed=1)
    other = packets(tone(RATE, 6.0), ssrc=0x1234ABCD if is_forger else 666)
    injected = [Arrival(8.0 + n * 0.02, datagram, ("198.51.100.9", 9)) for n, datagram in enumerate(other)]
    heard = listen(sorted(genuine + injected, key=lambda arrival: arrival.time), SECONDS + 0.5)
    likeness = compare(sent, heard.samples, RATE)
    with capsys.disabled():
        print(f"\nstranger: {likeness}")  # noqa: T201 - the figures are what this is for
    assert likeness.good_share >= 0.98
    assert heard.receiver.lock.strangers == len(injected)


def delay_after(minutes: float, sent: Samples, heard: Samples, drift: float) -> float:
    """Seconds from when the speech of 2 s was sent, by our clock, to when it was heard."""
    first = round(minutes * 60 * RATE)
    begin = round(first / (1 + drift))
    return float(np.median(compare(sent[first : first + 2 * RATE], heard[begin : begin + 3 * RATE], RATE).delays))


@pytest.mark.slow
@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_half_an_hour_with_a_drifting_clock(drift: float) -> None:
    sent = speech(1800)
    heard = listen(impair(packets(sent), Impairment(drift=drift, jitter=0.005), seed=1), 1799)
    delays = [delay_after(minutes, sent, heard.samples, drift) for minutes in (*range(1, 30), 29.9)]
    assert abs(delays[-1] - delays[0]) <= 0.02
    assert max(delays) <= 0.04
    assert jump(heard.samples) <= jump(decode_ulaw(encode_ulaw(sent)))
    assert heard.receiver.buffer.counters.concealed_share < 0.002


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_a_tone_without_a_pause_drifts_unheard(drift: float) -> None:
    sent = tone(RATE, 180, hertz=300.0)
    heard = listen(impair(packets(sent), Impairment(drift=drift), seed=1), 179, phase=0.005)
    assert max(heard.delays[50:]) - min(heard.delays[50:]) <= 0.03
    assert jump(heard.samples) <= 1.1 * jump(decode_ulaw(encode_ulaw(sent)))
