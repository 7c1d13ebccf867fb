"""What a caller or agent of a simulated call says: a file, a test signal or a sentence."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Protocol, TypeAlias

import numpy as np

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import Resampler
from voxrun.errors import ConfigurationError
from voxrun.localagent.voice import RATE as VOICE_RATE
from voxrun.localagent.voice import Voice
from voxrun.testing.given import Decibels, Given, Length, Only, Positive, is_whole
from voxrun.transports.audio_file import AudioFile

_FULL_SCALE = 32767
_SYLLABLES_PER_SECOND = 4.0
_PITCH_HERTZ = 120.0
_LOWEST, _HIGHEST = 120.0, 3600.0  # Hz, of speech
_MADE_RATE = 16_000  # Hz
_WHOLE_FILE = 1 << 30

CHARACTERS_PER_SECOND = 15
"""How fast a text is spoken, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class File:
    """A wav, flac, ogg or mp3 file; a relative path is looked up beside the test, then beside the scenario."""

    path: str


@dataclass(frozen=True, slots=True)
class Tone(Given):
    """A sine of `seconds`; `level` is its RMS in dBFS."""

    seconds: Length
    hertz: Positive
    level: Decibels


@dataclass(frozen=True, slots=True)
class Speech(Given):
    """A signal with the pitch, spectrum and syllables of speech, which no two seeds share; `level` in dBFS RMS."""

    seconds: Length
    seed: Annotated[int, Only("a whole number, 0 or more", lambda it: is_whole(it) and it >= 0)]
    level: Decibels


@dataclass(frozen=True, slots=True)
class Sentence(Given):
    """A text in an espeak-ng voice; needs the `local-agent` extra."""

    text: str
    voice: str


@dataclass(frozen=True, slots=True, repr=False)
class Recorded:
    """What somebody has said: int16 samples, little-endian, and their rate in Hz."""

    audio: bytes
    rate: int

    def __repr__(self) -> str:
        return f"Recorded({len(self.audio) / 2 / self.rate:.1f} s)"


Sound: TypeAlias = File | Tone | Speech | Sentence | Recorded


class Render(Protocol):
    """Gives the samples of a sound at a rate, as `render` does, and knows where files are."""

    def __call__(self, sound: Sound, rate: int, /) -> Samples: ...


def tone(seconds: float, hertz: float = 440.0, level: float = -13.0) -> Tone:
    """A sine."""
    return Tone(seconds, hertz, level)


def speech(seconds: float, seed: int = 0, level: float = -20.0) -> Speech:
    """A test signal that is heard as speech by whoever measures, and is found again by correlation."""
    return Speech(seconds, seed, level)


def sentence(text: str, voice: str = "en-us") -> Sentence:
    """A spoken text."""
    return Sentence(text, voice)


def voice(given: object) -> Sound:
    """A sound, or what is in the file of that path. ConfigurationError for anything else."""
    if isinstance(given, str | Path):
        return File(str(given))
    if not isinstance(given, Sound):
        raise ConfigurationError(f"what is said is a file, tone(…), speech(…) or sentence(…), not {given!r}")
    return given


def spoken(text: str, seconds: float | None) -> Speech:
    """The test signal that stands for a text: another one for each text, without the space around it."""
    text = text.strip()
    return speech(len(text) / CHARACTERS_PER_SECOND if seconds is None else seconds, zlib.crc32(text.encode()))


def render(sound: Sound, rate: int, folders: Sequence[Path] = ()) -> Samples:
    """The samples at `rate` Hz: mono int16, shape (n,), not to be changed. ConfigurationError when it can't be had."""
    return _read(sound.path, rate, folders) if isinstance(sound, File) else _made(sound, rate)


@lru_cache(maxsize=256)
def _made(sound: Tone | Speech | Sentence | Recorded, rate: int) -> Samples:
    match sound:
        case Tone(seconds, hertz, level):
            samples = _at_level(np.sin(2 * np.pi * hertz / rate * np.arange(round(seconds * rate))), level)
        case Speech(seconds, seed, level):
            samples = _at_level(_speech(round(seconds * rate), rate, seed), level)
        case Sentence(text, voice):
            samples = _resampled(Voice(voice).say(text), VOICE_RATE, rate)
        case Recorded(audio, own_rate):
            samples = _resampled(np.frombuffer(audio, "<i2").astype(np.int16), own_rate, rate)
    samples.flags.writeable = False
    return samples


def _resampled(samples: Samples, source: int, target: int) -> Samples:
    """`samples` at another rate, in whole frames, the last filled up with silence; 1.5 ms late, as the filter is."""
    if source == target:
        return samples.copy()
    size = frame_size(source)
    frames = np.zeros((-(-len(samples) // size), size), np.int16)
    frames.reshape(-1)[: len(samples)] = samples
    resampler = Resampler(source, target)
    return np.concatenate([np.zeros(0, np.int16), *map(resampler.process, frames)])


def _read(path: str, rate: int, folders: Sequence[Path]) -> Samples:
    found = next((it for it in (*(folder / path for folder in folders), Path(path)) if it.exists()), None)
    if found is None:
        advice = "a text is said by sentence(…), or by speech(…), which stands for one"
        raise ConfigurationError(f"there is no audio file '{path}' beside the test or the scenario; {advice}")
    file = AudioFile(found)
    try:
        return Conversion(file.rate, rate).convert(file.read(_WHOLE_FILE), is_last=True)
    finally:
        file.close()


def _at_level(signal: "np.ndarray[tuple[int], np.dtype[np.float64]]", level: float) -> Samples:
    rms = math.sqrt(float(np.mean(np.square(signal)))) if len(signal) else 0.0
    scaled = signal * (10 ** (level / 20) * (_FULL_SCALE + 1) / rms if rms else 0.0)
    samples: Samples = np.clip(np.rint(scaled), -_FULL_SCALE, _FULL_SCALE).astype(np.int16)
    return samples


def _speech(count: int, rate: int, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Pulses of a wandering pitch and noise, shaped as a vocal tract does, in syllables that never fall silent.

    It is made at one rate and ends below 4 kHz: at any other it is the same sound.
    """
    if not count:
        return np.zeros(0)
    random = np.random.default_rng(seed)
    made = max(round(count * _MADE_RATE / rate), 1)
    time = np.arange(made) / _MADE_RATE
    wander, beat = random.uniform(0, 2 * np.pi, 2)
    pitch = _PITCH_HERTZ * random.uniform(0.8, 1.6) * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * time + wander))
    voiced = np.diff(np.floor(np.cumsum(pitch) / _MADE_RATE), prepend=0.0)
    source = np.fft.rfft(voiced * 4 + 0.15 * random.standard_normal(made))
    hertz = np.fft.rfftfreq(made, 1 / _MADE_RATE)
    formants = sum(
        np.exp(-(((hertz - centre) / width) ** 2)) for centre, width in ((500, 350), (1500, 500), (2500, 700))
    )
    shape = np.where((hertz > _LOWEST) & (hertz < _HIGHEST), formants, 0.0)
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * _SYLLABLES_PER_SECOND * np.arange(count) / rate + beat)
    return np.asarray(np.fft.irfft(source * shape, count) * syllables)
