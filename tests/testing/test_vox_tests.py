"""Tests in the language: what their sentences come to, and what is said when a call is not as they expect."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from voxrun.errors import ScenarioError
from voxrun.testing import (
    Agent,
    SpeechService,
    after,
    agentStops,
    at,
    callerTurn,
    callTool,
    close,
    cut,
    error,
    event,
    fromCassette,
    hangUp,
    impair,
    interrupt,
    message,
    press,
    previous,
    refuse,
    reply,
    request,
    say,
    send,
    sentence,
    slowDisk,
    stall,
    tone,
    toolResult,
    turn,
    vanish,
)
from voxrun.testing.caller import Caller
from voxrun.testing.expectations import judge
from voxrun.testing.running import simulate
from voxrun.testing.sounds import spoken
from voxrun.testing.vox_tests import VoxTest, vox_tests
from voxrun.testing.wanted import Mistake

SCENARIO = """
on AppEvents.CallAlerting as { call } {
    on call CallEvents.Connected { call.say("Welcome.") }
    on call CallEvents.ToneReceived as { tone } {
        log "key ${tone}"
        call.say("Key ${tone}.")
    }
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call.handleTones(true)
}
"""

AGENT = """
require ElevenLabs
on AppEvents.CallAlerting as { call } {
    const agent = await ElevenLabs.createAgentsClient({
        xiApiKey: "k", agentId: "a", onWebSocketClose: fn () { call.hangup() }
    })
    on agent AgentsEvents.ClientToolCall as { data } {
        agent.clientToolResult({ tool_call_id: data.client_tool_call.tool_call_id, result: "nine", is_error: false })
    }
    on agent AgentsEvents.Interruption { agent.clearMediaBuffer() }
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call <-> agent
}
"""

CONTROL = """
let guests = 0
on AppEvents.HttpRequest as { content } {
    guests += 1
    log "${content} for ${VoxEngine.customData()}"
    return { guests }
}
"""


WEB = """
on AppEvents.Started {
    const found = await Net.httpRequestAsync("https://crm.example/customers?page=2", {
        method: "POST",
        postData: "a body",
    })
    log "${found.code} ${parse(found.text).name}"
    const none = await Net.httpRequestAsync("https://crm.example/")
    log "${none.code} ${parse(none.text)}"
}
"""
ANSWERS = (
    "nobody calls",
    'web answers "https://crm.example/customers" with { name: "Ada" }',
    'web answers "https://crm.example" with 404',
)


def written(folder: Path, scenario: str, *lines: str) -> VoxTest:
    path = folder / "scenario.vox"
    path.write_text("\n".join([scenario, 'test "it" {', *lines, "}"]))
    (test,) = vox_tests(path)
    return test


def mistakes(folder: Path, scenario: str, *lines: str) -> list[Mistake]:
    """What is wrong when the test is run."""
    test = written(folder, scenario, *lines)
    return judge(test, simulate(test.scenario, **test.parameters(folder / "files")))


def plain(value: Any) -> Any:
    """The same with lists for all sequences."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if is_dataclass(value):
        return [type(value), {field.name: plain(getattr(value, field.name)) for field in fields(value)}]
    return value


PLANS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("nobody calls",), {"caller": None}),
    (
        ('caller plays cassette "there.flac"', 'agent plays cassette "there.flac"'),
        {"caller": fromCassette("there.flac"), "agent": fromCassette("there.flac")},
    ),
    (
        (
            'caller says "there.flac" at 2s',
            'caller says "I am late." lasting 2s, 300ms after agent stops',
            "caller says tone lasting 1s",
            'caller presses "15#" when CallEvents.ToneReceived 3 times',
            "caller hangs up at 1min",
            'caller has { callerid: "Ada", rate: 8000 }',
        ),
        {
            "caller": Caller(
                [
                    at(2.0, say("there.flac")),
                    after(agentStops, 0.3, say(spoken("I am late.", 2.0))),
                    after(previous, 0.0, say(tone(1.0))),
                    after(event("Call.ToneReceived", 3), 0.0, press("15#")),
                    at(60.0, hangUp()),
                ],
                callerid="Ada",
                rate=8000,
            ),
            "agent": [Agent(transcripts=["…", "I am late."])],
        },
    ),
    (
        ('caller has { voice: "de" }', 'caller says "Hallo." at 1s'),
        {"caller": Caller([at(1.0, say(sentence("Hallo.", "de")))])},
    ),
    (
        (
            'agent says "Hello." lasting 2s',
            'agent calls tool "hours" with { day: 1.5s, all: [true, -1] } expecting "nine" when caller stops',
            'agent says "At nine."',
            'agent calls tool "x" expecting error "no" when caller stops 3 times',
            "agent has { latency: 300ms, chunkMs: 100ms, bargeIn: false }",
            'agent understands "Hours?"',
        ),
        {
            "agent": [
                Agent(
                    greeting=turn("Hello.", 2.0),
                    answers=[
                        [callTool("hours", {"day": 1500, "all": [True, -1]}, expect="nine"), turn("At nine.")],
                        (),
                        [callTool("x", expect="no", isError=True)],
                    ],
                    transcripts=["Hours?"],
                    latency=0.3,
                    chunkMs=100,
                    bargeIn=False,
                )
            ]
        },
    ),
    (
        (
            'agent says "One."',
            'agent says "Two."',
            'agent says "Three." 1s after caller stops',
            "agent is interrupted at 3s",
            'agent sends { type: "x" }',
            'agent 2 closes when scenario answers "hours" 2 times',
            'agent 2 fails with 1008 "why" when scenario sends "user_message"',
            "agent 3 vanishes at 4s",
            "agent 3 refuses socket with 404",
            "agent 3 refuses with 401",
        ),
        {
            "agent": [
                Agent(
                    script=[
                        after(previous, 0.0, turn("One.")),
                        after(previous, 0.0, turn("Two.")),
                        after(callerTurn(1), 1.0, turn("Three.")),
                        at(3.0, interrupt()),
                        after(previous, 0.0, send({"type": "x"})),
                    ]
                ),
                Agent(
                    script=[
                        after(toolResult("hours", 2), 0.0, close()),
                        after(message("user_message"), 0.0, error(1008, "why")),
                    ]
                ),
                Agent(script=[at(4.0, vanish())], refuse=401, refuseSocket=404),
            ]
        },
    ),
    (
        (
            "network breaks at 4.2s",
            "network stalls for 300ms",
            "network refuses at 1s",
            "network has { loss: 0.05, jitter: 40ms }",
            "disk takes 2s",
            "speech has { latency: 1s }",
            "speech refuses with 401",
            'secret "PIN" is "1234"',
            'control sends "stop" at 2s',
            "control sends { a: 1 }",
            'control has { customData: "Ada" }',
            'web answers "https://crm.example" with 404',
            'web answers "https://crm.example/a" with { name: "Ada", calls: [1] }',
            'web answers "https://crm.example/b" with 409 { error: "taken" }',
        ),
        {
            "faults": [
                at(4.2, cut()),
                at(0.0, stall(0.3)),
                at(1.0, refuse()),
                at(0.0, impair(loss=0.05, jitter=0.04)),
                at(0.0, slowDisk(2.0)),
            ],
            "speech": SpeechService(latency=1.0, refuse=401),
            "secrets": {"PIN": "1234"},
            "control": [at(2.0, request("stop")), after(previous, 0.0, request({"a": 1}))],
            "customData": "Ada",
            "web": {
                "https://crm.example": 404,
                "https://crm.example/a": {"name": "Ada", "calls": [1]},
                "https://crm.example/b": reply(409, {"error": "taken"}),
            },
        },
    ),
)


@pytest.mark.parametrize(("lines", "wanted"), PLANS)
def test_sentences_come_to_what_the_kit_has(lines: tuple[str, ...], wanted: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "there.flac").touch()
    plan: Any = written(tmp_path, SCENARIO, *lines).parameters(tmp_path)
    assert {key: plain(plan[key]) for key in wanted} == plain(wanted)


KEYS = ('caller presses "5" at 2s', 'caller presses "6" at 4s', "caller hangs up at 6s")
TALK = (
    'agent says "Hello." lasting 2s',
    'caller says "When?" 500ms after agent stops',
    'agent calls tool "hours" when caller stops',
    'agent says "At nine." lasting 1s',
    "caller hangs up 1s after agent stops",
)
ASKS = ("nobody calls", 'control has { customData: "Ada" }', 'control sends "one" at 2s', 'control sends "more"')
IMPATIENT = ('agent says "Hello." lasting 6s', 'caller says "Stop!" at 2s', "caller hangs up at 5s")

RIGHT = (
    (SCENARIO, KEYS, "expect event CallEvents.ToneReceived 2 times"),
    (SCENARIO, KEYS, 'expect event CallEvents.ToneReceived with { tone: "6" } from 4s until 4.1s'),
    (SCENARIO, KEYS, 'expect no event CallEvents.ToneReceived with { tone: "7" }'),
    (SCENARIO, KEYS, "expect no event CallEvents.ToneReceived by 1s"),
    (SCENARIO, KEYS, 'expect log "key 5" from 1s until 3s'),
    (SCENARIO, KEYS, 'expect no log "key 7"'),
    (SCENARIO, KEYS, 'expect caller hears "Key 6." within 200ms after CallEvents.ToneReceived 2 times'),
    (SCENARIO, KEYS, "expect caller hears sound within 200ms after CallEvents.ToneReceived"),
    (SCENARIO, KEYS, 'expect speech receives "Key 6."'),
    (SCENARIO, KEYS, "expect caller hears silence from 5s"),
    (SCENARIO, KEYS, "expect caller hears silence by 5s"),
    (SCENARIO, KEYS, 'expect caller hears no "Key 7."'),
    (SCENARIO, KEYS, 'expect caller hears no "Key 5." from 4s'),
    (SCENARIO, KEYS, "expect caller hears no caller"),
    (SCENARIO, KEYS, "expect call lasts at least 6s"),
    (SCENARIO, KEYS, "expect call lasts at most 6s"),
    (CONTROL, ASKS, 'expect control receives "guests\\":2" within 100ms after AppEvents.HttpRequest 2 times'),
    (CONTROL, ASKS, 'expect control receives no "3"'),
    (CONTROL, ASKS, 'expect log "more for Ada"'),
    (WEB, ANSWERS, 'expect log "200 Ada"'),
    (WEB, ANSWERS, 'expect log "404 null"'),
    (WEB, ANSWERS, 'expect web receives "POST crm.example/customers?page=2 a body"'),
    (WEB, ANSWERS, 'expect web receives no "DELETE"'),
    (AGENT, TALK, "expect caller hears agent within 1s after caller stops"),
    (AGENT, TALK, "expect agent hears caller by 4s"),
    (AGENT, TALK, "expect caller hears no agent from 3s until 100ms after caller stops"),
    (AGENT, TALK, "expect agent hears no agent"),
    (AGENT, ('caller says "Stop!" lasting 2s at 1s', "caller hangs up at 4s"), 'expect agent hears "Stop!"'),
    (AGENT, TALK, 'expect agent hears "When?"'),
    (AGENT, TALK, 'expect agent receives "client_tool_result" with { result: "nine" } within 1s after caller stops'),
    (AGENT, TALK, 'expect agent receives no "user_message"'),
    (AGENT, TALK, 'expect caller hears "At nine." within 100ms after scenario answers "hours"'),
    (AGENT, IMPATIENT, "expect caller hears silence within 50ms after AgentsEvents.Interruption"),
    (AGENT, ('agent fails with 1011 "busy" at 2s',), 'expect scenario fails with "busy"'),
)  # fmt: skip


@pytest.mark.parametrize(("scenario", "lines", "expected"), RIGHT)
def test_what_is_so_passes(scenario: str, lines: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, scenario, *lines, expected) == []


WRONG = (
    (SCENARIO, KEYS, "expect event CallEvents.ToneReceived 3 times", "came 2 times", "it came at 2.000 s, 4.000 s"),
    (SCENARIO, KEYS, "expect event CallEvents.Disconnected by 3s", "did not come by 3 s", "it came at 6.000 s"),
    (SCENARIO, KEYS, "expect event CallEvents.Failed", "did not come", "there were Call.Connected"),
    (SCENARIO, KEYS, 'expect event CallEvents.ToneReceived with { tone: 5 }', "did not come", "tone: '5'"),
    (SCENARIO, KEYS, 'expect no event CallEvents.ToneReceived', "came 2 times", "it came at"),
    (SCENARIO, KEYS, 'expect log "ky 5"', "did not come", "there was 'key 5'"),
    (SCENARIO, KEYS, 'expect warning "late"', "did not come", "there was none at all"),
    (SCENARIO, KEYS, 'expect no log "key"', "came 2 times", ""),
    (SCENARIO, KEYS, 'expect caller hears "Key 7."', "did not hear all of this", ""),
    (SCENARIO, KEYS, 'expect caller hears no "Key 5." by 3s', "the caller heard it by 3 s", "it was heard at 2.1"),
    (SCENARIO, KEYS, 'expect caller hears "Key 6." by 2s', "did not hear all of this by 2 s", "was heard at 4.12-4.5"),
    (SCENARIO, KEYS, 'expect caller hears "Key 6." from 4.3s', "did not hear all of this", "was heard at 4.12-4.5"),
    (SCENARIO, KEYS, "expect caller hears silence from 1s until 3s", "silence was wanted", "dBFS"),
    (SCENARIO, KEYS, "expect caller hears sound from 5s until 6s", "heard nothing", "it was heard at"),
    (SCENARIO, KEYS, "expect caller hears silence from 5s until 3.6s", "no time is from 5 s until 3.6 s", ""),
    (SCENARIO, KEYS, 'expect no log "7" from 5s until 1s after agent starts', "no time is from 5 s until 1.12 s", ""),
    (SCENARIO, KEYS, 'expect caller receives keys "1"', "received ''", ""),
    (SCENARIO, KEYS, 'expect speech receives "Key 7."', "received 'Welcome.Key 5.Key 6.'", ""),
    (SCENARIO, KEYS, 'expect file "call.wav"', "did not come", "none at all"),
    (SCENARIO, KEYS, "expect call lasts at least 7s", "the call lasted 6.00 s", ""),
    (SCENARIO, KEYS, "expect call lasts at most 5s", "the call lasted 6.00 s", ""),
    (SCENARIO, KEYS, "expect scenario fails", "did not fail", ""),
    (SCENARIO, KEYS, 'expect log "key" within 1s after CallEvents.ToneReceived 3 times', "never came", "2 times only"),
    (SCENARIO, KEYS, "expect caller hears silence within 1s after CallEvents.Failed", "never came", "there were Call."),
    (SCENARIO, KEYS, "expect agent hears caller", "no such connection", ""),
    (SCENARIO, KEYS, 'expect caller hears exactly "golden.flac"', "no golden recording", ""),
    (WEB, ANSWERS, 'expect web receives "PUT"', "the web received 'POST crm.example/customers?page=2 a body", ""),
    (CONTROL, ASKS, 'expect control receives "3"', "did not come", 'there were {"guests":1}, {"guests":2}'),
    (CONTROL, ASKS, 'expect control receives "1" by 1s', "did not come by 1 s", "it came at 2.000 s"),
    (SCENARIO, KEYS, "network breaks when CallEvents.Failed", "what it waits for never came", ""),
    (SCENARIO, ('caller presses "5" 1s after CallEvents.Failed', "network stalls for 1ms"),
        "caller hangs up at 2s", "what it waits for never came", ""),
    (CONTROL, ASKS, "control sends \"c\" when CallEvents.Connected", "what it waits for never came", ""),
    (AGENT, TALK, "expect caller hears agent from 10s", "nothing of the agent", "it was heard at"),
    (AGENT, TALK, "expect agent hears no caller", "the agent heard it", "it was heard at"),
    (AGENT, TALK, 'agent calls tool "late" expecting "ten" at 1min', "did not come to call the tool 'late'", ""),
    (AGENT, TALK, 'agent 2 calls tool "late" expecting "ten"', "did not come to call the tool 'late'", ""),
    (AGENT.replace("ClientToolCall as", "VadScore as"), ('agent calls tool "hours" expecting "ten" at 2s',),
        "caller hangs up at 4s", "over before the scenario answered the tool 'hours'", ""),
    (AGENT, TALK, 'agent says "Late." when caller stops 3 times', "for never came", "for: caller turn 3 times"),
    (AGENT, TALK, 'agent 2 says "Late."', "what it waits for never came", "it waits for: connection 2 to the agent"),
    (AGENT, TALK, 'agent calls tool "x" expecting "ten" when caller stops 2 times', "come to call the tool 'x'", ""),
    (AGENT, TALK, 'agent is interrupted 1s after scenario sends "user_message"', "what it waits for never came", ""),
    (AGENT, TALK, 'expect agent receives "user_message"', "did not come", "client_tool_result"),
    (AGENT, TALK, 'agent calls tool "x" expecting "ten" at 1s', "answered with 'nine', not 'ten'", ""),
    (AGENT, IMPATIENT, "expect caller hears silence within 5ms after AgentsEvents.Interruption", "it took", ""),
    (AGENT, ('agent fails with 1011 "busy" at 2s',), 'expect scenario fails with "late"', "otherwise", "busy"),
    (AGENT, ('agent fails with 1011 "busy" at 2s',), "expect call lasts at most 5s", "the scenario failed", "busy"),
)  # fmt: skip


@pytest.mark.parametrize(("scenario", "lines", "expected", "why", "instead"), WRONG)
def test_what_is_not_so_is_told(
    scenario: str, lines: tuple[str, ...], expected: str, why: str, instead: str, tmp_path: Path
) -> None:
    (mistake,) = mistakes(tmp_path, scenario, *lines, expected)
    assert why in mistake.why
    assert instead in mistake.instead


def test_a_test_with_mistakes_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"there is no file none\.flac"):
        written(tmp_path, SCENARIO, 'caller says "none.flac"')


SPEAKER = """
require ElevenLabs
on AppEvents.CallAlerting as { call } {
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call.say("Good morning.")
    wait for call CallEvents.PlaybackFinished
    const voice = ElevenLabs.createRealtimeTTSPlayer("How are you?", {
        pathParameters: { voice_id: "v" },
        queryParameters: { model_id: "m" },
        headers: [{ name: "xi-api-key", value: "k" }],
    })
    voice.sendText({ text: "" })
    voice.sendMediaTo(call)
    wait for voice PlayerEvents.PlaybackFinished
    call.hangup()
}
"""


@pytest.mark.parametrize("has", ['caller has { voice: "de" }', "speech has { secondsPerCharacter: 0.04 }"])
def test_what_the_speech_service_says_is_known_again(has: str, tmp_path: Path) -> None:
    texts = ('expect caller hears "Good morning."', 'expect caller hears "How are you?"')
    assert mistakes(tmp_path, SPEAKER, has, *texts) == []


def test_mistakes_of_the_scenario_are_told_once_for_all_of_its_tests(tmp_path: Path) -> None:
    wrong = f"{SCENARIO}on AppEvents.Started {{ VoxEngine.nothing() }}"
    with pytest.raises(ScenarioError, match="VoxEngine has no `nothing`"):
        written(tmp_path, wrong, 'expect log "x"')
    (tmp_path / "other.vox").write_text(f'{wrong}\ntest "it" of "scenario.vox" {{ expect log "x" }}')
    written(tmp_path, SCENARIO, 'expect log "x"')
    assert len(vox_tests(tmp_path / "other.vox")) == 1


NARROW = """
require ElevenLabs
on AppEvents.CallAlerting as { call } {
    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: "k", agentId: "a" })
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call <-> agent
    wait 5s
    stop call <-> agent
    call.say("And goodbye.")
}
"""


@pytest.mark.parametrize(
    "has",
    ["caller has { rate: 8000 }", 'caller has { rtp: "PCMU" }']
    + [f'agent has {{ {way}: "ulaw_8000" }}' for way in ("inputFormat", "outputFormat")],
)
def test_what_is_heard_at_another_rate_is_known_again(has: str, tmp_path: Path) -> None:
    lines = (
        'agent says "Hello there." at 1s',
        'caller says "When are you open?" 500ms after agent stops',
        'agent says "At nine." when caller stops',
        "caller hangs up at 8s",
        'expect caller hears "Hello there."',
        'expect agent hears "When are you open?"',
        'expect caller hears "At nine."',
        'expect caller hears "And goodbye." from 5s',
    )
    assert mistakes(tmp_path, NARROW, has, *lines) == []


ECHO = """
on AppEvents.CallAlerting as { call } {
    on call CallEvents.Disconnected { VoxEngine.terminate() }
    call.answer()
    call -> call
}
"""


@pytest.mark.parametrize("has", ["caller has { rate: 8000 }", "caller has { rate: 48000 }"])
def test_the_caller_s_own_voice_is_known_again(has: str, tmp_path: Path) -> None:
    lines = has, 'caller says "When are you open?" at 1s', "caller hangs up at 4s"
    assert mistakes(tmp_path, ECHO, *lines, 'expect caller hears "When are you open?"') == []
    (mistake,) = mistakes(tmp_path, ECHO, *lines, 'expect caller hears no "When are you open?"')
    assert "the caller heard it" in mistake.why


@pytest.mark.parametrize(
    "line",
    [
        'caller presses "5" when CallEvents.Failed',
        "network breaks when CallEvents.Failed",
        'agent says "Late." when CallEvents.Failed',
        'agent says "Late." when caller stops',
        'agent 2 says "Late." at 2s',
    ],
)
def test_what_was_not_done_is_told_where_the_test_says_it(tmp_path: Path, line: str) -> None:
    test = written(tmp_path, AGENT, line, "caller hangs up at 2s", "expect call lasts at most 3s")
    (mistake,) = judge(test, simulate(test.scenario, **test.parameters(tmp_path)))
    assert test.source.text[mistake.span.start : mistake.span.end] == line


def test_a_run_of_the_scenario_leaves_its_tests_out(tmp_path: Path) -> None:
    path = tmp_path / "scenario.vox"
    path.write_text(f'{SCENARIO}\ntest "it" {{ caller says "gone.flac" when Nothing.Like }}\n')
    call = simulate(path, caller=[at(1.0, press("1")), at(2.0, hangUp())], files=tmp_path).expectOk()
    assert call.log == ["key 1"]
