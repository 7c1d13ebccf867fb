"""Looking for one sound in another: `Match`, by normalised cross-correlation."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.trace.spans import Span

Wave = NDArray[np.float64]

_SEARCHED_SECONDS = 0.4
"""How much sound is enough to tell that it is from a source: a quarter of that, of a vowel, is like anybody's."""

_LEAST_SECONDS = 0.15
"""What is shorter, between two silences, may be from anywhere."""

_STEPS = 4
"""Where nothing was found, there may be something so many times within what was searched."""

_GOES_ON = 0.5
"""A source that was found goes on while each 20 ms is at least so like it: a frame alone says less than five do."""

_SILENT_AMPLITUDE = 32

_BLOCK = 1 << 17
"""Samples that are searched at a time, if what is looked for is not long itself."""


@dataclass(frozen=True, slots=True, repr=False)
class Match:
    """Where a sound was found best: true in `assert` when it is as like as `wanted`.

    It begins at the time `at`, `lag` seconds later than where it came from, `gain` dB louder; `likeness` is at most 1.
    """

    found: bool
    at: float
    lag: float
    gain: float
    likeness: float
    wanted: float

    def __bool__(self) -> bool:
        return self.found

    def __repr__(self) -> str:
        where = f"at {self.at:.3f} s (lag {self.lag * 1000:+.1f} ms, {self.gain:+.1f} dB)"
        return f"most like it {where}: likeness {self.likeness:.3f}, wanted {self.wanted:g}"


def best_match(samples: Samples, sound: Samples) -> tuple[int, float, float]:
    """At which of the samples `sound` begins if anywhere, its gain in dB there, and its likeness."""
    looked_for = sound.astype(np.float64)
    padded = np.concatenate((samples, np.zeros(len(sound), np.int16)))
    place, likeness, product = _best_place(padded, looked_for)
    gain = max(product / float(np.dot(looked_for, looked_for)), 1e-9)
    return place, 20 * math.log10(gain), likeness


def matching_spans(samples: Samples, sound: Samples, rate: int, begin: float, wanted: float) -> tuple[Span, ...]:
    """When parts of `sound` are heard in `samples`, the first of which is of the time `begin`.

    Pieces are looked for in the source; from the middle of one that is found, the two are followed both ways.
    """
    most, least = (min(round(seconds * rate), len(sound)) for seconds in (_SEARCHED_SECONDS, _LEAST_SECONDS))
    frame = round(FRAME_SECONDS * rate)
    source = np.pad(sound.astype(np.float64), most)
    here = samples.astype(np.float64)
    audible = np.flatnonzero(np.abs(here) > _SILENT_AMPLITUDE)
    found: list[Span] = []
    place = end = 0 if len(sound) else len(here)
    while (next_audible := int(np.searchsorted(audible, place))) < len(audible):
        place = int(audible[next_audible])
        piece = here[place : place + _run(audible[next_audible:], most, frame)]
        best, likeness, _ = _best_place(source, piece) if len(piece) >= least else (0, 0.0, 0.0)
        half = len(piece) // 2
        middle = place + half  # what comes before or after it in the piece may be something else
        earlier = _common(here[end:middle][::-1], source[: best + half][::-1], frame)
        later = _common(here[middle:], source[best + half :], frame)
        heard = audible[np.searchsorted(audible, middle - earlier) : np.searchsorted(audible, middle + later)]
        if likeness < wanted or earlier + later <= half or not len(heard):
            place += max(min(len(piece), most // _STEPS), 1)
            continue
        place = end = middle + later
        found.append(Span(begin + int(heard[0]) / rate, begin + (int(heard[-1]) + 1) / rate))
    return _joined(found)


def _run(audible: NDArray[np.intp], most: int, gap: int) -> int:
    """How many samples there are up to where nothing is audible for longer than `gap`."""
    near = audible[: int(np.searchsorted(audible, audible[0] + most))]
    gaps = np.flatnonzero(np.diff(near) > gap)
    last = near[gaps[0]] if len(gaps) else near[-1]
    return int(last - audible[0]) + 1


def _best_place(samples: Samples | Wave, sound: Wave) -> tuple[int, float, float]:
    """Where the piece of `samples` is that `sound` is most like, their correlation, normalised, and as it is.

    Done in blocks: an hour as a whole takes gigabytes.
    """
    count, energy = len(samples) - len(sound) + 1, float(np.dot(sound, sound))
    size = 1 << min(max(_BLOCK, 4 * len(sound)) - 1, len(samples) - 1).bit_length()
    step, spectrum = size - len(sound) + 1, np.conj(np.fft.rfft(sound, size))
    best = (0, 0.0, 0.0)
    for start in range(0, count, step):
        block = samples[start : start + size].astype(np.float64)
        if not block.any():
            continue
        products = np.fft.irfft(np.fft.rfft(block, size) * spectrum, size)[: min(step, count - start)]
        sums = np.concatenate(([0.0], np.cumsum(block**2)))
        energies = (sums[len(sound) :] - sums[: -len(sound)]) * energy
        likenesses = products / np.sqrt(np.maximum(energies, 1.0))
        place = int(np.argmax(likenesses))
        if likenesses[place] > best[1]:
            best = start + place, float(likenesses[place]), float(products[place])
    return best


def _common(one: Wave, other: Wave, frame: int) -> int:
    """For how many samples, in whole frames but for the end, two sounds stay alike."""
    size = min(len(one), len(other))
    at = 0
    while at < size:
        left, right = one[at : min(at + frame, size)], other[at : min(at + frame, size)]
        product = float(np.dot(left, right))
        energy = math.sqrt(float(np.dot(left, left)) * float(np.dot(right, right)))
        quiet = max(np.abs(left).max(), np.abs(right).max()) <= _SILENT_AMPLITUDE
        if not quiet and product <= _GOES_ON * energy:
            break
        at += frame
    return min(at, size)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Spans that touch as one: the same source, at another place of it, or after a gap of less than a frame."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.begin - joined[-1].end < FRAME_SECONDS:
            span = Span(joined.pop().begin, span.end)
        joined.append(span)
    return tuple(joined)
