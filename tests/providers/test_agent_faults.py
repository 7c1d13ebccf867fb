"""An agent's connection that breaks: in every state, and in the ways that make no noise."""

from pathlib import Path

import pytest
import trio
from tests.agent_service import API_KEY, AgentService, Conversation, Script
from tests.kit import Ran, ScriptedLeg, Setting, simulate, tone
from tests.providers.agent_play import Play, greet

from voxrun.errors import RemoteError
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated, UserAudio
from voxrun.protocol.elevenlabs.agents_server_messages import ClientToolCallData, ClientToolCallMessage
from voxrun.transports.network import MemoryNetwork

SCENARIO = """
from voxrun import *
AgentsEvents = ElevenLabs.AgentsEvents

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a", onWebSocketClose=closed)
    agent.addEventListener(AgentsEvents.WebSocketError, lambda e: Logger.write(f"error {e.data.code} {e.data.reason}"))
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
    setTimeout(call.hangup, 60_000)

def closed(event):
    Logger.write(f"closed {event.code} {event.reason}")
    VoxEngine.terminate()
"""


class SilentNetwork(MemoryNetwork):
    """Streams that fall silent on command, both ways, without closing."""

    def __init__(self, *, swallow: bool) -> None:
        super().__init__()
        self.silent = False
        self._swallow = swallow  # what is sent into the silence; else sending blocks, as to a peer that does not read

    async def connect(self, host: str, port: int, *, tls: bool) -> trio.abc.Stream:
        return SilentStream(await super().connect(host, port, tls=tls), self, swallow=self._swallow)


class SilentStream(trio.abc.Stream):
    """A stream of a SilentNetwork."""

    def __init__(self, stream: trio.abc.Stream, network: SilentNetwork, *, swallow: bool) -> None:
        self._stream = stream
        self._network = network
        self._swallow = swallow

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        if self._network.silent and data:
            return await self.receive_some(max_bytes)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if not self._network.silent:
            await self._stream.send_all(data)
        elif not self._swallow:
            await trio.sleep_forever()

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


def play(folder: Path, script: Script, network: MemoryNetwork | None = None) -> Ran:
    path = folder / "scenario.py"
    path.write_text(SCENARIO)
    service = AgentService(script)
    leg = ScriptedLeg(says=tone(16_000, 3.0))
    return simulate(path, Setting(leg=leg, secrets={"KEY": API_KEY}, background=service.start, network=network))


async def at_once(conversation: Conversation) -> None:
    """OPEN: before anything was sent."""


async def before_the_metadata(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)


async def after_the_metadata(conversation: Conversation) -> None:
    await greet(conversation)


async def while_hearing(conversation: Conversation) -> None:
    await greet(conversation)
    await conversation.wait_for(UserAudio)


async def while_speaking(conversation: Conversation) -> None:
    await greet(conversation)
    conversation.speak(1, tone(16_000, 5.0))
    await trio.sleep(1.0)


async def with_a_tool_call_open(conversation: Conversation) -> None:
    await greet(conversation)
    conversation.send(ClientToolCallMessage(ClientToolCallData("hours", "call_1", {}, 1)))
    await trio.sleep(0.1)


STATES = [at_once, before_the_metadata, after_the_metadata, while_hearing, while_speaking, with_a_tool_call_open]


@pytest.mark.parametrize("state", STATES)
def test_a_cut_in_any_state_is_told_with_1006_and_nothing_hangs(tmp_path: Path, state: Script) -> None:
    async def script(conversation: Conversation) -> None:
        await state(conversation)
        raise trio.BrokenResourceError

    ran = play(tmp_path, script)
    assert ran.logged == ["error 1006 ", "closed 1006 "]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.seconds < 3


@pytest.mark.parametrize("state", STATES)
def test_a_close_in_any_state_is_told_with_its_code_and_reason(tmp_path: Path, state: Script) -> None:
    async def script(conversation: Conversation) -> None:
        await state(conversation)
        conversation.socket.close(1011, "internal error")
        await trio.sleep(1)

    ran = play(tmp_path, script)
    assert ran.logged == ["error 1011 internal error", "closed 1011 internal error"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 1011


@pytest.mark.parametrize("swallow", [True, False], ids=["half-open", "slow reader"])
def test_a_peer_that_is_gone_without_a_word_is_noticed(tmp_path: Path, swallow: bool) -> None:
    network = SilentNetwork(swallow=swallow)

    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        await trio.sleep(1.0)
        network.silent = True
        await trio.sleep_forever()

    ran = play(tmp_path, script, network)
    assert ran.logged[-1] == "closed 1006 the peer did not answer a ping within 10 s"
    assert 20 < ran.seconds < 55


def test_a_quiet_peer_that_answers_pings_is_kept(tmp_path: Path) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        await trio.sleep(50)  # silent for longer than the client asks whether anybody is there
        conversation.socket.close(1000, "done")
        await trio.sleep(1)

    ran = play(tmp_path, script)
    assert ran.logged == ["closed 1000 done"]
    assert ran.outcome.error is None


def test_tool_calls_without_end_are_not_all_waited_for(play: Play) -> None:
    async def script(conversation: Conversation) -> None:
        await greet(conversation)
        for number in range(300):
            conversation.send(ClientToolCallMessage(ClientToolCallData("hours", f"call_{number}", {}, number)))
        await trio.sleep_forever()

    ran, _, _ = play(script, "call.hangup = lambda: setTimeout(VoxEngine.terminate, 10_000)")
    assert sum("nobody has answered" in it["message"] for it in ran.of_kind("warning")) == 100
