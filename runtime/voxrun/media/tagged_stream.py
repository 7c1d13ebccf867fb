"""`TaggedStream`: what a peer sends under one tag, of the several that a connection may have, as a `Source`."""

from collections import deque
from collections.abc import Callable

import trio

from voxrun.audio.frame import Samples, silence
from voxrun.media.feed import Feed
from voxrun.media.graph import Graph, Output, Source

BUFFER_SECONDS = 10.0
"""How much audio of a tag may wait to be played (reference: media stream format)."""

MOST_WAITING = 100
"""Streams of a tag that may wait, one behind the other."""


class TaggedStream:
    """One stream after the other, each from its start to its stop; all is heard, in order.

    It is a source of its own; that without a tag is the voice of the unit itself.
    """

    def __init__(self, unit: Source, graph: Graph, tag: str) -> None:
        self.unit = unit
        self.source: Source = self if tag else unit
        """Who has the routes."""
        self.output = Output(graph, self) if tag else unit.output
        self.dropped = 0
        """Samples that came while the limit was reached, or that had no place."""
        self._tag = tag
        self._feeds: deque[Feed] = deque()
        self._open: Feed | None = None  # the last of these, if more may come
        self._rate = 0
        self._awaited: trio.Event | None = None  # by who waits until nothing waits any more

    def id(self) -> str:
        """The unit and the tag."""
        return f"{self.unit.id()} {self._tag}".rstrip()

    @property
    def waiting(self) -> float:
        """Seconds that wait to be played."""
        return sum(feed.waiting for feed in self._feeds)

    @property
    def is_idle(self) -> bool:
        """Nothing was begun that is not over."""
        return not self._feeds

    def start(self, rate: int, on_started: Callable[[], None], on_ended: Callable[[float], None]) -> None:
        """A stream at `rate` Hz begins: see `Feed`."""
        self.stop()
        if len(self._feeds) < MOST_WAITING:
            self._open = Feed(rate, BUFFER_SECONDS, on_started, on_ended)
            self._feeds.append(self._open)

    def put(self, samples: Samples) -> None:
        """Take audio of the stream that has begun."""
        feed = self._open
        room = 0 if feed is None else max(round((BUFFER_SECONDS - self.waiting) * feed.rate), 0)
        if room < len(samples):
            self.dropped += len(samples) - room
            samples = samples[:room].copy()  # or all of it would stay
        if feed is not None:
            feed.put(samples)

    def stop(self) -> None:
        """No more will come of the stream that has begun."""
        if self._open is not None:
            self._open.finish()
            self._open = None

    def clear(self) -> None:
        """Drop what waits; of the stream that has begun more may come."""
        playing = self._feeds[0] if self._feeds else None
        for feed in self._feeds:
            feed.clear()
            if feed is not self._open:
                feed.finish()
        self._feeds = deque(feed for feed in self._feeds if feed in (playing, self._open))

    def end(self) -> None:
        """Nothing is played any more."""
        self.stop()
        self.clear()
        if self._awaited is not None:
            self._awaited.set()

    def play(self) -> None:
        """Send 20 ms on, silence when nothing waits; nothing before the first stream."""
        if self._feeds:
            feed = self._feeds[0]
            self._rate = feed.rate
            self.output.open(feed.rate)
            frame = feed.take()
            if feed.is_over:
                self._feeds.popleft()
            self.output.push(frame)
        elif self._rate:
            self.output.push(silence(self._rate))
        if self._awaited is not None and not self.waiting:
            self._awaited.set()

    async def played_out(self) -> None:
        """Wait until nothing waits any more."""
        if self.waiting:
            self._awaited = trio.Event()
            await self._awaited.wait()
