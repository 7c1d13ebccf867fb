"""What a scripted agent does, and what it finds out about the scenario."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.testing.scenarios import BRIDGE, write

from voxrun.errors import RemoteError
from voxrun.testing import (
    Agent,
    SpeechService,
    after,
    at,
    callerTurn,
    callTool,
    close,
    cut,
    error,
    hangUp,
    message,
    previous,
    say,
    send,
    simulate,
    speech,
    tone,
    toolResult,
    turn,
    vadScore,
    vanish,
)
from voxrun.testing.agent import AgentAction, CallTool

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TOOL = """
agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: agent.clientToolResult({
    "tool_call_id": e.data.client_tool_call.tool_call_id, "result": "42", "is_error": False}))
"""
SLOW_TOOL = """
agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: setTimeout(lambda: agent.clientToolResult({
    "tool_call_id": e.data.client_tool_call.tool_call_id, "result": "42", "is_error": False}), 2000))
"""
NAMES = "ElevenLabs.Agents."


def test_greeting_transcripts_and_answers(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("Hello.", 1.0), answers=[turn("Yes?", 0.5)], transcripts=["A question."], latency=0.3)
    caller = [at(2.0, say(speech(1.0))), at(5.0, say(speech(1.0, 2))), at(8.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent).expectOk()
    said = [found.payload.data.payload.agent_response for found in call.events.named(f"{NAMES}AgentResponse")]
    assert said == ["Hello.", "Yes?"]
    heard = [found.payload.data.payload.user_transcript for found in call.events.named(f"{NAMES}UserTranscript")]
    assert heard == ["A question.", "…"]
    _, answer = call.caller.heard.audible()
    assert answer.begin == pytest.approx(3.0 + 0.5 + 0.3, abs=0.06)
    assert answer.seconds == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("expect", "problem"), [("42", None), ("43", "the tool 'add' was answered with '42', not '43'")]
)
def test_tools(tmp_path: Path, expect: str, problem: str | None) -> None:
    agent = Agent(
        script=[at(1.0, callTool("add", {"a": 1}, expect=expect)), after(toolResult("add"), 0.5, turn("42", 1.0))]
    )
    call = simulate(write(tmp_path, BRIDGE, TOOL), caller=[at(4.0, hangUp())], agent=agent)
    assert call.agent.unmet == ([] if problem is None else [problem])
    if problem is not None:
        with pytest.raises(AssertionError, match=problem):
            call.expectOk()


def test_the_result_of_a_tool_is_a_cue(tmp_path: Path) -> None:
    agent = Agent(script=[at(1.0, callTool("add")), after(toolResult("add"), 0.5, turn("42", 1.0))])
    call = simulate(write(tmp_path, BRIDGE, TOOL), caller=[at(4.0, hangUp())], agent=agent)
    assert call.caller.heard.firstSoundAfter(0.0) == pytest.approx(1.5, abs=0.06)


def test_a_tool_that_nobody_answers(tmp_path: Path) -> None:
    agent = Agent(script=[at(1.0, callTool("add"))])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(15.0, hangUp())], agent=agent)
    assert call.agent.unmet == ["the scenario did not answer the tool 'add' within 10 s"]
    assert len(call.warnings) == 1


NOT_ANSWERED = "the call was over before the scenario answered the tool 'add'"


@pytest.mark.parametrize(
    ("body", "action", "problem"),
    [
        ("", callTool("add", expect="42"), NOT_ANSWERED),
        ("", callTool("add", isError=True), NOT_ANSWERED),
        ("", callTool("add"), ""),
        (SLOW_TOOL, callTool("add", expect="-1"), "the tool 'add' was answered with '42', not '-1'"),
    ],
)
def test_an_expected_answer_to_a_tool_is_missed_though_nobody_waits_for_it_to_the_end(
    tmp_path: Path, body: str, action: CallTool, problem: str
) -> None:
    caller = [at(1.0, say(speech(0.5))), at(3.0, say(speech(0.5))), at(8.0, hangUp())]
    agent = Agent(answers=[[action, turn("42")], turn("Yes?")])
    call = simulate(write(tmp_path, BRIDGE, body), caller=caller, agent=agent)
    with pytest.raises(AssertionError, match=problem) if problem else nullcontext():
        call.expectOk()


def test_interruption_correction_and_late_audio(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("A very long text indeed, which goes on and on.", tone(6.0)), lateAudio=1.0)
    call = simulate(
        write(tmp_path, BRIDGE), caller=[at(2.0, say(speech(1.0))), at(5.0, hangUp())], agent=agent
    ).expectOk()
    (interruption,) = call.events.named(f"{NAMES}Interruption")
    assert interruption.time == pytest.approx(2.0, abs=0.04)
    (corrected,) = call.events.named(f"{NAMES}AgentResponseCorrection")
    assert corrected.payload.data.payload.corrected_agent_response == "A very long te"
    assert call.caller.heard.silentFrom(interruption.time + 0.04)
    assert call.agent.said.end == pytest.approx(2.0, abs=0.04)
    (losses,) = [record for record in call.ofKind("losses") if record["of"] == "agent-1"]
    assert losses["messages_of_interrupted_turns"] == 1


def test_late_audio_is_heard_when_a_scenario_forgets_to_clear(tmp_path: Path) -> None:
    forgetful = BRIDGE.replace("agent.clearMediaBuffer()", "None")
    agent = Agent(greeting=turn("A very long text.", tone(6.0)))
    call = simulate(write(tmp_path, forgetful), caller=[at(2.0, say(speech(1.0))), at(5.0, hangUp())], agent=agent)
    verdict = call.caller.heard.silentFrom(2.1)
    assert not verdict
    assert "dBFS" in repr(verdict)


def test_an_agent_that_lets_nobody_interrupt(tmp_path: Path) -> None:
    agent = Agent(greeting=turn("Long.", tone(4.0)), bargeIn=False)
    call = simulate(write(tmp_path, BRIDGE), caller=[at(2.0, say(speech(1.0))), at(6.0, hangUp())], agent=agent)
    assert call.events.named(f"{NAMES}Interruption") == []
    assert call.caller.heard.audible()[0].seconds == pytest.approx(4.0, abs=0.03)


def test_messages_of_any_kind_both_ways(tmp_path: Path) -> None:
    body = """
    agent.conversationInitiationClientData({"dynamic_variables": {"name": "Ada"}})
    update = lambda e: agent.contextualUpdate({"text": f"{e.data.payload.vad_score}"})
    agent.addEventListener(AgentsEvents.VadScore, update)
    """
    script = [
        at(1.0, vadScore(0.7)),
        after(message("contextual_update", 1), 0.5, send({"type": "brand_new", "brand_new_event": {"x": 1}})),
        at(2.0, send("no JSON at all")),
    ]
    call = simulate(write(tmp_path, BRIDGE, body), caller=[at(3.0, hangUp())], agent=Agent(script=script))
    assert call.agent.messages[0].data.dynamic_variables.name == "Ada"
    (update,) = call.agent.received("contextual_update")
    assert update.data.text == "0.7"
    (unknown,) = call.events.named(f"{NAMES}Unknown")
    assert unknown.time == pytest.approx(update.time + 0.5, abs=0.01)
    assert "is not its protocol" in call.warnings[0]


@pytest.mark.parametrize(
    ("action", "closed", "fails"),
    [
        (close(1000, "done"), "closed 1000 done True", False),
        (close(1011, "oh"), "closed 1011 oh True", True),
        (error(1008, "quota", "quota_exceeded"), "closed 1008 quota True", True),
        (vanish(), "closed 1006  False", True),
    ],
)
def test_ends(tmp_path: Path, action: AgentAction, closed: str, fails: bool) -> None:
    agent = Agent(script=[at(1.0, action)])
    call = simulate(write(tmp_path, BRIDGE), caller=[at(3.0, hangUp())], agent=agent)
    assert call.log == [closed]
    assert isinstance(call.outcome.error, RemoteError) is fails
    assert len(call.events.named(f"{NAMES}Error")) == (1 if "quota" in closed else 0)


@pytest.mark.parametrize(("agent", "code"), [(Agent(refuse=401), 401), (Agent(refuseSocket=404), 404)])
def test_refusals(tmp_path: Path, agent: Agent, code: int) -> None:
    call = simulate(write(tmp_path, BRIDGE), caller=[at(3.0, hangUp())], agent=agent)
    assert isinstance(call.outcome.error, RemoteError)
    assert call.outcome.error.code == code
    assert call.agents == []
    with pytest.raises(AssertionError, match=str(code)):
        call.expectOk()


def test_another_agent_for_each_connection() -> None:
    first = Agent(greeting=turn("Good morning.", 0.5), script=[at(2.0, vanish())])
    second = Agent(script=[after(message("contextual_update"), 0.2, turn("Where were we?", 1.0))])
    call = simulate(SCENARIOS / "reconnect.py", caller=[at(6.0, hangUp())], agent=[first, second]).expectOk()
    assert [connection.closed.code for connection in call.agents if connection.closed] == [1006, 1000]
    (update,) = call.agents[1].received("contextual_update")
    assert "You: Good morning." in update.data.text
    assert call.agents[1].opened == pytest.approx(2.0, abs=0.1)
    assert len(call.caller.heard.audible()) == 2


NOT_DONE = "agent= has {!r}, which was not done: its cue never came ({})"
YES, NO = turn("Yes?", 0.5), turn("No.", 0.5)


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (Agent(script=[after(callerTurn(2), 0.1, YES)]), [NOT_DONE.format(YES, "caller turn 2 times")]),
        (Agent(script=[after(toolResult("add"), 0.0, YES), after(previous, 0.0, NO)]),
            [NOT_DONE.format(YES, "tool result add")]),
        (Agent(answers=[YES, (), [NO, YES]]), [NOT_DONE.format(NO, "caller turn 3 times")]),
        (Agent(script=[after(message("pong", 9), 0.0, YES)], answers=[NO, NO]),
            [NOT_DONE.format(YES, "message pong 9 times"), NOT_DONE.format(NO, "caller turn 2 times")]),
        (Agent(answers=[YES, callTool("add", expect="42")]),
            ["the agent did not come to call the tool 'add'"]),
        ([Agent(script=[at(1.0, NO)]), Agent(), Agent(answers=[[], YES], script=[at(0.0, NO)])],
            [NOT_DONE.format(YES, "connection 3 to the agent")]),
        (Agent(script=[after(callerTurn(1), 0.1, YES), at(7.0, NO)], answers=[NO]), []),
    ],
)  # fmt: skip
def test_what_an_agent_waits_for_in_vain_is_told(tmp_path: Path, agent: Agent | list[Agent], told: list[str]) -> None:
    caller = [at(1.0, say(speech(0.5))), at(4.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent)
    with pytest.raises(AssertionError) if told else nullcontext() as found:
        call.expectOk()
    assert (str(found.value).splitlines() if found else []) == told


def test_what_an_agent_has_done_on_one_connection_it_need_not_do_on_each() -> None:
    waits = [after(callerTurn(1), 0.0, NO), after(callerTurn(1), 0.5, vanish())]
    agent = Agent(script=waits, answers=[YES], latency=0.0)
    caller = [at(0.5, say(speech(0.5))), at(3.0, say(speech(0.5))), at(9.0, hangUp())]
    call = simulate(SCENARIOS / "reconnect.py", caller=caller, agent=agent).expectOk()
    assert len(call.agents) == 3
    agent = Agent(script=[after(callerTurn(1), 0.0, YES), *waits], answers=[YES, NO])
    call = simulate(SCENARIOS / "reconnect.py", caller=caller, agent=agent)
    assert [awaited.step.action for awaited in call.awaited] == [NO]


def test_of_several_connections_the_one_counts_that_came_furthest() -> None:
    never = after(message("user_message"), 0.0, NO)
    caller = [at(0.5, say(speech(0.5))), at(9.0, hangUp())]
    first = Agent(script=[after(callerTurn(1), 0.0, YES), never])
    call = simulate(SCENARIOS / "reconnect.py", caller=caller, agent=first, faults=[at(4.0, cut())])
    assert len(call.agents) == 2
    assert [awaited.step for awaited in call.awaited] == [never]


@pytest.mark.parametrize("output", ["ulaw_8000", "pcm_24000", "pcm_44100"])
def test_formats(tmp_path: Path, output: str) -> None:
    agent = Agent(
        greeting=turn("Hello.", 1.0), answers=[turn("Yes?", 0.5)], outputFormat=output, inputFormat="ulaw_8000"
    )
    call = simulate(
        write(tmp_path, BRIDGE), caller=[at(2.0, say(speech(1.0))), at(5.0, hangUp())], agent=agent
    ).expectOk()
    assert [sound.seconds for sound in call.caller.heard.audible()] == pytest.approx([1.0, 0.5], abs=0.06)
    assert call.agent.heard.rate == 8000


def test_the_pace_of_delivery_is_the_agents(tmp_path: Path) -> None:
    slow = Agent(greeting=turn("Slow.", tone(2.0), pace=0.5, chunkMs=200))
    call = simulate(write(tmp_path, BRIDGE), caller=[at(6.0, hangUp())], agent=slow)
    assert len(call.caller.heard.audible(gap=0.1)) == 10


def test_the_callers_turns_can_be_counted(tmp_path: Path) -> None:
    agent = Agent(script=[after(callerTurn(2), 0.1, close(1000, "enough"))])
    caller = [at(1.0, say(speech(0.5))), at(3.0, say(speech(0.5))), at(9.0, hangUp())]
    call = simulate(write(tmp_path, BRIDGE), caller=caller, agent=agent)
    assert call.log == ["closed 1000 enough True"]


def test_text_to_speech() -> None:
    speech_service = SpeechService(secondsPerCharacter=0.05)
    call = simulate(SCENARIOS / "say.py", speech=speech_service).expectOk()
    assert "".join(call.spoken).startswith("Hello! Our office is closed today.")
    assert call.caller.heard.audible(gap=1.0)[0].seconds == pytest.approx(0.05 * len("".join(call.spoken)), abs=0.1)
    refused = simulate(SCENARIOS / "say.py", speech=SpeechService(refuse=401))
    assert refused.outcome.error is not None
