"""Whoever calls joins a room where somebody is speaking already; when that one has finished, the room is closed."""

from pathlib import Path

from voxrun import AppEvents, CallEvents, PlayerEvents, VoxEngine
from voxrun.events import CallAlertingEvent

ANNOUNCEMENT = Path(__file__).parent / "audio" / "announcement.flac"


@VoxEngine.on(AppEvents.CallAlerting)
async def join(event: CallAlertingEvent) -> None:
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    conference = VoxEngine.createConference(hd_audio=False)
    speaker = VoxEngine.createURLPlayer(str(ANNOUNCEMENT))
    speaker.sendMediaTo(conference)
    await speaker.waitFor(PlayerEvents.Started)
    call.answer()
    VoxEngine.sendMediaBetween(call, conference)  # the call hears the speaker, but not itself
    await speaker.waitFor(PlayerEvents.PlaybackFinished)
    VoxEngine.destroyConference(conference)
    call.hangup()
