"""What `reconnect.py` does."""

from voxrun.testing import Agent, Simulate, at, close, hangUp, say, speech, turn, vanish


def test_a_new_conversation_is_told_of_the_old_one(simulate: Simulate) -> None:
    first = Agent(
        greeting=turn("Good morning.", 1.0),
        transcripts=["At ten, please."],
        answers=[turn("At ten.", 1.0)],
        script=[at(6.0, vanish())],
    )
    second = Agent(greeting=turn("Where were we?", 1.0))
    caller = [at(2.0, say(speech(1.0))), at(9.0, hangUp())]
    call = simulate("../reconnect.py", caller=caller, agent=[first, second]).expectOk()
    (update,) = call.agents[1].received("contextual_update")
    assert update.time < 6.5
    assert "You: Good morning.\nCaller: At ten, please.\nYou: At ten." in update.data.text
    assert call.caller.heard.spansOf(call.agents[1].said)


def test_a_conversation_that_ends_well_ends_the_call(simulate: Simulate) -> None:
    call = simulate("../reconnect.py", agent=Agent(script=[at(2.0, close(1000, "goodbye"))])).expectOk()
    assert len(call.agents) == 1
    assert call.seconds < 2.5


def test_it_gives_up_after_three_new_conversations(simulate: Simulate) -> None:
    breaks = Agent(script=[at(0.0, vanish())])
    call = simulate("../reconnect.py", agent=[breaks] * 5)
    assert len(call.agents) == 4
    assert "agent-4" in str(call.outcome.error)
