"""What calls cost: CPU, tick lateness, latency, memory and start-up, against an echo agent in a process of its own.

Run it by hand: python tests/benchmarks/bench_calls.py [--calls 1 50 200] [--seconds 10] [--job phone].
Each call is a session of the receptionist scenario with a 16 kHz agent over a WebSocket on loopback. The jobs:
phone: an 8 kHz caller, so both ways are resampled; wide: a 16 kHz caller, where frames only pass; full: an 8 kHz caller
whose leg gets and gives messages as Twilio's (JSON, base64, mu-law), and an agent behind TLS.

Latency is told for the wide job, as only there a frame comes back as it went: from when the caller's frame was read to
when it was written to the caller again, less the one tick that a paced sink costs.
"""

import argparse
import base64
import gc
import hashlib
import json
import math
import os
import random
import selectors
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

import msgspec
import numpy as np
import pybase64
import trio

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.media.host import UnitHost
from voxrun.media.ticker import Ticker
from voxrun.session.secrets import Secrets
from voxrun.session.services import Services
from voxrun.session.session import Session
from voxrun.transports.network import TcpNetwork

SCENARIO = Path(__file__).parents[2] / "scenarios" / "receptionist.py"
RATES = {"phone": 8000, "wide": 16000, "full": 8000}
"""The caller's rate in each job, in Hz."""
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    " -addext subjectAltName=IP:127.0.0.1"
)
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

HEAD = (
    "us: of CPU per frame and direction (median, best), of the tick alone per call; lateness and latency in ms\n"
    "calls  us median  us best  us tick  late p50  late p99  ticks late  skipped  heard %"
    "  latency p50  p99    MiB\n"
)
LINE = (
    "{calls:5}{median:11.1f}{best:9.1f}{tick:9.1f}{p50:10.1f}{p99:10.1f}"
    "{late:12.0f}{skipped:9.0f}{heard:9.1f}{latency_p50:13.1f}{latency_p99:5.1f}{rss:7.1f}\n"
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
            while isinstance(self.connection, ssl.SSLSocket) and self.connection.pending():
                self._received += self.connection.recv(65536)
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


def serve_echo(tls: ssl.SSLContext | None) -> None:
    """Print the port, then serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                attend(selector, listener, key.data, tls)


def attend(
    selector: selectors.BaseSelector, listener: socket.socket, agent: EchoAgent | None, tls: ssl.SSLContext | None
) -> None:
    """Something came for an agent, or, for None, a new connection."""
    if agent is not None:
        if not agent.advance():
            selector.unregister(agent.connection)
            agent.connection.close()
        return
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = tls.wrap_socket(connection, server_side=True)
    selector.register(connection, selectors.EVENT_READ, EchoAgent(connection))


class Caller:
    """A leg without I/O that says noise, and measures when it hears it."""

    line = None

    def __init__(self, rate: int, says: list[Samples], delays: list[int]) -> None:
        """Every frame begins with its number; `delays` counts tenths of a millisecond from saying to hearing one."""
        self.rate = rate
        self._says = cycle(enumerate(says, 1))
        self._said_at = [0.0] * (1 + len(says))
        self._delays = delays
        self.heard = 0

    async def carry(self, host: UnitHost) -> None:
        """No I/O."""

    def read(self) -> Samples:
        """The next frame of noise."""
        number, frame = next(self._says)
        self._said_at[number] = time.perf_counter()
        return frame

    def write(self, frame: Samples) -> None:
        """Count what is not silent."""
        number = int(frame[0])
        self.heard += number != 0
        if 0 < number < len(self._said_at):
            delay = time.perf_counter() - self._said_at[number] - FRAME_SECONDS
            self._delays[min(max(int(delay * 10_000), 0), len(self._delays) - 1)] += 1


class MediaPayload(msgspec.Struct):
    """See MediaMessage."""

    payload: str


class MediaMessage(msgspec.Struct):
    """Twilio's `media` message, as far as the leg reads it."""

    media: MediaPayload


class PhoneCaller(Caller):
    """Gets and gives each frame as a message of Twilio's Media Streams, but for the socket that carries it."""

    def __init__(self, rate: int, says: list[Samples], delays: list[int]) -> None:
        super().__init__(rate, says, delays)
        self._messages = cycle(media_message(frame) for frame in says)
        self._decode = msgspec.json.Decoder(MediaMessage).decode
        self.sent = b""

    def read(self) -> Samples:
        """What the next message holds."""
        return decode_ulaw(pybase64.b64decode(self._decode(next(self._messages)).media.payload, validate=True))

    def write(self, frame: Samples) -> None:
        """Make a message."""
        self.heard += bool(frame[0])
        self.sent = media_message(frame)


def media_message(frame: Samples) -> bytes:
    """As Twilio's, both ways."""
    return b'{"event":"media","streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0","media":{"payload":"%s"}}' % (
        pybase64.b64encode(encode_ulaw(frame))
    )


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


def noise(rate: int) -> list[Samples]:
    """A second of numbered frames."""
    samples = np.frombuffer(random.Random(1).randbytes(2 * rate), np.int16).copy()  # numpy.random takes 2 MiB
    frames: list[Samples] = np.split(samples, rate // frame_size(rate))
    for number, frame in enumerate(frames):
        frame[0] = 1 + number
    return frames


async def measure(calls: int, seconds: float, port: int, job: str) -> dict[str, float]:
    """Run `calls` sessions, and measure this process for `seconds` once all of them are bridged."""
    rate, kind = RATES[job], PhoneCaller if job == "full" else Caller
    says, delays = noise(rate), [0] * 1000
    callers = [kind(rate, says, delays) for _ in range(calls)]
    gc.freeze()  # as the command line does
    gc.set_threshold(GC_THRESHOLD, 10, 10)
    ticker = TimedTicker()
    services = Services(
        secrets=Secrets({"ELEVENLABS_API_KEY": "benchmark"}, {}),
        network=TcpNetwork(),
        base_urls={"elevenlabs": f"{'wss' if job == 'full' else 'ws'}://127.0.0.1:{port}"},
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker.run)
        for caller in callers:
            nursery.start_soon(Session(SCENARIO, services, ticker).run, caller)
            await trio.sleep(1 / STARTS_PER_SECOND)
        await trio.sleep(WARM_UP_SECONDS)
        ticker._lateness[:] = [0] * len(ticker._lateness)
        delays[:] = [0] * len(delays)
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
        "latency_p50": percentile(delays, 0.5) if job == "wide" else math.nan,
        "latency_p99": percentile(delays, 0.99) if job == "wide" else math.nan,
        "late": ticker.late - late,
        "skipped": ticker.skipped - skipped,
        "rss": memory,
    }


def percentile(delays: list[int], share: float) -> float:
    """Milliseconds that `share` of all delays, counted by tenths, did not exceed."""
    seen = np.cumsum(delays)
    return float(np.searchsorted(seen, share * seen[-1]) / 10)


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


def compare(counts: list[int], seconds: float, job: str) -> None:
    """Print a line for each number of calls, each measured in a process of its own."""
    sys.stdout.write(f"first handler after {first_handler():.3f} s of CPU\n{HEAD}")
    with echoing(job) as port:
        for calls in counts:
            sys.stdout.write(LINE.format(calls=calls, **measured(calls, seconds, port, job)))
            sys.stdout.flush()


def script() -> list[str]:
    """This file as an import: compiling it anew would leave half a MiB in the process that is measured."""
    folder, name = str(Path(__file__).parent), Path(__file__).stem
    return [sys.executable, "-c", f"import sys; sys.path.append({folder!r}); from {name} import main; main()"]


@contextmanager
def echoing(job: str) -> Iterator[str]:
    """The agent's port, for as long as it runs; processes begun meanwhile trust its certificate if it has one."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "certificate.pem"
        if job == "full":
            made = [*CERTIFICATE.split(), "-keyout", str(certificate), "-out", f"{certificate}.part"]
            subprocess.run(made, check=True, capture_output=True)
            certificate.write_text(certificate.read_text() + Path(f"{certificate}.part").read_text())
            os.environ["SSL_CERT_FILE"] = str(certificate)
        arguments = ["--serve", "--job", job]
        with subprocess.Popen([*script(), *arguments], stdout=subprocess.PIPE, text=True) as agent:
            assert agent.stdout is not None
            try:
                yield agent.stdout.readline().strip()
            finally:
                agent.kill()


def measured(calls: int, seconds: float, port: str, job: str) -> dict[str, float]:
    """What a process of its own finds out."""
    arguments = ["--measure", str(calls), "--seconds", str(seconds), "--port", port, "--job", job]
    got: dict[str, float] = json.loads(subprocess.check_output([*script(), *arguments]))
    return got


def tls_of(job: str) -> ssl.SSLContext | None:
    """The agent's side of the certificate that `echoing` made."""
    if job != "full":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["SSL_CERT_FILE"])
    return context


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--job", choices=RATES, default="phone")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=int, metavar="CALLS", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_echo(tls_of(options.job))
    elif options.measure:
        got = trio.run(partial(measure, options.measure, options.seconds, options.port, options.job))
        sys.stdout.write(json.dumps(got))
    else:
        compare(options.calls, options.seconds, options.job)


if __name__ == "__main__":
    main()
