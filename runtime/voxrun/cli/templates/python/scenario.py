"""An ElevenLabs agent answers the phone. It asks this scenario for the opening hours."""

from voxrun import AppEvents, CallEvents, ElevenLabs, VoxEngine
from voxrun.events import AgentsEvent, CallAlertingEvent

AgentsEvents = ElevenLabs.AgentsEvents

OPENING_HOURS = {"today": "nine to five", "tomorrow": "ten to four"}


@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event: CallAlertingEvent) -> None:
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("ELEVENLABS_API_KEY"),
        agentId=VoxEngine.getSecretValue("ELEVENLABS_AGENT_ID") or "agent_receptionist",
        onWebSocketClose=lambda e: call.hangup(),
    )

    @agent.on(AgentsEvents.ClientToolCall)
    def run_tool(event: AgentsEvent) -> None:
        tool = event.data.client_tool_call
        hours = OPENING_HOURS.get(tool.parameters.get("day", "today"), "closed")
        agent.clientToolResult({"tool_call_id": tool.tool_call_id, "result": hours, "is_error": False})

    agent.addEventListener(AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
