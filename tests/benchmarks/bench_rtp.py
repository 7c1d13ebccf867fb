"""What phone calls over RTP to an agent cost and how late the agent's answer is: G.711 on real sockets, 16 kHz inside.

Run it by hand: python -m tests.benchmarks.bench_rtp [--calls 1 50 200] [--seconds 10]. The callers are a process of
their own, and so is the agent, which says what it hears and, as agents do, says nothing while it hears nothing.

First the callers speak, with some noise behind it all the time: that's for the CPU, of which all that this process
spends is counted. Then they are silent but for a mark now and then. A mark's latency is from when its first sample was
sent to when that came back, at its place in the packet both times; what the agent held a message for (median) is taken
off. Each caller's packets leave at a moment of their own between two ticks. The way of a mark: in, until the leg gives
it (network, depth of the jitter buffer, and the wait for a tick if it waits for one); round, until it is written to the
leg (conversion both ways, WebSocket both ways, agent, wait for the tick); out, until it is there.
"""

import argparse
import multiprocessing
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
import trio
from tests.benchmarks.bench_calls import STARTS_PER_SECOND, WINDOW_SECONDS
from tests.benchmarks.echo_agent import EchoAgent
from tests.impaired.network import RATE, speech

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.audio.g711 import decode_ulaw
from voxrun.cli.collector import tame_collector
from voxrun.media.host import UnitHost
from voxrun.media.leg import Leg
from voxrun.media.line import FrameCame, Line, LineNews
from voxrun.media.ticker import Ticker
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.packet import is_rtcp, parse_packet
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import TcpNetwork
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg

SCENARIO = Path(__file__).parents[2] / "scenarios" / "receptionist.py"
SETTLING_SECONDS = 4.0
"""A jitter buffer begins with a reserve, and needs a while to find out that it can do with less."""
PAUSE_SECONDS = 1.0
"""Between speech and marks."""
LONGEST_SECONDS = 0.38
"""A mark that is not back by then is lost. The next one comes later than that."""
MARK = np.rint(12_000 * np.sin(2 * np.pi * np.arange(40) / 8)).astype(np.int16)
LOUD = 4000
WATCHED = 20
"""So many calls are looked into, once the CPU was measured."""

HEAD = "calls  us median  us best tick p99     latency      lost         in          round     out   depth   held\n"

Times = list[float]


class Onsets:
    """When marks began, in seconds of the machine's clock."""

    def __init__(self) -> None:
        self.times: Times = []

    def look(self, samples: Samples) -> None:
        """Take what sounds, or is read or written, from now on."""
        if samples.max() > LOUD:
            begin = time.monotonic() + int(np.argmax(samples > LOUD)) / RATE
            if not self.times or begin - self.times[-1] > LONGEST_SECONDS / 2:
                self.times.append(begin)


class Caller:
    """In the callers' process: one end of a call."""

    def __init__(self, port: int, seconds: float) -> None:
        random = Random(port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.phase = random.uniform(0, FRAME_SECONDS)
        self.said: Times = []
        self.heard = Onsets()
        self._sender = RtpSender(CODECS["PCMU"], 20, random)
        noisy, quiet = round((SETTLING_SECONDS + seconds) * RATE), round((seconds + 1) * RATE)
        noise = np.random.default_rng(port).integers(-20, 21, noisy).astype(np.int16)
        self._says = np.concatenate((speech(SETTLING_SECONDS + seconds) // 2 + noise, np.zeros(quiet, np.int16)))
        self._marks = list(_marks(random, seconds))
        for mark in self._marks:
            self._says[mark : mark + len(MARK)] = MARK

    def speak(self, tick: int) -> None:
        """Send a packet."""
        begin, size = tick * frame_size(RATE), frame_size(RATE)
        for datagram in self._sender.write(self._says[begin : begin + size], tick * FRAME_SECONDS):
            now = time.monotonic()
            self.socket.send(datagram)
            self.said += [now + (mark - begin) / RATE for mark in self._marks if begin <= mark < begin + size]

    def listen(self) -> None:
        """Take a packet."""
        datagram = self.socket.recv(2048)
        packet = None if is_rtcp(datagram) else parse_packet(datagram)
        if packet is not None:
            self.heard.look(decode_ulaw(packet.payload))


def _marks(random: Random, seconds: float) -> Iterator[int]:
    """The sample each begins with; each is at another place in its packet."""
    at = SETTLING_SECONDS + seconds + PAUSE_SECONDS
    while at < SETTLING_SECONDS + 2 * seconds:
        yield round(at * RATE)
        at += random.uniform(0.4, 0.6)


def listen_until(due: float, selector: selectors.BaseSelector) -> None:
    """Take all packets that come before that moment."""
    while (left := due - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.listen()


def speak(ports: list[int], seconds: float, results: Connection) -> None:
    """In the callers' process: say that the calls begin, and at their end what each port said and heard when."""
    callers = sorted((Caller(port, seconds) for port in ports), key=lambda caller: caller.phase)
    begin = time.monotonic()
    results.send(None)
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        for tick in range(round((SETTLING_SECONDS + 2 * seconds + 0.5) / FRAME_SECONDS)):
            for caller in callers:
                due = begin + tick * FRAME_SECONDS + caller.phase
                listen_until(due, selector)
                caller.speak(tick)
    by_port = {caller.socket.getpeername()[1]: (caller.said, caller.heard.times) for caller in callers}
    results.send([by_port[port] for port in ports])


def serve(results: Connection) -> None:
    """In the agent's process: tell the port, then, whenever asked, for how long each message was held since."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    results.send(listener.getsockname()[1])
    held: Times = []
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(results, selectors.EVENT_READ)
        while True:
            attend(selector, held, results)


def attend(selector: selectors.BaseSelector, held: Times, results: Connection) -> None:
    """Conversations have messages, a new one begins, or somebody asks."""
    ready = selector.select()
    came = time.monotonic()
    for key, _ in ready:
        if isinstance(key.data, EchoAgent):
            if not key.data.advance():
                selector.unregister(key.fileobj)
                key.data.connection.close()
            held.append(time.monotonic() - came)
        elif isinstance(key.fileobj, socket.socket):
            connection, _ = key.fileobj.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, EchoAgent(connection))
        else:
            results.recv()
            results.send(held)
            held.clear()


class Watched:
    """A leg, and when marks were read from it and written to it."""

    def __init__(self, leg: Leg) -> None:
        self.rate = leg.rate
        self.line = self
        self.is_watched = False
        self._leg = leg
        self.came = Onsets()
        self.went = Onsets()

    async def carry(self, host: UnitHost) -> None:
        """As the leg does."""
        await self._leg.carry(host)

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """As the leg's line does."""

        def pass_on(news: LineNews) -> None:
            if isinstance(news, FrameCame):
                self._look(self.came, news.frame)
            receive(news)

        cast(Line, self._leg.line).listen(pass_on)

    def send_digits(self, digits: str) -> None:
        """As the leg's line does."""
        cast(Line, self._leg.line).send_digits(digits)

    def clear(self) -> None:
        """As the leg's line does."""
        cast(Line, self._leg.line).clear()

    def read(self) -> Samples:
        """As the leg does."""
        frame = self._leg.read()
        self._look(self.came, frame)
        return frame

    def write(self, frame: Samples) -> None:
        """As the leg does."""
        self._look(self.went, frame)
        self._leg.write(frame)

    def _look(self, onsets: Onsets, frame: Samples) -> None:
        if self.is_watched:
            onsets.look(frame)


async def measure(calls: int, seconds: float, agent: Connection, port: int) -> str:
    """The line of the table for so many calls."""
    ticker = Ticker()
    services = Services(
        secrets=Secrets({"ELEVENLABS_API_KEY": "benchmark"}, {}),
        network=TcpNetwork(),
        base_urls={"elevenlabs": f"ws://127.0.0.1:{port}"},
    )
    rtp_legs = [open_rtp_leg(RtpUnitParameters(local="127.0.0.1:0", rtcpMux=True)) for _ in range(calls)]
    watched = [Watched(leg) for leg in rtp_legs[:WATCHED]]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        for leg in (*watched, *rtp_legs[WATCHED:]):
            nursery.start_soon(Session(SCENARIO, services, ticker).run, cast(Leg, leg))
            await trio.sleep(1 / STARTS_PER_SECOND)
        results, theirs = multiprocessing.Pipe()
        ports = [leg.local[1] for leg in rtp_legs]
        peers = in_process(speak, ports, seconds, theirs)
        await trio.to_thread.run_sync(results.recv)
        await trio.sleep(SETTLING_SECONDS)
        agent.send(None)
        agent.recv()
        ticker._lateness[:] = [0] * len(ticker._lateness)
        costs = [await cost_of_a_while(calls) for _ in range(round(seconds / WINDOW_SECONDS) - 1)]
        for leg in watched:
            leg.is_watched = True
        agent.send(None)
        held = float(np.median(agent.recv()))
        await trio.sleep(seconds)
        depth = float(np.median([leg._receiver.buffer.delay for leg in rtp_legs]))
        said_and_heard = await trio.to_thread.run_sync(results.recv)
        nursery.cancel_scope.cancel()
    peers.join()
    cost = f"{calls:5}{np.median(costs):11.1f}{min(costs):9.1f}{ticker.lateness(0.99) * 1000:9.1f}"
    return cost + latencies(said_and_heard, watched, held, depth)


def latencies(
    said_and_heard: Sequence[tuple[Times, Times]], watched: Sequence[Watched], held: float, depth: float
) -> str:
    """The rest of that line."""
    both_ways = [delay for said, heard in said_and_heard for delay in delays(said, heard)]
    ins, rounds, outs = [], [], []
    for (said, heard), leg in zip(said_and_heard, watched, strict=False):
        came = [moment for moment in leg.came.times if moment > said[0]]
        went = [moment for moment in leg.went.times if moment > said[0]]
        ins += delays(said, came)
        rounds += delays(came, went)
        outs += delays(went, heard)
    lost = sum(len(said) for said, _ in said_and_heard) - len(both_ways)
    whole = spread(delay - held for delay in both_ways)
    parts = spread(ins) + spread(rounds) + f"{np.median(outs) * 1000:8.1f}"
    return f"{whole}{lost:6}{parts}{depth * 1000:8.1f}{held * 1000:7.2f}"


def delays(before: Iterable[float], after: Times) -> Times:
    """From each moment to the first one after it."""
    moments = np.asarray(after)
    found = [(begin, int(np.searchsorted(moments, begin))) for begin in before]
    gone = [float(moments[at] - begin) for begin, at in found if at < len(moments)]
    return [delay for delay in gone if delay < LONGEST_SECONDS]


def spread(seconds: Iterable[float]) -> str:
    """The median and the 99th percentile, in ms."""
    middle, most = np.percentile([1000 * second for second in seconds], [50, 99])
    return f"{middle:8.1f}{most:7.1f}"


async def cost_of_a_while(calls: int) -> float:
    """Microseconds of this process's CPU per frame and direction."""
    began, cpu = trio.current_time(), time.process_time()
    await trio.sleep(WINDOW_SECONDS)
    return (time.process_time() - cpu) / ((trio.current_time() - began) / FRAME_SECONDS * calls * 2) * 1e6


def in_process(target: Callable[..., None], *arguments: object) -> multiprocessing.context.SpawnProcess:
    """It, started."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    tame_collector()
    agent, theirs = multiprocessing.Pipe()
    process = in_process(serve, theirs)
    port = agent.recv()
    sys.stdout.write("us: of CPU per frame and direction (median, best); ms: median, and p99 where there are two\n")
    sys.stdout.write(HEAD)
    try:
        for calls in arguments.calls:
            sys.stdout.write(trio.run(measure, calls, arguments.seconds, agent, port) + "\n")
            sys.stdout.flush()
    finally:
        process.kill()


if __name__ == "__main__":
    main()
