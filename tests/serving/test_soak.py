"""2,000 calls, 200 at a time, in virtual time, with all that goes wrong in the world: nothing is left of them after."""

import ctypes
import gc
import json
import os
import random
import subprocess
import sys
import wave
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
from tests.agent_service import HOST, Conversation
from tests.kit import in_virtual_time, resident, tone
from tests.serving.hosted import hosted, written
from tests.serving.twilio_peer import TwilioPeer

from voxrun.audio.frame import FRAME_SECONDS
from voxrun.serving.doors import Doors, Keys
from voxrun.serving.host import Host
from voxrun.serving.metrics import Metrics
from voxrun.serving.phone import Phone
from voxrun.serving.running import Running
from voxrun.transports.network import MemoryNetwork
from voxrun.transports.server import Reply, Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

ROOT = Path(__file__).parents[2]
WAVES = 12
AT_ONCE = 200
MOST_GROWTH = {"memory": 0.01, "blocks": 0.002}
"""From the first half to the second."""
URL = "ws://phone.test:80/media/twilio"
QUIET_SECONDS = 3.0
SPOKEN = tone(16_000, 0.6, 440.0)
JUNK: tuple[str | bytes, ...] = (
    "",
    "{",
    "[]",
    '{"event":"media"}',
    '{"event":"media","media":{"payload":"&"}}',
    '{"event":"start","start":{"streamSid":"again"}}',
    "\x00",
    b"\xff\xfe",
)
SCENARIO = """
@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey="key-of-the-test", agentId=event.customData, onWebSocketClose=lambda e: call.hangup()
    )
    agent.addEventListener(ElevenLabs.AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    VoxEngine.sendMediaBetween(call, agent)
"""


class Soak:
    """A server with its agents, the calls that come, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.network = MemoryNetwork()
        self.recordings = folder / "recordings"
        self.chance = random.Random(7)
        self.outcomes: Counter[str] = Counter()
        self.complete = 0
        self.times: dict[str, dict[str, float]] = {}
        self.serial = 0

    @asynccontextmanager
    async def run(self, scenario: Path) -> AsyncIterator[Host]:
        """Serve calls and agents."""
        async with (
            trio.open_nursery() as nursery,
            hosted(
                scenario, network=self.network, agent=f"http://{HOST}", max_calls=AT_ONCE, record=self.recordings
            ) as host,
        ):
            host.observers.append(self)
            Metrics(host)
            phone = Phone(host, Doors(Keys(), trio.current_time, host.table))
            await nursery.start(serve, self.network, "phone.test", 80, phone.handle)
            await nursery.start(serve, self.network, HOST, 80, self._agent)
            yield host
            nursery.cancel_scope.cancel()

    async def wave(self, host: Host) -> None:
        """As many calls as there may be, until the last is over."""
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                self.serial += 1
                nursery.start_soon(self._quiet_call if self.serial % 10 == 0 else self._wild_call, self.serial)
        for running in tuple(host.sessions.values()):
            await running.over.wait()

    def began(self, running: Running) -> None:
        """Note when its call begins and ends."""
        times = self.times[running.id] = {}

        def note(record: Mapping[str, Any]) -> None:
            if record["kind"] in ("call", "end"):
                times[record.get("state", "end")] = record["t"]

        running.session.trace_log.observe(note)

    def ended(self, running: Running) -> None:
        """Its recording can be read and is as long as its call."""
        assert running.outcome
        assert running.party
        error = running.outcome.error
        self.outcomes[f"{running.party.customData}: {type(error).__name__ if error else 'well'}"] += 1
        path = self.recordings / f"{running.id}.wav"
        with wave.open(str(path)) as file:
            samples = len(file.readframes(file.getnframes())) // 4
            assert samples == file.getnframes()
        times = self.times.pop(running.id)
        lasted = times.get("TERMINATED", times["end"]) - times["CONNECTED"]
        self.complete += abs(samples / 8000 - lasted) <= 1.5 * FRAME_SECONDS
        path.unlink()

    async def _quiet_call(self, serial: int) -> None:
        """One that must not notice anything of all the others."""
        peer = TwilioPeer(seed=serial, parameters={"customData": "quiet"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.call, self.network, URL)
            await trio.sleep(QUIET_SECONDS)
            assert peer.closed is None
            peer.hang_up.set()
        assert peer.heard >= (QUIET_SECONDS - 0.2) / FRAME_SECONDS
        assert peer.longest_gap < 1.5 * FRAME_SECONDS

    async def _wild_call(self, serial: int) -> None:
        """One that ends at some time in some way, polite or not, and may talk nonsense."""
        await trio.sleep(self.chance.uniform(0, 1))
        junk = self.chance.choices(JUNK, k=self.chance.choice((0, 0, 5, 20)))
        peer = TwilioPeer(seed=serial, parameters={"customData": "wild"}, junk=junk)
        with trio.move_on_after(self.chance.choice((self.chance.uniform(0.5, 4), 6.0))):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(peer.call, self.network, URL)
                await trio.sleep(self.chance.uniform(0.5, 4))
                peer.hang_up.set()

    async def _agent(self, request: Request) -> Reply | Upgrade:
        name = request.query.get("agent_id", "")
        if request.path.endswith("/get-signed-url"):
            if name == "wild" and self.chance.random() < 0.05:
                return Reply(self.chance.choice((401, 429, 500)), b"{}")
            url = f"ws://{HOST}/v1/convai/conversation?agent_id={name}&conversation_signature=s{self.serial}"
            return Reply(200, json.dumps({"signed_url": url}).encode())
        return Upgrade(self._wild_talk if name == "wild" else self._quiet_talk)

    async def _quiet_talk(self, socket: WebSocket) -> None:
        conversation = Conversation(socket)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._speak, conversation, nursery.cancel_scope)
            await conversation.run()
            nursery.cancel_scope.cancel()

    async def _speak(self, conversation: Conversation, scope: trio.CancelScope) -> None:
        conversation.greet()
        for turn in range(1, 30):
            conversation.speak(turn, SPOKEN, "words")
            await trio.sleep(0.8)

    async def _wild_talk(self, socket: WebSocket) -> None:
        """Speaks in bits, is interrupted, sends junk; some break off or vanish in the middle."""
        conversation = Conversation(socket)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._speak_wildly, conversation, nursery.cancel_scope)
            await conversation.run()
            nursery.cancel_scope.cancel()

    async def _speak_wildly(self, conversation: Conversation, scope: trio.CancelScope) -> None:
        conversation.greet()
        for turn in range(1, 30):
            conversation.speak(turn, SPOKEN, "words")
            await trio.sleep(self.chance.uniform(0.1, 0.8))
            fate = self.chance.random()
            if fate < 0.2:
                conversation.interrupt(turn)
            elif fate < 0.3:
                conversation.socket.send(self.chance.choice(JUNK))
            elif fate < 0.35:
                conversation.socket.close(1011, "broken")
            elif fate < 0.4:
                scope.cancel()


def used_memory() -> int:
    """Bytes of memory in use, garbage and all that is free aside."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident()


def tasks() -> int:
    """How many tasks there are."""
    root = trio.lowlevel.current_root_task()
    assert root
    waiting, count = [root], 0
    while waiting:
        count += 1
        waiting += [child for nursery in waiting.pop().child_nurseries for child in nursery.child_tasks]
    return count


def hold(folder: Path) -> dict[str, Any]:
    """All the calls, in virtual time: what became of them, and what was in use after each wave."""
    soak = Soak(folder)
    soak.recordings.mkdir()
    for number in range(128):  # urllib remembers as many addresses, and would take all waves to get there
        urlsplit(f"ws://{HOST}/v1/convai/conversation?agent_id=wild&conversation_signature={number}")
    used: dict[str, list[int]] = {"memory": [], "blocks": [], "files": [], "tasks": []}

    async def main() -> None:
        async with soak.run(written(folder, "scenario.py", SCENARIO)) as host:
            for _ in range(WAVES):
                await soak.wave(host)
                await trio.sleep(20)
                used["memory"].append(used_memory())
                used["blocks"].append(sys.getallocatedblocks())
                used["files"].append(len(os.listdir("/proc/self/fd")))
                used["tasks"].append(tasks())
            assert host.counters.malformed > 1000
            assert host.counters.refusals == {}
            assert host.ticker.late == host.ticker.skipped == 0

    in_virtual_time(main)
    return {"outcomes": soak.outcomes, "complete": soak.complete, **used}


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_nothing_is_left_of_two_thousand_calls(tmp_path: Path) -> None:
    """In a process of its own, as memory that other tests left in pieces would be filled by and by.

    With one arena: else it would show which thread happened to do which work.
    """
    program = "import json, pathlib, sys; from tests.serving.test_soak import hold; "
    program += "print(json.dumps(hold(pathlib.Path(sys.argv[1]))))"
    paths = f"{ROOT}{os.pathsep}{ROOT / 'runtime'}"
    environment = {**os.environ, "PYTHONPATH": paths, "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    outcomes = Counter(told["outcomes"])
    assert outcomes.total() == told["complete"] == WAVES * AT_ONCE
    assert outcomes["quiet: well"] == WAVES * AT_ONCE // 10
    assert set(outcomes) == {"quiet: well", "wild: well", "wild: RemoteError"}
    assert len(set(told["files"])) == len(set(told["tasks"])) == 1
    for measure, growth in MOST_GROWTH.items():
        # The highest of either half: a single sample may be low, as the allocator gives back what it likes.
        before, after = max(told[measure][: WAVES // 2]), max(told[measure][WAVES // 2 :])
        assert after < before * (1 + growth), (measure, told[measure])
