"""An agent whose connection may break: a new conversation then goes on, and is told what was said in the old one."""

from collections import deque

from voxrun import AppEvents, Call, CallEvents, ElevenLabs, VoxEngine
from voxrun.events import AgentsEvent, CallAlertingEvent, WebSocketCloseEvent

AgentsEvents = ElevenLabs.AgentsEvents

RECONNECTIONS = 3
REMEMBERED = 10
ORDINARY_CODES = (1000, 1001, 1005)


@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event: CallAlertingEvent) -> None:
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    await converse(call, deque(maxlen=REMEMBERED), RECONNECTIONS)


async def converse(call: Call, said: deque[str], reconnections: int) -> None:
    async def go_on(event: WebSocketCloseEvent) -> None:
        if event.code in ORDINARY_CODES or reconnections == 0:
            call.hangup()
        else:
            await converse(call, said, reconnections - 1)

    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("ELEVENLABS_API_KEY"),
        agentId=VoxEngine.getSecretValue("ELEVENLABS_AGENT_ID") or "agent_receptionist",
        onWebSocketClose=go_on,
    )

    @agent.on(AgentsEvents.UserTranscript)
    def remember_caller(event: AgentsEvent) -> None:
        said.append(f"Caller: {event.data.payload.user_transcript}")

    @agent.on(AgentsEvents.AgentResponse)
    def remember_agent(event: AgentsEvent) -> None:
        said.append(f"You: {event.data.payload.agent_response}")

    if said:
        lines = "\n".join(said)
        agent.contextualUpdate({"text": f"The connection was lost. Go on where this conversation was:\n{lines}"})
    agent.addEventListener(AgentsEvents.Interruption, lambda e: agent.clearMediaBuffer())
    VoxEngine.sendMediaBetween(call, agent)
