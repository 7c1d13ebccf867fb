"""An ElevenLabs agent books appointments: its tools are requests to a server, which gets a report as well."""

import json

from voxrun import AppEvents, CallEvents, ElevenLabs, Net, VoxEngine
from voxrun.events import AgentsEvent, CallAlertingEvent, DisconnectedEvent

SERVER = VoxEngine.getSecretValue("BOOKING_SERVER") or "https://booking.example"
TOKEN = VoxEngine.getSecretValue("BOOKING_TOKEN") or ""


async def ask(tool: str, what: dict[str, object]) -> Net.HttpRequestResult:
    return await Net.httpRequestAsync(
        f"{SERVER}/{tool}",
        method="POST",
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
        postData=json.dumps(what),
        timeout=8,
    )


@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event: CallAlertingEvent) -> None:
    call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("ELEVENLABS_API_KEY"),
        agentId=VoxEngine.getSecretValue("ELEVENLABS_AGENT_ID") or "agent_receptionist",
        onWebSocketClose=lambda e: call.hangup(),
    )

    @agent.on(ElevenLabs.AgentsEvents.ClientToolCall)
    async def run_tool(event: AgentsEvent) -> None:
        tool = event.data.client_tool_call
        answer = await ask(tool.tool_name, {**tool.parameters, "caller": call.callerid()})
        agent.clientToolResult(
            {
                "tool_call_id": tool.tool_call_id,
                "result": answer.text or answer.error or "",
                "is_error": answer.code != 200,
            }
        )

    @call.on(CallEvents.Disconnected)
    async def report(event: DisconnectedEvent) -> None:
        await ask("calls", {"caller": call.callerid(), "seconds": event.duration})
        VoxEngine.terminate()

    agent.addEventListener(ElevenLabs.AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    call.answer()
    VoxEngine.sendMediaBetween(call, agent)
