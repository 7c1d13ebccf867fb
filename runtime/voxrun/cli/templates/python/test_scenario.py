"""Calls to scenario.py in virtual time: an agent and a caller that do what stands here. Nothing is sent anywhere."""

from voxrun import CallEvents, ElevenLabs
from voxrun.testing import Agent, Simulate, after, agentStops, at, callTool, hangUp, say, speech, turn


def test_the_caller_is_told_the_opening_hours(simulate: Simulate) -> None:
    agent = Agent(
        greeting=turn("Hello. How can I help you?", 2.0),
        transcripts=["When are you open today?"],
        answers=[
            [callTool("opening_hours", {"day": "today"}, expect="nine to five"), turn("From nine to five.", 2.0)],
        ],
    )
    caller = [
        after(agentStops, 0.5, say(speech(1.5))),
        after(agentStops, 1.0, hangUp()),
    ]

    call = simulate("scenario.py", caller=caller, agent=agent)

    call.expectOk()
    assert call.caller.heard.firstSoundAfter(0.0) < 1.0
    assert call.caller.heard.contains(call.agent.said)
    assert call.events.first(CallEvents.Disconnected).time < 12.0


def test_the_agent_is_silent_when_it_is_interrupted(simulate: Simulate) -> None:
    agent = Agent(greeting=turn("Hello. Before we begin, let me tell you about our offers.", 6.0))

    call = simulate("scenario.py", caller=[at(2.0, say(speech(1.0))), at(5.0, hangUp())], agent=agent)

    call.expectOk()
    interrupted = call.events.first(ElevenLabs.AgentsEvents.Interruption).time
    assert call.caller.heard.silentFrom(interrupted + 0.05)
