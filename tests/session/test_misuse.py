"""A scenario that treats the API as its own: it is told at its line, and nothing of the inside."""

import pytest
from tests.kit import Play, ScriptedLeg, Setting

from voxrun.errors import ScenarioError

NO_ASSIGNMENT = "belongs to the API: nothing can be assigned to it"
A_VARIABLE = "keep the value in a variable of your own"

ASSIGNMENTS = {
    "VoxEngine.customData = 'x'": f"`customData` {NO_ASSIGNMENT}; it is a function, call it: `customData(…)`",
    "ElevenLabs.AgentsClient = 5": f"`AgentsClient` {NO_ASSIGNMENT}; {A_VARIABLE}",
    "Net.httpRequest = print": f"`httpRequest` {NO_ASSIGNMENT}; it is a function, call it: `httpRequest(…)`",
    "Logger.mine = 'x'": f"`mine` {NO_ASSIGNMENT}; {A_VARIABLE}",
    "AppEvents.Started = 'x'": f"`AppEvents.Started` {NO_ASSIGNMENT}; {A_VARIABLE}",
    "ElevenLabs.AgentsEvents.Ping = 'x'": f"`AgentsEvents.Ping` {NO_ASSIGNMENT}; {A_VARIABLE}",
}

CALLED = "can't be called: a function such as createRecorder, or an event, gives it"


def message_of(play: Play, statement: str) -> str:
    """What is said of a handler with this `statement`, at its line."""
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            call = event.call
            {statement}
        """,
        Setting(leg=ScriptedLeg()),
    )
    message = str(ran.outcome.error)
    assert "scenario.py:5: in a handler of Application.CallAlerting: " in message
    assert message.endswith(f"\n    {statement}")
    return message


@pytest.mark.parametrize(("statement", "message"), ASSIGNMENTS.items(), ids=list(ASSIGNMENTS))
def test_nothing_of_the_api_can_be_replaced(play: Play, statement: str, message: str) -> None:
    assert f": AttributeError: {message}\n" in message_of(play, statement)


@pytest.mark.parametrize("name", ["say", "id", "answer"])
def test_a_method_that_was_given_another_value_is_told_where_it_is_missed(play: Play, name: str) -> None:
    message = message_of(play, f"call.{name} = 5; call.answer() if '{name}' == 'id' else call.{name}('x')")
    assert f": <call-1> was given another `{name}`; `{name}` {NO_ASSIGNMENT}; it is a function, call it:" in message


def test_a_method_that_only_the_runtime_misses_is_the_scenarios_mistake_too(play: Play) -> None:
    source = """
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            event.call.answer()
            event.call.id = 5
            setTimeout(lambda: 1, 3000)
        """
    ran = play(source, Setting(leg=ScriptedLeg()))
    assert isinstance(ran.outcome.error, ScenarioError)
    assert f"scenario.py: <call-1> was given another `id`; `id` {NO_ASSIGNMENT}; " in str(ran.outcome.error)


def test_a_scenario_may_keep_its_own_on_a_unit(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            event.call.customer = "Ada"
            Logger.write(event.call.customer)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.logged == ["Ada"]
    assert ran.outcome.error is None


@pytest.mark.parametrize("statement", ["Player()", "Call('x')", "ElevenLabs.AgentsClient(xiApiKey='key', agentId='a')"])
def test_a_unit_is_not_made_by_its_class(play: Play, statement: str) -> None:
    name = statement.partition("(")[0].rpartition(".")[2]
    assert f": {name} {CALLED}\n" in message_of(play, statement)


@pytest.mark.parametrize("misspelt", ["close", "consum", "inlets", "outputs"])
def test_nothing_of_the_inside_is_suggested(play: Play, misspelt: str) -> None:
    assert f"'Call' object has no attribute '{misspelt}'\n" in message_of(play, f"call.{misspelt}()")


def test_what_scenarios_have_is_suggested(play: Play) -> None:
    assert "'Call' object has no attribute 'anwser'; did you mean 'answer'?\n" in message_of(play, "call.anwser()")


def test_an_agent_takes_other_messages_than_a_call(play: Play) -> None:
    assert "; an agent has userMessage and contextualUpdate, a WebSocket send;" in message_of(
        play, "call.sendMessage('')"
    )
