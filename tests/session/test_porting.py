"""What people write who bring a scenario from VoxEngine: the error has their line, and says what to write instead."""

import pytest
from tests.kit import Play, ScriptedLeg, Setting

LINES = {
    "from voxrun import AgentsEvents": "; write `ElevenLabs.AgentsEvents`\n",
    "from voxrun import Date": "; use Python's datetime\n",
    "OpenAI.createRealtimeAPIClient({})": "NameError: name 'OpenAI' is not defined; the one such service yet is "
    "ElevenLabs; a server of your own is reached by VoxEngine.createWebSocket\n",
    "event['callerid']": "'CallAlertingEvent' object is not subscriptable; its fields are read with a dot\n",
    "(await Net.httpRequestAsync('ftp://a.example'))['code']": "'HttpRequestResult' object is not subscriptable; its "
    "fields are read with a dot\n",
    "await event.call.waitFor(CallEvents.Connected, timeout=0.1)": "TimeoutError: Call.Connected did not fire within "
    "0.1 s; to go on without it, catch TimeoutError\n",
    "event.why": "'CallAlertingEvent' object has no attribute 'why'; it has name, call, callerid, destination, ",
    "event.callerId": "'CallAlertingEvent' object has no attribute 'callerId'; did you mean 'callerid'?\n",
}


@pytest.mark.parametrize(("line", "told"), LINES.items(), ids=list(LINES))
def test_what_is_written_otherwise_here_is_told(play: Play, line: str, told: str) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        async def answer(event):
            {line}
        """,
        Setting(leg=ScriptedLeg()),
    )
    message = str(ran.outcome.error)
    assert message.startswith("scenario.py:4: ") or "/scenario.py:4: " in message
    assert told in message
    assert message.endswith(f"\n    {line}")
