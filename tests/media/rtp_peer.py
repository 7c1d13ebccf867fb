"""A peer for RTP in virtual time: a cable of datagrams, and who sits at its other end."""

import math
from collections.abc import Callable
from functools import partial
from random import Random

import numpy as np
import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size, silence
from voxrun.media.datagrams import Datagram, Datagrams, SocketAddress
from voxrun.protocol.rtp.codecs import COMFORT_NOISE, Codec
from voxrun.protocol.rtp.packet import RtpPacket, build_packet, is_rtcp, parse_packet
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.rtcp import RtcpPacket, parse_compound
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock
from voxrun.transports.srtp import Srtp, SrtpDatagrams

OURS: SocketAddress = ("10.0.0.1", 4000)
PEER: SocketAddress = ("10.0.0.2", 4002)
STRANGER: SocketAddress = ("10.0.0.3", 4002)


class Cable:
    """A network of memory: who is connected gets what is sent to it at once; the rest is lost."""

    def __init__(self) -> None:
        self.ends: dict[SocketAddress, CableEnd] = {}

    def end(self, local: SocketAddress) -> "CableEnd":
        """A socket on it."""
        self.ends[local] = CableEnd(self, local)
        return self.ends[local]


class CableEnd:
    """`Datagrams` on a cable."""

    def __init__(self, cable: Cable, local: SocketAddress) -> None:
        self.local = local
        self.unsent = self.unauthentic = 0
        self.is_closed = False
        self._cable = cable
        self._put, self._take = trio.open_memory_channel[Datagram](math.inf)

    def send(self, datagram: bytes, remote: SocketAddress) -> None:
        """Deliver it."""
        assert not self.is_closed
        if remote in self._cable.ends:
            self._cable.ends[remote].deliver(datagram, self.local)

    def deliver(self, datagram: bytes, source: SocketAddress) -> None:
        """Let it arrive here, as if from `source`."""
        self._put.send_nowait((datagram, source))

    async def pump(self, hear: Callable[[list[Datagram]], None]) -> None:
        """See `Datagrams`."""
        while True:
            came = [await self._take.receive()]
            while self._take.statistics().current_buffer_used:
                came.append(self._take.receive_nowait())
            hear(came)

    def close(self) -> None:
        """Nothing is sent from here any more."""
        self.is_closed = True


class Peer:
    """Says samples from the moment it runs, in real time, and keeps all that comes."""

    def __init__(self, cable: Cable, codec: Codec, says: Samples, *, srtp: Srtp | None = None) -> None:
        ends = [cable.end(PEER), cable.end((PEER[0], PEER[1] + 1))]
        self._ends: list[Datagrams] = [SrtpDatagrams(end, srtp) for end in ends] if srtp else [*ends]
        self.sender = RtpSender(codec, 20, Random(7))
        self.frames: list[Samples] = []
        self.packets: list[tuple[float, RtpPacket]] = []
        self.compounds: list[list[RtcpPacket]] = []
        self.compound_ports: set[int] = set()
        self.digits = ""
        self.is_muted = False
        self.noise: bytes | None = None
        """What it says of its room, once a second, when it is muted."""
        self._receiver = RtpReceiver([codec], SourceLock(OURS))
        self._says = says
        self._size = frame_size(codec.audio_rate)
        self._quiet = silence(codec.audio_rate)

    @property
    def heard(self) -> Samples:
        """All of it."""
        return np.concatenate(self.frames)

    async def run(self) -> None:
        """Talk and listen until cancelled."""
        async with trio.open_nursery() as nursery:
            for end in self._ends:
                nursery.start_soon(end.pump, partial(self._listen, end.local[1]))
            begin = trio.current_time()
            tick = 0
            while True:
                await trio.sleep_until(begin + tick * FRAME_SECONDS + 0.003)
                self._tick(tick, trio.current_time())
                tick += 1

    def _tick(self, tick: int, now: float) -> None:
        frame = self._says[tick * self._size : (tick + 1) * self._size]
        if not self.is_muted:
            for datagram in self.sender.write(frame if len(frame) == self._size else self._quiet, now):
                self._ends[0].send(datagram, OURS)
        elif self.noise is not None and tick % 50 == 0:
            noise = RtpPacket(COMFORT_NOISE, tick // 50, 0, self.sender.ssrc, self.noise)
            self._ends[0].send(build_packet(noise), OURS)
        self.frames.append(self._receiver.read(now))

    def _listen(self, port: int, came: list[Datagram]) -> None:
        now = trio.current_time()
        for datagram, source in came:
            if is_rtcp(datagram):
                self.compounds.append(parse_compound(datagram) or [])
                self.compound_ports.add(port)
                continue
            packet = parse_packet(datagram)
            assert packet is not None
            self.packets.append((now, packet))
            self.digits += self._receiver.receive(datagram, source, now) or ""
