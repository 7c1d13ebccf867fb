"""Golden recordings, and what is said of a sound that is no longer like its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.kit import tone

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.testing.golden import UPDATING
from voxrun.testing.track import Track

RATE = 16_000
SPEECH = np.random.default_rng(5).integers(-4000, 4000, RATE).astype(np.int16)


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    Track(whole(), RATE).save(tmp_path / "golden.wav")
    return tmp_path / "golden.wav"


@pytest.fixture
def updating() -> Iterator[None]:
    token = UPDATING.set(True)
    yield
    UPDATING.reset(token)


def whole(*, late: int = 0, gain: float = 1.0) -> Samples:
    gap = np.zeros(RATE // 2 + late, np.int16)
    return np.concatenate((tone(RATE, 1.0), gap, (SPEECH * gain).astype(np.int16), gap))


def test_what_is_no_recording_is_told(golden: Path) -> None:
    golden.write_text("nonsense")
    verdict = Track(whole(), RATE).matchesGolden(golden)
    assert not verdict
    assert verdict.why == f"{golden} can't be read (Format not recognised): run with --update-golden to make it anew"


def test_a_shift_is_told_in_milliseconds(golden: Path) -> None:
    verdict = Track(whole(late=320), RATE, 2.0).matchesGolden(golden)
    assert not verdict
    assert "differs" in verdict.why
    assert "from 3.500 s on" in verdict.why
    assert "is here +20.0 ms later, +0.0 dB" in verdict.why


def test_another_level_is_told_in_decibels(golden: Path) -> None:
    assert "+0.0 ms later, -6.0 dB" in Track(whole(gain=0.5), RATE).matchesGolden(golden).why


def test_another_sound_is_shown_window_by_window(golden: Path) -> None:
    changed = np.concatenate((tone(RATE, 0.5), tone(RATE, 0.5, 660), whole()[RATE:]))
    verdict = Track(changed, RATE).matchesGolden(golden)
    assert "in 5 windows of 100 ms" in verdict.why
    head, first, *_ = verdict.detail.splitlines()
    assert head.split() == ["time", "now", "golden"]
    assert first.split() == ["0.50", "s", "-13.3", "dBFS", "660", "Hz", "-13.3", "dBFS", "440", "Hz"]


def test_many_differing_windows_are_counted(golden: Path) -> None:
    verdict = Track((-whole()).astype(np.int16), RATE).matchesGolden(golden)
    assert verdict.detail.splitlines()[-1] == "... and 8 more"


def test_a_sound_that_ends_too_soon_or_goes_on_does_not_match(golden: Path) -> None:
    longer = Track(np.concatenate((whole(), np.zeros(RATE, np.int16))), RATE).matchesGolden(golden)
    assert not longer
    assert longer.why.startswith("4.000 s long")
    assert not Track(whole()[: 2 * RATE], RATE).matchesGolden(golden)


def test_another_rate_does_not_match(golden: Path) -> None:
    assert "this is 8000 Hz" in Track(whole(), 8000).matchesGolden(golden).why


@pytest.mark.usefixtures("updating")
@pytest.mark.parametrize("name", ["golden", "golden.mp3", "golden.ogg", "golden.txt"])
def test_a_recording_is_wav_or_flac_which_keep_each_sample(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must end in .wav or .flac, which keep each sample"):
        Track(whole(), RATE).matchesGolden(tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.usefixtures("updating")
def test_updating_writes_the_recording_anew(golden: Path) -> None:
    changed = Track(whole(gain=0.5), RATE)
    assert changed.matchesGolden(golden)
    UPDATING.set(False)
    assert changed.matchesGolden(golden)
    assert not Track(whole(), RATE).matchesGolden(golden)
