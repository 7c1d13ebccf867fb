"""The receptionist's conversation of a minute that tests and measurements share."""

from collections.abc import Sequence
from pathlib import Path

from voxrun.testing import (
    Agent,
    SimulatedCall,
    after,
    agentStops,
    at,
    callTool,
    hangUp,
    say,
    simulate,
    speech,
    turn,
    vadScore,
)
from voxrun.testing.agent import AgentAction

SCENARIO = Path(__file__).parents[2] / "scenarios" / "receptionist.py"

CALLER = [
    at(4.0, say(speech(2.0, 1))),
    after(agentStops, 0.6, say(speech(3.0, 2))),
    after(agentStops, 0.8, say(speech(2.5, 3))),
    at(35.0, say(speech(2.0, 4))),  # in the middle of the third answer
    after(agentStops, 0.5, say(speech(2.0, 5))),
    after(agentStops, 0.5, say(speech(1.0, 6))),
    at(60.0, hangUp()),
]

ANSWERS: list[AgentAction | Sequence[AgentAction]] = [
    [callTool("opening_hours", {"day": "today"}, expect="nine to five"), turn("We are open from nine to five.", 5.0)],
    [callTool("opening_hours", {"day": "tomorrow"}, expect="ten to four"), turn("Tomorrow from ten to four.", 7.0)],
    turn("You can come without an appointment, but then please expect to wait for half an hour.", 12.0),
    turn("At ten o'clock. You are booked. Anything else?", 4.5),
    [vadScore(0.1), turn("We are at twelve River Street, next to the old bridge.", 5.0)],
    turn("Thank you for calling. Goodbye!", 3.0),
]

AGENT = Agent(
    greeting=turn("Hello, this is Riverside Dental. How can I help you?", 3.2),
    answers=ANSWERS,
    transcripts=["What are your hours?", "And tomorrow?", "Can I come?", "At ten.", "Where are you?", "Thank you."],
)


def hold(seed: int = 0) -> SimulatedCall:
    """Have the conversation."""
    return simulate(SCENARIO, caller=CALLER, agent=AGENT, seed=seed)
