"""What may be written where the cursor is: `‸` in the texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrun.api.surface import scenario_surface
from voxrun.editor.completion import Completion, complete

SURFACE = scenario_surface()
START = """\
require ElevenLabs
on AppEvents.CallAlerting as { call, callerid } {
    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: secret("K"), agentId: "a" })
"""


def _complete(text: str) -> dict[str, Completion]:
    offset = text.index("‸")
    return {it.name: it for it in complete(text.replace("‸", ""), offset, SURFACE)}


CASES = [
    # members
    ("call.‸\n    call.answer()\n}", {"answer", "hangup", "sendMediaTo"}, {"inlet", "agent", "clearMediaBuffer"}),
    ("call.ans‸wer()\n}", {"answer", "hangup"}, {"call"}),
    ("agent.‸", {"clearMediaBuffer", "clientToolResult"}, {"answer"}),
    ('log "a".‸\n}', {"length", "toUpperCase"}, {"push"}),
    ("if call.‸\n}", {"callerid"}, {"agent"}),
    ("for x in call.‸\n}", {"callerid"}, {"agent"}),
    ("f(1, [call.‸", {"callerid"}, {"agent"}),
    ('log "${call.‸}"\n}', {"callerid"}, {"agent"}),
    # events
    ("on agent ‸\n    call.answer()\n}", {"AgentsEvents.UserTranscript", "call"}, {"CallEvents.Connected"}),
    ("on call CallEvents.‸", {"Connected", "Disconnected"}, {"UserTranscript"}),
    ("on call CallEvents.Con‸ as { call } { }\n}", {"Connected"}, {"UserTranscript"}),
    ("const e = wait for call ‸\n}", {"CallEvents.ToneReceived"}, {"AgentsEvents.UserTranscript"}),
    # payloads
    ("on agent AgentsEvents.UserTranscript as { ‸\n    call.answer()\n}", {"data", "client"}, {"agent"}),
    ("on call CallEvents.ToneReceived as { tone, ‸ } { log tone }\n}", {"call"}, {"tone", "agent"}),
    (
        'on agent AgentsEvents.UserTranscript as { data } { log "${data.user_transcription_event.‸}" }\n}',
        {"user_transcript"},
        {"data"},
    ),
    # parameters
    ("agent.clientToolResult({ ‸ })\n}", {"tool_call_id", "result", "is_error"}, {"agent"}),
    ("agent.clientToolResult({ result: 1, ‸", {"tool_call_id"}, {"result", "agent"}),
    ("agent.clientToolResult({ ‸: 1 })\n}", {"tool_call_id"}, {"agent"}),
    # names
    ("‸\n    call.answer()\n}", {"call", "callerid", "agent", "secret", "VoxEngine", "if", "on"}, {"answer"}),
    ("call -> ‸\n}", {"agent", "call"}, {"if"}),
    ("const x = (((\n    call.hangup(‸", {"agent"}, {"hangup"}),
    ("const हिन्दी = call\n    हिन्‸दी\n}", {"हिन्दी", "call"}, {"answer"}),
    # around what is broken elsewhere
    ("let = 5\n    call.‸\n}", {"answer"}, {"agent"}),
    ("call.answer(\n    call.‸\n}", {"answer"}, {"agent"}),
    # where there is nothing to write
    ('log "call.‸"\n}', set(), {"answer", "call"}),
    ('log "call.‸\n}', set(), {"answer", "call"}),
    ("// call.‸\n}", set(), {"answer", "call"}),
    ("/* call.‸", set(), {"answer", "call"}),
    ("log 12‸\n}", set(), {"call"}),
]


@pytest.mark.parametrize(("text", "there", "not_there"), CASES, ids=[case[0] for case in CASES])
def test_complete(text: str, there: set[str], not_there: set[str]) -> None:
    found = _complete(START + "    " + text).keys()
    assert there <= found
    assert not not_there & found
    assert there or not found


ELSEWHERE = """fn helper(a, b) {
    return a
}

on AppEvents.Terminating {
    // nothing
    let inner = { a: [1, 2] }
}

test "a call" {
    caller hangs up at 1s
}
"""


@pytest.mark.parametrize(("text", "there", "not_there"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_other_blocks_change_nothing(text: str, there: set[str], not_there: set[str], line_end: str) -> None:
    alone = _complete(START + "    " + text)
    among = _complete(f"{ELSEWHERE}{START}    {text}".replace("\n", line_end))
    assert {name: it for name, it in among.items() if name != "helper"} == alone
    assert ("helper" in among) == ("secret" in among)


def test_other_blocks_are_not_read() -> None:
    broken = "on AppEvents.Started {\n" + "    let = 5\n" * 50 + "}\n"
    assert "answer" in _complete(broken + START + "    call.‸\n}\n" + broken)


def test_modules() -> None:
    assert set(_complete("require ‸")) == {"ElevenLabs"}


def test_session_events_and_units_after_on() -> None:
    found = _complete("const x = 1\non ‸")
    assert {"AppEvents.CallAlerting", "x"} <= found.keys()


def test_a_name_of_a_block_that_is_over() -> None:
    assert "inner" not in _complete("fn f() { const inner = 1 }\nconst outer = ‸")


def test_what_is_told_of_each() -> None:
    found = _complete(START + "    agent.‸\n}")
    assert found["clearMediaBuffer"].kind == "method"
    assert found["clearMediaBuffer"].written.startswith("clearMediaBuffer(")
    assert "silence" in found["clearMediaBuffer"].doc
    found = _complete(START + "    ‸\n}")
    assert (found["agent"].kind, found["agent"].written) == ("constant", "const agent: AgentsClient")
    assert found["while"].kind == "keyword"
    assert found["CallEvents"].kind == "module"


@given(st.data())
@settings(max_examples=60)
def test_any_text_has_an_answer(data: st.DataObject) -> None:
    text = (
        START + '    on call CallEvents.ToneReceived as { tone } { log "${tone}" }\n    f(fn (x) { return [x] })\n}\n'
    )
    end = data.draw(st.integers(0, len(text)))
    cut = text[:end] + data.draw(st.sampled_from(["", ".", "{", "(", '"', "${", " on ", "as {", "*/", "}"]))
    for it in complete(cut, len(cut), SURFACE):
        assert it.name
