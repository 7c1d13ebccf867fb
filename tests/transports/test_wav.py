import errno
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from voxrun.transports import wav
from voxrun.transports.wav import WavWriter

RAMP = np.arange(-400, 400, dtype=np.int16)


def samples_of(path: Path) -> tuple[int, int, bytes]:
    with wave.open(str(path)) as file:
        return file.getframerate(), file.getnchannels(), file.readframes(file.getnframes())


def test_the_file_is_complete_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(path, rate=8000, channels=1)
    assert samples_of(path) == (8000, 1, b"")
    writer.write(RAMP)
    assert samples_of(path) == (8000, 1, RAMP.tobytes())
    writer.write(RAMP[::-2].reshape(-1, 1))
    expected = (8000, 1, RAMP.tobytes() + RAMP[::-2].tobytes())
    assert samples_of(path) == expected
    writer.close()
    writer.close()
    assert samples_of(path) == expected


def test_stereo_is_interleaved(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(str(path), rate=48000, channels=2)
    writer.write(np.array([[1, 2], [3, 4]], np.int16))
    writer.close()
    assert samples_of(path) == (48000, 2, np.array([1, 2, 3, 4], np.int16).tobytes())


@pytest.mark.parametrize("shape", [(4,), (2, 1), (1, 2, 2), ()])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    writer = WavWriter(tmp_path / "a.wav", rate=8000, channels=2)
    with pytest.raises(ValueError, match="2 channels"):
        writer.write(np.zeros(shape, np.int16))
    writer.close()


def test_other_sample_types_are_refused(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", rate=8000, channels=1)
    with pytest.raises(TypeError):
        writer.write(np.zeros(4, np.float32))
    writer.close()


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        WavWriter(tmp_path / "missing" / "a.wav", rate=8000, channels=1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_disk_full_from_the_start_is_an_os_error() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        WavWriter("/dev/full", rate=8000, channels=1)
    assert caught.value.errno == errno.ENOSPC


def test_four_gigabytes_are_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav, "_MOST_BYTES", 2 * len(RAMP) * 2)
    writer = WavWriter(tmp_path / "a.wav", rate=8000, channels=1)
    writer.write(RAMP)
    writer.write(RAMP)
    with pytest.raises(OSError, match="4 GiB"):
        writer.write(RAMP[:1])
    writer.close()
    assert samples_of(tmp_path / "a.wav")[2] == RAMP.tobytes() * 2


def test_of_a_long_block_that_finds_no_room_the_beginning_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav, "_MOST_BYTES", 2 * 8000)
    writer = WavWriter(tmp_path / "a.wav", rate=8000, channels=1)
    block = np.arange(9000, dtype=np.int16)
    with pytest.raises(OSError, match="4 GiB"):
        writer.write(block)
    writer.close()
    assert writer.seconds == 1.0
    assert samples_of(tmp_path / "a.wav")[2] == block[:8000].tobytes()


FULL_DISK = """
import resource, sys, numpy
from voxrun.transports.wav import WavWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
writer = WavWriter(sys.argv[1], rate=8000, channels=1)
for number in range(100):
    try:
        writer.write(numpy.full(160, number, numpy.int16))
    except OSError as error:
        break
else:
    raise SystemExit("the limit did not hold")
try:
    writer.close()
except OSError:
    raise SystemExit(number)
raise SystemExit("nothing was left unwritten")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_surfaces_and_leaves_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (10_000 // 320, "")
    expected = np.repeat(np.arange(done.returncode, dtype=np.int16), 160)
    assert samples_of(path)[2] == expected.tobytes()


ENDLESS = """
import itertools, sys, numpy
from voxrun.transports.wav import WavWriter
writer = WavWriter(sys.argv[1], rate=8000, channels=1)
for number in itertools.count():
    writer.write(numpy.full(160, number % 30000, numpy.int16))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_a_killed_process_leaves_all_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 500:
                process.kill()
                break
        written = int((process.stdout.read().split() or ["500"])[-1]) + 1
    frames = np.frombuffer(samples_of(path)[2], np.int16)
    assert len(frames) in (written * 160, (written + 1) * 160)
    assert (frames == np.repeat(np.arange(len(frames) // 160, dtype=np.int16), 160)).all()
