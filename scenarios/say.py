"""A voice says a sentence to whoever calls, then hangs up."""

from voxrun import AppEvents, CallEvents, ElevenLabs, PlayerEvents, VoxEngine
from voxrun.events import CallAlertingEvent

SENTENCE = "Hello! Our office is closed today. Please call again tomorrow, between nine and five."
VOICE_ID = "JBFqnCBsd6RMkjVDRZzb"


@VoxEngine.on(AppEvents.CallAlerting)
async def say(event: CallAlertingEvent) -> None:
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    await call.waitFor(CallEvents.Connected)
    voice = ElevenLabs.createRealtimeTTSPlayer(
        SENTENCE,
        pathParameters={"voice_id": VOICE_ID},
        queryParameters={"model_id": "eleven_flash_v2_5"},
        headers=[{"name": "xi-api-key", "value": VoxEngine.getSecretValue("ELEVENLABS_API_KEY")}],
    )
    voice.sendText({"text": ""})  # there is no more of it: only a text that has ended can be finished
    voice.sendMediaTo(call)
    await voice.waitFor(PlayerEvents.PlaybackFinished)
    call.hangup()
