"""How much of a speech came through: its 200 ms segments, each looked for in what was heard."""

from dataclasses import dataclass

import numpy as np

from voxrun.audio.frame import Samples

SEGMENT_SECONDS = 0.2
GOOD = 0.9
LONGEST_DELAY_SECONDS = 0.3
_SILENT_RMS = 100.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """The figures of one listening."""

    good_share: float
    """Of the segments with speech in them: those that correlate above 0.9 with what was heard."""
    mean: float
    """The mean correlation of all of these."""
    most: float
    """The correlation that four of five of these reach, whatever a standstill of the machine does to the rest."""
    delays: tuple[float, ...]
    """Seconds by which each good segment was heard later than it was sent."""

    def __str__(self) -> str:
        milliseconds = [1000 * delay for delay in self.delays] or [float("nan")]
        return (
            f"good {self.good_share:.3f} mean {self.mean:.3f} delay ms median {np.median(milliseconds):.1f}"
            f" p95 {np.percentile(milliseconds, 95):.1f} last {milliseconds[-1]:.1f}"
        )


def compare(sent: Samples, heard: Samples, rate: int) -> Likeness:
    """Look for each segment that was sent at the delays up to 300 ms in what was heard; both begin at the same time."""
    size = round(SEGMENT_SECONDS * rate)
    reach = round(LONGEST_DELAY_SECONDS * rate)
    padded = np.concatenate((heard, np.zeros(max(0, len(sent) + reach - len(heard)), np.int16))).astype(np.float64)
    best, delays = [], []
    for begin in range(0, len(sent) - size + 1, size):
        segment = sent[begin : begin + size].astype(np.float64)
        if np.sqrt(np.mean(segment**2)) < _SILENT_RMS:
            continue
        candidates = padded[begin : begin + size + reach]
        correlations = _correlations(segment, candidates)
        lag = int(np.argmax(correlations))
        best.append(float(correlations[lag]))
        delays += [lag / rate] if best[-1] > GOOD else []
    good, most = float(np.mean(np.array(best) > GOOD)), float(np.quantile(best, 0.2))
    return Likeness(good, float(np.mean(best)), most, tuple(delays))


def _correlations(segment: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(candidates, len(segment))
    energies = np.sqrt(np.einsum("ij,ij->i", windows, windows) * np.dot(segment, segment))
    return np.asarray(windows @ segment / np.maximum(energies, 1.0))
