"""`Delivery`: how the agent sounds in one conversation: its voice, its speed and the format on the wire."""

import zlib
from dataclasses import dataclass

import numpy as np

from voxrun.audio.frame import frame_size
from voxrun.audio.resample import Resampler
from voxrun.localagent.voice import RATE, WORDS_PER_MINUTE, Voice
from voxrun.protocol.elevenlabs.formats import AudioFormat

_FASTEST = 450  # words a minute that espeak-ng can
_VARIANTS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7")
_NAMES = {"en": "en-us", "zh": "cmn", "no": "nb"}
_UNSPOKEN = frozenset({"tl", "gl", "ha", "jv", "ps", "so"})  # languages of the contract that espeak-ng lacks


def can_speak(language: str) -> bool:
    """Whether the voice knows that language of the contract."""
    return language not in _UNSPOKEN


def voice_name(language: str, voice_id: str | None) -> str:
    """The espeak-ng voice for a language and a voice of the service: the same id always gets the same variant."""
    name = _NAMES.get(language, language)
    return name if voice_id is None else f"{name}+{_VARIANTS[zlib.crc32(voice_id.encode()) % len(_VARIANTS)]}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """`voice` is a name of espeak-ng's, `speed` a factor of the usual one."""

    voice: str
    speed: float
    audio_format: AudioFormat

    @property
    def bytes_per_second(self) -> int:
        """Of audio in that format."""
        return self.audio_format.rate * self.audio_format.sample_bytes

    def size(self, seconds: float) -> int:
        """The bytes of so many seconds, in whole samples."""
        return round(self.audio_format.rate * seconds) * self.audio_format.sample_bytes

    def speak(self, text: str) -> bytes:
        """`text` as speech in the wire format: blocking work."""
        voice = Voice(self.voice, min(round(WORDS_PER_MINUTE * self.speed), _FASTEST))
        resampler = Resampler(RATE, self.audio_format.rate)
        frames = voice.say(text).reshape(-1, frame_size(RATE))
        samples = np.concatenate([resampler.process(frame) for frame in frames])
        return self.audio_format.encode(samples)
