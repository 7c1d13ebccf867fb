"""What people write who bring a scenario from VoxEngine: the checker says what to write instead."""

import pytest
from tests.dsl.checked import findings, in_call, python_findings, unmarked

CALL = """\
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    """

HANDLERS = "a handler is called with the event, a timer's function with nothing"

IN_PYTHON = [
    (
        f"{CALL}call.startPlayback('a.wav', «True»)",
        "call.startPlayback takes an object, not a boolean",
        "give each parameter by its name: `loop` or `progressivePlayback`",
    ),
    (
        f"{CALL}VoxEngine.createRecorder(«'a.wav'»)",
        "VoxEngine.createRecorder takes an object, not a text",
        "give each parameter by its name: `name`, ",
    ),
    (f"{CALL}call.addEventListener(CallEvents.Connected, «lambda: 1»)", "this function takes no arguments", HANDLERS),
    (f"{CALL}setTimeout(«lambda e: call.hangup()», 100)", "this function takes 1 argument", HANDLERS),
    (
        "from voxrun import *\ndef f(e):\n    «await e.call.waitFor(CallEvents.Connected)»",
        "'await' outside async function",
        "write `async def` where the function begins",
    ),
    ("from voxrun import «AgentsEvents»", "voxrun has no `AgentsEvents`", "write `ElevenLabs.AgentsEvents`"),
    ("print(«AgentsEvents».Ping)", "unknown name `AgentsEvents`", "write `ElevenLabs.AgentsEvents`"),
    ("print(«OpenAI»)", "unknown name `OpenAI`", "the one such service yet is ElevenLabs; "),
]


IN_VOX = [
    (
        'const ai = VoxEngine.createWebSocket("wss://ai.example")\n'
        "on ai WebSocketEvents.MESSAGE as { text } { ai.send(«text»({ heard: true })) }",
        "text is no function",
        "this value hides the function `text`: give it another name; of an event, read `e.text`",
    ),
    (
        "const number = 5\nlog «number»(3)",
        "number is no function",
        "this value hides the function `number`: give it another name; of an event, read `e.number`",
    ),
    ("const a = 5\nlog «a»(3)", "a is no function", "read it without `( )`"),
    ("log «Date».now()", "unknown name `Date`", "only Python has clocks: write this scenario in Python"),
    ("for key in «Object».keys({ a: 1 }) { log key }", "unknown name `Object`", "write `for key in object { }`"),
    (
        "on AppEvents.Started { await «Promise».all([]) }",
        "unknown name `Promise`",
        "`await` one after the other, or give Net.httpRequest a function",
    ),
    ("log «Gemini».x", "unknown name `Gemini`", "the one such service yet is ElevenLabs; "),
    (
        in_call('agent.userMessage(«"hello"»)'),
        "agent.userMessage takes an object, not a text",
        "give each parameter by its name: `type`, `text` or `rich_content_id`",
    ),
]


@pytest.mark.parametrize(("text", "message", "advice"), IN_PYTHON)
def test_what_python_writes_otherwise_is_told(text: str, message: str, advice: str) -> None:
    plain, (span,) = unmarked(text)
    (found,) = [it for it in python_findings(plain) if it.severity == "error"]
    assert found.span == span
    assert found.message.startswith(message)
    assert found.advice.startswith(advice)


@pytest.mark.parametrize(("text", "message", "advice"), IN_VOX)
def test_what_the_language_writes_otherwise_is_told(text: str, message: str, advice: str) -> None:
    plain, (span,) = unmarked(text)
    (found,) = [it for it in findings(plain) if it.severity == "error"]
    assert found.span == span
    assert found.message.startswith(message)
    assert found.advice.startswith(advice)
