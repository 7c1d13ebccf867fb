"""What the local agent hears: `Turns` tells when somebody talks, `Recogniser` which expected phrase it was.

Both take mono int16 samples at 16 kHz and keep no clock: the same samples give the same answers. Both are
CPU work without waiting: `Turns.feed` takes microseconds, each step of `Recogniser.hear` 2 ms, in a worker thread.
"""

import math
import re
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxrun.audio.frame import FRAME_MS, Samples, frame_size
from voxrun.errors import ConfigurationError
from voxrun.localagent.extra import load_extra

RATE = 16000
"""Hz. The only rate the ears take; the acoustic model was trained on it."""

WINDOW = 200 // FRAME_MS
"""Frames that the score is of."""

_STARTS_AT = 0.8  # 160 of 200 ms: a click, which the detector stretches to 120 ms, stays below
_STOPS_BELOW = 0.3
_PAUSE = 500 // FRAME_MS  # after the window has emptied: about 660 ms after the last sound
_PREROLL = 400 // FRAME_MS  # the 200 ms it takes to be sure, and as much silence before


@dataclass(frozen=True, slots=True, eq=False)
class SpeechStarted:
    """Somebody began to talk; `audio` is the last 400 ms at most, this frame included, for the recogniser."""

    audio: Samples


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """They have been silent for long enough that it's the agent's turn."""


class Turns:
    """When the caller's turns begin and end, by WebRTC's voice activity detector at its strictest.

    Raises ConfigurationError when the `local-agent` extra is missing.
    """

    def __init__(self) -> None:
        self._detector = load_extra("webrtcvad").Vad(3)
        self._window = deque([False] * WINDOW, WINDOW)
        self._preroll: deque[Samples] = deque(maxlen=_PREROLL)
        self._pause = 0
        self.speaking = False
        """Whether a turn has begun and not ended."""

    @property
    def score(self) -> float:
        """How much of the last 200 ms was speech, 0 to 1."""
        return sum(self._window) / WINDOW

    def feed(self, frame: Samples) -> SpeechStarted | SpeechEnded | None:
        """Hear the next 20 ms: 320 samples at 16 kHz."""
        self._window.append(self._detector.is_speech(frame.tobytes(), RATE))
        self._preroll.append(frame)
        return self._while_speaking() if self.speaking else self._while_silent()

    def _while_silent(self) -> SpeechStarted | None:
        if self.score < _STARTS_AT:
            return None
        self.speaking, self._pause = True, 0
        return SpeechStarted(np.concatenate(self._preroll))

    def _while_speaking(self) -> SpeechEnded | None:
        self._pause = self._pause + 1 if self.score < _STOPS_BELOW else 0
        if self._pause < _PAUSE:
            return None
        self.speaking = False
        return SpeechEnded()


_LEVEL = 3277.0  # RMS of speech at -20 dBFS, which the model's prior below was measured at
_NOISE = 130.0  # RMS, -48 dBFS: on digital silence, which no microphone gives, the model's scores go astray
_CEPSTRAL_MEAN = "64.9,2.0,-4.5,12.9,-12.0,-4.2,-1.2,-15.8,-4.9,-4.1,6.9,-2.5,-9.5"  # of speech at that level
_ACCEPTED_FIT = -13.0  # nats a 10 ms frame: of clean speech 98 % of expected phrases are above, 0 to 5 % of others
_SMOOTHING = 8  # frames: keeps a short word from being judged by one bad frame
_PIECE = RATE // 20  # 50 ms of audio: about 2 ms of decoding
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")  # in digits and foreign letters too: `_check_words` tells of them


def spoken(phrase: str) -> str:
    """The words of `phrase` as they are said: lower case, without punctuation."""
    return " ".join(_WORD.findall(phrase.lower().replace("\u2019", "'")))


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance: the phrase it was, as the script spells it, or None for anything else, silence included."""

    text: str | None


class Recogniser:
    """Which of the expected phrases was said, by pocketsphinx and its US English model.

    It knows no other sentence. Its decoder forces every sound onto the nearest phrase, so what comes out is
    judged by how far the fit, overall and of the worst word, is from the best that any sounds could reach.
    It gets used to the noise of the line, without which it would miss far more on a noisy one; so an utterance
    has a slight influence on how well the next one fits.
    """

    def __init__(self, phrases: Iterable[str], script: str = "script") -> None:
        """Expect `phrases` (case and punctuation don't matter); takes about 0.15 s, to load the model.

        `script` is where they are from, for the errors.

        Raises ConfigurationError when the `local-agent` extra is missing, when no phrase has a word, and for
        words that the dictionary doesn't have.
        """
        self._phrases = {spoken(phrase): phrase for phrase in phrases if spoken(phrase)}
        if not self._phrases:
            raise ConfigurationError("there is nothing to recognise: give the local agent's script phrases to expect")
        # compallsen: score all sounds of each frame, else "the best there could be" is the best that was tried
        self._decoder = load_extra("pocketsphinx").Decoder(lm=None, compallsen=True, loglevel="FATAL")
        self._check_words(script)
        alternatives = " | ".join(self._phrases)
        self._decoder.add_jsgf_string("script", f"#JSGF V1.0; grammar script; public <phrase> = {alternatives};")
        self._decoder.activate_search("script")

    def hear(self, utterance: Samples) -> Generator[Heard | None, None, None]:
        """What the utterance was, mono int16 at 16 kHz: the last that comes, after a None for each piece of the work.

        That is 5 % of its length in all, as only the whole utterance tells how loud the speech is. The decoder holds
        the GIL: do each step in a worker thread, and let others have their turn in between. Only one at a time.
        """
        audio = _at_one_level(utterance)
        if not audio.any():
            yield Heard(None)
            return
        self._decoder.set_cmn(_CEPSTRAL_MEAN)
        self._decoder.start_utt()
        try:
            for start in range(0, audio.size, _PIECE):
                self._decoder.process_raw(audio[start : start + _PIECE].tobytes())
                yield None
        finally:
            self._decoder.end_utt()
        yield self._judged(self._decoder.hyp())

    def _judged(self, hypothesis: Any) -> Heard:
        text = self._phrases.get(hypothesis.hypstr) if hypothesis else None  # others broke off half way
        return Heard(text if text is not None and self._fit() >= _ACCEPTED_FIT else None)

    def _fit(self) -> float:
        """Log likelihood in nats a frame, of everything plus of the worst word, against unconstrained sounds."""
        parts: list[tuple[str, float, int]] = [
            (part.word, math.log(part.ascore or 1e-320), part.end_frame - part.start_frame + 1)
            for part in self._decoder.seg()
        ]
        words = [score / (frames + _SMOOTHING) for word, score, frames in parts if not word.startswith("<")]
        return min(words) + sum(score for _, score, _ in parts) / sum(frames for _, _, frames in parts)

    def _check_words(self, script: str) -> None:
        words = sorted({word for phrase in self._phrases for word in phrase.split()})
        unknown = [word for word in words if self._decoder.lookup_word(word) is None]
        if unknown:
            raise ConfigurationError(
                f"{script}: the local agent can't recognise {', '.join(map(repr, unknown))}: "
                "not in its English dictionary.\n"
                "Say it in other words, with numbers spelled out, in `expects`."
            )


def _at_one_level(audio: Samples) -> Samples:
    """The same speech at -20 dBFS over a floor of noise that is the same each time; silence remains silence."""
    size = frame_size(RATE)
    frames = audio[: audio.size // size * size].reshape(-1, size).astype(np.float64)
    energies = np.square(frames).mean(axis=1)
    if not energies.any():
        return np.zeros(0, np.int16)
    speech = energies[energies > energies.max() / 1000].mean()
    noise = np.random.default_rng(0).normal(0, _NOISE, audio.size)
    return np.clip(np.rint(audio * (_LEVEL / math.sqrt(speech)) + noise), -32768, 32767).astype(np.int16)
