"""The job of bench_peers.py done by pipecat, in an environment of its own; it knows nothing of voxrun.

Each call is a pipeline of three: a transport that says a numbered 20 ms frame of noise, a processor that has the
agent's WebSocket, and a transport that takes 20 ms as often as a paced sink does. Prints one line of JSON.
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
import subprocess
import sys
import time

STARTED = time.process_time()

from loguru import logger  # noqa: E402 - the imports are what is measured

logger.remove()  # one log line a frame would be all that is measured

import websockets  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor  # noqa: E402
from pipecat.transports.base_input import BaseInputTransport  # noqa: E402
from pipecat.transports.base_output import BaseOutputTransport  # noqa: E402
from pipecat.transports.base_transport import TransportParams  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402

IMPORTED = time.process_time() - STARTED

RATE = 16000
FRAME_SECONDS = 0.02
FRAME_BYTES = 640
STARTS_PER_SECOND = 50
WARM_UP_SECONDS = 2.0
WINDOW_SECONDS = 0.5


class Delays:
    """From the saying of a frame to its hearing."""

    def __init__(self) -> None:
        self.counting = False
        self.all: list[float] = []
        self.heard = 0


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
        due = time.monotonic()
        position = 0
        while True:
            due += FRAME_SECONDS
            await asyncio.sleep(max(due - time.monotonic(), 0))
            number = position % len(self.says)
            self.said_at[number] = time.perf_counter()
            await self.push_audio_frame(InputAudioRawFrame(self.says[number], RATE, 1))
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
        self.due = max(self.due, now - FRAME_SECONDS) + FRAME_SECONDS
        await asyncio.sleep(max(self.due - now, 0))
        if self.delays.counting:
            number = int.from_bytes(frame.audio[:2], "little")
            self.delays.heard += 1
            if 0 < number < len(self.said_at):
                self.delays.all.append(time.perf_counter() - self.said_at[number])
        return True


async def call(port: int, says: list[bytes], delays: Delays) -> None:
    """One call, until cancelled."""
    said_at = [0.0] * len(says)
    async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:
        await socket.send(json.dumps({"type": "conversation_initiation_client_data"}))
        await socket.recv()
        pipeline = Pipeline([Caller(says, said_at), Agent(socket), Listener(said_at, delays)])
        worker = PipelineWorker(
            pipeline,
            params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
            cancel_on_idle_timeout=False,
            enable_turn_tracking=False,
            enable_rtvi=False,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


def resident() -> float:
    """MiB of this process in memory."""
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024


async def measure(calls: int, seconds: float, port: int) -> dict[str, float]:
    noise = random.Random(1)
    says = [number.to_bytes(2, "little") + noise.randbytes(FRAME_BYTES - 2) for number in range(50)]
    delays = Delays()
    tasks = []
    for _ in range(calls):
        tasks.append(asyncio.create_task(call(port, says, delays)))
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
    heard = delays.heard / ((time.monotonic() - began) / FRAME_SECONDS * calls) * 100
    rss = resident()
    late = sorted(delays.all)

    def percentile(share: float) -> float:
        return (late[int(share * (len(late) - 1))] - FRAME_SECONDS) * 1e3 if late else math.nan

    return {
        "median": sorted(costs)[len(costs) // 2],
        "heard": heard,
        "latency_p50": percentile(0.5),
        "latency_p99": percentile(0.99),
        "rss": rss,
        "imported": IMPORTED,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(run(options))


async def run(options: argparse.Namespace) -> None:
    got = await measure(options.measure, options.seconds, options.port)
    sys.stdout.write(json.dumps(got) + "\n")
    sys.stdout.flush()
    os._exit(0)  # pipelines of two hundred calls take their time to end, and nothing is measured any more


if __name__ == "__main__":
    main()
