"""A call heard in simulated time: arrivals in, a receiver's tick every 20 ms, and what it played."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tests.impaired.network import PEER, RATE, Arrival

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.source_lock import SourceLock


@dataclass(frozen=True, slots=True)
class Heard:
    """What was played, from time 0 on, and how much later than the fastest packet allowed at each tick."""

    samples: Samples
    delays: list[float]
    receiver: RtpReceiver


def listen(arrivals: Sequence[Arrival], seconds: float, phase: float = 0.0) -> Heard:
    """Play for so long; the first tick is at `phase` seconds, which is where samples begin after silence."""
    receiver = RtpReceiver([CODECS["PCMU"]], SourceLock(PEER))
    frames = [np.zeros(round(phase * RATE), np.int16)]
    delays = []
    waiting = iter(arrivals)
    arrival = next(waiting, None)
    for tick in range(round(seconds / FRAME_SECONDS)):
        now = phase + tick * FRAME_SECONDS
        while arrival is not None and arrival.time <= now:
            receiver.receive(arrival.datagram, arrival.source, arrival.time)
            receiver.read_ahead(now)
            arrival = next(waiting, None)
        frames.append(receiver.read(now))
        delays.append(receiver.buffer.delay)
    return Heard(np.concatenate(frames), delays, receiver)
