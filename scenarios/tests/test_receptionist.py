"""What `receptionist.py` does."""

from voxrun import CallEvents, ElevenLabs
from voxrun.testing import Agent, Simulate, after, agentStops, at, callTool, error, hangUp, say, speech, turn


def test_the_caller_is_told_the_opening_hours(simulate: Simulate) -> None:
    agent = Agent(
        greeting=turn("Riverside Dental. How can I help you?", 2.0),
        answers=[
            [callTool("opening_hours", {"day": "today"}, expect="nine to five"), turn("From nine to five.", 2.0)],
            [callTool("opening_hours", {"day": "Sunday"}, expect="closed"), turn("We are closed.", 1.0)],
            [callTool("weather", expect="no such tool", isError=True)],
        ],
    )
    caller = [after(agentStops, 0.5, say(speech(1.0 + number, number))) for number in range(3)]
    call = simulate("../receptionist.py", caller=[*caller, at(20.0, hangUp())], agent=agent).expectOk()
    assert call.caller.heard.contains(call.agent.said)
    assert len(call.agent.received("client_tool_result")) == 3


def test_an_impatient_caller_is_not_spoken_over(simulate: Simulate) -> None:
    agent = Agent(greeting=turn("Welcome to Riverside Dental. Before we begin, let me tell you about us.", 6.0))
    call = simulate("../receptionist.py", caller=[at(2.0, say(speech(1.0))), at(5.0, hangUp())], agent=agent).expectOk()
    interrupted = call.events.first(ElevenLabs.AgentsEvents.Interruption).time
    assert call.caller.heard.silentFrom(interrupted + 0.05)


def test_the_caller_does_not_wait_when_the_agent_is_gone(simulate: Simulate) -> None:
    call = simulate("../receptionist.py", agent=Agent(script=[at(3.0, error(1011, "overloaded"))]))
    assert "overloaded" in str(call.outcome.error)
    assert call.events.first(CallEvents.Disconnected).time < 3.1
