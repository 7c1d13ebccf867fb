import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.transports.audio_file import AudioFile


def tone(rate: int, seconds: float = 1.3, hertz: float = 440) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


def whole(file: AudioFile, block: int = 12_000) -> Samples:
    blocks = []
    while len(samples := file.read(block)):
        blocks.append(samples)
    return np.concatenate(blocks)


@pytest.mark.parametrize("block", [1, 160, 4000, 100_000])
def test_samples_at_a_session_rate_come_out_unchanged(tmp_path: Path, block: int) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 12_345).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    file = AudioFile(tmp_path / "a.wav")
    assert (file.rate, file.duration) == (8000, 12_345 / 8000)
    assert (whole(file, block) == samples).all()
    file.rewind()
    assert (file.read(block) == samples[:block]).all()
    file.close()
    file.close()


def test_a_name_may_be_no_text(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.wav"
    soundfile.write(os.fsencode(path), np.zeros(800, np.int16), 8000)
    assert AudioFile(path).duration == 0.1


def test_channels_are_averaged(tmp_path: Path) -> None:
    samples = np.array([[100, 300], [-32768, -32768], [32767, 32767], [5, 6]], np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    assert whole(AudioFile(tmp_path / "a.wav")).tolist() == [200, -32768, 32767, 6]


def test_floats_are_scaled_and_held_at_full_scale(tmp_path: Path) -> None:
    samples = np.array([0.5, -1.0, 1.0, 3.0, -3.0, np.nan, np.inf], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 48000, subtype="FLOAT")
    assert whole(AudioFile(tmp_path / "a.wav")).tolist() == [16384, -32768, 32767, 32767, -32768, 0, 32767]


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("block", [480, 12_000])
def test_every_format_in_blocks_as_in_one_piece(tmp_path: Path, kind: str, block: int) -> None:
    path = tmp_path / f"a.{kind}"
    soundfile.write(path, tone(24000), 24000)
    file = AudioFile(str(path))
    samples = whole(file, block).astype(float)
    decoded, _ = soundfile.read(path)
    assert file.rate == 24000
    assert len(samples) == len(decoded) == 31_200
    assert np.abs(samples - decoded * 32768).max() <= 1
    assert np.abs(samples / 32768 - tone(24000)).mean() < 0.02


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't read the audio file .*No such file"),
        (b"", "is empty; wav, flac, ogg and mp3 files can be read"),
        (b"certainly no audio" * 100, r"is no audio file \(.*\); wav, flac, ogg and mp3"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is no audio file"),
    ],
)
def test_what_cannot_be_played(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        AudioFile(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"can't read the audio file .*: Is a directory|Permission"):
        AudioFile(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(ConfigurationError, match="is a pipe; wav, flac, ogg and mp3 files can be read"):
        AudioFile(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["a.raw", "a.RAW"])
def test_a_file_is_known_by_what_is_in_it_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 12_345).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    (tmp_path / "a.wav").rename(tmp_path / name)
    assert np.array_equal(whole(AudioFile(tmp_path / name)), samples)


def test_samples_alone_are_no_audio_file(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(3200))
    with pytest.raises(ConfigurationError, match="is no audio file"):
        AudioFile(tmp_path / "a.raw")


def test_when_the_current_folder_is_gone_nothing_is_found_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    told = "No such file or directory; the folder in which voxrun was started is gone"
    with pytest.raises(ConfigurationError, match=f"^can't read the audio file 'a.wav': {told}$"):
        AudioFile("a.wav")


def test_no_samples_cannot_be_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 8000)
    with pytest.raises(ConfigurationError, match="is empty or cut short"):
        AudioFile(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [3999, 192_001])
def test_no_voice_is_at_such_a_rate(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate), rate)
    with pytest.raises(ConfigurationError, match=f"is at {rate} Hz; it can be played at 4000 to 192000 Hz"):
        AudioFile(tmp_path / "a.wav")


@pytest.mark.parametrize("codec", ["GSM610", "G721_32", "NMS_ADPCM_16"])
@pytest.mark.parametrize("in_memory", [False, True])
def test_a_codec_that_cannot_go_back_in_its_file_begins_anew(tmp_path: Path, codec: str, in_memory: bool) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8000), 8000, subtype=codec)
    decoded, _ = soundfile.read(path)
    file = AudioFile(path, path.read_bytes() if in_memory else None)
    for _ in range(2):
        assert np.array_equal(whole(file, 4001), np.rint(decoded * 32768))
        file.rewind()
    file.close()


def test_a_file_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(16000, 10), 16000)
    path.write_bytes(path.read_bytes()[:16_044])
    assert len(whole(AudioFile(path))) == 8000


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_flac_file_that_came_out_of_a_pipe_does_not_say_how_long_it_is(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(rate), rate, subtype="PCM_16")
    whole_file = whole(AudioFile(path))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)  # what its encoder would have filled in at the end, if it could have gone back
    path.write_bytes(content)
    file = AudioFile(path)
    assert file.duration == pytest.approx(1.3)
    assert np.array_equal(whole(file), whole_file)
    file.rewind()
    assert np.array_equal(whole(file), whole_file)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_file_that_ends_before_its_header_says_ends_there(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(rate), rate, subtype="PCM_16")
    whole_file = whole(AudioFile(path))
    content = bytearray(path.read_bytes())
    content[22:26] = (2 * int.from_bytes(content[22:26], "big")).to_bytes(4, "big")
    path.write_bytes(content)
    file = AudioFile(path)
    for _ in range(2):
        assert np.array_equal(whole(file), whole_file)
        file.rewind()
