"""Golden recordings: what a track sounded like when somebody found it right, and how it differs from that today."""

from contextvars import ContextVar
from os import PathLike
from pathlib import Path

import numpy as np
import soundfile

from voxrun.audio.frame import Samples
from voxrun.audio.level import dbfs
from voxrun.errors import ConfigurationError
from voxrun.testing.likeness import best_match
from voxrun.testing.verdict import Verdict

UPDATING: ContextVar[bool] = ContextVar("updating_goldens", default=False)
"""Set by `--update-golden`: recordings are written anew instead of compared."""

FOLDER: ContextVar[Path] = ContextVar("folder_of_goldens", default=Path())
"""Where recordings are: beside the test."""

_WINDOW_SECONDS = 0.1
_SHOWN_WINDOWS = 12
_LIKE = 0.95


def write_recording(path: str | PathLike[str], samples: Samples, rate: int) -> None:
    """Write mono int16 as wav or flac, whichever `path` ends in; folders are made.

    ConfigurationError when it ends in something else, OSError when it can't be written.
    """
    if Path(path).suffix.lower() not in (".wav", ".flac"):
        raise ConfigurationError(f"{path} must end in .wav or .flac, which keep each sample")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("wb") as file:
        soundfile.write(file, samples, rate, format=Path(path).suffix[1:].upper())


def compare_with_golden(
    samples: Samples, rate: int, begin: float, path: str | PathLike[str], tolerance: float
) -> Verdict:
    """Whether samples, the first of the time `begin`, are those in `path`, to `tolerance` dBFS of each sample."""
    path = FOLDER.get() / path
    if UPDATING.get():
        write_recording(path, samples, rate)
        return Verdict(True, f"{path} was written anew")
    if not Path(path).exists():
        return Verdict(False, f"there is no golden recording {path}: run with --update-golden to make it")
    try:
        golden, golden_rate = soundfile.read(path, dtype="int16")
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
        return Verdict(False, f"{path} can't be read ({why}): run with --update-golden to make it anew")
    if golden.ndim != 1 or golden_rate != rate:
        return Verdict(False, f"{path} has {golden_rate} Hz, mono={golden.ndim == 1}; this is {rate} Hz, mono")
    size = max(len(samples), len(golden))
    ours, theirs = (np.pad(audio, (0, size - len(audio))) for audio in (samples, golden))
    difference = np.abs(ours.astype(np.int32) - theirs)
    differing = difference > 32768 * 10 ** (tolerance / 20)
    if not differing.any() and len(samples) == len(golden):
        return Verdict(True, f"as in {path}")
    if not differing.any():
        return Verdict(False, f"{len(samples) / rate:.3f} s long; {path} has {len(golden) / rate:.3f} s, alike so far")
    first = int(np.argmax(differing))
    windows = _windows(differing, rate)
    why = (
        f"differs from {path} from {begin + first / rate:.3f} s on, in {len(windows)} windows of 100 ms"
        f"; {_shift(ours, theirs, first, rate)}"
    )
    lines = [_line(ours, theirs, window, rate, begin) for window in windows[:_SHOWN_WINDOWS]]
    lines += [f"... and {len(windows) - _SHOWN_WINDOWS} more"] if len(windows) > _SHOWN_WINDOWS else []
    return Verdict(False, why, "\n".join(("     time    now         golden", *lines)))


def _windows(differing: "np.ndarray[tuple[int], np.dtype[np.bool_]]", rate: int) -> list[slice]:
    """The pieces of 100 ms with a difference in them."""
    size = round(_WINDOW_SECONDS * rate)
    numbers = np.unique(np.flatnonzero(differing) // size)
    return [slice(int(number) * size, (int(number) + 1) * size) for number in numbers]


def _shift(ours: Samples, theirs: Samples, first: int, rate: int) -> str:
    """What has become of the golden second around the first difference: heard at another time, or not at all."""
    second = theirs[first : first + rate]
    if not second.any():
        return "the golden one is silent there"
    place, gain, likeness = best_match(ours, second)
    if likeness < _LIKE:
        return f"what the golden one has there is not here (likeness at most {likeness:.2f})"
    return f"what the golden one has there is here {(place - first) / rate * 1000:+.1f} ms later, {gain:+.1f} dB"


def _line(ours: Samples, theirs: Samples, window: slice, rate: int, begin: float) -> str:
    now, golden = (f"{dbfs(audio[window]):6.1f} dBFS {_pitch(audio[window], rate):5.0f} Hz" for audio in (ours, theirs))
    return f"{begin + window.start / rate:7.2f} s {now}  {golden}"


def _pitch(samples: Samples, rate: int) -> float:
    """The frequency with most energy, in Hz; 0 for silence."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / max(len(samples), 1)
