"""The checker's findings in Python scenarios, at their places, and none in those that are right."""

import ast
import sys
from pathlib import Path

import pytest
from tests.dsl.checked import python_findings, unmarked

from voxrun.absent import TWO_OF_ON

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
    (in_call("later = lambda e, end=AppEvents.«Startd», *, at=1: end"), "error: AppEvents has no event `Startd`", None),
    ("from voxrun import *\nclass A(AppEvents.«Startd»): pass", "error: AppEvents has no event `Startd`", None),
    ("from voxrun import *\n@Net.«request»\nclass A: pass", "error: Net has no `request`", None),
    ("from voxrun import *\nclass A:\n    Net = 1\n    f = lambda: Net.«request»", "error: Net has no `request`", None),
    (in_call("AgentsEvents.«Interuption»"), "error: AgentsEvents has no event `Interuption`", None),
    (in_call("VoxEngine.«terminat»()"), "error: VoxEngine has no `terminat`", "did you mean `terminate`?"),
    (in_call("«call.id» = 5"), "error: `call.id` belongs to the API: nothing can be assigned to it", None),
    (
        in_call("x = «AppEvents.Started» = 5"),
        "error: `AppEvents.Started` belongs to the API: nothing can be assigned to it",
        None,
    ),
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
    (in_call("call.on(CallEvents.Connected, «print»)"), "error: call.on takes 1 argument, not 2", TWO_OF_ON),
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
    # kinds of values, and what they are bounded to
    (in_call("Net.httpRequest('https://a.example', print, timeout=«'5'»)"), None, None),
    (
        in_call("await Net.httpRequestAsync('https://a.example', {'timeout': «120»})"),
        "error: `timeout` takes a plain number of seconds, more than 0 and at most 90",
        None,
    ),
    (
        in_call("await Net.httpRequestAsync('https://a.example', method='POST', postData=«{'a': 1}»)"),
        "error: `postData` takes a text, bytes or a list, not an object",
        None,
    ),
    (
        in_call("await Net.httpRequestAsync('https://a.example', timeout=«-1»)"),
        "error: `timeout` takes a plain number of seconds, more than 0 and at most 90",
        None,
    ),
    (in_call("await Net.httpRequestAsync('https://a.example', {'connectionTimeout': «-(-+7.5)»})"), None, None),
    (in_call("await Net.httpRequestAsync(«f'crm.example/{event.callerid}'»)"), None, None),
    (
        in_call("await Net.httpRequestAsync(«url»='https://a.example')"),
        "error: Net.httpRequestAsync takes `url` without its name",
        "leave `url=` out",
    ),
    (in_call("Net.httpRequest('https://a.example', «{'method': 'GET'}», print)"), None, None),
    (
        in_call("VoxEngine.createWebSocket(«'https://ai.example'»)"),
        "error: VoxEngine.createWebSocket takes an address that begins with wss:// or ws://",
        None,
    ),
    (in_call("VoxEngine.createWebSocket('wss://ai.example').send(«{'a': 1}»)"), None, None),
    (in_call("VoxEngine.createWebSocket('wss://ai.example').send(«b'a'»)"), None, None),
    (in_call("call.addEventListener(CallEvents.Connected, «'told'»)"), None, None),
    (in_call("setTimeout(«100», print)"), "error: setTimeout takes a function, not a number", None),
    (in_call("call.say(«call»)"), "error: call.say takes a text, not a Call", None),
    (
        in_call("«WebSocket»('wss://ai.example')"),
        "error: a WebSocket is not made by its class",
        "write `VoxEngine.createWebSocket(…)`",
    ),
    (in_call("«Call»()"), "error: a Call is not made by its class", ""),
    # what a result has
    (
        in_call("r = await Net.httpRequestAsync('https://a.example')\n    for h in r.headers:\n        h.«name»"),
        "error: a HttpHeader has no field `name`",
        "there is `key`, `value`",
    ),
    (in_call("r = await Net.httpRequestAsync('https://a.example')\n    [h.«name» for h in r.headers]"), None, None),
    # await
    (
        in_call("«await VoxEngine.createWebSocket('wss://ai.example')»"),
        "error: VoxEngine.createWebSocket gives no promise",
        "leave `await` out",
    ),
    (in_call("r = Net.httpRequestAsync('https://a.example')\n    if «r»:\n        print(r)"), None, None),
    (in_call("print(f'{«call.waitFor(CallEvents.Connected)»}')"), None, None),
    # handlers
    (
        in_call("call.addEventListener(CallEvents.Connected, «lambda: print(1)»)"),
        "error: this function takes no arguments, but is called with 1",
        None,
    ),
    (in_call("setTimeout(told, 5)\n\ndef «told»(event): pass"), None, None),
    (in_call("@call.on(CallEvents.Connected)\n    async def «told»(): pass"), None, None),
    (
        in_call("ai = VoxEngine.createWebSocket('wss://ai.example')\n    ai.onmessage = lambda e: e.«data»"),
        "error: a WebSocketMessageEvent has no field `data`",
        None,
    ),
    (in_call("VoxEngine.createWebSocket('wss://ai.example').onopen = «5»"), None, None),
    # functions that stand above what registers them
    (
        "def told(event):\n    event.«durtion»\n\n" + in_call("call.addEventListener(CallEvents.Disconnected, told)"),
        "error: a DisconnectedEvent has no field `durtion`",
        "did you mean `duration`?",
    ),
    (
        "def told(event):\n    event.«ton»\n\ndef began(event):\n"
        "    event.call.addEventListener(CallEvents.ToneReceived, told)\n\n"
        + in_call("call.addEventListener(CallEvents.Connected, began)"),
        "error: a ToneReceivedEvent has no field `ton`",
        None,
    ),
    (
        "from voxrun import *\ndef told(event):\n    event.«ton»\n\ndef listen(call: Call):\n"
        "    call.addEventListener(CallEvents.ToneReceived, told)\n\n" + in_call("listen(call)"),
        "error: a ToneReceivedEvent has no field `ton`",
        None,
    ),
    (
        "def «told»():\n    pass\n\n" + in_call("call.addEventListener(CallEvents.Disconnected, told)"),
        "error: told takes no arguments, but is called with 1",
        None,
    ),
    (
        "from voxrun import *\ndef again(n):\n    other(n)\n\ndef other(n):\n    again(n)\n    VoxEngine.«terminat»()",
        "error: VoxEngine has no `terminat`",
        None,
    ),
    # None where something is needed, as what most functions give is
    (in_call("call.say(«None»)"), "error: call.say takes a text, not None", ""),
    (in_call("call.sendMediaTo(«None»)"), "error: None takes no audio", None),
    (in_call("VoxEngine.sendMediaBetween(call, «call.say('x')»)"), None, None),
    (
        in_call("call.addEventListener(CallEvents.Disconnected, «VoxEngine.terminate()»)"),
        "error: call.addEventListener takes a function, not None",
        "give it the function itself: a call, with `( )`, gives what the function returns",
    ),
    (in_call("call.addEventListener(CallEvents.Disconnected, «told()»)\n\ndef told():\n    print(1)"), None, None),
    (in_call("p = call.say('x')\n    p.«stop»()"), "error: None has no member `stop`", ""),
    (in_call("call.addEventListener(«lambda e: e», CallEvents.Connected)"), None, None),
    (in_call("call.addEventListener(«None», print)"), "error: None is no event", None),
    (in_call("@«call.on»\n    def told(event): pass"), "error: `@call.on` names no event", None),
    # functions of the scenario's own
    (
        in_call("«bye()»\n\nasync def bye():\n    call.hangup()"),
        "error: bye gives a promise",
        "put `await` before it, in an `async def`",
    ),
    (in_call("if «ok()»:\n        pass\n\nasync def ok():\n    return True"), None, None),
    (in_call("name = find()\n    call.say(«name»)\n\nasync def find():\n    return 'Ada'"), None, None),
    (in_call("print('Hello ' + «find()»)\n\nasync def find():\n    return 'Ada'"), None, None),
    (in_call("«await bye()»\n\ndef bye():\n    print(1)"), "error: bye gives no promise", "leave `await` out"),
    (in_call("call.say(«told»)\n\ndef told(): pass"), "error: call.say takes a text, not a function", None),
    # functions that are not called, or called with what they don't take
    (in_call("call.say(f'Hello {«call.callerid»}')"), "warning: call.callerid is not called", None),
    (in_call("«call.id».upper()"), "warning: call.id is not called", "write `call.id()`"),
    (in_call("«call.hangup»"), "warning: call.hangup is not called", None),
    (in_call("if «call.state» == 'CONNECTED': pass"), None, None),
    (
        in_call("call.addEventListener(CallEvents.PlaybackFinished, «call.stopPlayback»)"),
        "error: call.stopPlayback takes no arguments, but is called with 1",
        "put a `lambda` around it",
    ),
    (in_call("call.addEventListener(CallEvents.PlaybackFinished, «call.say»)"), None, None),
    (in_call("setTimeout(«call.say», 5)"), "error: call.say takes 1 to 2 arguments, but is called with none", None),
    # operators, and what is in [ ]
    (
        in_call("call.on(CallEvents.ToneReceived)(print)\n    @call.on(CallEvents.ToneReceived)\n")
        + "    def told(event):\n        if «event.tone == 1»: pass",
        "warning: a text and a number are never the same",
        None,
    ),
    (
        in_call("call.say(«'You are number ' + 5»)"),
        "error: a text and a number can't be added",
        'write a text with both in it, such as f"{a}{b}"',
    ),
    (in_call("r = await Net.httpRequestAsync('https://a.example')\n    if «'200' <= r.code»: pass"), None, None),
    (
        in_call("r = await Net.httpRequestAsync('https://a.example')\n    r.headers[«'Content-Type'»]"),
        "error: a place in a list takes a number, not a text",
        None,
    ),
    (
        in_call("agent.addEventListener(AgentsEvents.UserTranscript, lambda e: print(e.data[«'user_transcript'»]))"),
        None,
        None,
    ),
    (
        in_call(
            "agent.addEventListener(AgentsEvents.UserTranscript, "
            "lambda e: print(e.data['user_transcription_event'][«'user_transcrip'»]))"
        ),
        "error: this message has no field `user_transcrip`",
        "did you mean `user_transcript`?",
    ),
    (
        in_call("r = await Net.httpRequestAsync('https://a.example')\n    r.headers[0].«name»"),
        "error: a HttpHeader has no field `name`",
        None,
    ),
    # what a handler may return
    (
        f"{HEAD}@VoxEngine.on(AppEvents.HttpRequest)\ndef reply(event):\n    return «VoxEngine.createURLPlayer('a')»",
        "warning: a reply takes a text, bytes, a number, a boolean, a list or an object, not a Player",
        None,
    ),
    (
        f"{HEAD}@VoxEngine.on(AppEvents.HttpRequest)\nasync def reply(event):\n    return «Net.httpRequestAsync('http://a')»",
        "error: Net.httpRequestAsync gives a promise",
        None,
    ),
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
    in_call(
        "r = await Net.httpRequestAsync(f'HTTP://{event.callerid}/', method='POST', postData=b'x', timeout=90, "
        "headers={'A': 'b'}, params={'a': [1]}, rawOutput=True)\n    print([h.key for h in r.headers], r.text or '')"
    ),
    in_call("options = {'timeout': 5}\n    await Net.httpRequestAsync(*['https://a.example'], **options)"),
    in_call("request = Net.httpRequestAsync('https://a.example', headers=['A: b'])\n    r = await request\n    r.code"),
    in_call("Net.httpRequest('https://a.example', lambda r, n=1: print(r.code, n), {'postData': [1, 2]})"),
    in_call("call.addEventListener(CallEvents.Connected, lambda e: call.waitFor(CallEvents.Disconnected))"),
    in_call("setTimeout(lambda: call.hangup(), 500)\n    setTimeout(VoxEngine.terminate, 1)\n    setTimeout(told)")
    + "def told(*args, **keywords): pass",
    in_call("call.addEventListener(CallEvents.Connected, told)\n\n    def told(event, more=1): pass"),
    f"{HEAD}class A:\n    def told(self, a, b): pass\n\ndef told(event): pass\n\nVoxEngine.on(AppEvents.Started)(told)",
    in_call("done = None\n\n    def told(event):\n        nonlocal done\n        done = 'x'\n    call.say(done)"),
    f"{HEAD}limit = 5\n\ndef told(c: Call):\n    c.say(limit)\n\ndef change():\n    global limit\n    limit = 'x'",
    in_call(
        "ai = VoxEngine.createWebSocket('wss://a.example', headers=[{'name': 'A', 'value': event.callerid}])\n"
        "    ai.onopen = lambda e: ai.send('x')\n    ai.onclose = None\n    ai.onmessage = print\n"
        "    call.sendMediaTo(ai, encoding=WebSocketAudioEncoding.OPUS, customParameters={'a': 1})\n    ai.send(f'{1}')"
    ),
    "from voxrun import *\ndef f(a: WebSocket, e: WebSocketAudioEncoding, c: Call):\n    c.sendMediaTo(a, encoding=e)",
    f"{HEAD}@VoxEngine.on(AppEvents.HttpRequest)\ndef reply(event):\n    return Net.httpRequestAsync('http://a')",
    f"{HEAD}@VoxEngine.on(AppEvents.HttpRequest)\nasync def reply(event):\n    return {{'a': [event.path]}} or {{1}}",
    f"{HEAD}VoxEngine.addEventListener(AppEvents.HttpRequest, lambda e: (Net.httpRequestAsync('http://a'), 1)[0])",
    f"{HEAD}def of_call(f):\n    return lambda event: f(event.call)\n\n"
    "@VoxEngine.on(AppEvents.CallAlerting)\n@of_call\ndef answer_it(call):\n    call.answer()",
    in_call("call.addEventListener(CallEvents.Connected, told)") + "@whatever\ndef told(call): call.hangup()\n"
    "def whatever(f): return lambda event: f(event.call)",
    in_call("call.addEventListener(CallEvents.Connected, told)\n    for it in [CallEvents.Disconnected]:\n")
    + "        call.addEventListener(it, told)\n\ndef told(event):\n    event.duration",
    in_call("call.addEventListener(CallEvents.Connected, told)\n    told(call)\n")
    + "def told(it):\n    (it if it.state else it.call).hangup()",
    in_call("call.addEventListener(CallEvents.Connected, told)\n    told_of = {CallEvents.Disconnected: told}\n")
    + "    for name in told_of: call.addEventListener(name, told_of[name])\n\ndef told(event):\n    event.duration",
    in_call("await ElevenLabs.createAgentsClient({'xiApiKey': 'k'}, agentId='a')"),
    in_call("await bye()\n    work = bye()\n    await work\n    later(bye())\n\n")
    + "async def bye():\n    return 1\n\ndef later(it): return it",
    in_call("async for n in count(): print(n)\n    count().aclose\n\nasync def count():\n    yield 1"),
    in_call("await promise()\n    x = promise()\n    x.anything\n\ndef promise():\n    return call.waitFor('x')"),
    in_call("@wrapped\n    async def bye(): pass\n    bye()\n\ndef wrapped(f): return lambda: f"),
    in_call("call.addEventListener(CallEvents.Connected, handler())\n\ndef handler():\n    return lambda e: e"),
    in_call("greeting = None\n    if greeting:\n        call.say(greeting.upper())\n        call.say(greeting)"),
    in_call("stop = call.hangup\n    if stop: stop()\n    stop == call.hangup\n    call.hangup.__name__"),
    in_call("call.say('x' * 3 + '%s' % 5)\n    True == 1\n    [1, 2][True]\n    [1, 2][0:1]\n    'a' + str(5)"),
    in_call("call.addEventListener(CallEvents.Connected, call.hangup)\n    setInterval(call.hangup, 5)"),
    in_call("call.addEventListener(CallEvents.Connected, Logger.write)\n    it = None\n    call.say('x', voice=it)"),
    in_call(
        "agent.addEventListener(AgentsEvents.UserTranscript, lambda e: (e.data['type'], e.data['payload']['type']))"
    ),
    in_call("agent.addEventListener(AgentsEvents.Unknown, lambda e: (e.data['a']['b'] + 1, e.data['c'] == 5))"),
    in_call("r = await Net.httpRequestAsync('https://a.example')\n    r.headers[1:].count\n    r.headers[0:1][0].key"),
    in_call("agent.addEventListener(AgentsEvents.UserTranscript, lambda e: e.data[f'user_{e.name}'])"),
    in_call("for name in ('Connected', 'Failed'):\n        call.addEventListener(getattr(CallEvents, name), print)"),
    in_call("wait = 5\n    await Net.httpRequestAsync('https://a.example', timeout=-(-wait), connectionTimeout=+1.5)"),
    "def told(it):\n    (it if it.state else it.call).hangup()\n\n"
    + in_call("call.addEventListener(CallEvents.Connected, told)\n    told(call)"),
    "def told(event):\n    event.duration\n\n"
    + in_call("call.addEventListener(CallEvents.Connected, told)\n    for it in [CallEvents.Disconnected]:\n")
    + "        call.addEventListener(it, told)",
    "from voxrun import *\nclass Player:\n    score = 0\ndef told(p: Player): p.score\ntold(Player())",
    "from voxrun import Player\nclass Player:\n    score = 0\ndef told(p: Player): p.score\ntold(Player())",
    "from voxrun import *\nclass Logger:\n    info = print\nLogger.info('x')",
    "from voxrun import *\ndef end(unit: VoxMediaUnit):\n    if isinstance(unit, Call):\n        unit.hangup()",
    "from voxrun import *\ndef end(unit: VoxMediaUnit):\n    if hasattr(unit, 'stop'):\n        unit.stop()",
    "from voxrun import *\ndef end(it: VoxMediaUnit):\n    match it:\n        case Call():\n            it.hangup()",
    "from voxrun import testing\ntesting.at(1.0, testing.hangUp())",
    "from voxrun import Logger\nclass A:\n    Logger = open('a')\n    Logger.seek(0)",
    "from voxrun import CallEvents\nclass A:\n    for CallEvents in (): CallEvents.anything",
    in_call("player = None\n\n    class A:\n        player = VoxEngine.createURLPlayer('a.wav')\n")
    + "        def end(self): player.anything()",
    *["def first[T](items: list[T]): ...\nclass Box[*T]: ...\ntype A[**P] = list[P]"] * (sys.version_info >= (3, 12)),
    "a = 1\nif a == 0: pass\n" + "".join(f"elif a == {number}: pass\n" for number in range(700)),
    "a = " + "'a' + " * 1500 + "'b'",
    in_call("talks = VoxEngine.createConference()\n\n    def end(_):\n")
    + "        print([call.id() for call in talks.getList()])\n        call.hangup()\n\n    print(end)",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert python_findings(text) == ()


def test_what_is_beside_deep_expressions_is_checked() -> None:
    deep = "class A:\n    Logger = " + "'a' + " * 1500 + "'b'\n"
    text = f"from voxrun import *\n{deep}Logger.wirte('x')\ndef f(): VoxEngine.terminat()\n"
    assert [it.message for it in python_findings(text)] == ["Logger has no `wirte`", "VoxEngine has no `terminat`"]


def test_a_missing_await_is_told_once() -> None:
    text = in_call("r = Net.httpRequestAsync('https://a')\n    if r is not None:\n        print((await r).code)")
    assert [it.message for it in python_findings(text)] == ["Net.httpRequestAsync gives a promise"]


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
