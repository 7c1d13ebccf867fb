"""A scenario that treats the API as its own: it is told at its line, and nothing of the inside."""

from pathlib import Path

import pytest
from tests.kit import Play, ScriptedLeg, Setting

from voxrun.errors import ScenarioError

AS_IT_IS = "the API stays as it is, for all calls of the process"
A_VARIABLE = "keep what is your own in a variable"

CHANGES = {
    "VoxEngine.customData = 'x'": f"`customData`: {AS_IT_IS}; it is a function, call it: `customData(…)`",
    "VoxEngine.createWebSocket = 5": f"`createWebSocket`: {AS_IT_IS}; it is a function, call it: `createWebSocket(…)`",
    "ElevenLabs.AgentsClient = 5": f"`AgentsClient`: {AS_IT_IS}; {A_VARIABLE}",
    "Net.httpRequest = print": f"`httpRequest`: {AS_IT_IS}; it is a function, call it: `httpRequest(…)`",
    "Logger.mine = 'x'": f"`mine`: {AS_IT_IS}; {A_VARIABLE}",
    "del VoxEngine.terminate": f"`terminate`: {AS_IT_IS}; {A_VARIABLE}",
    "AppEvents.Started = 'x'": f"`AppEvents.Started`: {AS_IT_IS}; {A_VARIABLE}",
    "del AppEvents.Terminated": f"`AppEvents.Terminated`: {AS_IT_IS}; {A_VARIABLE}",
    "ElevenLabs.AgentsEvents.Ping = 'x'": f"`AgentsEvents.Ping`: {AS_IT_IS}; {A_VARIABLE}",
    "ElevenLabs.Events.mine = 'x'": f"`Events.mine`: {AS_IT_IS}; {A_VARIABLE}",
    "ConferenceMode.MINE = 5": f"`ConferenceMode.MINE`: {AS_IT_IS}; {A_VARIABLE}",
    "ConferenceMode.MIX = 5": f"`ConferenceMode.MIX`: {AS_IT_IS}; {A_VARIABLE}",
    "del WebSocketCloseCode.__doc__": f"`WebSocketCloseCode.__doc__`: {AS_IT_IS}; {A_VARIABLE}",
    "del ConferenceDirection.BOTH": f"`ConferenceDirection.BOTH`: {AS_IT_IS}; {A_VARIABLE}",
    "WebSocketReadyState.OPEN = 5": f"`WebSocketReadyState.OPEN`: {AS_IT_IS}; {A_VARIABLE}",
    "WebSocketAudioEncoding.MINE = 5": f"`WebSocketAudioEncoding.MINE`: {AS_IT_IS}; {A_VARIABLE}",
}

OTHER_TYPE_ERRORS = {
    "plain = call.answer; call.answer = lambda: plain(); 'age: ' + 5": "can only concatenate str",
    "call.say = 5; len(5)": "object of type 'int' has no len()",
    "call.mine = 5; call.mine()": "'int' object is not callable",
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


@pytest.mark.parametrize(("statement", "message"), CHANGES.items(), ids=list(CHANGES))
def test_nothing_of_the_api_can_be_changed(play: Play, statement: str, message: str) -> None:
    assert f": AttributeError: {message}\n" in message_of(play, statement)


@pytest.mark.parametrize("name", ["say", "id", "answer"])
def test_a_method_that_was_given_another_value_is_told_where_it_is_missed(play: Play, name: str) -> None:
    message = message_of(play, f"call.{name} = 5; call.answer() if '{name}' == 'id' else call.{name}('x')")
    assert f": <call-1> was given another `{name}`, which is a function: call it, `{name}(…)`; {A_VARIABLE}" in message


@pytest.mark.parametrize(("statement", "message"), OTHER_TYPE_ERRORS.items())
def test_another_mistake_is_told_beside_it(play: Play, statement: str, message: str) -> None:
    assert message in message_of(play, statement)


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
    assert "scenario.py: <call-1> was given another `id`, which is a function: " in str(ran.outcome.error)


def test_a_scenario_may_keep_its_own_on_a_unit(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            import copy, dataclasses
            event.call.customer = "Ada"
            Logger.write(copy.copy(event.call).customer)
            Logger.write(dataclasses.asdict(event)["call"] is event.call)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.logged == ["Ada", "True"]
    assert ran.outcome.error is None


@pytest.mark.parametrize("statement", ["Player()", "Call('x')", "ElevenLabs.AgentsClient(xiApiKey='key', agentId='a')"])
def test_a_unit_is_not_made_by_its_class(play: Play, statement: str) -> None:
    name = statement.partition("(")[0].rpartition(".")[2]
    assert f": {name} {CALLED}\n" in message_of(play, statement)


@pytest.mark.parametrize("misspelt", ["close", "consum", "inlets", "outputs"])
def test_nothing_of_the_inside_is_suggested(play: Play, misspelt: str) -> None:
    assert f"'Call' object has no attribute '{misspelt}'\n" in message_of(play, f"call.{misspelt}()")


def test_what_scenarios_put_there_is_suggested(play: Play) -> None:
    said = message_of(play, "call.customerName = ''; call.custommerName.lower()")
    assert "; did you mean 'customerName'?\n" in said


def test_what_scenarios_have_is_suggested(play: Play) -> None:
    assert "'Call' object has no attribute 'anwser'; did you mean 'answer'?\n" in message_of(play, "call.anwser()")


def test_an_agent_takes_other_messages_than_a_call(play: Play) -> None:
    assert "; an agent has userMessage and contextualUpdate, a WebSocket send;" in message_of(
        play, "call.sendMessage('')"
    )


@pytest.mark.parametrize("kind", ["Exception", "RuntimeError", "TypeError"])
def test_an_exception_that_cannot_say_what_it_is_gets_the_scenarios_line(play: Play, kind: str) -> None:
    ran = play(f"""
        class Broken({kind}):
            def __str__(self):
                return self.never_set
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            raise Broken
        """)
    assert isinstance(ran.outcome.error, ScenarioError)
    assert str(ran.outcome.error).endswith(
        "scenario.py:7: in a handler of Application.Started: Broken\n    raise Broken"
    )


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("def __dir__(self): 1 / 0", "it.title", "AttributeError: 'Proxy' object has no attribute 'title'"),
        ("__class__ = property(lambda self: 1 / 0)", "it()", "TypeError: 'Proxy' object is not callable"),
    ],
)
def test_an_object_that_can_not_say_what_it_is_hides_no_mistake(
    play: Play, tmp_path: Path, body: str, line: str, message: str
) -> None:
    ran = play(f"class Proxy:\n    {body}\nit = Proxy()\n{line}\n")
    assert str(ran.outcome.error) == f"{tmp_path}/scenario.py:5: while loading: {message}\n    {line}"


BROKEN_EQUALITY = """
        class Broken:
            def __init__(self, name):
                self.name = name
            def __call__(self, event):
                Logger.write(self.name)
            def __eq__(self, other):
                raise ValueError("never equal")
        @VoxEngine.on(AppEvents.CallAlerting)
        async def go(event):
            call = event.call
            call.addEventListener(CallEvents.Connected, Broken("a"))
            call.addEventListener(CallEvents.Connected, Broken("b"))
            call.answer()
            {statement}
        """


def test_handlers_that_can_not_be_compared_are_called(play: Play) -> None:
    source = BROKEN_EQUALITY.format(statement="await call.waitFor(CallEvents.Connected); Logger.write('there')")
    ran = play(source, Setting(leg=ScriptedLeg(), stop_after=1))
    assert ran.outcome.error is None
    assert ran.logged == ["a", "b", "there"]


def test_who_removes_a_handler_that_can_not_be_compared_is_told(play: Play) -> None:
    statement = "call.removeEventListener(CallEvents.Connected, print)"
    ran = play(BROKEN_EQUALITY.format(statement=statement), Setting(leg=ScriptedLeg()))
    assert isinstance(ran.outcome.error, ScenarioError)
    message = "scenario.py:8: in a handler of Application.CallAlerting: ValueError: never equal\n"
    assert message in str(ran.outcome.error)


@pytest.mark.parametrize(("given", "said"), [("answer", "answer"), ("call.callerid", "callerid"), ("print", "print")])
def test_a_function_is_shown_by_its_name(play: Play, given: str, said: str) -> None:
    head = "@VoxEngine.on(AppEvents.CallAlerting)\ndef answer(event):\n    call = event.call\n"
    ran = play(f"{head}    call.say({given})\n", Setting(leg=ScriptedLeg()))
    assert f"call.say needs a text, but was given the function {said}\n" in str(ran.outcome.error)
