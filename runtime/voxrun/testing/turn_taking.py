"""The turns of a simulated call, to the sample: how soon the caller is answered, an interrupted agent silent."""

from collections.abc import Iterable

from voxrun.testing.track import GAP_SECONDS, NothingToJudgeError, Track
from voxrun.trace.turns import Turn, silence_after, turns_of


def turns(said: Track, heard: Track, gap: float = GAP_SECONDS) -> tuple[Turn, ...]:
    """The turns in what a caller said and heard; each knows its `timeToAnswer`."""
    return turns_of(said.audible(gap), heard.audible(gap))


def interruptionToSilence(times: Iterable[float], heard: Track, gap: float = GAP_SECONDS) -> tuple[float, ...]:
    """For each time at which the agent was interrupted, seconds until the caller heard nothing more of it.

    NothingToJudgeError, an AssertionError, when there is no such time, or one after the audio.
    """
    sounds = heard.audible(gap)
    times = tuple(times)
    if not times:
        raise NothingToJudgeError("there was no interruption: nothing to judge")
    for time in times:
        heard.slice(time)
    return tuple(silence_after(time, sounds) for time in times)
