"""What is played and recorded in these tests: signals that no two seeds share, as files, and files as tracks."""

from pathlib import Path

import numpy as np
import soundfile

from voxrun.audio.frame import Samples
from voxrun.testing import Track, speech
from voxrun.testing.sounds import render

RATE = 16_000


def signal(seed: int, seconds: float = 3.0) -> Samples:
    """Its samples."""
    return render(speech(seconds, seed), RATE)


def sound_file(folder: Path, seed: int, seconds: float = 3.0) -> str:
    """A file with it; returns its URL."""
    path = folder / f"{seed}.wav"
    soundfile.write(path, signal(seed, seconds), RATE)
    return path.as_uri()


def channels(path: Path) -> list[Track]:
    """The tracks of a recording, from 0 s on."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    return [Track(np.ascontiguousarray(samples[:, index]), rate, 0.0) for index in range(samples.shape[1])]


def largest_jump(samples: Samples) -> int:
    """Between one sample and the next."""
    return int(np.abs(np.diff(samples.astype(np.int32))).max())
