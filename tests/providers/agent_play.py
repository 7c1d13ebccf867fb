"""A scenario that bridges a call and an agent, played in virtual time against a scripted service."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import trio
from tests.agent_service import API_KEY, AgentService, Conversation, Script
from tests.kit import Ran, ScriptedLeg, Setting, simulate

from voxrun.audio.frame import Samples
from voxrun.protocol.elevenlabs.agents_server import ConversationInitiated
from voxrun.transports.server import Reply

SCENARIO = """
from voxrun import *
AgentsEvents = ElevenLabs.AgentsEvents
Events = ElevenLabs.Events

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a",
        onWebSocketClose=lambda e: Logger.write(f"closed {e.code} {e.reason} {e.wasClean}"))
%s
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
    setTimeout(call.hangup, 5000)
"""

Play = Callable[..., tuple[Ran, AgentService, ScriptedLeg]]


def play_scenario(
    folder: Path, script: Script, body: str = "", says: Samples | None = None, refusal: Reply | None = None
) -> tuple[Ran, AgentService, ScriptedLeg]:
    """Run SCENARIO with `body` in its middle, in `folder`."""
    path = folder / "scenario.py"
    path.write_text(SCENARIO % textwrap.indent(textwrap.dedent(body), "    "))
    leg = ScriptedLeg(16_000, says)
    service = AgentService(script, refusal=refusal)
    ran = simulate(path, Setting(leg=leg, secrets={"KEY": API_KEY}, background=service.start))
    return ran, service, leg


async def greet(conversation: Conversation) -> None:
    await conversation.wait_for(ConversationInitiated)
    conversation.greet()


async def stay_open(conversation: Conversation) -> None:
    await trio.sleep_forever()
