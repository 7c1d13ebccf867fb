"""`Player`: plays a file, or anything else that can be read ahead, into the routes from it."""

import enum
from collections.abc import Callable
from typing import ClassVar

import trio

from voxrun.errors import VoxrunError
from voxrun.events.name import EventName
from voxrun.events.player import (
    PlaybackFinishedEvent,
    PlayerErrorEvent,
    PlayerEvent,
    PlayerEvents,
    PlayerStartedEvent,
)
from voxrun.media.host import UnitHost
from voxrun.media.read_ahead import AudioSource, ReadAhead
from voxrun.media.unit import MediaSource


class _State(enum.Enum):
    LOADING = enum.auto()
    PAUSED = enum.auto()
    READY = enum.auto()  # will start with the next tick
    PLAYING = enum.auto()
    ENDED = enum.auto()


class Player(MediaSource):
    """Plays as soon as it is loaded, unless `on_pause`; what it plays while nobody listens is lost.

    `open_source` opens the audio and may block. When that or reading on fails, `PlayerEvents.Error` and
    `PlaybackFinished` carry why.
    """

    namespaces: ClassVar[tuple[type, ...]] = (PlayerEvents,)

    def __init__(
        self,
        host: UnitHost,
        open_source: Callable[[], AudioSource],
        *,
        loop: bool = False,
        on_pause: bool = False,
    ) -> None:
        super().__init__(host, "player")
        self._open_source = open_source
        self._loop = loop
        self._on_pause = on_pause
        self._state = _State.LOADING
        self._audio: ReadAhead | None = None
        self._duration = 0.0
        self._started = False
        self._over = trio.Event()
        self._fire(PlayerEvents.Created)
        host.spawn(self._read)

    def pause(self) -> None:
        """Stand still; `resume` goes on from the same place."""
        self._on_pause = True
        if self._state in (_State.READY, _State.PLAYING):
            self._state = _State.PAUSED

    def resume(self) -> None:
        """Go on, or begin when the player was created on pause."""
        self._on_pause = False
        if self._state is _State.PAUSED:
            self._state = _State.READY

    def stop(self) -> None:
        """End the playback for good; `PlayerEvents.Stopped` follows."""
        if self._state is not _State.ENDED:
            self._end()
            self._fire(PlayerEvents.Stopped)

    def produce(self) -> None:
        """Send the next frame on."""
        if self._audio is None or self._state not in (_State.READY, _State.PLAYING):
            return
        if self._audio.finished:
            self._finish(self._audio.error)
            return
        if not self._started:
            self._started = True
            event = PlayerEvents.Started
            self._host.emit(self, event, PlayerStartedEvent(name=event, player=self, duration=self._duration))
        self._state = _State.PLAYING
        self.output.push(self._audio.take())

    async def _read(self) -> None:
        try:
            source = await self._host.offload(self._open_source)
        except VoxrunError as error:
            if self._state is not _State.ENDED:
                self._host.broke(error)
                self._finish(error)
            return
        self._duration = source.duration
        audio = ReadAhead(self._host, source, loop=self._loop)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(audio.fill)
                await audio.ready()
                self._load(audio)
                await self._over.wait()
                nursery.cancel_scope.cancel(reason="the player has ended")
        finally:
            self._host.trace("losses", of=self.id(), frames_late=audio.starved)

    def _load(self, audio: ReadAhead) -> None:
        if self._state is not _State.LOADING:
            return
        self._audio = audio
        self._state = _State.PAUSED if self._on_pause else _State.READY
        self.output.open(audio.rate)
        self._fire(PlayerEvents.PlaybackReady)

    def _finish(self, error: VoxrunError | None) -> None:
        self._end()
        reason = None if error is None else str(error)
        if reason is not None:
            failed = PlayerEvents.Error
            self._host.emit(self, failed, PlayerErrorEvent(name=failed, player=self, error=reason))
        event = PlayerEvents.PlaybackFinished
        self._host.emit(self, event, PlaybackFinishedEvent(name=event, player=self, error=reason))

    def _end(self) -> None:
        self._state = _State.ENDED
        self._over.set()
        self._host.graph.remove(self)

    def _fire(self, event: EventName[PlayerEvent]) -> None:
        self._host.emit(self, event, PlayerEvent(name=event, player=self))
