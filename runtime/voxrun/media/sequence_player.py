"""`SequencePlayer`: plays several pieces of audio, files and speech, one after the other without a gap."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import ClassVar

from voxrun.errors import ScenarioError
from voxrun.events.sequence_player import (
    SequencePlaybackFinishedEvent,
    SequencePlaybackMarkerReachedEvent,
    SequencePlayerErrorEvent,
    SequencePlayerEvent,
    SequencePlayerEvents,
    SequencePlayerStartedEvent,
)
from voxrun.media.host import UnitHost
from voxrun.media.joined_source import JoinedSource
from voxrun.media.playback import (
    Finished,
    MarkerReached,
    Moment,
    OpenSource,
    Playback,
    Ready,
    Started,
    check_markers,
    marker_offset,
)
from voxrun.media.read_ahead import AudioSource
from voxrun.media.unit import MediaSource


class SequencePlayer(MediaSource):
    """Plays as soon as all segments are loaded; what it plays while nobody listens is lost.

    One segment that can't be played is enough for `SequencePlayerEvents.Error` and `PlaybackFinished` instead.
    """

    namespaces: ClassVar[tuple[type, ...]] = (SequencePlayerEvents,)
    _noun = "sequencePlayer"

    def __init__(
        self, host: UnitHost, segments: Sequence[OpenSource], given: Sequence[Mapping[str, object]] = ()
    ) -> None:
        """`given`: the segments as the scenario wrote them. ScenarioError when there is no segment."""
        if not segments:
            raise ScenarioError("a sequence player needs at least one segment")
        super().__init__(host, "player")
        self._segments = segments
        self._given = list(given)
        self._durations: list[float] = []  # ms; known once they are loaded
        self._early_markers: list[tuple[int, int]] = []
        self._fire_event(SequencePlayerEvents.Created, SequencePlayerEvent)
        self._playback = Playback(host, self, self._open, self._report)

    def pause(self) -> None:
        """Stand still; `resume` goes on from the same place."""
        self._playback.pause()

    def resume(self) -> None:
        """Go on."""
        self._playback.resume()

    def stop(self) -> None:
        """End the playback for good; `SequencePlayerEvents.Stopped` follows."""
        if self._playback.stop():
            self._fire_event(SequencePlayerEvents.Stopped, SequencePlayerEvent)

    def addMarker(self, offset: int, segment: int | Mapping[str, object]) -> None:
        """Have `SequencePlayerEvents.PlaybackMarkerReached` fire at `offset` ms of a segment.

        `segment` is one of those that the player was given, or its number, the first being 0. A negative offset counts
        from the segment's end. ScenarioError when there is no such segment.
        """
        marker_offset(offset)
        if isinstance(segment, Mapping) and segment in self._given:
            segment = self._given.index(segment)
        if not isinstance(segment, int) or not 0 <= segment < len(self._segments):
            raise ScenarioError(f"there is no segment {segment}: they are counted from 0 to {len(self._segments) - 1}")
        if self._durations:
            self._mark(offset, segment)
        else:
            check_markers(self._early_markers)
            self._early_markers.append((offset, segment))

    def produce(self) -> None:
        """Send the next frame on."""
        self._playback.produce()

    async def _open(self) -> AudioSource:
        sources: list[AudioSource] = []
        try:
            for open_segment in self._segments:
                sources.append(await open_segment())
        except BaseException:
            for source in sources:
                source.close()
            raise
        self._durations = [source.duration * 1000 for source in sources]
        for offset, segment in self._early_markers:
            self._mark(offset, segment)
        return JoinedSource(sources)

    def _mark(self, offset: int, segment: int) -> None:
        end = list(accumulate(self._durations))[segment]
        begin = end - self._durations[segment]
        self._playback.mark(max(begin, end + offset) if offset < 0 else begin + offset, offset)

    def _report(self, moment: Moment) -> None:
        match moment:
            case Ready():
                self._fire_event(SequencePlayerEvents.PlaybackReady, SequencePlayerEvent)
            case Started(duration):
                self._fire_event(SequencePlayerEvents.Started, SequencePlayerStartedEvent, duration=duration)
            case MarkerReached(offset):
                event = SequencePlayerEvents.PlaybackMarkerReached
                self._fire_event(event, SequencePlaybackMarkerReachedEvent, offset=offset)
            case Finished(error):
                if error is not None:
                    self._fire_event(SequencePlayerEvents.Error, SequencePlayerErrorEvent, error=error)
                self._fire_event(SequencePlayerEvents.PlaybackFinished, SequencePlaybackFinishedEvent, error=error)
