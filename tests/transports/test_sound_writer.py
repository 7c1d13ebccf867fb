"""Files that libsndfile encodes, whole and broken off."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.kit import tone
from tests.media.noise import noise

from voxrun.audio.frame import Samples
from voxrun.transports.sound_writer import SoundWriter, open_writer
from voxrun.transports.wav import WavWriter

ENDS = ["wav", "flac", "ogg", "mp3"]
CALLER = Path(__file__).parents[2] / "scenarios" / "audio" / "caller.flac"

WRITE_AND_DIE = """
import os, sys, soundfile
from pathlib import Path
from voxrun.transports.sound_writer import open_writer
samples, rate = soundfile.read(sys.argv[2], dtype="int16")
writer = open_writer(Path(sys.argv[1]), rate, 1)
for start in range(0, len(samples), 4000):
    writer.write(samples[start : start + 4000])
os._exit(9)
"""


class NoLibrary:
    """Where libsndfile is missing."""

    @staticmethod
    def find_spec(name: str, path: object, target: object = None) -> None:
        if name == "soundfile":
            raise OSError("sndfile library not found")


def test_a_missing_library_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "soundfile")
    monkeypatch.setattr(sys, "meta_path", [NoLibrary, *sys.meta_path])
    with pytest.raises(OSError, match="Install libsndfile, or record a wav file") as caught:
        open_writer(tmp_path / "a.flac", 16_000, 1)
    assert caught.value.strerror == "sndfile library not found. Install libsndfile, or record a wav file"


def written(path: Path, samples: Samples, rate: int, channels: int) -> None:
    writer = open_writer(path, rate, channels)
    for block in np.array_split(samples, 7):
        writer.write(block)
    writer.close()
    writer.close()


@pytest.mark.parametrize("end", ENDS)
def test_a_file_that_is_being_written_is_nobody_elses(tmp_path: Path, end: str) -> None:
    """Neither in this process nor in another: what is in it stays, and once it is complete it may be overwritten."""
    path = tmp_path / f"a.{end}"
    first = open_writer(path, 16_000, 1)
    first.write(tone(16_000, 2.0))
    with pytest.raises(OSError, match="another recording is still being written into it; give each its own name"):
        open_writer(path, 8000, 2)
    command = [sys.executable, "-c", WRITE_AND_DIE, str(path), str(CALLER)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "another recording is still being written into it" in other.stderr
    first.close()
    assert soundfile.info(path).frames == pytest.approx(32_000, abs=2000)
    open_writer(path, 8000, 2).close()
    assert soundfile.info(path).channels == 2


@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("end", ENDS)
def test_a_file_has_the_sound_that_was_written(tmp_path: Path, end: str, channels: int, rate: int) -> None:
    samples = tone(rate, 2.0)
    if channels == 2:
        samples = np.column_stack((samples, tone(rate, 2.0, 700)))
    written(tmp_path / f"a.{end}", samples, rate, channels)
    read, read_rate = soundfile.read(tmp_path / f"a.{end}", dtype="int16", always_2d=True)
    wanted = samples.reshape(-1, channels)
    assert (read_rate, read.shape) == (rate, wanted.shape)
    if end in ("wav", "flac"):
        assert np.array_equal(read, wanted)
    else:
        assert all(np.corrcoef(read[:, side], wanted[:, side])[0, 1] > 0.99 for side in range(channels))


@pytest.mark.parametrize("end", ["OGG", "Flac"])
def test_the_case_of_the_name_does_not_matter(tmp_path: Path, end: str) -> None:
    written(tmp_path / f"a.{end}", tone(16_000, 0.5), 16_000, 1)
    assert soundfile.info(tmp_path / f"a.{end}").format == end.upper()


@pytest.mark.parametrize("end", ENDS)
def test_the_name_may_be_no_text(tmp_path: Path, end: str) -> None:
    written(tmp_path / f"caf\udce9.{end}", tone(8000, 0.5), 8000, 1)
    assert [os.fsencode(it.name) for it in tmp_path.iterdir()] == [b"caf\xe9." + end.encode()]


def test_wav_has_its_own_writer(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "a.wav", 8000, 1)
    writer.close()
    assert isinstance(writer, WavWriter)


def test_half_a_minute_at_once_is_written(tmp_path: Path) -> None:
    written(tmp_path / "a.ogg", np.tile(tone(48_000, 1.0), 30), 48_000, 1)
    assert soundfile.info(tmp_path / "a.ogg").frames == 30 * 48_000


@pytest.mark.parametrize("end", ["flac", "ogg", "mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_that_nothing_was_written_to_can_be_opened(tmp_path: Path, end: str, channels: int) -> None:
    open_writer(tmp_path / f"a.{end}", 16_000, channels).close()
    samples, rate = soundfile.read(tmp_path / f"a.{end}", always_2d=True)
    assert samples.shape == (1, channels)
    assert rate == 16_000
    assert not samples.any()


@pytest.mark.parametrize("end", ["flac", "ogg", "mp3"])
def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path, end: str) -> None:
    with pytest.raises(FileNotFoundError):
        SoundWriter(tmp_path / "none" / f"a.{end}", rate=16_000, channels=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("end", ["flac", "ogg", "mp3"])
def test_a_full_disk_is_an_os_error(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"a.{end}"
    path.symlink_to("/dev/full")
    writer = open_writer(path, 16_000, 1)
    with pytest.raises(OSError, match=end.upper()) as caught:
        writer.write(noise(10))
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("end", ["flac", "ogg", "mp3"])
def test_a_disk_that_is_full_just_at_the_end_is_an_os_error(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"a.{end}"
    writer = open_writer(path, 16_000, 1)
    for _ in range(16):
        writer.write(noise(0.25))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, before[1]))
    try:
        with pytest.raises(OSError, match=f"not all of it was taken .{end.upper()}."):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    writer.close()
    assert 0 < soundfile.info(path).frames < 64_000 or end == "mp3"  # whose header has what should be there
    assert writer.seconds == pytest.approx(len(soundfile.read(path)[0]) / 16_000, abs=0.1)
    assert 0 < writer.seconds < 4.0


@pytest.mark.parametrize("end", ["flac", "ogg", "mp3"])
def test_a_file_that_can_not_be_read_back_is_given_up_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    def broken(*given: object) -> int:
        raise OSError(errno.EIO, "the disk is broken")

    writer = open_writer(tmp_path / f"a.{end}", 16_000, 1)
    writer.write(noise(1))
    monkeypatch.setattr(os, "lseek", broken)
    with pytest.raises(OSError, match="the disk is broken"):
        writer.close()
    monkeypatch.undo()
    open_writer(tmp_path / f"a.{end}", 16_000, 1).close()


def test_a_pipe_takes_it_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp3")
    writer = open_writer(tmp_path / "a.mp3", 16_000, 1)
    writer.write(noise(0.5))
    writer.close()
    assert writer.seconds == 0.5


@pytest.mark.parametrize("end", ENDS)
def test_it_tells_how_long_the_file_is(tmp_path: Path, end: str) -> None:
    writer = open_writer(tmp_path / f"a.{end}", 16_000, 2)
    assert writer.seconds == 0
    writer.write(np.column_stack((noise(0.25), noise(0.25))))
    writer.write(np.column_stack((noise(0.5), noise(0.5))))
    writer.close()
    assert writer.seconds == 0.75


@pytest.mark.parametrize(("end", "lost_seconds"), [("wav", 0.0), ("flac", 0.26), ("ogg", 4.0)])
def test_what_reached_the_disk_is_readable_when_the_process_dies(tmp_path: Path, end: str, lost_seconds: float) -> None:
    path = died_writing(tmp_path / f"a.{end}")
    said, rate = soundfile.read(CALLER, dtype="int16")
    kept, _ = soundfile.read(path, dtype="int16")
    assert len(kept) == soundfile.info(path).frames
    assert len(said) - len(kept) <= lost_seconds * rate
    assert np.corrcoef(kept, said[: len(kept)])[0, 1] > 0.95


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize(("end", "lost_seconds"), [("wav", 0.0), ("flac", 0.26), ("ogg", 4.0), ("mp3", 1.0)])
def test_ffmpeg_reads_it_as_well(tmp_path: Path, end: str, lost_seconds: float) -> None:
    path = died_writing(tmp_path / f"a.{end}")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-"]
    decoded = subprocess.run(command, capture_output=True, check=True).stdout
    said, rate = soundfile.read(CALLER, dtype="int16")
    assert len(said) - len(decoded) // 2 <= lost_seconds * rate


def died_writing(path: Path) -> Path:
    done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(path), str(CALLER)], check=False)
    assert done.returncode == 9
    return path
