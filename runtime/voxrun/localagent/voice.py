"""The local agent's voice: espeak-ng, called through ctypes."""

import _ctypes
import ctypes
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar

import numpy as np

from voxrun.audio.frame import Samples, frame_size
from voxrun.audio.resample import Resampler
from voxrun.errors import ConfigurationError
from voxrun.localagent.extra import load_extra

RATE = 16000
"""Hz. What `Voice.say` returns."""

WORDS_PER_MINUTE = 165
"""As fast as it speaks at speed 1."""

_ESPEAK_RATE = 22050
# Values of espeak-ng's speak_lib.h.
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000  # on an error, return it instead of ending the process
_PARAMETER_RATE = 1
_CHARACTERS_UTF8 = 1

_FADE = 5 * _ESPEAK_RATE // 1000  # 5 ms: some voices break off in the middle of a breath, which would click

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.c_void_p
)  # samples or NULL, how many, events

_VARIANT = re.compile(r"[\w -]{0,30}", re.ASCII)
"""The library writes past its own buffer for a longer one, and looks for others outside of its folder."""


class _Known(ctypes.Structure):
    """The beginning of `espeak_VOICE`."""

    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
    ]


_lock = threading.Lock()  # the library keeps one voice, one rate and one callback in static variables


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who can say things: the same text sounds the same, to the sample, whatever was said before.

    `name` is one of espeak-ng's voices with an optional variant ("en-us+f3"), `rate_wpm` 80 to 450.
    May be used from any thread; one voice speaks at a time.
    """

    name: str = "en-us"
    rate_wpm: int = WORDS_PER_MINUTE

    def say(self, text: str) -> Samples:
        """`text` as speech: whole frames of mono int16 at 16 kHz, about -21 dBFS RMS.

        At least a frame of silence, for a text with nothing to say too. Takes 6 ms and 0.2 % of what it returns.
        Raises ConfigurationError when the `local-agent` extra is missing and when there is no such voice.
        """
        with _lock:
            name, _, variant = self.name.partition("+")
            is_safe = name.lower() in _names() and _VARIANT.fullmatch(variant)
            with _espeak() as espeak:
                if not is_safe or espeak.espeak_SetVoiceByName(self.name.encode()) != 0:
                    raise ConfigurationError(
                        f"espeak-ng has no voice '{self.name}': try 'en-us', or a variant of it such as 'en-us+f3'"
                    )
                espeak.espeak_SetParameter(_PARAMETER_RATE, self.rate_wpm, 0)
                return _at_16_khz(_faded(_synthesise(espeak, text)))


@cache
def _names() -> frozenset[str]:
    """What the voices are called, in small letters: a name, a file, and that with its folder.

    Any other, which the library takes for a file to look for, may end the process, if it is that of a folder.
    """
    with _espeak() as espeak:
        list_voices = espeak.espeak_ListVoices
        list_voices.restype = ctypes.POINTER(ctypes.POINTER(_Known))
        names = set()
        for voice in takewhile(bool, list_voices(None)):
            file = voice.contents.identifier.decode().replace("\\", "/")
            names |= {voice.contents.name.decode(), file, file.rpartition("/")[2]}
    return frozenset(map(str.lower, names))


@contextmanager
def _espeak() -> Iterator[ctypes.CDLL]:
    """A fresh library: its oscillators outlive espeak_Terminate, but not being unloaded."""
    loader = load_extra("espeakng_loader")
    library = ctypes.CDLL(loader.get_library_path())
    data = str(loader.get_data_path()).encode()
    try:
        if library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, data, _DONT_EXIT) != _ESPEAK_RATE:
            raise ConfigurationError(
                "espeak-ng didn't start: reinstall it with pip install --force-reinstall espeakng-loader"
            )
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # else it's the time of day
        try:
            yield library
        finally:
            library.espeak_Terminate()
    finally:
        _unload(library)


def _unload(library: ctypes.CDLL) -> None:
    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)
    else:
        _ctypes.dlclose(library._handle)


def _synthesise(espeak: ctypes.CDLL, text: str) -> Samples:
    """Mono int16 at 22050 Hz."""
    pieces = [np.zeros(0, np.int16)]

    def collect(samples: Any, count: int, _events: int | None) -> int:
        if samples and count:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    encoded = text.replace("\0", " ").encode() + b"\0"
    callback = _Callback(collect)  # must live as long as it may be called
    espeak.espeak_SetSynthCallback(callback)
    espeak.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 1, 0, _CHARACTERS_UTF8, None, None)
    return np.concatenate(pieces)


def _faded(samples: Samples) -> Samples:
    """`samples`, faded in and out over 5 ms, in place."""
    ramp = np.linspace(0, 1, _FADE)[: samples.size]
    samples[:_FADE] = samples[:_FADE] * ramp
    samples[-_FADE:] = samples[-_FADE:] * ramp[::-1]
    return samples


def _at_16_khz(samples: Samples) -> Samples:
    resampler = Resampler(_ESPEAK_RATE, RATE)
    size = frame_size(_ESPEAK_RATE)
    frames = np.zeros((-(-samples.size // size) + 1, size), np.int16)  # one more for what the filter holds back
    frames.reshape(-1)[: samples.size] = samples
    return np.concatenate([resampler.process(frame) for frame in frames])
