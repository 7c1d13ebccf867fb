"""The checker's findings in Python scenarios, at their places, and none in those that are right."""

import ast
from pathlib import Path

import pytest
from tests.dsl.checked import python_findings, unmarked

ROOT = Path(__file__).parents[2]

HEAD = """\
from voxrun import *
AgentsEvents = ElevenLabs.AgentsEvents

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event):
    call = event.call
    agent = await ElevenLabs.createAgentsClient(xiApiKey="k", agentId="a")
    VoxEngine.sendMediaBetween(call, agent)
"""


def in_call(line: str) -> str:
    """A line with a `call`, and an `agent`, at hand."""
    return f"{HEAD}    {line}\n"


WRONG = [
    ("«nam»", "error: unknown name `nam`", ""),
    ("«undefined»", "error: unknown name `undefined`", "in Python it is None"),
    ("«VoxEngine».terminate()", "error: unknown name `VoxEngine`", "write `from voxrun import VoxEngine` at the top"),
    ("from voxrun import «AppEvent»", "error: voxrun has no `AppEvent`", "did you mean `AppEvents`?"),
    (
        "from voxrun.events import «CallAlertinEvent»",
        "error: voxrun.events has no `CallAlertinEvent`",
        "did you mean `CallAlertingEvent`?",
    ),
    (in_call("AppEvents.«Startd»"), "error: AppEvents has no event `Startd`", "did you mean `Started`?"),
    (in_call("AgentsEvents.«Interuption»"), "error: AgentsEvents has no event `Interuption`", None),
    (in_call("VoxEngine.«terminat»()"), "error: VoxEngine has no `terminat`", "did you mean `terminate`?"),
    (in_call("call.«anwser»()"), "error: a Call has no member `anwser`", "did you mean `answer`?"),
    (
        in_call("call.«transferTo»(to='x')"),
        "error: a Call has no member `transferTo`",
        "it needs SIP, which is not there yet: leave it out",
    ),
    (
        in_call("call.record(«hd_audio»=True)"),
        "error: call.record has no parameter `hd_audio`",
        "a call is recorded at its own rate: leave it out",
    ),
    (
        "«require»('x')",
        "error: unknown name `require`",
        "there is nothing to load: write `from voxrun import ElevenLabs` at the top",
    ),
    (
        "from voxrun import «Crypto»",
        "error: voxrun has no `Crypto`",
        "use Python's hashlib and hmac",
    ),
    (in_call("event.«cal».answer()"), "error: a CallAlertingEvent has no field `cal`", "did you mean `call`?"),
    (
        in_call("call.addEventListener(CallEvents.Disconnected, lambda e: print(e.«internalCod»))"),
        "error: a DisconnectedEvent has no field `internalCod`",
        "did you mean `internalCode`?",
    ),
    (
        in_call("agent.addEventListener(AgentsEvents.UserTranscript, lambda e: e.data.payload.«user_transcrip»)"),
        "error: this message has no field `user_transcrip`",
        "did you mean `user_transcript`?",
    ),
    (
        in_call("call.addEventListener(CallEvents.ToneReceived, told)\n\ndef told(event):\n    event.«ton»"),
        "error: a ToneReceivedEvent has no field `ton`",
        None,
    ),
    (
        "from voxrun.events import CallAlertingEvent\ndef f(e: CallAlertingEvent):\n    e.«calerid»",
        "error: a CallAlertingEvent has no field `calerid`",
        None,
    ),
    ("from voxrun import Call\nasync def f(c: 'Call') -> None:\n    c.«anwser»()", None, None),
    (
        in_call("VoxEngine.createRecorder(«nam»='a.wav')"),
        "error: VoxEngine.createRecorder has no parameter `nam`",
        None,
    ),
    (
        in_call("VoxEngine.createRecorder({«'nam'»: 'a.wav'})"),
        "error: VoxEngine.createRecorder has no parameter `nam`",
        "did you mean `name`?",
    ),
    (
        in_call("await «ElevenLabs.createAgentsClient(xiApiKey='k')»"),
        "error: ElevenLabs.createAgentsClient needs `agentId`",
        None,
    ),
    (
        in_call("agent.clientToolResult({«'tool_cal_id'»: '1', 'result': 'x'})"),
        "warning: agent.clientToolResult has no parameter `tool_cal_id`",
        "did you mean `tool_call_id`?",
    ),
    (
        in_call("agent.clientToolResult(«tool_cal_id»='1', result='x', added_one_day=1)"),
        "warning: agent.clientToolResult has no parameter `tool_cal_id`",
        "did you mean `tool_call_id`?",
    ),
    (in_call("«agent.contextualUpdate()»"), "error: agent.contextualUpdate needs `parameters`", None),
    (in_call("«call.reject()»"), "error: call.reject needs `code`", None),
    (in_call("call.hangup({}, «1»)"), "error: call.hangup takes at most 1 argument, not 2", None),
    (
        in_call("agent.addEventListener(«CallEvents.Connected», print)"),
        "error: an AgentsClient never sends CallEvents.Connected",
        "write `UNIT.on(CallEvents.Connected)`, with a Call for UNIT",
    ),
    (in_call("VoxEngine.on(«CallEvents.Connected»)"), "error: the session never sends CallEvents.Connected", None),
    (in_call("call.on(«'Call.Conected'»)"), "warning: no event named 'Call.Conected' ever fires here", None),
    (in_call("call.sendMediaTo(«VoxEngine.createURLPlayer('a.wav')»)"), "error: a Player takes no audio", None),
    (in_call("«call.waitFor(CallEvents.Connected)»"), "error: call.waitFor gives a promise", None),
    (
        in_call("b = ElevenLabs.createAgentsClient(xiApiKey='k', agentId='a')\n    «b».close()"),
        "error: ElevenLabs.createAgentsClient gives a promise",
        "put `await` before it where `b` is assigned, in an `async def`",
    ),
    (
        in_call("agent.addEventListener(«AgentsEvents.ClientToolCall», print)"),
        "warning: nobody answers this tool call: the agent waits for its result",
        None,
    ),
    ("def f(:\n    pass", None, None),
    ("x = 1\n«return»", "error: 'return' outside function", None),
    ("# ü€😀\nö = '€'; «nam»", "error: unknown name `nam`", None),
]


@pytest.mark.parametrize(("text", "message", "advice"), WRONG)
def test_a_mistake_is_found_at_its_place(text: str, message: str | None, advice: str | None) -> None:
    plain, spans = unmarked(text)
    found = [it for it in python_findings(plain) if it.span in spans or not spans]
    assert len(found) == 1, python_findings(plain)
    assert message is None or f"{found[0].severity}: {found[0].message}" == message
    assert advice is None or found[0].advice == advice


RIGHT = [
    in_call("agent.addEventListener(AgentsEvents.WebSocketError, lambda e: print(e.data.code, e.data.reason))"),
    in_call("agent.addEventListener(AgentsEvents.UserTranscript, lambda e: print(e.data.items(), e.data.get('x')))"),
    in_call("agent.addEventListener(AgentsEvents.ClientToolCall, lambda e: e.client.clientToolResult(e.data))"),
    in_call("call.customData().upper().title().zfill(3)"),
    in_call("VoxEngine.terminate().__class__"),
    in_call("agent.clientToolResult({**{}, 'whatever': 1})"),
    in_call("agent.clientToolResult(tool_call_id='1', result='x', added_one_day=1)"),
    in_call("call.say('hello', voice='en-us')\n    call.record(stereo=True)\n    call.record({'stereo': True})"),
    in_call("VoxEngine.createURLPlayer({'url': 'a.wav', 'method': 'POST', 'body': {'text': 'x'}}, loop=True)"),
    in_call("VoxEngine.createRecorder(**{'name': 'a.wav'})\n    call.reject(*[486])\n    call.reject(code=486)"),
    in_call("VoxEngine.sendMediaBetween(VoxEngine.createURLPlayer('a.wav'), call)"),
    in_call("x = await call.waitFor(CallEvents.ToneReceived, timeout=5)\n    print(x.tone.upper())"),
    in_call("call = call\n    call.anything()"),
    in_call("ConferenceDirection.SEND.value.upper()"),
    "import voxrun\nvoxrun.anything",
    "x = '\\d' if 1 is 1 else 2",
    "import voxrun.testing\nfrom voxrun.testing import anything",
    "from os.path import *\nwhatever",
    "globals().update(x=1)\nx",
    "class A:\n    print(__qualname__, __module__)\n\n    def f(self):\n        return __class__",
    "try:\n    pass\nexcept OSError as error:\n    print(error)",
    "def f(*a, b=1, **c):\n    global d\n    d = [a for a in b if (e := a)]\n    print(d, e)",
    "match 1:\n    case {'x': x, **rest}:\n        print(x, rest)\n    case [1, *more] as both:\n        more, both",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert python_findings(text) == ()


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").rglob("*.py")), ids=lambda path: path.name)
def test_the_example_scenarios_are_right(path: Path) -> None:
    assert python_findings(path.read_text(encoding="utf-8")) == ()


def test_the_scenario_that_type_checkers_pass_is_right_but_for_a_field_that_no_message_has() -> None:
    tree = ast.parse((ROOT / "tests" / "api" / "test_typing.py").read_text(encoding="utf-8"))
    assigned = [it for it in tree.body if isinstance(it, ast.Assign)]
    passes = next(it.value for it in assigned if ast.unparse(it.targets[0]) == "PASSES")
    assert isinstance(passes, ast.Constant)
    found = python_findings(str(passes.value))
    assert [it.message for it in found] == ["this message has no field `any` that is known"]


def test_a_secret_that_is_not_set_is_named() -> None:
    text = "from voxrun import VoxEngine\nprint(VoxEngine.getSecretValue('KEY'))"
    assert [it.message for it in python_findings(text, secrets={"OTHER"})] == ["the secret KEY is not set"]
    assert python_findings(text, secrets={"KEY"}) == ()
    assert python_findings(f"{text[:-1]} or 'none')", secrets=()) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "x = '''",
        "\ufeffprint(1)",
        "\f\nprint(x)\n",
        "a\r\nb",
        "# coding: wrong\n",
        "a" + ".b" * 5000,
        "(" * 5000,
        "-" * 50_000 + "1",
    ],
    ids=range(10),
)
def test_any_text_gives_findings(text: str) -> None:
    assert all(0 <= it.span.start <= it.span.end <= len(text) for it in python_findings(text))
