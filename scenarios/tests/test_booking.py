"""What `booking.py` does."""

import json

from voxrun.testing import Agent, Simulate, after, agentStops, at, callTool, hangUp, say, speech, turn

SECRETS = {"BOOKING_TOKEN": "a-token"}


def test_a_tool_is_a_request_and_the_call_is_reported(simulate: Simulate) -> None:
    agent = Agent(
        greeting=turn("Riverside Dental. When would you like to come?", 2.0),
        answers=[[callTool("book", {"day": "Monday"}, expect='{"time": "9:30"}'), turn("At half past nine.", 1.5)]],
    )
    call = simulate(
        "../booking.py",
        caller=[after(agentStops, 0.5, say(speech(1.0))), at(12.0, hangUp())],
        agent=agent,
        secrets=SECRETS,
        web={"https://booking.example/book": {"time": "9:30"}, "https://booking.example/calls": 204},
    ).expectOk()
    booked, reported = call.webRequests
    assert json.loads(booked.body) == {"caller": "anonymous", "day": "Monday"}
    assert booked.headers["authorization"] == "Bearer a-token"
    assert json.loads(reported.body) == {"caller": "anonymous", "seconds": 12}
    assert "a-token" not in json.dumps(call.records)


def test_an_agent_may_name_its_parameters_as_it_likes(simulate: Simulate) -> None:
    agent = Agent(script=[at(1.0, callTool("book", {"tool": "drill", "caller": "Ada"}))])
    call = simulate(
        "../booking.py",
        caller=[at(4.0, hangUp())],
        agent=agent,
        web={"https://booking.example": 200},
    ).expectOk()
    assert json.loads(call.webRequests[0].body) == {"tool": "drill", "caller": "anonymous"}


def test_the_agent_is_told_what_goes_wrong(simulate: Simulate) -> None:
    agent = Agent(script=[at(1.0, callTool("book", {}, isError=True)), at(2.0, callTool("cancel", {}, isError=True))])
    call = simulate(
        "../booking.py",
        caller=[at(4.0, hangUp())],
        agent=agent,
        web={"https://booking.example/book": lambda _: 503},
    ).expectOk()
    assert [request.path for request in call.webRequests] == ["/book", "/cancel", "/calls"]
