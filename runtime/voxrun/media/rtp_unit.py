"""`RtpUnit`: an RTP session as a unit of a scenario."""

from typing import ClassVar

import trio

from voxrun.audio.frame import Samples
from voxrun.errors import ScenarioError
from voxrun.events.rtp_unit import RtpToneReceivedEvent, RtpUnitEvent, RtpUnitEvents
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inbox
from voxrun.media.line import AudioCame, AudioResumed, AudioStopped, FarEndLeft, FrameCame, LineNews, ToneCame
from voxrun.media.parameters import text_of
from voxrun.media.rtp_leg import RtpLeg
from voxrun.media.unit import MediaSource

_EVENTS = {
    AudioCame: RtpUnitEvents.FirstAudioPacketReceived,
    AudioStopped: RtpUnitEvents.RtpStopped,
    AudioResumed: RtpUnitEvents.RtpResumed,
    FarEndLeft: RtpUnitEvents.PeerLeft,
}


class RtpUnit(MediaSource):
    """Sends what it is sent, and what it receives, until `stop` or the end of the session.

    It receives one stream; a new one replaces the one before.
    """

    namespaces: ClassVar[tuple[type, ...]] = (RtpUnitEvents,)
    _noun = "unit"
    mixes = False

    def __init__(self, host: UnitHost, leg: RtpLeg) -> None:
        super().__init__(host, "rtp")
        self._leg = leg
        self._inbox = Inbox(leg.rate)
        self._ahead: Samples | None = None  # what was sent on before its tick
        self._life = trio.CancelScope()
        self.output.open(leg.rate)
        leg.listen(self._receive)
        host.spawn(self._carry)

    def localAddress(self) -> str:
        """Where it listens: "127.0.0.1:4000"."""
        return "{}:{}".format(*self._leg.local)

    def sendDigits(self, digits: str) -> None:
        """Send the tones of 0-9, *, #, A-D (RFC 4733) in place of the audio; `p` pauses for 2 s.

        ScenarioError for anything else.
        """
        if self not in self._host.graph:
            self._host.warn(f"{self.id()}.sendDigits() has no effect: the unit was stopped")
            return
        try:
            self._leg.send_digits(text_of("sendDigits", digits))
        except ValueError as error:
            raise ScenarioError(str(error)) from None

    def stop(self) -> None:
        """Say goodbye and close the port, for good."""
        self._host.graph.remove(self)
        self._leg.leave(self._host)  # now, as the scenario may want the port for another unit
        self._life.cancel(reason="the RTP unit is stopped")

    def inlet(self, source: Source) -> Inlet | None:
        """Live until it is stopped."""
        return self._inbox.inlet

    def detach(self, source: Source) -> None:
        """What the sender had ahead of the tick is not heard any more."""
        self._inbox.cut()

    def produce(self) -> None:
        """Send on what came from the peer for this tick, unless that was done ahead of it."""
        frame = self._leg.read()
        if frame is not self._ahead:
            self.output.push(frame)

    def consume(self) -> None:
        """Give the peer what came in this tick, or silence."""
        self._leg.write(self._inbox.take())

    def _receive(self, news: LineNews) -> None:
        if isinstance(news, FrameCame):
            self._ahead = news.frame
            self.output.push(news.frame)
        elif isinstance(news, ToneCame):
            self._fire_event(RtpUnitEvents.ToneReceived, RtpToneReceivedEvent, tone=news.digit)
        else:
            self._fire_event(_EVENTS[type(news)], RtpUnitEvent)

    async def _carry(self) -> None:
        try:
            with self._life:
                await trio.lowlevel.checkpoint_if_cancelled()  # nobody can listen at a port that was given back
                await self._leg.carry(self._host)
        finally:
            self._leg.leave(self._host)
            self._host.trace("losses", of=self.id(), samples_too_many=self._inbox.dropped)
