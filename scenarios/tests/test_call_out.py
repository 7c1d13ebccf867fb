"""What `call_out.py` does."""

import json
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest

from voxrun.testing import Caller, Simulate

CALLS = "https://api.twilio.com/2010-04-01/Accounts/AC1/Calls.json"
SECRETS = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "a-token", "TWILIO_NUMBER": "+15550100"}
ORDER = json.dumps({"to": "+493012345", "at": "ten o'clock"})


def test_twilio_is_to_call_and_who_answers_is_reminded(simulate: Simulate) -> None:
    asking = simulate("../call_out.py", caller=None, customData=ORDER, secrets=SECRETS, web={CALLS: 201}).expectOk()
    (request,) = asking.webRequests
    (key,) = request.headers["authorization"].split()[1:]
    assert b64decode(key) == b"AC1:a-token"
    form = parse_qs(request.body.decode())
    assert (form["To"], form["From"]) == (["+493012345"], ["+15550100"])
    address = urlsplit(form["Url"][0])
    assert address.path == "/twiml"
    assert asking.log == ["calling +493012345"]
    assert "a-token" not in json.dumps(asking.records)

    (data,) = parse_qs(address.query)["customData"]
    answered = simulate("../call_out.py", caller=Caller(customData=data), secrets=SECRETS).expectOk()
    assert answered.spoken == ["Riverside Dental. Your appointment is tomorrow at ten o'clock."]
    assert answered.caller.heard.audible()


@pytest.mark.parametrize("status", [400, 401])
def test_it_says_why_twilio_does_not_call(simulate: Simulate, status: int) -> None:
    call = simulate("../call_out.py", caller=None, customData=ORDER, secrets=SECRETS, web={CALLS: status}).expectOk()
    assert call.log == [f"Twilio does not call +493012345: {status} "]


def test_who_calls_back_begins_no_call(simulate: Simulate) -> None:
    call = simulate("../call_out.py").expectOk()
    assert call.spoken == ["Riverside Dental. We call you back."]
    assert call.webRequests == []
