"""A trace to read: the receptionist's call, in which the caller speaks over the second answer."""

from pathlib import Path

import pytest

from voxrun.testing import Agent, SimulatedCall, at, callTool, hangUp, say, simulate, speech, turn

SCENARIO = Path(__file__).parents[2] / "scenarios" / "receptionist.py"


@pytest.fixture(scope="session")
def call() -> SimulatedCall:
    agent = Agent(
        greeting=turn("Hello, this is Riverside Dental.", 2.0),
        answers=[
            [callTool("opening_hours", {"day": "today"}), turn("Nine to five, as ever.", 4.0)],
            turn("You are booked.", 1.5),
        ],
        transcripts=["What are your opening hours?", "Book me in, please."],
    )
    caller = [at(4.0, say(speech(1.5, 1))), at(8.0, say(speech(1.0, 2))), at(13.0, hangUp())]
    return simulate(SCENARIO, caller=caller, agent=agent, secrets={"ELEVENLABS_API_KEY": "sk_0123456789"}).expectOk()
