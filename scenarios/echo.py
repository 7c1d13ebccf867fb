"""A call that hears itself for ten seconds."""

from voxrun import AppEvents, CallEvents, VoxEngine, setTimeout
from voxrun.events import CallAlertingEvent


@VoxEngine.on(AppEvents.CallAlerting)
def echo(event: CallAlertingEvent) -> None:
    call = event.call
    call.addEventListener(CallEvents.Connected, lambda e: setTimeout(call.hangup, 10_000))
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.answer()
    call.sendMediaTo(call)
