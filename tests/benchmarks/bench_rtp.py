"""What RTP costs: CPU per frame and direction, G.711 on real sockets, 16 kHz inside, each call hearing its own echo.

Run it by hand: python tests/benchmarks/bench_rtp.py [--calls 1 50 200] [--seconds 5]. The peers are a process of their
own. Counted is all that this process does: sockets, jitter buffers, both codecs, conversion to 16 kHz and back.
"""

import argparse
import multiprocessing
import socket
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import numpy as np
import trio
import trio.testing

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.media.graph import Inlet, Source
from voxrun.media.host import UnitHost
from voxrun.media.inbox import Inbox
from voxrun.media.rtp_unit import RtpUnit
from voxrun.media.ticker import Ticker
from voxrun.media.unit import MediaSource
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg

RATE = 16_000
SETTLING_SECONDS = 1.0


class Echo(MediaSource):
    """Stands for an agent: says what it hears, a tick later."""

    mixes = False

    def __init__(self, host: UnitHost) -> None:
        super().__init__(host, "echo")
        self._inbox = Inbox(RATE)
        self.output.open(RATE)

    def inlet(self, source: Source) -> Inlet | None:
        """Always live."""
        return self._inbox.inlet

    def detach(self, source: Source) -> None:
        """Nothing is kept."""

    def produce(self) -> None:
        """What came in the last tick."""
        self.output.push(self._inbox.take())


def speak(ports: list[int], seconds: float) -> None:
    """In another process: send noise to each port in real time, with a socket each."""
    generator = np.random.default_rng(1)
    frames = [generator.integers(-9000, 9000, 160).astype(np.int16) for _ in range(50)]
    senders = [RtpSender(CODECS["PCMU"], 20, Random(port)) for port in ports]
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
    begin = time.monotonic()
    for tick in range(round(seconds / FRAME_SECONDS)):
        due = begin + tick * FRAME_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        for port, sender, own in zip(ports, senders, sockets, strict=True):
            for datagram in sender.write(frames[tick % len(frames)], due):
                own.sendto(datagram, ("127.0.0.1", port))


async def microseconds(scenario: Path, calls: int, seconds: float) -> tuple[float, float, int]:
    """CPU per frame and direction, the 99th percentile of the ticks' lateness in ms, and ticks skipped."""
    ticker = Ticker()
    session = Session(scenario, Services(secrets=Secrets({}, {}), network=MemoryNetwork()), ticker)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        nursery.start_soon(session.run)
        await trio.testing.wait_all_tasks_blocked()
        ports = [talk(session) for _ in range(calls)]
        peers = multiprocessing.get_context("spawn").Process(target=speak, args=(ports, seconds + 3 * SETTLING_SECONDS))
        peers.start()
        await trio.sleep(2 * SETTLING_SECONDS)
        started = time.process_time()
        await trio.sleep(seconds)
        spent = time.process_time() - started
        session.terminate()
        nursery.cancel_scope.cancel()
    peers.join()
    return spent / (calls * seconds / FRAME_SECONDS * 2) * 1e6, ticker.lateness(0.99) * 1000, ticker.skipped


def talk(session: Session) -> int:
    """A call; returns its port."""
    unit = RtpUnit(session, open_rtp_leg(RtpUnitParameters(local="127.0.0.1:0", rtcpMux=True)))
    echo = Echo(session)
    unit.sendMediaTo(echo)
    echo.sendMediaTo(unit)
    return int(unit.localAddress().rpartition(":")[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    sys.stdout.write("calls  us per frame and direction  late ms p99  skipped ticks\n")
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.py"
        scenario.touch()
        for calls in arguments.calls:
            cost, late, skipped = trio.run(microseconds, scenario, calls, arguments.seconds)
            sys.stdout.write(f"{calls:5}{cost:28.1f}{late:13.1f}{skipped:15}\n")


if __name__ == "__main__":
    main()
