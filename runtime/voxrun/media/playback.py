"""`Playback`: one piece of audio on its way out of a unit: loading, pausing, markers, the end.

Players differ in what they tell the scenario: a playback reports moments, and its unit makes events of them.
"""

import enum
from collections.abc import Awaitable, Callable, Sized
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

import trio

from voxrun.audio.fade import fade_in
from voxrun.audio.frame import silence
from voxrun.errors import ScenarioError, VoxrunError
from voxrun.media.arriving import ArrivingReadAhead, ArrivingSource
from voxrun.media.graph import Source
from voxrun.media.host import UnitHost
from voxrun.media.parameters import milliseconds_of
from voxrun.media.read_ahead import AudioSource, ReadAhead
from voxrun.media.seam import Seam
from voxrun.shown import shown

OpenSource: TypeAlias = Callable[[], Awaitable[AudioSource]]
"""Opens the audio. VoxrunError when that can't be done."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It is loaded."""


@dataclass(frozen=True, slots=True)
class Started:
    """The first frame is being played; `duration` in seconds, 0 when there is no end."""

    duration: float


@dataclass(frozen=True, slots=True)
class Buffering:
    """The audio does not come fast enough: silence until it does."""


@dataclass(frozen=True, slots=True)
class MarkerReached:
    """The marker that was set as `offset` is in the frame being played."""

    offset: int


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything was played, or `error` says why not; the unit is out of the graph."""

    error: str | None


Moment: TypeAlias = Ready | Started | Buffering | MarkerReached | Finished


MOST_MARKERS = 1000
"""Of one playback: each is looked at on every tick."""

_FARTHEST_MS = 2**53  # numbers up to there are exact as floats, and no audio is as long


def marker_offset(given: float) -> float:
    """`given`, in ms. ScenarioError for what is no number, or no time."""
    if not abs(milliseconds_of("addMarker", given)) <= _FARTHEST_MS:
        raise ScenarioError(f"addMarker needs its time as a number of ms, but was given {shown(given)}")
    return given


def check_markers(markers: Sized) -> None:
    """ScenarioError when there are as many as may be."""
    if len(markers) >= MOST_MARKERS:
        raise ScenarioError(f"a player has at most {MOST_MARKERS} markers: is one added again and again?")


class _State(enum.Enum):
    LOADING = enum.auto()
    PAUSED = enum.auto()
    READY = enum.auto()  # will start with the next tick
    PLAYING = enum.auto()
    PAUSING = enum.auto()  # will be silent from the next tick on
    ENDED = enum.auto()


class Playback:
    """Plays into the routes from `unit` as soon as it is loaded, unless `on_pause`; without a listener it is lost."""

    def __init__(
        self,
        host: UnitHost,
        unit: Source,
        open_source: OpenSource,
        report: Callable[[Moment], None],
        *,
        loop: bool = False,
        on_pause: bool = False,
    ) -> None:
        self._host = host
        self._broke = host.breaker()
        self._unit = unit
        self._open_source = open_source
        self._report = report
        self._loop = loop
        self._on_pause = on_pause
        self._state = _State.LOADING
        self._audio: ReadAhead | None = None
        self._duration = 0.0
        self._markers: list[tuple[float, int]] = []
        self._played = 0  # samples
        self._started = False
        self._starving = False
        self._seam = Seam()
        self._over = trio.Event()
        host.spawn(self._read)

    def pause(self) -> None:
        """Stand still; `resume` goes on from the same place. The sound fades out, and in again."""
        self._on_pause = True
        if self._state is _State.READY:
            self._state = _State.PAUSED
        elif self._state is _State.PLAYING:
            self._state = _State.PAUSING

    def resume(self) -> None:
        """Go on, or begin when it was made on pause."""
        self._on_pause = False
        if self._state is _State.PAUSED:
            self._state = _State.READY
        elif self._state is _State.PAUSING:
            self._state = _State.PLAYING

    def stop(self) -> bool:
        """End it for good, without a report; False when it was over already."""
        was_live = self._state is not _State.ENDED
        self._end()
        return was_live

    def mark(self, at: float, offset: int) -> None:
        """Report `MarkerReached(offset)` whenever the play comes to `at` (ms; from the end when negative).

        ScenarioError when there are too many.
        """
        check_markers(self._markers)
        self._markers.append((at, offset))

    def produce(self) -> None:
        """Send the next frame on."""
        audio = self._audio
        if audio is None or self._state not in (_State.READY, _State.PLAYING, _State.PAUSING):
            return
        if self._state is _State.PAUSING:
            self._state = _State.PAUSED
            self._seam.cut()
            self._unit.output.push(self._seam.join(silence(audio.rate)))
        elif audio.finished:
            self._finish(audio.error)
        else:
            self._play(audio)

    def _play(self, audio: ReadAhead) -> None:
        goes_on = self._started and self._state is _State.READY
        if not self._started:
            self._started = True
            self._report(Started(self._duration))
        self._state = _State.PLAYING
        starved = audio.starved
        frame = audio.take()
        was_starving, self._starving = self._starving, audio.starved > starved
        if not self._starving:
            self._pass_markers(len(frame), audio.rate)
        elif not was_starving:
            self._report(Buffering())
        self._unit.output.push(self._seam.join(fade_in(frame) if goes_on else frame))

    async def _read(self) -> None:
        try:
            source = await self._open_source()
        except VoxrunError as error:
            if self._state is not _State.ENDED:
                self._broke(error)
                self._finish(error)
            return
        self._duration = source.duration
        arriving = source if isinstance(source, ArrivingSource) else None
        audio = (
            ReadAhead(self._host, source, loop=self._loop)
            if arriving is None
            else ArrivingReadAhead(self._host, arriving, loop=self._loop)
        )
        try:
            async with trio.open_nursery() as nursery:
                if arriving is not None:
                    nursery.start_soon(arriving.fetch)
                nursery.start_soon(audio.fill)
                await audio.ready()
                self._load(audio)
                await self._over.wait()
                nursery.cancel_scope.cancel(reason="the playback is over")
        finally:
            self._host.trace("losses", of=self._unit.id(), frames_late=audio.starved)

    def _load(self, audio: ReadAhead) -> None:
        if self._state is not _State.LOADING:
            return
        self._audio = audio
        self._state = _State.PAUSED if self._on_pause else _State.READY
        self._unit.output.open(audio.rate)
        self._report(Ready())

    def _pass_markers(self, size: int, rate: int) -> None:
        begin = self._played
        self._played += size
        length = round(self._duration * rate, 6)  # samples of a round, which need not be whole
        reached = []
        for at, offset in self._markers:
            sample = _sample(at, rate, round(length))
            ahead = (sample - begin) % length if self._loop and length else sample - begin
            if sample >= 0 and 0 <= ahead < size:
                reached.append((ahead, offset))
        for _, offset in sorted(reached, key=itemgetter(0)):
            self._report(MarkerReached(offset))

    def _finish(self, error: VoxrunError | None) -> None:
        self._end()
        self._report(Finished(None if error is None else str(error)))

    def _end(self) -> None:
        self._state = _State.ENDED
        self._audio = None  # whoever keeps the player, as the trace does, does not keep its sound
        self._over.set()
        self._host.graph.remove(self._unit)


def _sample(at: float, rate: int, total: int) -> int:
    """Which sample is played `at` ms, in a piece of `total` samples (0: without end); -1 when none ever is."""
    sample = round(at * rate / 1000)
    if not total:
        return sample if at >= 0 else -1
    sample = sample if at >= 0 else max(0, total + sample)
    if sample == total:  # the very end is reached with the last sample
        return total - 1
    return sample if sample < total else -1
