"""Callers as Twilio brings them, in a process of their own: each has a WebSocket and says 20 ms of mu-law every 20 ms.

`Phones` are all of them, for the process that serves their calls. As a program, for the port of `voxrun serve` and the
agent's notes: once all calls have begun it prints `ready`, and then answers lines on stdin: `begin` forgets what was
heard so far, and after `end` a line of JSON says what was heard since.

What they say is noise with a short pause in each second. After a pause there may be a loud mark, but so rarely among
all callers that the agent's notes can't mean any other. A mark's `latency` is from when it was sent to when it came
back, at its place in the frame: with the way through both resamplers and the wait for the tick. `up` is the way to the
agent. What does not come counts as the longest.
"""

import argparse
import base64
import json
import random
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import trio
from tests.benchmarks.callers import PAUSE
from tests.benchmarks.delays import LONGEST_SECONDS, Delays
from tests.benchmarks.echo_agent import LOUD, MARK_SECONDS, ROOT, Echo

from voxrun.audio.frame import FRAME_SECONDS, Samples, frame_size
from voxrun.audio.g711 import decode_ulaw, encode_ulaw

RATE = 8000
STARTS_PER_SECOND = 50
TRIES = 10
SETTLING_SECONDS = 1.0
"""How long an agent may take to be there before its caller speaks."""
BETWEEN_MARKS = (0.04, 0.06)
"""Seconds from one caller's mark to the next one's."""
NOISE = 1000
SECOND = 50
"""Frames."""
MARK = np.rint(12_000 * np.sin(2 * np.pi * np.arange(round(MARK_SECONDS * RATE)) / 8)).astype(np.int16)
SILENT = b"/" * 160
"""A message with so much mu-law silence in it, as base64, has 5 ms of noise at most: the end of it."""
QUIET = bytes(code for code, sample in enumerate(decode_ulaw(bytes(range(256)))) if abs(int(sample)) <= LOUD)
KEY = bytes.fromhex("37fa213d")  # masks all messages (RFC 6455 section 5.7 has it)
UPGRADE = (
    "GET /media/twilio HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PAYLOAD = b'"payload":"'


class PhoneCaller:
    """One call, from Twilio's side. Its frames leave at a moment of its own within each 20 ms, its `phase`."""

    def __init__(self, number: int, port: int) -> None:
        self.phase = random.Random(number).uniform(0, FRAME_SECONDS)
        self.said = 0
        self.heard = 0
        """Frames that were not silent."""
        self.went: list[float] = []
        self.came: list[float] = []
        """When its marks were sent and came back, in seconds of the machine's monotonic clock."""
        self._stream = f"MZ{number:032x}"
        self._received = bytearray()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(UPGRADE.format(port=port).encode())
        reply = b""
        while not reply.endswith(b"\r\n\r\n"):
            reply += self.socket.recv(1)
        if b" 101 " not in reply:
            raise ConnectionError(f"the call was refused: {reply!r}")
        about = {
            "streamSid": self._stream,
            "callSid": f"CA{number:032x}",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1},
            "customParameters": {"callerid": f"+1{number:010}", "destination": "+4930123"},
        }
        self._tell({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._tell({"event": "start", "sequenceNumber": "1", "start": about, "streamSid": self._stream})

    def say(self, message: bytes, *, is_mark: bool = False) -> None:
        """Send a frame's message, masked and all."""
        if is_mark:
            self.went.append(time.monotonic())
        self.socket.send(message)

    def listen(self) -> None:
        """Take what has come. ConnectionError when the call is over."""
        data = self.socket.recv(65536)
        now = time.monotonic()
        if not data:
            raise ConnectionError("a call was ended")
        self._received += data
        for message in _messages(self._received):
            self._hear(message, now)

    def _hear(self, message: bytes, now: float) -> None:
        if PAYLOAD in message:
            self.heard += SILENT not in message
            audio = base64.b64decode(message.partition(PAYLOAD)[2].partition(b'"')[0])
            loud = audio.translate(None, QUIET)
            if loud and (not self.came or now - self.came[-1] > 2 * MARK_SECONDS):
                self.came.append(now + audio.index(loud[0]) / RATE)
        elif b'"mark"' in message:
            self._tell(json.loads(message))  # which says that it was played

    def _tell(self, message: object) -> None:
        self.socket.send(_masked(json.dumps(message, separators=(",", ":")).encode()))


def _messages(received: bytearray) -> Iterator[bytes]:
    """Remove whole unmasked frames shorter than 64 KiB from the front: their payloads."""
    while len(received) >= 2:
        start, size = 2, received[1]
        if size == 126:
            start, size = 4, int.from_bytes(received[2:4])
        if len(received) < start + size:
            return
        yield bytes(received[start : start + size])
        del received[: start + size]


def _masked(payload: bytes) -> bytes:
    """A whole text frame from a client."""
    size = len(payload)
    head = b"\x81" + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2))
    keys = KEY * (size // 4 + 1)
    return head + KEY + bytes(byte ^ key for byte, key in zip(payload, keys, strict=False))


def _media(number: int, frame: Samples) -> bytes:
    """A frame as Twilio sends it."""
    media = {
        "track": "inbound",
        "chunk": str(number),
        "timestamp": str(number * round(FRAME_SECONDS * 1000)),
        "payload": base64.b64encode(encode_ulaw(frame)).decode(),
    }
    message = {"event": "media", "sequenceNumber": str(number + 1), "media": media, "streamSid": f"MZ{number:032x}"}
    return _masked(json.dumps(message, separators=(",", ":")).encode())


class Crowd:
    """All callers: who says what when, and what that comes to."""

    def __init__(self, callers: list[PhoneCaller], notes: Path) -> None:
        self._callers = sorted(callers, key=lambda caller: caller.phase)
        self._notes = notes
        self._began = 0.0
        self._events = select.epoll()
        self._by_number = {caller.socket.fileno(): caller for caller in callers}
        for number in (sys.stdin.fileno(), *self._by_number):
            self._events.register(number, select.EPOLLIN)
        noise = np.random.default_rng(1).integers(-NOISE, NOISE + 1, (SECOND, frame_size(RATE))).astype(np.int16)
        noise[-PAUSE:] = 0
        self._says = [_media(number, frame) for number, frame in enumerate(noise, 1)]
        noise[0, : len(MARK)] = MARK
        self._mark = _media(1, noise[0])
        self._is_over = False

    def speak(self) -> None:
        """One caller more with each tick; then say so, and go on until stdin ends."""
        begin, chance = time.monotonic(), random.Random(1)
        next_mark = begin
        for tick in count():
            if tick == len(self._callers):
                sys.stdout.write("ready\n")
                sys.stdout.flush()
            for order, caller in enumerate(self._callers[: tick + 1]):
                due = begin + tick * FRAME_SECONDS + caller.phase
                self._listen_until(due)
                if self._is_over:
                    return
                position = (tick + 7 * order) % SECOND
                caller.said += position < SECOND - PAUSE
                if position == 0 and due >= next_mark:
                    next_mark = due + chance.uniform(*BETWEEN_MARKS)
                    caller.say(self._mark, is_mark=True)
                else:
                    caller.say(self._says[position])

    def _listen_until(self, due: float) -> None:
        """Once at least. epoll itself waits for whole milliseconds only."""
        while True:
            for number, _ in self._events.poll(0):
                if number in self._by_number:
                    self._by_number[number].listen()
                else:
                    self._obey()
            left = due - time.monotonic()
            if left <= 0:
                return
            select.select([self._events.fileno()], [], [], left)

    def _obey(self) -> None:
        order = sys.stdin.readline().strip()
        if order == "begin":
            self._began = time.monotonic()
            for caller in self._callers:
                caller.said = caller.heard = 0
        elif order == "end":
            sys.stdout.write(json.dumps(self._found()) + "\n")
            sys.stdout.flush()
        self._is_over = not order

    def _found(self) -> dict[str, float]:
        latency, up = Delays(), Delays()
        ended = time.monotonic() - LONGEST_SECONDS
        noted = [moment for (moment,) in struct.iter_unpack("d", self._notes.read_bytes())]
        for caller in self._callers:
            for went in caller.went:
                if self._began <= went <= ended:
                    latency.add(_next(caller.came, went) - went)
                    up.add(_next(noted, went) - went)
        said, heard = (sum(getattr(caller, what) for caller in self._callers) for what in ("said", "heard"))
        return {"heard": heard / said * 100, **latency.told("latency"), **up.told("up")}


def _next(moments: list[float], after: float) -> float:
    return next((moment for moment in moments if moment > after), after + LONGEST_SECONDS)


class Phones:
    """The callers, for who serves them."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process

    async def begin(self) -> None:
        """Count from now on."""
        await self._say(b"begin\n")

    async def end(self) -> dict[str, float]:
        """What percentage of all that was said was `heard`, and percentiles of `latency` and `up`."""
        await self._say(b"end\n")
        found: dict[str, float] = json.loads(await self.line())
        return found

    async def line(self) -> bytes:
        """What the process prints next."""
        assert self._process.stdout
        return bytes(await self._process.stdout.receive_some())

    async def _say(self, order: bytes) -> None:
        assert self._process.stdin
        await self._process.stdin.send_all(order)


@asynccontextmanager
async def phones(calls: int, port: int, echo: Echo) -> AsyncIterator[Phones]:
    """So many callers, all of them in a call. RuntimeError when their process has ended instead."""
    command = [sys.executable, "-m", "tests.benchmarks.phone_callers", str(calls), str(port), str(echo.notes)]
    async with trio.open_nursery() as nursery:
        run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        process = await nursery.start(run)
        crowd = Phones(process)
        if await crowd.line() != b"ready\n":
            raise RuntimeError("not all calls began")
        yield crowd
        nursery.cancel_scope.cancel()


def calling(number: int, port: int) -> PhoneCaller:
    """A call; tried again while the server has too much to do on this machine. ConnectionError."""
    for _ in range(TRIES - 1):
        with suppress(ConnectionError):
            return PhoneCaller(number, port)
        time.sleep(1)
    return PhoneCaller(number, port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("notes", type=Path)
    options = parser.parse_args()
    callers = []
    for number in range(options.calls):
        callers.append(calling(number, options.port))
        time.sleep(1 / STARTS_PER_SECOND)
    time.sleep(SETTLING_SECONDS)
    Crowd(callers, options.notes).speak()


if __name__ == "__main__":
    main()
