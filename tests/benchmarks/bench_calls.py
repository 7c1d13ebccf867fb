"""What calls cost: CPU, tick lateness, memory and start-up, against an echo agent in a process of its own.

Run it by hand: python tests/benchmarks/bench_calls.py [--calls 1 50 200] [--seconds 10].
Each call is a session of the receptionist scenario: an 8 kHz caller and a 16 kHz agent over a WebSocket on loopback.
"""

import argparse
import base64
import gc
import hashlib
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.media.host import UnitHost
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import TcpNetwork

SCENARIO = Path(__file__).parents[2] / "scenarios" / "receptionist.py"
CALLER_RATE = 8000
STARTS_PER_SECOND = 50
WARM_UP_SECONDS = 2.0
WINDOW_SECONDS = 0.5
"""CPU is measured this long at a time: the median and the best bear a machine that others use as well."""
START_UP_ROUNDS = 5
GC_THRESHOLD = 20_000

GREETING = (
    b'{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"bench",'
    b'"agent_output_audio_format":"pcm_16000","user_input_audio_format":"pcm_16000"}}'
)
ECHO = b'{"type":"audio","audio_event":{"event_id":1,"audio_base_64":"%s"}}'  # a whole conversation in one turn
CHUNK = b'{"user_audio_chunk":"'
WEBSOCKET_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3

LINE = (
    "{calls:5}{median:11.1f}{best:9.1f}{tick:9.1f}{p50:8.1f}{p99:8.1f}"
    "{late:12.0f}{skipped:9.0f}{heard:9.1f}{rss:7.1f}\n"
)

FIRST_HANDLER = """
import sys
import time
from voxrun import AppEvents, VoxEngine

@VoxEngine.on(AppEvents.Started)
def report(event):
    sys.stderr.write(str(time.process_time()))
    VoxEngine.terminate()
"""


class EchoAgent:
    """One conversation, from the agent's side of a socket: every chunk of the user's audio comes back as speech.

    Lean on purpose, for what the peer takes from the machine is missing to the runtime.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._received = bytearray()
        self._is_open = False

    def advance(self) -> bool:
        """Answer what has come; False at the end of the conversation."""
        try:
            data = self.connection.recv(65536)
            self._received += data
            self.connection.sendall(b"".join(self._answers()))
        except ConnectionError:
            return False
        return bool(data)

    def _answers(self) -> Iterator[bytes]:
        if not self._is_open:
            head, end, self._received = self._received.partition(b"\r\n\r\n")
            if not end:
                self._received = head
                return
            self._is_open = True
            yield accept(bytes(head))
        while frame := take_frame(self._received):
            opcode, payload = frame
            if opcode == 8:
                yield b"\x88%c%s" % (len(payload), payload)
            elif payload.startswith(CHUNK):
                yield text_frame(ECHO % payload[len(CHUNK) : -2])
            elif b"conversation_initiation_client_data" in payload:
                yield text_frame(GREETING)


def accept(head: bytes) -> bytes:
    """The answer to a client's handshake (RFC 6455 section 4.2.2)."""
    (key,) = (line[18:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    token = base64.b64encode(hashlib.sha1(key + WEBSOCKET_MAGIC).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % token
    )


def take_frame(received: bytearray) -> tuple[int, bytes] | None:
    """Remove a whole masked frame shorter than 64 KiB from the front: its opcode and payload (RFC 6455 section 5.2)."""
    if len(received) < 8:
        return None
    start, size = 2, received[1] & 0x7F
    if size == 126:
        start, size = 4, int.from_bytes(received[2:4])
    end = start + 4 + size
    if len(received) < end:
        return None
    mask = bytes(received[start : start + 4]) * (size // 4 + 1)
    payload = int.from_bytes(received[start + 4 : end]) ^ int.from_bytes(mask[:size])
    opcode = received[0] & 0x0F
    del received[:end]
    return opcode, payload.to_bytes(size)


def text_frame(payload: bytes) -> bytes:
    """A whole unmasked text frame."""
    size = len(payload)
    head = b"\x81%c" % size if size < 126 else b"\x81\x7e" + size.to_bytes(2)
    return head + payload


def serve_echo() -> None:
    """Print the port, then serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                attend(selector, listener, key.data)


def attend(selector: selectors.BaseSelector, listener: socket.socket, agent: EchoAgent | None) -> None:
    """Something came for an agent, or, for None, a new connection."""
    if agent is None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, EchoAgent(connection))
    elif not agent.advance():
        selector.unregister(agent.connection)
        agent.connection.close()


class Caller:
    """A leg without I/O that says noise and counts what it hears."""

    rate = CALLER_RATE
    line = None

    def __init__(self, says: list[Samples]) -> None:
        self._says = cycle(says)
        self.heard = 0

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The next frame of noise."""
        return next(self._says)

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        self.heard += bool(frame[0])


class TimedTicker(Ticker):
    """Adds up what its members' ticks take, in seconds of real time."""

    spent = 0.0

    def add(self, tick: Callable[[int], None]) -> None:
        """Call `tick`, and time it; it can't be removed any more."""

        def timed(position: int) -> None:
            began = time.perf_counter()
            tick(position)
            self.spent += time.perf_counter() - began

        super().add(timed)


async def measure(calls: int, seconds: float, port: int) -> dict[str, float]:
    """Run `calls` sessions, and measure this process for `seconds` once all of them are bridged."""
    noise = np.frombuffer(random.Random(1).randbytes(2 * CALLER_RATE), np.int16)  # numpy.random takes 2 MiB
    says = np.split(noise, CALLER_RATE // frame_size(CALLER_RATE))
    callers = [Caller(says) for _ in range(calls)]
    gc.freeze()  # as the command line does
    gc.set_threshold(GC_THRESHOLD, 10, 10)
    ticker = TimedTicker()
    services = Services(
        secrets=Secrets({"ELEVENLABS_API_KEY": "benchmark"}, {}),
        network=TcpNetwork(),
        base_urls={"elevenlabs": f"ws://127.0.0.1:{port}"},
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        for caller in callers:
            nursery.start_soon(Session(SCENARIO, services, ticker).run, caller)
            await trio.sleep(1 / STARTS_PER_SECOND)
        await trio.sleep(WARM_UP_SECONDS)
        ticker._lateness[:] = [0] * len(ticker._lateness)
        late, skipped = ticker.late, ticker.skipped
        heard, began = sum(caller.heard for caller in callers), trio.current_time()
        costs = [await cost_of_a_while(ticker, calls) for _ in range(round(seconds / WINDOW_SECONDS))]
        frames = (trio.current_time() - began) / FRAME_SECONDS * calls
        memory = resident()
        nursery.cancel_scope.cancel()
    return {
        "median": float(np.median([cost for cost, _ in costs])),
        "best": min(cost for cost, _ in costs),
        "tick": float(np.median([tick for _, tick in costs])),
        "heard": (sum(caller.heard for caller in callers) - heard) / frames * 100,
        "p50": ticker.lateness(0.5) * 1e3,
        "p99": ticker.lateness(0.99) * 1e3,
        "late": ticker.late - late,
        "skipped": ticker.skipped - skipped,
        "rss": memory,
    }


async def cost_of_a_while(ticker: TimedTicker, calls: int) -> tuple[float, float]:
    """Microseconds of this process's CPU per frame and direction, and of the tick alone per call and tick."""
    began, cpu, spent = trio.current_time(), time.process_time(), ticker.spent
    await trio.sleep(WINDOW_SECONDS)
    frames = (trio.current_time() - began) / FRAME_SECONDS * calls
    return (time.process_time() - cpu) / frames / 2 * 1e6, (ticker.spent - spent) / frames * 1e6


def resident() -> float:
    """MiB of this process in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024


def first_handler() -> float:
    """Seconds of CPU from the start of the interpreter to the first line of the first handler; the best of some."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.py"
        scenario.write_text(FIRST_HANDLER)
        code = "import sys; from voxrun.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, str(scenario), "--call", "none"]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(START_UP_ROUNDS)]
    return min(float(run.stderr) for run in runs)


def compare(counts: list[int], seconds: float) -> None:
    """Print a line for each number of calls, each measured in a process of its own."""
    sys.stdout.write(f"first handler after {first_handler():.3f} s of CPU\n")
    sys.stdout.write("us: of CPU per frame and direction (median, best), of the tick alone per call; ms: lateness\n")
    sys.stdout.write("calls  us median  us best  us tick  ms p50  ms p99  ticks late  skipped  heard %    MiB\n")
    script = [sys.executable, __file__]
    with subprocess.Popen([*script, "--serve"], stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        port = agent.stdout.readline().strip()
        try:
            for calls in counts:
                arguments = ["--measure", str(calls), "--seconds", str(seconds), "--port", port]
                got = json.loads(subprocess.check_output([*script, *arguments]))
                sys.stdout.write(LINE.format(calls=calls, **got))
                sys.stdout.flush()
        finally:
            agent.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=int, metavar="CALLS", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_echo()
    elif options.measure:
        got = trio.run(partial(measure, options.measure, options.seconds, options.port))
        sys.stdout.write(json.dumps(got))
    else:
        compare(options.calls, options.seconds)


if __name__ == "__main__":
    main()
