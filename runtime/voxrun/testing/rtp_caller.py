"""`RtpCaller`: a simulated caller at the far end of an RTP session, whose near end is the runtime's own leg."""

import itertools

import trio

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.media.datagrams import Datagram, SocketAddress
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import codec_named
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock
from voxrun.testing.air import Air
from voxrun.testing.caller import Caller, CallerAction, HangUp, Press
from voxrun.testing.caller_play import CallerPlay
from voxrun.testing.moments import After, event
from voxrun.testing.news import News
from voxrun.testing.sounds import Render

NEAR: SocketAddress = ("192.0.2.1", 4000)
FAR: SocketAddress = ("192.0.2.2", 4000)
_PHASE_SECONDS = 0.003  # its clock is none of ours


class RtpCaller:
    """Begins to send when it hears that the call was answered."""

    def __init__(self, caller: Caller, news: News, render: Render, air: Air) -> None:
        codec = codec_named(caller.rtp or "")
        self.digits: list[str] = []
        """What the scenario sent."""
        self._news = news
        near, self._socket = air.listen(*NEAR), air.listen(*FAR)
        self.leg = RtpLeg(near, near, RtpSettings(codec=codec, remote=FAR), air.random)
        self.play = CallerPlay(caller, codec.audio_rate, news, render, self._act)
        self._sender = RtpSender(codec, 20, air.random)
        self._receiver = RtpReceiver([codec], SourceLock(NEAR))
        self._reporter = RtcpReporter(self._sender, "caller@simulated")
        self._has_left = False

    async def run(self) -> None:
        """Talk and listen until hanging up."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._socket.pump, self._listen)
            await self._answered()
            begin = trio.current_time() + _PHASE_SECONDS
            for tick in itertools.count():
                await trio.sleep_until(begin + tick * FRAME_SECONDS)
                self._tick(self._news.now())
                if self._has_left:
                    break
            nursery.cancel_scope.cancel(reason="the caller has hung up")

    async def _answered(self) -> None:
        await self._news.come(After(event("Call.Connected"), 0.0), self._news.beginning)

    def _tick(self, now: float) -> None:
        frame = self.play.say()
        if self._has_left:
            return
        for datagram in self._sender.write(frame, now):
            self._socket.send(datagram, NEAR)
        self.play.hear(self._receiver.read(now))

    def _listen(self, came: list[Datagram]) -> None:
        for datagram, source in came:
            digit = None if is_rtcp(datagram) else self._receiver.receive(datagram, source, self._news.now())
            if digit is not None:
                self.digits.append(digit)

    def _act(self, action: CallerAction) -> None:
        if isinstance(action, Press):
            self._sender.tones.send(action.digits)
        elif isinstance(action, HangUp):
            self._has_left = True
            now, receiver = self._news.now(), self._receiver
            self._socket.send(self._reporter.goodbye(now, receiver.ssrc or 0, receiver.reception), NEAR)
