"""`Track`: what one party of a simulated call said or heard, and the questions that a test asks of it.

Times are seconds since the session began. A sample is audible when its absolute value passes the threshold.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

import numpy as np

from voxrun.audio.conversion import Conversion
from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.audio.level import dbfs
from voxrun.errors import ConfigurationError
from voxrun.testing.given import LIKENESS, THRESHOLD, a_time, check
from voxrun.testing.golden import compare_with_golden, write_recording
from voxrun.testing.likeness import Match, best_match, matching_spans
from voxrun.testing.sounds import Sound, render
from voxrun.testing.verdict import Verdict
from voxrun.trace.spans import Span, spans_of

AUDIBLE_DBFS = -60.0
"""Peaks below are silence: 33 of 32768."""

GAP_SECONDS = 0.2
"""Shorter pauses don't end a sound."""


class NothingToJudgeError(AssertionError):
    """A test asks for a time at which there was no audio: whatever it says of that would hold."""


@dataclass(frozen=True, eq=False)
class Track:
    """Mono int16 `samples` of shape (n,), at `rate` Hz; the first of them is of the time `begin`."""

    samples: Samples
    rate: int
    begin: float = 0.0

    @property
    def end(self) -> float:
        """The time after the last sample."""
        return self.begin + len(self.samples) / self.rate

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    def __repr__(self) -> str:
        return f"<{self.seconds:.2f} s of audio from {self.begin:.2f} s, {self.rate} Hz, {dbfs(self.samples):.1f} dBFS>"

    def slice(self, begin: float, end: float = math.inf) -> "Track":
        """What there is between two times. NothingToJudgeError, an AssertionError, when the audio is elsewhere."""
        self._must_be_there(begin, end)
        first, last = self._index(begin), self._index(end)
        return Track(self.samples[first:last], self.rate, self.begin + first / self.rate)

    def level(self, begin: float, end: float = math.inf) -> float:
        """The RMS level between two times, in dBFS: -96 for digital silence. NothingToJudgeError as `slice`."""
        samples = self.slice(begin, end).samples
        if not len(samples):  # it begins where the audio ends
            raise NothingToJudgeError(self._elsewhere(begin, end))
        return dbfs(samples)

    def audible(self, gap: float = GAP_SECONDS, threshold: float = AUDIBLE_DBFS) -> tuple[Span, ...]:
        """When there is sound above `threshold` dBFS, to the sample; what is less than `gap` seconds apart is one."""
        loud = self._loudness > _amplitude(threshold)
        return spans_of(loud, self.rate, self.begin, gap)

    def silentBetween(self, begin: float, end: float, threshold: float = AUDIBLE_DBFS) -> Verdict:
        """Whether no sample between two times passes `threshold` dBFS."""
        if why := self._why_nothing(begin, end):
            return Verdict(False, why)
        until = "on" if end == math.inf else f"to {end:.3f} s"
        wanted = f"silence was wanted from {begin:.3f} s {until}"
        sounds = self.slice(begin, end).audible(threshold=threshold)
        if not sounds:
            return Verdict(True, f"silent from {begin:.3f} s {until}")
        lines = [f"{sound.begin:9.3f} {sound.end:9.3f} s {self.level(*sound):7.1f} dBFS" for sound in sounds]
        first = f"heard {self.level(*sounds[0]):.1f} dBFS from {sounds[0].begin:.3f} to {sounds[0].end:.3f} s"
        more = f" and {len(sounds) - 1} more" if len(sounds) > 1 else ""
        return Verdict(False, f"{first}{more}; {wanted}", "\n".join(lines))

    def silentFrom(self, time: float, threshold: float = AUDIBLE_DBFS) -> Verdict:
        """Whether no sample from `time` to the end passes `threshold` dBFS."""
        return self.silentBetween(time, math.inf, threshold)

    def firstSoundAfter(self, time: float, threshold: float = AUDIBLE_DBFS) -> float:
        """When the first audible sample at or after `time` is; infinite when none comes. NothingToJudgeError when the
        audio ended before.
        """
        if len(self.samples):
            self._must_be_there(time, math.inf)
        first = self._index(time)
        loud = self._loudness[first:] > _amplitude(threshold)
        place = int(np.argmax(loud)) if len(loud) else 0
        return self.begin + (first + place) / self.rate if len(loud) and loud[place] else math.inf

    def lastSoundBefore(self, time: float, threshold: float = AUDIBLE_DBFS) -> float:
        """When the last audible sample before `time` ends; minus infinity when there is none."""
        last = self._index(time)
        loud = self._loudness[:last][::-1] > _amplitude(threshold)
        place = int(np.argmax(loud)) if len(loud) else 0
        return self.begin + (last - place) / self.rate if len(loud) and loud[place] else -math.inf

    def contains(self, other: "Track | Samples | Sound", likeness: float = 0.9) -> Match:
        """Whether the sound `other` is somewhere in here, at any time and level: where, how loud and how like it is.

        `other` is what somebody said, or could say: `speech(2.0)`; as mere samples it has this track's rate. True from
        a normalised correlation of `likeness` on.
        """
        check("likeness", likeness, LIKENESS)
        source = self._source(other)
        audible = np.flatnonzero(source._loudness > _amplitude(AUDIBLE_DBFS))
        if not len(audible):
            raise ValueError("what is looked for is silent")
        first = int(audible[0])
        place, gain, found = best_match(self.samples, source.samples[first : int(audible[-1]) + 1])
        at = self.begin + (place - first) / self.rate
        return Match(found >= likeness, at=at, lag=at - source.begin, gain=gain, likeness=found, wanted=likeness)

    def spansOf(self, source: "Track | Samples | Sound", likeness: float = 0.8) -> tuple[Span, ...]:
        """When the sound `source`, or parts of it, are heard here, to the frame of 20 ms.

        A part between two silences is found from 0.15 s on, one among other sounds from 0.5 s on. In a mix of two
        equally loud voices each has a likeness of 0.7.
        """
        check("likeness", likeness, LIKENESS)
        return matching_spans(self.samples, self._source(source).samples, self.rate, self.begin, likeness)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as wav or flac, whichever `path` ends in. ConfigurationError for anything else, OSError."""
        write_recording(path, self.samples, self.rate)

    def matchesGolden(self, path: str | PathLike[str], tolerance: float = -70.0) -> Verdict:
        """Whether it is what was recorded in `path`: no sample differs by more than `tolerance` dBFS.

        With `--update-golden` the recording is written anew, and it matches.
        """
        check("tolerance", tolerance, THRESHOLD)
        return compare_with_golden(self.samples, self.rate, self.begin, path, tolerance)

    def _source(self, sound: object) -> "Track":
        """It, at the rate here. ConfigurationError for what is no audio: no type check has seen the test."""
        if isinstance(sound, np.ndarray):
            return Track(sound, self.rate)
        if isinstance(sound, Sound):
            return Track(render(sound, self.rate), self.rate)
        if not isinstance(sound, Track):
            raise ConfigurationError(f"a track, such as call.agent.said, or samples can be looked for, not {sound!r}")
        if sound.rate == self.rate:
            return sound
        samples = Conversion(sound.rate, self.rate).convert(sound.samples, is_last=True)
        return Track(samples, self.rate, sound.begin)

    @cached_property
    def _loudness(self) -> Samples:
        """Absolute values; that of -32768 is one less."""
        return np.abs(np.maximum(self.samples, np.int16(-32767)))

    def _must_be_there(self, begin: float, end: float) -> None:
        if why := self._why_nothing(begin, end):
            raise NothingToJudgeError(why)

    def _why_nothing(self, begin: float, end: float) -> str:
        """Why there is nothing to judge between two times; empty if there is. The end itself still counts."""
        if a_time(begin) >= a_time(end):
            return f"no time is from {begin:.3f} to {end:.3f} s: nothing to judge"
        if not len(self.samples):
            return "there was no audio at all: nothing to judge"
        if begin > self.end + FRAME_SECONDS or end <= self.begin:
            return self._elsewhere(begin, end)
        return ""

    def _elsewhere(self, begin: float, end: float) -> str:
        since = "" if begin == -math.inf else f" from {begin:.3f} s"
        until = f" to {end:.3f} s" if end < math.inf else " on" if since else ""
        return f"the audio is from {self.begin:.3f} to {self.end:.3f} s: nothing to judge{since}{until}"

    def _index(self, time: float) -> int:
        """The sample of a time, within what there is."""
        place = (a_time(time) - self.begin) * self.rate
        return round(min(max(place, 0.0), float(len(self.samples))))


def _amplitude(threshold: float) -> int:
    """Of a level. ConfigurationError for one that no sample could pass."""
    return int(32768 * 10 ** (check("threshold", threshold, THRESHOLD) / 20))
