"""`RealtimeTTSPlayer`: an ElevenLabs voice that speaks text as it is written (reference: RealtimeTTSPlayer).

Its audio arrives faster than real time and waits in a playout buffer for its ticks. The protocol is in
`voxrun.protocol.elevenlabs.tts_client`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from voxrun.audio.fade import fade_in
from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.errors import LocalProtocolError, RemoteError, ScenarioError, VoxrunError
from voxrun.events.player import (
    PlaybackFinishedEvent,
    PlayerErrorEvent,
    PlayerEvent,
    PlayerEvents,
    PlayerStartedEvent,
)
from voxrun.media.host import UnitHost
from voxrun.media.parameters import one_object, text_of
from voxrun.media.playout import Playout
from voxrun.media.seam import Seam
from voxrun.media.unit import MediaSource
from voxrun.protocol.elevenlabs.tts_client import (
    ErrorReceived,
    FinalReceived,
    SpeechReceived,
    State,
    TTSClientProtocol,
    TTSEvent,
)
from voxrun.providers.elevenlabs.speech_request import SpeechRequest
from voxrun.providers.elevenlabs.speech_timeline import SpeechTimeline, SpokenCharacter
from voxrun.transports.websocket import OUTBOX_LIMIT, Closed, WebSocket, open_websocket

if TYPE_CHECKING:
    from voxrun.transports.network import Network

PLAYOUT_SECONDS = 300.0
"""How much speech may wait to be played."""

WAITING_TEXTS = 1000
"""How many messages may wait for the connection to open, of OUTBOX_LIMIT in all; more are dropped and counted."""

ANSWER_SECONDS = 10.0
"""How long the service may say nothing while the rest of a text is due and everything else was played."""


class RealtimeTTSPlayer(MediaSource):
    """Speaks `text` and what is sent later, over one connection, which it opens by itself.

    `PlaybackFinished` comes when all was heard of a turn that `append(text, True)` ended, after which more may follow,
    and of a text that an empty one ended, after which the player is over. Without either it never comes, unless the
    service breaks: then `Error` comes at once, and `PlaybackFinished` with the error when what there is was heard.
    """

    namespaces: ClassVar[tuple[type, ...]] = (PlayerEvents,)
    _noun = "player"

    def __init__(self, host: UnitHost, network: "Network", text: str, request: SpeechRequest) -> None:
        self._network = network
        self._request = request
        self._protocol = TTSClientProtocol(request.output_format)
        self._playout = Playout(request.output_format.rate, PLAYOUT_SECONDS)
        self._seam = Seam()
        self._timeline = SpeechTimeline(request.output_format.rate)
        self._socket: WebSocket | None = None
        self._waiting: list[str] = []  # frames for when it is open
        self._waiting_size = 0
        self._unsent = 0
        self._sent_at = 0.0
        self._answered = False  # speech came since the latest text
        self._is_due = False  # none came since the latest text that was to be spoken at once
        self._quiet_ticks = 0
        self._turn_ends = False  # `append` said so, and not all was heard yet
        self._paused = False
        self._stands_still = False  # and was heard to
        self._ready = False
        self._started = False
        self._ended = False
        self._error: VoxrunError | None = None
        self._broke = host.breaker()
        opening = _frame(self._protocol.initialize, request.initialization)
        super().__init__(host, "player")
        for secret in request.secrets:
            host.protect(secret)
        self.output.open(request.output_format.rate)
        self._fire_event(PlayerEvents.Created, PlayerEvent)
        self._send(opening)
        if text.strip():
            # Nobody may ever send more, and without a flush the service would wait until there is enough of it.
            self.sendText({"text": _spaced(text), "flush": True})
        host.spawn(self._converse)

    # What the scenario calls.

    @one_object
    def sendText(self, parameters: Mapping[str, Any]) -> None:
        """Speak a `text`, which should end with a space; the provider's other fields are sent as they are.

        The service waits until it has enough text, unless `flush` is true. An empty text ends the input.
        """
        if self._protocol.state is not State.SPEAKING:
            self._host.warn(f"{self.id()} takes no text any more; what is sent to it now is lost")
            return
        self._send(_frame(self._protocol.send_text, parameters))
        self._answered = False
        if parameters.get("flush") or not parameters["text"]:
            self._is_due = True
            self._quiet_ticks = 0

    def append(self, text: str, endOfTurn: bool = False) -> None:
        """Speak more; `endOfTurn` means that it must not wait for any further text."""
        spaced = _spaced(text_of("append", text))
        self.sendText({"text": spaced, "flush": True} if endOfTurn else {"text": spaced})
        self._turn_ends = self._turn_ends or endOfTurn

    def clearBuffer(self) -> None:
        """Drop what was not played yet: silence within one tick (20 ms).

        What is still to come of the texts so far is dropped as well, until the next text is sent.
        """
        self._timeline.cut(self._playout.size)
        self._playout.clear()
        self._seam.cut()
        self._protocol.clear()
        self._host.graph.clear(self)

    def pause(self) -> None:
        """Stand still; `resume` goes on from the same place. The sound fades out, and in again."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False

    def stop(self) -> None:
        """End the player for good; `PlayerEvents.Stopped` follows."""
        if not self._ended:
            self._leave()
            self._fire_event(PlayerEvents.Stopped, PlayerEvent)

    def alignment(self) -> list[SpokenCharacter]:
        """The characters of the text whose times are known so far, and when each is heard, played already or not.

        After `clearBuffer` those that were not played are gone: what is left is what was heard.
        """
        return self._timeline.characters()

    # Media.

    @property
    def waiting(self) -> float:
        """Seconds of speech that are still to be played."""
        return self._playout.size / self._playout.rate

    def produce(self) -> None:
        """Play 20 ms of the speech, or silence."""
        rate = self._playout.rate
        if self._paused and self._playout.size:
            if self._started:
                self._stands_still = True
                self._seam.cut()
            self.output.push(self._seam.join(silence(rate)))
            return
        frame = self._playout.take(frame_size(rate))
        if frame is None:
            self.output.push(self._seam.join(silence(rate)))
            self._rest()
        else:
            self._speak(frame)

    def _speak(self, frame: Samples) -> None:
        if not self._started:
            self._started = True
            self._fire_event(PlayerEvents.Started, PlayerStartedEvent, duration=0.0)
        self._quiet_ticks = 0
        self.output.push(self._seam.join(fade_in(frame) if self._stands_still else frame))
        self._stands_still = False

    def _rest(self) -> None:
        """Nothing is left to play for now: is it the end, or is something due?"""
        state = self._protocol.state
        if state in (State.FINISHED, State.CLOSED):
            self._leave()
            self._finish(self._error)
        elif self._turn_ends and state is State.SPEAKING and not self._protocol.unspoken:
            self._end_turn()
        elif (self._turn_ends or state is State.FINISHING) and self._socket is not None:
            self._quiet_ticks += 1
            if self._quiet_ticks * FRAME_SECONDS >= ANSWER_SECONDS:
                self._wait_no_longer()

    def _wait_no_longer(self) -> None:
        if self._is_due:
            self._fail(RemoteError(f"{self.id()}: {self._request.host} said nothing for {ANSWER_SECONDS:.0f} s"))
        elif self._protocol.state is State.FINISHING:
            self._protocol.close()
        else:
            self._end_turn()

    def _end_turn(self) -> None:
        self._turn_ends = self._started = False
        self._finish(None)

    # The connection.

    async def _converse(self) -> None:
        """Task: connect, send what waits, then serve the connection to its end."""
        try:
            async with open_websocket(self._network, self._request.url, headers=self._request.headers) as socket:
                if not self._ended:
                    await self._serve(socket)
        except VoxrunError as error:
            self._fail(error)
        finally:
            self._waiting.clear()  # whoever keeps the player, as the trace does, does not keep them

    async def _serve(self, socket: WebSocket) -> None:
        self._socket = socket
        for text in self._waiting:
            socket.send(text)
        self._waiting.clear()
        self._sent_at = trio.current_time()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_alive)
                closed = await socket.pump(self._receive)
                nursery.cancel_scope.cancel(reason="the connection is closed")
        finally:
            self._trace_losses(socket)
        self._lose(closed)

    async def _keep_alive(self) -> None:
        seconds = self._request.keep_alive_seconds
        while self._protocol.state is State.SPEAKING:
            if trio.current_time() >= self._sent_at + seconds:
                self._send(self._protocol.keep_alive())
            await trio.sleep_until(self._sent_at + seconds)

    def _receive(self, text: str | bytes) -> None:
        if self._request.trace:
            self._host.trace("wire", unit=self.id(), type="received", text=str(text))
        malformed = self._protocol.malformed
        for event in self._protocol.receive(text):
            self._take(event)
        if self._protocol.malformed > malformed == 0:
            self._host.warn(
                f"{self.id()} got what is not its protocol, and it is ignored: {self._protocol.last_malformed}"
            )

    def _take(self, event: TTSEvent) -> None:
        match event:
            case SpeechReceived():
                self._queue(event)
            case ErrorReceived(message, _, code):
                self._fail(RemoteError(f"{self.id()}: {self._request.host} says: {message}", code=code, reason=message))
            case FinalReceived():
                self._host.trace("wire", unit=self.id(), type="final")

    def _queue(self, speech: SpeechReceived) -> None:
        if speech.audio and not self._ready:
            self._ready = True
            self._fire_event(PlayerEvents.PlaybackReady, PlayerEvent)
        if not self._answered:  # once a text, as the service may send fifty messages a second
            self._answered = True
            self._host.trace("wire", unit=self.id(), type="audio")
        self._is_due = False
        self._quiet_ticks = 0
        before = self._playout.size
        self._playout.put(self._request.output_format.decode(speech.audio))
        self._timeline.add(self._playout.size - before, speech.alignment or speech.normalized)

    def _send(self, text: str) -> None:
        self._host.trace("wire", unit=self.id(), type="sent", text=text)
        self._sent_at = trio.current_time()
        if self._socket is not None:
            self._socket.send(text)
        elif len(self._waiting) < WAITING_TEXTS and self._waiting_size + len(text) <= OUTBOX_LIMIT:
            self._waiting.append(text)
            self._waiting_size += len(text)
        else:
            self._unsent += 1

    def _lose(self, closed: Closed) -> None:
        """The connection is gone: right after all was said, else an error."""
        if self._protocol.state is State.FINISHING and closed.is_ordinary:
            self._protocol.close()
        elif self._protocol.state in (State.SPEAKING, State.FINISHING):
            self._fail(closed.error(f"{self.id()}: the voice's connection"))

    def _trace_losses(self, socket: WebSocket) -> None:
        self._host.trace(
            "losses",
            of=self.id(),
            messages_not_sent=self._unsent + socket.dropped,
            messages_malformed=self._protocol.malformed,
            messages_of_cleared_texts=self._protocol.cleared_speech,
            samples_too_many=self._playout.dropped,
            characters_forgotten=self._timeline.forgotten,
        )

    # The end.

    def _fail(self, error: VoxrunError) -> None:
        """Say so now; the player ends when what came before was played."""
        if self._ended:
            return
        self._error = error
        self._protocol.close()
        if self._socket is not None:
            self._socket.close()
        self._broke(error)
        self._fire_event(PlayerEvents.Error, PlayerErrorEvent, error=str(error))

    def _finish(self, error: VoxrunError | None) -> None:
        reason = None if error is None else str(error)
        self._fire_event(PlayerEvents.PlaybackFinished, PlaybackFinishedEvent, error=reason)

    def _leave(self) -> None:
        self._ended = True
        self._protocol.close()
        self._playout.clear()
        if self._socket is not None:
            self._socket.close()
        self._host.graph.remove(self)


def _spaced(text: str) -> str:
    """The service wants a space behind each piece; an empty piece would end the text."""
    return text if text.endswith(" ") else f"{text} "


def _frame(encode: Callable[[Mapping[str, Any]], str], parameters: Mapping[str, Any]) -> str:
    """ScenarioError when `parameters` can't be sent."""
    try:
        return encode(parameters)
    except LocalProtocolError as error:
        raise ScenarioError(str(error)) from error
