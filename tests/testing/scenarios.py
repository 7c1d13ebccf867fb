"""Small scenarios that tests of the kit run."""

import textwrap
from pathlib import Path

BRIDGE = """
from voxrun import *
AgentsEvents = ElevenLabs.AgentsEvents

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("ELEVENLABS_API_KEY"), agentId="a",
        onWebSocketClose=lambda e: Logger.write(f"closed {e.code} {e.reason} {e.wasClean}"))
{body}
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    agent.addEventListener(AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
"""

ECHO = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.handleTones(True)
    call.addEventListener(CallEvents.ToneReceived, lambda e: Logger.write(f"key {e.tone}"))
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
{body}
    call.answer()
    call.sendMediaTo(call)
"""


def write(folder: Path, template: str, body: str = "") -> Path:
    """The scenario with `body` in its middle, as a file in `folder`."""
    path = folder / "scenario.py"
    path.write_text(template.replace("{body}", textwrap.indent(textwrap.dedent(body), "    ")))
    return path
