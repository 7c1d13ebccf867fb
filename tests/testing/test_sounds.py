"""What is said: test signals at the level asked for, files at any rate, sentences."""

from pathlib import Path

import numpy as np
import pytest

from voxrun.audio.level import dbfs
from voxrun.errors import ConfigurationError
from voxrun.testing.sounds import File, Sound, render, sentence, speech, spoken, tone
from voxrun.testing.track import Track

AUDIO = Path(__file__).parents[2] / "scenarios" / "audio"


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize(("sound", "level"), [(tone(0.5), -13.0), (speech(0.5), -20.0), (speech(0.5, 3, -30.0), -30.0)])
def test_level_and_length(sound: Sound, level: float, rate: int) -> None:
    samples = render(sound, rate)
    assert len(samples) == rate // 2
    assert dbfs(samples) == pytest.approx(level, abs=0.5)


def test_speech_never_falls_silent() -> None:
    frames = render(speech(3.0), 16000).reshape(-1, 320)
    assert min(map(dbfs, frames)) > -40


@pytest.mark.parametrize("rate", [8000, 24000, 48000])
def test_speech_is_the_same_sound_at_every_rate(rate: int) -> None:
    said = Track(render(speech(2.0, 5), rate), rate)
    assert Track(render(speech(2.0, 5), 16000), 16000).contains(said, 0.999)
    assert said.contains(Track(render(speech(2.0, 5), 16000), 16000), 0.999)


def test_each_seed_and_each_text_sounds_different() -> None:
    sounds = [render(sound, 16000).astype(float) for sound in (speech(1.0, 1), speech(1.0, 2), spoken("Hi.", 1.0))]
    likeness = np.corrcoef(sounds)
    assert np.all(np.abs(likeness[~np.eye(3, dtype=bool)]) < 0.2)
    assert np.array_equal(render(speech(1.0, 1), 16000), sounds[0])


@pytest.mark.parametrize("nothing", [speech(0.0), spoken("", None), tone(0.0)])
def test_nothing_said_is_no_audio(nothing: Sound) -> None:
    assert len(render(nothing, 16000)) == 0


def test_speech_is_heard_as_speech() -> None:
    webrtcvad = pytest.importorskip("webrtcvad")
    detector = webrtcvad.Vad(2)
    frames = render(speech(2.0), 16000).reshape(-1, 320)
    assert np.mean([detector.is_speech(frame.tobytes(), 16000) for frame in frames]) > 0.9


def test_a_file_at_its_own_rate_and_at_another() -> None:
    caller = File("caller.flac")
    own, other = (render(caller, rate, (Path("nowhere"), AUDIO)) for rate in (16000, 8000))
    assert len(other) == pytest.approx(len(own) / 2, abs=200)
    assert dbfs(other) == pytest.approx(dbfs(own), abs=1.5)
    with pytest.raises(ConfigurationError, match="nobody"):
        render(File("nobody.wav"), 16000)


@pytest.mark.parametrize("own", [11_025, 12_000, 96_000])
def test_a_file_at_an_odd_rate_is_as_long_as_it_was(tmp_path: Path, own: int) -> None:
    Track(render(tone(1.3), own), own).save(tmp_path / "odd.wav")
    said = Track(render(File("odd.wav"), 16_000, (tmp_path,)), 16_000)
    assert len(said.samples) == pytest.approx(1.3 * 16_000, abs=1)
    assert said.contains(Track(render(tone(1.3), 16_000), 16_000), 0.99)


def test_a_sentence() -> None:
    pytest.importorskip("espeakng_loader")
    assert 0.5 < len(render(sentence("Good morning."), 8000)) / 8000 < 3
