"""`RtpLeg`: an RTP session on the tick, as the leg of a call or inside an `RtpUnit`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random, SystemRandom

import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, silence
from voxrun.media.datagrams import Datagram, Datagrams, SocketAddress
from voxrun.media.host import UnitHost
from voxrun.media.line import AudioCame, AudioResumed, AudioStopped, FarEndLeft, FrameCame, Line, LineNews, ToneCame
from voxrun.protocol.rtp.codecs import CODECS, Codec
from voxrun.protocol.rtp.packet import is_rtcp
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.reporting import RtcpReporter
from voxrun.protocol.rtp.rtcp import next_interval
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock

STOPPED_SECONDS = 7.0
"""No RTP for so long is worth an event (VoxEngine's time)."""

_DYNAMIC = 96  # payload types from here on mean what both ends agreed on (RFC 3551, section 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpSettings:
    """`remote`: where the peer is said to be; without one, whoever sends first. `ptime`: ms of audio in a packet."""

    codec: Codec
    remote: SocketAddress | None = None
    ptime: int = 20
    silence_suppression: bool = False
    """Send nothing while there is nothing to hear, instead of packets of silence."""

    @property
    def codecs(self) -> list[Codec]:
        """What is taken: that codec first, and all that have a static payload type."""
        return [self.codec, *(it for it in CODECS.values() if it.payload_type < _DYNAMIC and it is not self.codec)]


class RtpLeg:
    """Takes the settings' codecs, and sends the first.

    Both its times, of reading and of writing, are the deadline of the tick, so that a late tick neither moves the
    timestamps sent nor looks like a late packet.
    """

    def __init__(self, rtp: Datagrams, rtcp: Datagrams, settings: RtpSettings, random: Random | None = None) -> None:
        """`rtcp` is `rtp` itself when both share a port; both are closed when the leg is."""
        codec = settings.codec
        self._random = random or SystemRandom()
        self._sockets = [rtp] if rtcp is rtp else [rtp, rtcp]
        self._lock = SourceLock(settings.remote)
        self._receiver = RtpReceiver(settings.codecs, self._lock)
        self._sender = RtpSender(codec, settings.ptime, self._random)
        cname = f"{self._random.getrandbits(96):024x}"  # one that says nothing of this machine (RFC 7022)
        self._reporter = RtcpReporter(self._sender, cname)
        self._silence = silence(codec.audio_rate) if settings.silence_suppression else None
        self._listener: Callable[[LineNews], None] = _ignore
        self._host: UnitHost | None = None
        self._origin = math.inf  # when tick 0 was due, in seconds of the session
        self._audio_flows: bool | None = None  # None before the first
        self._foreign_reports = 0
        self._has_left = False
        self.rate = codec.audio_rate

    @property
    def local(self) -> SocketAddress:
        """Where it listens for RTP."""
        return self._sockets[0].local

    @property
    def line(self) -> Line:
        """Itself: RTP has tones, and says when it stops."""
        return self

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """Have `receive` told what happens from now on."""
        self._listener = receive

    def send_digits(self, digits: str) -> None:
        """Send tones in place of the audio, after those that wait; `p` is a pause. ValueError for anything else."""
        self._sender.tones.send(digits)

    def clear(self) -> None:
        """Nothing: the far end plays what comes as it comes."""

    def hang_up(self) -> None:
        """Nothing: no report was sent yet, so there is none to take leave of."""

    def close(self) -> None:
        """Close the sockets; any number of times."""
        for socket in self._sockets:
            socket.close()

    def leave(self, host: UnitHost) -> None:
        """Say goodbye to the far end and close; any number of times."""
        if not self._has_left:
            self._has_left = True
            self._send_report(self._reporter.goodbye, host)
        self.close()

    async def carry(self, host: UnitHost) -> None:
        """Receive, and report to the far end, until cancelled; say goodbye then, and close."""
        self._host = host
        try:
            async with trio.open_nursery() as nursery:
                for socket in self._sockets:
                    nursery.start_soon(socket.pump, partial(self._hear, host))
                nursery.start_soon(self._report, host)
        finally:
            self.leave(host)
            self._trace_losses(host)

    def read(self) -> Samples:
        """The far end's next 20 ms."""
        if self._host is None:
            return silence(self.rate)
        elapsed = self._host.graph.position * FRAME_SECONDS
        self._origin = min(self._origin, self._host.now() - elapsed)  # the least late tick knows best
        now = self._origin + elapsed
        self._watch(now)
        return self._receiver.read(now)

    def write(self, frame: Samples) -> None:
        """The next 20 ms for the far end; nothing is sent as long as nobody knows where it is."""
        remote = self._lock.remote
        is_suppressed = frame is self._silence and not (self._sender.tones.is_busy or self._sender.is_midway)
        if self._host is None or remote is None or is_suppressed:
            return
        for datagram in self._sender.write(frame, self._origin + self._host.graph.position * FRAME_SECONDS):
            self._sockets[0].send(datagram, remote)

    def _hear(self, host: UnitHost, came: list[Datagram]) -> None:
        for datagram, source in came:
            if is_rtcp(datagram):
                self._learn(datagram, source, host.now())
            elif (digit := self._receiver.receive(datagram, source, host.now())) is not None:
                self._listener(ToneCame(digit))
        frame = self._receiver.read_ahead(self._origin + (host.graph.position + 1) * FRAME_SECONDS)
        if frame is not None:
            self._listener(FrameCame(frame))

    def _learn(self, datagram: bytes, source: SocketAddress, now: float) -> None:
        """Take RTCP from the peer's machine; its port says nothing, as the peer may be behind a translator."""
        remote = self._lock.remote
        if remote is None or source[0] != remote[0]:
            self._foreign_reports += 1
            return
        left = self._reporter.far_end.left
        self._reporter.receive(datagram, now, -1 if self._receiver.ssrc is None else self._receiver.ssrc)
        if self._reporter.far_end.left != left:
            self._listener(FarEndLeft())

    async def _report(self, host: UnitHost) -> None:
        is_first = True
        while True:
            await trio.sleep(next_interval(self._random.random, is_first=is_first))
            is_first = False
            self._send_report(self._reporter.report, host)

    def _send_report(self, build: Callable[..., bytes], host: UnitHost) -> None:
        remote = self._lock.remote
        if remote is not None:
            is_shared = len(self._sockets) == 1
            port = remote[1] if is_shared else remote[1] + 1
            compound = build(host.now(), self._receiver.ssrc or 0, self._receiver.reception)
            self._sockets[-1].send(compound, (remote[0], port))

    def _watch(self, now: float) -> None:
        last = self._receiver.last_media_at
        if last is None or self._receiver.last_audio_at is None:
            return
        flows = now - last < STOPPED_SECONDS
        if flows is not self._audio_flows:
            came = AudioCame if self._audio_flows is None else AudioResumed
            self._audio_flows = flows
            self._listener(came() if flows else AudioStopped())

    def _trace_losses(self, host: UnitHost) -> None:
        receiver, far_end = self._receiver, self._reporter.far_end
        counters, reception = receiver.buffer.counters, receiver.reception
        host.trace(
            "losses",
            of="RTP at {}:{}".format(*self.local),
            packets_lost=reception.loss().cumulative if reception else 0,
            packets_late=counters.late,
            packets_dropped=counters.dropped + counters.strange + (reception.misplaced if reception else 0),
            packets_malformed=receiver.dropped.malformed + self._reporter.malformed,
            packets_of_unknown_type=receiver.dropped.unknown_payload_type,
            packets_of_strangers=self._lock.strangers + receiver.dropped.probation + self._foreign_reports,
            packets_not_authentic=sum(socket.unauthentic for socket in self._sockets),
            packets_not_sent=sum(socket.unsent for socket in self._sockets),
            concealed_share=round(counters.concealed_share, 4),
            packets_received=reception.received if reception else 0,
            packets_sent=self._sender.packets,
            packets_lost_there=far_end.lost,
            round_trip_ms=far_end.round_trip_ms,
        )


def _ignore(news: LineNews) -> None:
    """Nobody listens yet."""
