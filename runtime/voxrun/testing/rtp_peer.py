"""`RtpPeer`: who is at the far end of a scenario's RTP unit in a simulated call; `RtpFarEnd` plays it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, silence
from voxrun.media.datagrams import Datagram
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock
from voxrun.testing.air import Air
from voxrun.testing.caller import CallerAction, HangUp, Press
from voxrun.testing.caller_play import CallerPlay
from voxrun.testing.given import KEY, Given
from voxrun.testing.moments import Step
from voxrun.testing.news import News
from voxrun.testing.sounds import Render
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_session

PHASE_SECONDS = 0.003
"""Its clock is none of ours."""


@dataclass(frozen=True, slots=True)
class RtpPeer(Given):
    """Does the steps of a timeline from when the unit is there; one that is due before happens then.

    `remote` is the address of the unit; without it, whoever sends first. `codec`, `crypto` and `remoteCrypto` are as in
    `createRtpUnit`, seen from here: what is sent, this end's key and the unit's, if that has another one.
    """

    steps: Sequence[Step[CallerAction]] = ()
    codec: str = "PCMU"
    remote: str = ""
    crypto: Annotated[str | None, KEY] = field(default=None, repr=False)
    remoteCrypto: Annotated[str | None, KEY] = field(default=None, repr=False)


class RtpFarEnd:
    """Talks and listens, in packets through the air."""

    def __init__(self, local: str, peer: RtpPeer, news: News, render: Render, air: Air) -> None:
        """ConfigurationError for what is no address, codec or key, or when somebody else is at `local`."""
        parameters = RtpUnitParameters(local=local, remote=peer.remote, codec=peer.codec, rtcpMux=True)
        if peer.crypto is not None:
            parameters["crypto"] = peer.crypto
        if peer.remoteCrypto is not None:
            parameters["remoteCrypto"] = peer.remoteCrypto
        self._socket, _, settings = open_rtp_session(parameters, air.listen)
        self.digits: list[str] = []
        """Which keys the scenario pressed."""
        self.play = CallerPlay(peer.steps, settings.codec.audio_rate, news, render, self._act)
        self._silence = silence(settings.codec.audio_rate)
        self._news = news
        self._air = air
        self._lock = SourceLock(settings.remote)
        self._sender = RtpSender(settings.codec, settings.ptime, air.random)
        self._receiver = RtpReceiver(settings.codecs, self._lock)
        self._reporter = RtcpReporter(self._sender, "somebody@simulated")
        self._has_left = False

    @property
    def trouble(self) -> str:
        """Why the two could not understand each other; empty if they could."""
        if self._socket.unauthentic and not self._lock.is_locked:  # else some came twice or late
            return "they were sent what their keys don't open: RtpPeer(steps, crypto=…) has the key of the unit"
        if not self.play.said.seconds:
            return "no RTP unit came to talk to them"
        if self._receiver.dropped.unknown_payload_type:
            return "they were sent a codec that is not theirs: RtpPeer(steps, codec=…) says which it is"
        return ""

    async def run(self) -> None:
        """Talk and listen until hanging up."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._socket.pump, self._listen)
            await self._begun()
            begin = trio.current_time()
            for tick in itertools.count():
                await trio.sleep_until(begin + tick * FRAME_SECONDS)
                self._tick(self._news.now())
                if self._has_left:
                    break
            nursery.cancel_scope.cancel(reason="the peer has left")

    async def _begun(self) -> None:
        """Wait for the time to begin."""
        await trio.sleep(PHASE_SECONDS)

    def _tick(self, now: float) -> None:
        if not self._air.has(self._lock.remote):
            return
        frame = self.play.say()
        if self._has_left:
            return
        self._say(frame)
        self.play.hear(self._receiver.read(now))

    def _say(self, frame: Samples) -> None:
        for datagram in self._sender.write(frame, self._news.now()):
            self._send(datagram)

    def _send(self, datagram: bytes) -> None:
        if self._lock.remote is not None:
            self._socket.send(datagram, self._lock.remote)

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
            if not self._sender.packets:  # the other end knows by them whose goodbye this is
                self._say(self._silence)
            receiver = self._receiver
            self._send(self._reporter.goodbye(self._news.now(), receiver.ssrc or 0, receiver.reception))
