"""Call somebody by Twilio, and remind them of an appointment.

A session without a call, begun by POST /sessions with the customData {"to": "+493012345", "at": "ten o'clock"}, has
Twilio call them. Who answers comes in at /twiml as a call of its own, with what is left of the data.
"""

import base64
import json
from urllib.parse import quote, urlencode

from voxrun import AppEvents, CallEvents, Logger, Net, VoxEngine
from voxrun.events import CallAlertingEvent, StartedEvent

ACCOUNT = VoxEngine.getSecretValue("TWILIO_ACCOUNT_SID") or ""
TOKEN = VoxEngine.getSecretValue("TWILIO_AUTH_TOKEN") or ""
NUMBER = VoxEngine.getSecretValue("TWILIO_NUMBER") or ""
SERVER = VoxEngine.getSecretValue("PUBLIC_URL") or "https://calls.example.com"


@VoxEngine.on(AppEvents.Started)
async def call_out(event: StartedEvent) -> None:
    order = json.loads(VoxEngine.customData() or "{}")
    if "to" not in order:
        return
    key = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    number = order.pop("to")
    url = f"{SERVER}/twiml?customData={quote(json.dumps(order))}"
    answer = await Net.httpRequestAsync(
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json",
        method="POST",
        headers={"Authorization": f"Basic {key}", "Content-Type": "application/x-www-form-urlencoded"},
        postData=urlencode({"To": number, "From": NUMBER, "Url": url}),
    )
    why = answer.text or answer.error or ""
    Logger.write(f"calling {number}" if answer.code == 201 else f"Twilio does not call {number}: {answer.code} {why}")
    VoxEngine.terminate()


@VoxEngine.on(AppEvents.CallAlerting)
def remind(event: CallAlertingEvent) -> None:
    call = event.call
    at = json.loads(event.customData or "{}").get("at")
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    call.addEventListener(CallEvents.PlaybackFinished, lambda e: call.hangup())
    call.answer()
    call.say(
        f"Riverside Dental. Your appointment is tomorrow at {at}." if at else "Riverside Dental. We call you back."
    )
