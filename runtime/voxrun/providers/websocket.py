"""`WebSocket`: a connection to somebody of the scenario's own, as a media unit (reference: WebSocket).

What is routed to it goes out at once, each sender's as a stream of its own; what the peer sends waits in a
`TaggedStream` for its ticks. The messages are in `voxrun.protocol.voxengine_media`.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypedDict, Unpack

import trio

from voxrun.errors import ConfigurationError, RemoteError, ScenarioError
from voxrun.events.websocket import (
    WebSocketCloseCode,
    WebSocketClosedEvent,
    WebSocketCreatedEvent,
    WebSocketErrorEvent,
    WebSocketEvent,
    WebSocketEvents,
    WebSocketMediaInfo,
    WebSocketMessageEvent,
    WebSocketReadyState,
    WebSocketStreamEndedEvent,
    WebSocketStreamStartedEvent,
)
from voxrun.media.graph import Inlet, Sink, Source
from voxrun.media.host import UnitHost
from voxrun.media.parameters import merged, text_of
from voxrun.media.tagged_stream import TaggedStream
from voxrun.media.unit import MediaSource, SendMediaParameters, receiving
from voxrun.protocol.voxengine_media import (
    AudioCame,
    PeerMedia,
    StreamStarted,
    StreamStopped,
    TextCame,
)
from voxrun.providers.outgoing import Outgoing
from voxrun.transports.address import public
from voxrun.transports.websocket import OUTBOX_LIMIT, Closed
from voxrun.transports.websocket import WebSocket as Connection

MOST_TAGS = 100
"""Of streams that are heard, or wait to be."""

WAITING_TEXTS = 1000
"""How many messages may wait for the connection to open, of OUTBOX_LIMIT in all; more are dropped and counted."""


class ClearMediaBufferParameters(TypedDict, total=False):
    """`tag`: of the stream to clear; all of them if not given."""

    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What of a connection the trace keeps: see `WebSocketParameters`."""

    statistics: bool = False
    trace: bool = False
    privacy: bool = False


class WebSocket(MediaSource):
    """Opens by itself; after its end it does nothing any more.

    Each of its events may have one handler more, which runs first: `onopen`, `onclose`, `onmessage`, `onerror`,
    `oncreated`, `onmediastarted`, `onmediaended`.
    """

    namespaces: ClassVar[tuple[type, ...]] = (WebSocketEvents,)
    _noun = "websocket"
    mixes = True

    oncreated: Callable[[WebSocketCreatedEvent], object] | None = None
    onopen: Callable[[WebSocketEvent], object] | None = None
    onmessage: Callable[[WebSocketMessageEvent], object] | None = None
    onerror: Callable[[WebSocketErrorEvent], object] | None = None
    onclose: Callable[[WebSocketClosedEvent], object] | None = None
    onmediastarted: Callable[[WebSocketStreamStartedEvent], object] | None = None
    onmediaended: Callable[[WebSocketStreamEndedEvent], object] | None = None

    def __init__(
        self, host: UnitHost, opening: AbstractAsyncContextManager[Connection], keeping: Keeping, url: str = ""
    ) -> None:
        """`opening` gives the connection, and takes it back when it has ended. `url` is whom the scenario asked for it;
        empty when the peer did.
        """
        super().__init__(host, "websocket")
        self._opening = opening
        self._keeping = keeping
        self._is_wanted = bool(url)
        self._media = PeerMedia()
        self._socket: Connection | None = None
        self._state = WebSocketReadyState.CONNECTING
        self._connecting = trio.CancelScope()
        self._over = trio.Event()
        self._waiting_texts: list[str] = []  # for when it is open
        self._waiting_size = 0
        self._unsent = 0
        self._outgoing: dict[Source, Outgoing] = {}
        self._streams: dict[str, TaggedStream] = {}  # the peer's, by tag
        self._samples_dropped = 0  # of streams that are forgotten, or had no place
        self._is_unheard_told = False
        self._broke = host.breaker()
        self._fire_event(WebSocketEvents.CREATED, WebSocketCreatedEvent)
        if url:
            host.trace("wire", unit=self.id(), type="connect", url=public(url))
        self._has_left = host.at_end(self._leave)
        host.spawn(self._converse)

    # What the scenario calls.

    @property
    def readyState(self) -> str:
        """One of `WebSocketReadyState`."""
        return self._state.value

    def send(self, data: str) -> None:
        """Send a text; what is sent before the connection is open waits for that."""
        text = text_of("send", data).encode(errors="replace").decode()  # half of a surrogate pair is no character
        if self._state is WebSocketReadyState.OPEN and self._socket is not None:
            self._send(self._socket, text)
        elif self._state is not WebSocketReadyState.CONNECTING:
            self._host.warn(f"{self.id()} is closed; what is sent to it now is lost")
        elif len(self._waiting_texts) < WAITING_TEXTS and self._waiting_size + len(text) <= OUTBOX_LIMIT:
            self._waiting_texts.append(text)
            self._waiting_size += len(text)
        else:
            self._unsent += 1

    def close(self) -> None:
        """End the connection, or the attempt to connect. `WebSocketEvents.CLOSE` follows."""
        if self._state is WebSocketReadyState.CLOSED:
            return
        self._go_silent()
        if self._socket is None:
            self._connecting.cancel(reason="the scenario closed the WebSocket")
        else:
            self._socket.close()

    def sendMediaTo(
        self, mediaUnit: Sink, parameters: SendMediaParameters | None = None, **keywords: Unpack[SendMediaParameters]
    ) -> None:
        """Send what comes from the peer to `mediaUnit`: the stream without a tag, or that of the `tag` given."""
        given = merged("sendMediaTo", SendMediaParameters, parameters, keywords)
        tag = given.get("tag") or ""
        stream = self._stream(tag)
        if len(self._streams) > 2 * MOST_TAGS:  # those of the peer's included
            del self._streams[tag]
            raise ScenarioError(
                f"{self.id()} has streams with {2 * MOST_TAGS} tags already: is one added again and again?"
            )
        self._send_to(mediaUnit, stream.source, given)

    def stopMediaTo(
        self, mediaUnit: Sink, parameters: SendMediaParameters | None = None, **keywords: Unpack[SendMediaParameters]
    ) -> None:
        """Stop sending to `mediaUnit`: the stream of the `tag` given, or all of them."""
        tag = merged("stopMediaTo", SendMediaParameters, parameters, keywords).get("tag")
        for stream in self._of(tag):
            self._host.graph.disconnect(stream.source, receiving(mediaUnit))

    def clearMediaBuffer(
        self, parameters: ClearMediaBufferParameters | None = None, **keywords: Unpack[ClearMediaBufferParameters]
    ) -> None:
        """Drop what the peer sent and was not played yet, of one `tag` or of all: silence within one tick (20 ms)."""
        tag = merged("clearMediaBuffer", ClearMediaBufferParameters, parameters, keywords).get("tag")
        for stream in self._of(tag):
            stream.clear()
            self._host.graph.clear(stream.source)

    def listeners_of(self, event: str) -> tuple[Callable[..., object], ...]:
        """The handlers that would run if `event` fired now."""
        first: Callable[..., object] | None = getattr(self, _PROPERTIES.get(event, ""), None)
        others = super().listeners_of(event)
        return others if first is None else (first, *others)

    # Media.

    @property
    def waiting(self) -> float:
        """Seconds of the peer's audio that are still to be played."""
        return max((stream.waiting for stream in self._streams.values()), default=0.0)

    def expect(self, source: Source, parameters: Mapping[str, Any]) -> None:
        """Have the audio of `source` go out as `parameters`, which are `SendMediaParameters`, say."""
        old = self._outgoing.get(source)
        if old is not None and old.parameters == parameters:
            return
        outgoing = Outgoing(parameters, self._send_media)
        for other, its in list(self._outgoing.items()):
            if other is source or its.tag == outgoing.tag:
                self._host.graph.disconnect(other, self)
        self._outgoing[source] = outgoing
        self._send_media(outgoing.stream.start())

    def inlet(self, source: Source) -> Inlet | None:
        """Live while the connection is open."""
        outgoing = self._outgoing.get(source)
        return outgoing.inlet if outgoing and self._state is WebSocketReadyState.OPEN else None

    def detach(self, source: Source) -> None:
        """The sender's stream ends here."""
        outgoing = self._outgoing.pop(source, None)
        if outgoing is not None:
            self._send_media(outgoing.stream.stop())

    def produce(self) -> None:
        """Play 20 ms of each of the peer's streams."""
        for stream in self._streams.values():
            stream.play()

    def _of(self, tag: str | None) -> list[TaggedStream]:
        """The peer's stream of a tag, if there is one, or all of them."""
        return [stream for name, stream in self._streams.items() if tag is None or name == tag]

    def _stream(self, tag: str) -> TaggedStream:
        """What the peer sends under that tag, or will send; those that nobody waits for are forgotten."""
        if tag not in self._streams:
            for other, stream in tuple(self._streams.items()):
                if stream.is_idle and not self._host.graph.listeners(stream.source):
                    self._samples_dropped += self._streams.pop(other).dropped
            self._streams[tag] = TaggedStream(self, self._host.graph, tag)
        return self._streams[tag]

    # The connection.

    async def _converse(self) -> None:
        """Task: open the connection, then serve it to its end."""
        closed = _never_open("closed before it was open")
        try:
            with self._connecting:
                async with self._opening as socket:
                    closed = await self._serve(socket)
        except (RemoteError, ConfigurationError) as error:
            closed = _never_open(str(error))
            self._complain(error)
            self._fire_event(WebSocketEvents.ERROR, WebSocketErrorEvent, error=str(error))
        finally:
            self._over.set()
            self._has_left()
        self._end(closed)

    def _open(self, socket: Connection) -> None:
        self._socket = socket
        self._state = WebSocketReadyState.OPEN
        if self._is_wanted:
            self._host.recovered()
        self._fire_event(WebSocketEvents.OPEN, WebSocketEvent)
        for text in self._waiting_texts:
            self._send(socket, text)
        self._waiting_texts.clear()
        for outgoing in self._outgoing.values():
            self._send_media(outgoing.stream.start())
        self._host.graph.changed()

    async def _serve(self, socket: Connection) -> Closed:
        """When the end is ordinary, let what the peer has sent be heard before anybody is told."""
        await trio.lowlevel.checkpoint_if_cancelled()  # it may have been given up as it opened
        self._open(socket)
        try:
            closed = await socket.pump(self._receive)
        finally:
            self._trace_end(socket)
        was_wanted = self._state is not WebSocketReadyState.OPEN
        self._stop_sending()
        if closed.is_ordinary:
            for stream in tuple(self._streams.values()):
                await stream.played_out()
        elif not was_wanted:
            self._lose(closed)
        return closed

    def _receive(self, message: str | bytes) -> None:
        if self._state is not WebSocketReadyState.OPEN:
            return
        if self._keeping.trace:
            self._trace_frame("received", str(message))
        malformed = self._media.malformed
        match self._media.receive(message):
            case AudioCame(tag, samples):
                if tag in self._streams:
                    self._streams[tag].put(samples)
                else:
                    self._samples_dropped += len(samples)
            case TextCame(text):
                self._fire_event(
                    WebSocketEvents.MESSAGE, WebSocketMessageEvent, private=self._keeping.privacy, text=text
                )
            case StreamStarted() as started:
                self._start(started)
            case StreamStopped(tag) if tag in self._streams:
                self._streams[tag].stop()
        if self._media.malformed > malformed == 0:
            self._host.warn(f"{self.id()} sent what can't be played, and it is ignored: {self._media.last_malformed}")

    def _start(self, started: StreamStarted) -> None:
        is_new = started.tag not in self._streams
        stream = self._stream(started.tag)
        if is_new and len(self._streams) > MOST_TAGS:
            del self._streams[started.tag]
            return
        self._host.trace("wire", unit=stream.id(), type="start", encoding=started.encoding)
        stream.start(started.rate, partial(self._media_started, started), partial(self._media_ended, started.tag))
        graph = self._host.graph
        routed = [tag for tag, other in self._streams.items() if graph.listeners(other.source)]
        if routed and started.tag not in routed and not self._is_unheard_told:
            self._is_unheard_told = True
            self._host.warn(
                f"{self.id()} sends a stream with the tag {started.tag!r}, and nobody hears it: sendMediaTo was told "
                f"the tag {routed[0]!r}"
            )

    def _media_started(self, started: StreamStarted) -> None:
        self._fire_event(
            WebSocketEvents.MEDIA_STARTED,
            WebSocketStreamStartedEvent,
            private=self._keeping.privacy,
            tag=started.tag or None,
            encoding=started.encoding,
            customParameters=started.parameters,
        )

    def _media_ended(self, tag: str, seconds: float) -> None:
        info = WebSocketMediaInfo(duration=seconds)
        self._fire_event(WebSocketEvents.MEDIA_ENDED, WebSocketStreamEndedEvent, tag=tag or None, mediaInfo=info)

    def _send(self, socket: Connection, text: str) -> None:
        dropped = socket.dropped
        self._trace_frame("sent", text)
        socket.send(text)
        if socket.dropped > dropped:
            self._host.warn(f"{self.id()} can't take that: too much waits to be sent, and this is lost")

    def _send_media(self, text: str) -> None:
        if self._socket is None or self._state is not WebSocketReadyState.OPEN:
            return
        self._socket.send(text)
        if self._keeping.trace:
            self._trace_frame("sent", text)

    # The end.

    async def _leave(self) -> None:
        """Close the connection and wait until it is."""
        self.close()
        await self._over.wait()

    def _lose(self, closed: Closed) -> None:
        """The peer broke off. A closing frame of its own, whatever the code, is no error of the connection's."""
        error = closed.error(f"{self.id()}: the connection")
        self._complain(error)
        if not closed.was_clean:
            self._fire_event(WebSocketEvents.ERROR, WebSocketErrorEvent, error=str(error))

    def _complain(self, error: RemoteError | ConfigurationError) -> None:
        """Have the session's outcome say so, unless the scenario wants to know and so can do something about it, or
        never asked for this peer.
        """
        is_told = self.listeners_of(WebSocketEvents.ERROR) or self.listeners_of(WebSocketEvents.CLOSE)
        if self._is_wanted and not is_told:
            self._broke(error)

    def _stop_sending(self) -> None:
        """End what goes out, and all routes to here."""
        for source in tuple(self._outgoing):
            self._host.graph.disconnect(source, self)
        self._outgoing.clear()
        self._state = WebSocketReadyState.CLOSING

    def _go_silent(self) -> None:
        self._stop_sending()
        for stream in self._streams.values():
            stream.end()
            self._host.graph.remove(stream.source)
        self._host.graph.remove(self)

    def _end(self, closed: Closed) -> None:
        self._go_silent()
        self._waiting_texts.clear()  # whoever keeps the WebSocket, as the trace does, does not keep them
        self._state = WebSocketReadyState.CLOSED
        self._fire_event(
            WebSocketEvents.CLOSE,
            WebSocketClosedEvent,
            code=int(closed.code),
            reason=closed.reason,
            wasClean=closed.was_clean,
        )

    def _trace_frame(self, direction: str, text: str) -> None:
        if not self._keeping.privacy:
            self._host.trace("wire", unit=self.id(), type=direction, text=text)

    def _trace_end(self, socket: Connection) -> None:
        self._host.trace(
            "losses",
            of=self.id(),
            messages_not_sent=self._unsent + socket.dropped,
            messages_malformed=self._media.malformed,
            samples_too_many=self._samples_dropped + sum(stream.dropped for stream in self._streams.values()),
        )
        if self._keeping.statistics:
            self._host.trace(
                "statistics",
                of=self.id(),
                messages_in=socket.messages_in,
                messages_out=socket.messages_out,
                bytes_in=socket.bytes_in,
                bytes_out=socket.bytes_out,
            )


def _never_open(reason: str) -> Closed:
    return Closed(WebSocketCloseCode.CLOSE_ABNORMAL, reason, was_clean=False)


_PROPERTIES: dict[str, str] = {
    WebSocketEvents.CREATED: "oncreated",
    WebSocketEvents.OPEN: "onopen",
    WebSocketEvents.MESSAGE: "onmessage",
    WebSocketEvents.ERROR: "onerror",
    WebSocketEvents.CLOSE: "onclose",
    WebSocketEvents.MEDIA_STARTED: "onmediastarted",
    WebSocketEvents.MEDIA_ENDED: "onmediaended",
}
