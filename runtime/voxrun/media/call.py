"""`Call`: a call as the scenario sees it, one leg behind it."""

import enum
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, TypeVar, Unpack, overload

import trio

from voxrun.audio.frame import FRAME_MS, Samples, silence
from voxrun.errors import ScenarioError
from voxrun.events.call import CallEvent, CallEvents, ConnectedEvent, DisconnectedEvent, ToneReceivedEvent
from voxrun.events.name import EventName
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inbox
from voxrun.media.leg import Leg, Party
from voxrun.media.level_tap import LevelTap, Peaks
from voxrun.media.line import AudioCame, AudioResumed, AudioStopped, FarEndLeft, FrameCame, LineNews, ToneCame
from voxrun.media.parameters import merged, status_of, text_of
from voxrun.media.progress_tones import RINGING
from voxrun.media.sounds import AudioRequest
from voxrun.media.tone_source import ToneSource
from voxrun.media.unit import MediaSource

if TYPE_CHECKING:
    from voxrun.media.call_playback import CallPlayback
    from voxrun.media.call_recorder import CallRecorder
    from voxrun.media.playback import OpenSource

E = TypeVar("E")

TICKS_PER_SECOND = 1000 // FRAME_MS

RING_SECONDS = 60.0
"""An incoming call that nobody answers ends after this long, with code 408 (VoxEngine's limit)."""

_LINE_EVENTS = {
    AudioCame: CallEvents.FirstAudioPacketReceived,
    AudioStopped: CallEvents.RtpStopped,
    AudioResumed: CallEvents.RtpResumed,
}


class CallState(enum.StrEnum):
    """VoxEngine's names of what a call can be in."""

    ALERTING = "ALERTING"
    PROGRESSING = "PROGRESSING"
    CONNECTED = "CONNECTED"
    TERMINATED = "TERMINATED"


_CONNECTED = CallState.CONNECTED  # asked for in each tick, and an enum's members are slow to look up before Python 3.12


class CallSayParameters(TypedDict, total=False):
    """`voice`: its name for espeak-ng ("en-us+f3") or its voice_id at ElevenLabs.

    `progressivePlayback` changes nothing: the text is spoken as a whole first.
    """

    voice: str
    progressivePlayback: bool


class StartPlaybackParameters(TypedDict, total=False):
    """`loop`: play again and again; `progressivePlayback` changes nothing."""

    loop: bool
    progressivePlayback: bool


class CallRecordParameters(TypedDict, total=False):
    """`name`: the file (wav, flac, ogg or mp3), relative to the current folder; without one `recording-1.wav`.

    `stereo`: left what the call says, right what it hears. `transcribe`: put a transcript beside it, a line of JSON
    for each event.
    """

    name: str
    stereo: bool
    transcribe: bool


class Call(MediaSource):
    """An incoming call. It receives one stream; a new one replaces the one before."""

    namespaces: ClassVar[tuple[type, ...]] = (CallEvents,)
    _noun = "call"
    mixes = False

    def __init__(self, host: UnitHost, leg: Leg, party: Party) -> None:
        super().__init__(host, "call")
        self._leg = leg
        self._party = party
        self._state = CallState.ALERTING
        self._custom_data = party.customData
        self._connected_at = 0.0
        self._ringing = trio.CancelScope()
        self._life = trio.CancelScope()
        self._inbox = Inbox(leg.rate)
        self._levels = LevelTap(host.now, self._tell_levels)
        self._waiting: dict[str, float] = {}  # the most that waited in each unit since levels were told
        self._playback: CallPlayback | None = None
        self._recorder: CallRecorder | None = None
        self.output.open(leg.rate)
        self._ahead: deque[Samples] = deque()  # what was sent on before its tick
        self.said: Samples = silence(leg.rate)
        """What came from the caller in the last tick: (n,) int16."""
        self.heard: Samples = silence(leg.rate)
        """What went to the caller in the last tick: (n,) int16."""
        self._handles_tones: bool | None = None  # the scenario has not said
        if leg.line is not None:
            leg.line.listen(self._hear_of)
        host.spawn(self._ring_out)

    def callerid(self) -> str:
        """The caller's number."""
        return self._party.callerid

    def number(self) -> str:
        """The number that was dialled."""
        return self._party.destination

    def displayName(self) -> str:
        """The caller's name, as the caller gave it."""
        return self._party.displayName

    def incoming(self) -> bool:
        """True: the other side called."""
        return True

    def state(self) -> str:
        """ALERTING, PROGRESSING, CONNECTED or TERMINATED."""
        return self._state.value

    def customData(self, customData: str | None = None) -> str:
        """The call's own text: set it when one is given, then return it."""
        if customData is not None:
            self._custom_data = customData
        return self._custom_data

    def ring(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Let the caller hear that it rings."""
        if self._state is CallState.ALERTING:
            self._enter(CallState.PROGRESSING)

    def answer(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Take the call; `CallEvents.Connected` follows. Answering twice, or after the end, changes nothing."""
        if self._state in (CallState.CONNECTED, CallState.TERMINATED):
            self._host.warn(f"{self.id()}.answer() has no effect: the call is {self._state.value}")
            return
        self._enter(CallState.CONNECTED)
        self._ringing.cancel(reason="the call is answered")
        self._connected_at = self._host.now()
        self._host.graph.changed()
        self._host.spawn(self._carry)
        connected = CallEvents.Connected
        self._fire_event(connected, ConnectedEvent, headers=self._party.headers, customData=self._custom_data)
        self._fire_event(CallEvents.AudioStarted, CallEvent)

    def reject(self, code: int, extraHeaders: Mapping[str, str] | None = None) -> None:
        """Refuse a call that was not answered, with a SIP status such as 486 (busy) or 603 (declined)."""
        self._end(status_of("call.reject", code), "Rejected")

    def decline(self, code: int, extraHeaders: Mapping[str, str] | None = None) -> None:
        """The same as `reject`."""
        self._end(status_of("call.decline", code), "Declined")

    def hangup(self, extraHeaders: Mapping[str, str] | None = None) -> None:
        """End the call; `CallEvents.Disconnected` follows."""
        self._end(200, "Normal call clearing")

    def handleTones(self, doHandle: bool) -> None:
        """Have `CallEvents.ToneReceived` fire for each key that the caller presses, or not; at first it does not."""
        self._handles_tones = doHandle

    def sendDigits(self, digits: str) -> None:
        """Send tones (0-9, *, #, A-D) instead of what the call hears; p pauses 2 s. ScenarioError for anything else."""
        from voxrun.protocol.rtp.dtmf import check_digits  # noqa: PLC0415 - few calls send digits

        try:
            check_digits(text_of("call.sendDigits", digits))
            if self._leg.line is not None and self._state is CallState.CONNECTED:
                self._leg.line.send_digits(digits)
                return
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        what = f"is {self._state.value}" if self._leg.line else "has no way to carry tones"
        self._host.warn(f"{self.id()}.sendDigits() has no effect: the call {what}")

    def say(
        self, text: str, parameters: CallSayParameters | None = None, /, **keywords: Unpack[CallSayParameters]
    ) -> None:
        """Speak `text`, of at most 1500 characters, instead of all that the call hears; that does not come back.

        `PlaybackReady`, `PlaybackStarted` and `PlaybackFinished` follow. A say or playback before ends without a word.
        """
        options = merged("call.say", CallSayParameters, parameters, keywords)
        self._play("say", partial(self._host.sounds.speak, text_of("call.say", text), options.get("voice")), loop=False)

    def startPlayback(
        self,
        url: str,
        parameters: StartPlaybackParameters | None = None,
        /,
        **keywords: Unpack[StartPlaybackParameters],
    ) -> None:
        """Play an audio file (a path, file URL, or http or https address) as `say` speaks."""
        options = merged("call.startPlayback", StartPlaybackParameters, parameters, keywords)
        opens = partial(self._host.sounds.open, AudioRequest(url))
        self._play("startPlayback", opens, loop=options.get("loop", False))

    def playProgressTone(self, country: str) -> None:
        """Play as `startPlayback` does what one hears in that country (US, GB, DE, RU) while it rings, without end."""
        if text_of("call.playProgressTone", country).upper() not in RINGING:
            raise ScenarioError(f"there is no progress tone of '{country}': there are those of {', '.join(RINGING)}")
        from voxrun.dsl.tonescript import parse_tone_script  # noqa: PLC0415 - its parser is slow to start

        tones = ToneSource(parse_tone_script(RINGING[country.upper()]))
        self._play("playProgressTone", tones.opened, loop=False)

    def stopPlayback(self) -> None:
        """End what `say` or `startPlayback` plays, without `PlaybackFinished`."""
        if self._playback is not None:
            self._playback.stop()
            self._playback = None

    @overload
    def record(self, parameters: CallRecordParameters, /) -> None: ...
    @overload
    def record(self, /, **keywords: Unpack[CallRecordParameters]) -> None: ...
    def record(self, parameters: CallRecordParameters | None = None, /, **keywords: Any) -> None:
        """Record both sides of the call, at its own rate, from its connection to its end.

        `RecordStarted`, and after the end `RecordStopped`, tell the file's URL. After `RecordError` it may be repeated.
        """
        from voxrun.media.call_recorder import CallRecorder  # noqa: PLC0415 - few calls are recorded
        from voxrun.media.recording import new_take  # noqa: PLC0415 - few calls are recorded

        options = merged("call.record", CallRecordParameters, parameters, keywords)
        if self._recorder is not None and self._recorder.has_failed:
            self._recorder.stop()
            self._recorder = None
        if self._state is CallState.TERMINATED or self._recorder is not None:
            what = "is TERMINATED" if self._state is CallState.TERMINATED else "is recorded already"
            self._host.warn(f"{self.id()}.record() has no effect: the call {what}")
            return
        stereo = options.get("stereo", False)
        transcribe = options.get("transcribe", False)
        channels = 2 if stereo else 1
        take = new_take(self._host, options.get("name"), rate=self._leg.rate, channels=channels, transcribe=transcribe)
        self._recorder = CallRecorder(self._host, self, take, stereo=stereo)

    @property
    def waiting(self) -> float:
        """Seconds of audio on its way to the caller that are here already."""
        return len(self._inbox) / self._leg.rate

    def inlet(self, source: Source) -> Inlet | None:
        """Live while the call is connected."""
        return self._inbox.inlet if self._state is _CONNECTED else None

    def detach(self, source: Source) -> None:
        """What the sender had ahead of the tick is not heard any more."""
        self._inbox.cut()

    def clear(self) -> None:
        """What the caller was sent is not wanted any more, wherever it waits at the far end."""
        if self._leg.line is not None:
            self._leg.line.clear()

    def produce(self) -> None:
        """Take the caller's frame and send it on, unless that was done ahead of the tick."""
        if self._state is _CONNECTED:
            self.said = self._leg.read()
            if self._ahead and self.said is self._ahead[0]:
                self._ahead.popleft()
            else:
                self.output.push(self.said)

    def consume(self) -> None:
        """Give the caller the frame that came, or silence."""
        if self._state is _CONNECTED:
            self.heard = self._inbox.take()
            self._leg.write(self.heard)
            position = self._host.graph.position
            self._levels.take(position, self.said, self.heard)
            if position % TICKS_PER_SECOND == 0:
                self._note_waiting()

    def _play(self, what: str, open_source: "OpenSource", *, loop: bool) -> None:
        from voxrun.media.call_playback import CallPlayback  # noqa: PLC0415 - few calls are played to

        if self._state is not CallState.CONNECTED:
            self._host.warn(f"{self.id()}.{what}() has no effect: the call is {self._state.value}")
            return
        self.stopPlayback()
        self._playback = CallPlayback(self._host, self, open_source, loop=loop)

    def _tell_levels(self, began: float, said: Peaks, heard: Peaks) -> None:
        self._host.trace(
            "level",
            unit=self.id(),
            began=round(began, 4),
            said=said,
            heard=heard,
            waiting=self._waiting,
            samples_too_many=self._inbox.dropped,
        )
        self._waiting = {}

    def _note_waiting(self) -> None:
        for unit, seconds in self._host.graph.waiting().items():
            self._waiting[unit] = max(seconds, self._waiting.get(unit, 0.0))

    def _hear_of(self, news: LineNews) -> None:
        if isinstance(news, FarEndLeft):
            self._end(200, "The caller hung up")
        if self._state is not CallState.CONNECTED:
            return
        if isinstance(news, FrameCame):
            self._ahead.append(news.frame)
            self.output.push(news.frame)
        elif not isinstance(news, ToneCame):
            self._fire_event(_LINE_EVENTS[type(news)], CallEvent)
        elif self._handles_tones:
            self._fire_event(CallEvents.ToneReceived, ToneReceivedEvent, tone=news.digit)
        elif self._handles_tones is None and self.listeners_of(CallEvents.ToneReceived):
            self._handles_tones = False
            event = CallEvents.ToneReceived
            self._host.warn(f"{self.id()} hears keys, but {event} only fires after call.handleTones was called")

    def _fire_event(self, event: EventName[E], payload: Callable[..., E], **values: Any) -> None:
        """As any target does it; a call's events have its id as well."""
        super()._fire_event(event, payload, id=self.id(), **values)

    def _enter(self, state: CallState) -> None:
        self._state = state
        self._host.trace("call", unit=self.id(), state=state.value)

    def _end(self, code: int, reason: str) -> None:
        if self._state is CallState.TERMINATED:
            return
        connected = self._state is CallState.CONNECTED
        duration = self._host.now() - self._connected_at if connected else 0.0
        self._enter(CallState.TERMINATED)
        self._ringing.cancel(reason="the call is over")
        self._life.cancel(reason="the call is over")
        self.stopPlayback()
        if self._recorder is not None:
            self._recorder.stop()
        self._host.graph.remove(self)
        if self._leg.line is not None and not connected:
            self._leg.line.hang_up()
        self._fire_event(
            CallEvents.Disconnected,
            DisconnectedEvent,
            internalCode=code,
            reason=reason,
            duration=round(duration),
            direction="Incoming",
            headers=self._party.headers,
        )
        self._host.call_ended()

    async def _ring_out(self) -> None:
        with self._ringing:
            await trio.sleep(RING_SECONDS)
            self._end(408, f"Not answered within {RING_SECONDS:.0f} s")

    async def _carry(self) -> None:
        if self._leg.line is None:  # nobody else tells of it
            self._hear_of(AudioCame())
        try:
            with self._life:
                await self._leg.carry(self._host)
                await trio.sleep_forever()
        finally:
            self._levels.flush()
            self._host.trace("losses", of=self.id(), samples_too_many=self._inbox.dropped)
