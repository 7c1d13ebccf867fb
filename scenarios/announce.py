"""Play an announcement to whoever calls, then hang up."""

from pathlib import Path

from voxrun import AppEvents, CallEvents, PlayerEvents, VoxEngine
from voxrun.events import CallAlertingEvent

ANNOUNCEMENT = Path(__file__).parent / "audio" / "announcement.flac"


@VoxEngine.on(AppEvents.CallAlerting)
async def announce(event: CallAlertingEvent) -> None:
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    await call.waitFor(CallEvents.Connected)
    player = VoxEngine.createURLPlayer(str(ANNOUNCEMENT))
    player.sendMediaTo(call)
    await player.waitFor(PlayerEvents.PlaybackFinished)
    call.hangup()
