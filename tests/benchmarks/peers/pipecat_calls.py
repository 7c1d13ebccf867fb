"""The job of bench_peers.py done by pipecat, in an environment of its own; it knows nothing of voxrun.

Each call is a pipeline of three: a transport that says a numbered 20 ms frame of noise, a processor that has the
agent's WebSocket, and a transport that takes 20 ms as often as a paced sink does. Prints one line of JSON; with
--start-up, what CPU it took until a pipeline had started.

It runs as it comes, but for logging and compression, and its callers speak at moments of their own, so that their work
does not bunch up. With --spared it is without all that the job doesn't need: turn tracking, events for user interfaces,
the watch for idle calls.
"""

# mypy: ignore-errors
# (what it imports is in another environment)

import argparse
import asyncio
import base64
import json
import math
import os
import random
import struct
import subprocess
import sys
import time
from typing import Any, NoReturn

import websockets
from loguru import logger
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

logger.remove()

RATE = 16000
FRAME_SECONDS = 0.02
FRAME_BYTES = 640
PAUSE = 3
STAMPED = range(5, 46, 5)
STAMP = struct.Struct("<2xd")
"""The frames of these numbers come back with when the agent had them, after the number."""
SPARED = {"idle_timeout_secs": None, "enable_turn_tracking": False, "enable_rtvi": False}
STARTS_PER_SECOND = 50
WARM_UP_SECONDS = 2.0
WINDOW_SECONDS = 0.5


class Delays:
    """Of all frames: from the saying to the hearing, from the saying to the agent, and how late the sink took them."""

    def __init__(self) -> None:
        self.counting = False
        self.latency: list[float] = []
        self.up: list[float] = []
        self.late: list[float] = []


class Caller(BaseInputTransport):
    """Says a frame every 20 ms."""

    def __init__(self, says: list[bytes], said_at: list[float]) -> None:
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=RATE))
        self.says, self.said_at = says, said_at
        self.saying: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self.saying = self.create_task(self.say())

    async def stop(self, frame: EndFrame) -> None:
        await self.end()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        await self.end()
        await super().cancel(frame)

    async def end(self) -> None:
        if self.saying:
            await self.cancel_task(self.saying)
            self.saying = None

    async def say(self) -> None:
        due = time.monotonic() + random.uniform(0, FRAME_SECONDS)
        position = 0
        while True:
            due += FRAME_SECONDS
            await asyncio.sleep(max(due - time.monotonic(), 0))
            number = 1 + position % len(self.says)
            self.said_at[number] = time.monotonic()
            await self.push_audio_frame(InputAudioRawFrame(self.says[number - 1], RATE, 1))
            position += 1


class Agent(FrameProcessor):
    """Sends what it gets to the agent, and what the agent says on."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        super().__init__()
        self.socket = socket
        self.receiving: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            chunk = {"user_audio_chunk": base64.b64encode(frame.audio).decode()}
            await self.socket.send(json.dumps(chunk, separators=(",", ":")))
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self.receiving = self.create_task(self.receive())
        elif isinstance(frame, EndFrame | CancelFrame) and self.receiving:
            await self.cancel_task(self.receiving)
            self.receiving = None

    async def receive(self) -> None:
        async for text in self.socket:
            message = json.loads(text)
            if message["type"] == "audio":
                audio = base64.b64decode(message["audio_event"]["audio_base_64"])
                await self.push_frame(OutputAudioRawFrame(audio, RATE, 1))


class Listener(BaseOutputTransport):
    """Takes 20 ms of audio in every 20 ms."""

    def __init__(self, said_at: list[float], delays: Delays) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE, audio_out_10ms_chunks=2))
        self.said_at, self.delays = said_at, delays
        self.due = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        now = time.monotonic()
        due = max(self.due, now)
        self.due = due + FRAME_SECONDS
        await asyncio.sleep(max(due - now, 0))
        if self.delays.counting:
            self.count(frame.audio, time.monotonic(), due)
        return True

    def count(self, audio: bytes, now: float, due: float) -> None:
        self.delays.late.append(now - due)
        number = int.from_bytes(audio[:2], "little")
        if number in STAMPED:
            said_at = self.said_at[number]
            self.delays.latency.append(now - said_at)
            self.delays.up.append(STAMP.unpack_from(audio)[0] - said_at)


async def call(port: int, says: list[bytes], delays: Delays, *, spared: bool) -> None:
    """One call, until cancelled."""
    said_at = [0.0] * (1 + len(says))
    async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
        await socket.send(json.dumps({"type": "conversation_initiation_client_data"}))
        await socket.recv()
        pipeline = Pipeline([Caller(says, said_at), Agent(socket), Listener(said_at, delays)])
        await run(pipeline, **SPARED if spared else {})


async def run(pipeline: Pipeline, **settings: Any) -> None:
    """As its users run one, one call a runner."""
    rates = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    worker = PipelineWorker(pipeline, params=rates, **settings)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


class First(FrameProcessor):
    """Tells the CPU until a pipeline has started, and ends all."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            end({"cpu": time.process_time()})
        await self.push_frame(frame, direction)


def end(got: dict[str, float]) -> NoReturn:
    """At once: pipelines of two hundred calls take their time, and nothing is measured any more."""
    sys.stdout.write(json.dumps(got) + "\n")
    sys.stdout.flush()
    os._exit(0)


def resident() -> float:
    """MiB of this process in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024


async def measure(calls: int, seconds: float, port: int, *, spared: bool) -> None:
    noise = random.Random(1)
    says = [number.to_bytes(2, "little") + noise.randbytes(FRAME_BYTES - 2) for number in range(1, 51 - PAUSE)]
    says += [bytes(FRAME_BYTES)] * PAUSE
    delays = Delays()
    tasks = []
    for _ in range(calls):
        tasks.append(asyncio.create_task(call(port, says, delays, spared=spared)))
        await asyncio.sleep(1 / STARTS_PER_SECOND)
    await asyncio.sleep(WARM_UP_SECONDS)
    delays.counting = True
    began = time.monotonic()
    costs = []
    for _ in range(round(seconds / WINDOW_SECONDS)):
        start, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(WINDOW_SECONDS)
        frames = (time.monotonic() - start) / FRAME_SECONDS * calls
        costs.append((time.process_time() - cpu) / frames / 2 * 1e6)
    said = (time.monotonic() - began) / FRAME_SECONDS * calls * (1 - PAUSE / len(says))
    heard = len(delays.late) / said * 100
    found = {"median": sorted(costs)[len(costs) // 2], "best": min(costs), "heard": heard, "rss": resident()}
    end(found | told("latency", delays.latency) | told("up", delays.up) | told("late", delays.late))


def told(name: str, delays: list[float]) -> dict[str, float]:
    """Milliseconds."""
    delays.sort()
    places = {"p50": 0.5, "p99": 0.99}
    return {
        f"{name}_{key}": delays[int(share * (len(delays) - 1))] * 1e3 if delays else math.nan
        for key, share in places.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start-up", action="store_true")
    parser.add_argument("--measure", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--port", type=int)
    parser.add_argument("--spared", action="store_true")
    options = parser.parse_args()
    if options.start_up:
        asyncio.run(run(Pipeline([First()])))
    else:
        asyncio.run(measure(options.measure, options.seconds, options.port, spared=options.spared))


if __name__ == "__main__":
    main()
