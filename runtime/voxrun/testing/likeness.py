"""Looking for one sound in another: `Match`, by normalised cross-correlation."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.audio.resample import DELAY_SECONDS, Resampler
from voxrun.trace.spans import Span

Wave = NDArray[np.float64]

_SEARCHED_SECONDS = 0.1
"""How much sound is enough to tell where in a source it is from."""

_GOES_ON = 0.5
"""A source that was found goes on while each 20 ms is at least so like it: a frame alone says less than five do."""

_SILENT_AMPLITUDE = 32


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


def resampled(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """All of a sound at another rate (Hz), no later than it was. ValueError for rates that can't be resampled."""
    if source_rate == target_rate:
        return samples
    size = frame_size(source_rate)
    late = round(DELAY_SECONDS * target_rate)
    padded = np.concatenate((samples, np.zeros(2 * size - len(samples) % size, np.int16)))
    resampler = Resampler(source_rate, target_rate)
    frames = [resampler.process(frame) for frame in padded.reshape(-1, size)]
    return np.concatenate(frames)[late : late + math.ceil(len(samples) * target_rate / source_rate)]


def best_match(samples: Samples, sound: Samples) -> tuple[int, float, float]:
    """At which of the samples `sound` begins if anywhere, its gain in dB there, and its likeness."""
    looked_for = sound.astype(np.float64)
    padded = np.concatenate((samples, np.zeros(len(sound), np.int16))).astype(np.float64)
    likenesses, products = _likenesses(padded, looked_for)
    place = int(np.argmax(likenesses))
    gain = max(float(products[place]) / float(np.dot(looked_for, looked_for)), 1e-9)
    return place, 20 * math.log10(gain), float(likenesses[place])


def matching_spans(samples: Samples, sound: Samples, rate: int, begin: float, wanted: float) -> tuple[Span, ...]:
    """When parts of `sound` are heard in `samples`, the first of which is of the time `begin`.

    Each 100 ms of sound is looked for in the source; from where it is found, the two are followed frame by frame.
    """
    search, frame = round(_SEARCHED_SECONDS * rate), round(FRAME_SECONDS * rate)
    source = np.concatenate((sound, np.zeros(search, np.int16))).astype(np.float64)
    here = samples.astype(np.float64)
    audible = np.flatnonzero(np.abs(here) > _SILENT_AMPLITUDE)
    found: list[Span] = []
    place = 0
    while (next_audible := int(np.searchsorted(audible, place))) < len(audible):
        place = int(audible[next_audible])
        piece = here[place : place + search]
        likenesses, _ = _likenesses(source, piece)
        best = int(np.argmax(likenesses))
        if likenesses[best] < wanted:
            place += len(piece)
            continue
        size = _common(here[place:], source[best:], frame)
        heard = audible[next_audible : int(np.searchsorted(audible, place + size))]
        found.append(Span(begin + place / rate, begin + (int(heard[-1]) + 1) / rate))
        place += size
    return _joined(found)


def _likenesses(samples: Wave, sound: Wave) -> tuple[Wave, Wave]:
    """The correlation of `sound` with each equally long piece of `samples`, normalised and plain."""
    count = len(samples) - len(sound) + 1
    size = 1 << (len(samples) - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(sound, size))
    products = np.fft.irfft(spectrum, size)[:count]
    sums = np.concatenate(([0.0], np.cumsum(samples**2)))
    energies = (sums[len(sound) :] - sums[: -len(sound)]) * float(np.dot(sound, sound))
    return products / np.sqrt(np.maximum(energies, 1.0)), products


def _common(one: Wave, other: Wave, frame: int) -> int:
    """For how many samples, in whole frames but for the end, two sounds that begin alike stay alike; at least one."""
    size = min(len(one), len(other))
    at = 0
    while at < size:
        left, right = one[at : at + frame], other[at : at + frame]
        left, right = left[: len(right)], right[: len(left)]
        product = float(np.dot(left, right))
        energy = math.sqrt(float(np.dot(left, left)) * float(np.dot(right, right)))
        quiet = max(np.abs(left).max(), np.abs(right).max()) <= _SILENT_AMPLITUDE
        if at and not quiet and product < _GOES_ON * energy:
            break
        at += frame
    return min(max(at, frame), len(one))


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Spans that touch as one: the same source, at another place of it, or after a gap of less than a frame."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.begin - joined[-1].end < FRAME_SECONDS:
            span = Span(joined.pop().begin, span.end)
        joined.append(span)
    return tuple(joined)
