"""A bad network for RTP, the same for the same seed: loss, jitter, swaps, duplicates, drift, numbers that wrap.

`python -m tests.impaired.network OUT.bin` writes the reference's material: for each packet the time of its arrival in
ms and its length (two big-endian 32-bit numbers), then its bytes.
"""

import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.audio.resample import Resampler
from voxrun.protocol.rtp.codecs import CODECS, Codec
from voxrun.protocol.rtp.packet import SEQUENCES, TIMESTAMPS, RtpPacket, build_packet
from voxrun.protocol.rtp.source_lock import Address

SPEECH = Path(__file__).parents[2] / "scenarios" / "audio" / "caller.flac"
RATE = 8000
SECONDS = 24
PEER: Address = ("192.0.2.1", 4000)
PAUSE = 10
"""How many frames of a pause are left."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A datagram, when it came (s) and from whom."""

    time: float
    datagram: bytes
    source: Address = PEER


@dataclass(frozen=True, slots=True)
class Impairment:
    """What the network does."""

    loss: float = 0.0
    jitter: float = 0.0
    """Seconds: each packet takes from none to so much longer."""
    swaps: float = 0.0
    duplicates: float = 0.0
    drift: float = 0.0
    """By how much the peer's clock is faster: 200e-6 is 200 ppm."""


CLEAN = Impairment()
BAD = Impairment(loss=0.05, jitter=0.04, swaps=0.03, duplicates=0.01, drift=200e-6)


def speech(seconds: float = SECONDS) -> Samples:
    """The caller of the scenarios at 8 kHz without the long pauses, again and again until so many seconds are full."""
    caller, rate = soundfile.read(SPEECH, dtype="int16")
    resampler = Resampler(rate, RATE)
    size = round(rate * FRAME_SECONDS)
    frames = [resampler.process(caller[at : at + size]) for at in range(0, len(caller), size)]
    speaks = [any(np.any(frame) for frame in frames[max(0, n - PAUSE) : n + 1]) for n in range(len(frames))]
    once = np.concatenate([frame for frame, is_kept in zip(frames, speaks, strict=True) if is_kept])
    return np.resize(once, round(seconds * RATE))


def packets(samples: Samples, ssrc: int = 0x1234ABCD, codec: Codec = CODECS["PCMU"]) -> list[bytes]:
    """20 ms packets, of which sequence numbers and timestamps soon wrap."""
    encode = codec.new_encoder()
    size = round(codec.audio_rate * FRAME_SECONDS)
    units = round(codec.clock_rate * FRAME_SECONDS)
    first_sequence, first_timestamp = SEQUENCES - 200, TIMESTAMPS - 300 * units
    return [
        build_packet(
            RtpPacket(
                codec.payload_type,
                (first_sequence + n) % SEQUENCES,
                (first_timestamp + n * units) % TIMESTAMPS,
                ssrc,
                encode(samples[n * size : (n + 1) * size]),
            )
        )
        for n in range(len(samples) // size)
    ]


def impair(datagrams: list[bytes], impairment: Impairment, seed: int) -> list[Arrival]:
    """What arrives of packets that are sent every 20 ms of the peer's clock, in the order of arrival."""
    random = Random(seed)
    step = FRAME_SECONDS / (1 + impairment.drift)
    times = [n * step + random.uniform(0, impairment.jitter) for n in range(len(datagrams))]
    for n in range(len(times) - 1):
        if random.random() < impairment.swaps:
            times[n], times[n + 1] = times[n + 1], times[n]
    arrivals = []
    for time, datagram in zip(times, datagrams, strict=True):
        if random.random() >= impairment.loss:
            arrivals.append(Arrival(time, datagram))
        if random.random() < impairment.duplicates:
            arrivals.append(Arrival(time + random.uniform(0, impairment.jitter), datagram))
    return sorted(arrivals, key=lambda arrival: arrival.time)


def main() -> None:
    """Write the reference's material to the file named on the command line."""
    with Path(sys.argv[1]).open("wb") as file:
        for arrival in impair(packets(speech()), BAD, seed=1):
            file.write(struct.pack("!II", round(arrival.time * 1000), len(arrival.datagram)) + arrival.datagram)


if __name__ == "__main__":
    main()
