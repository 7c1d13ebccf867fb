"""Findings about values that are of no use where they stand: null, texts for numbers, functions that are not called."""

import pytest
from tests.dsl.checked import findings, in_call, unmarked

WRONG = [
    # null where something is needed, as what most functions give is
    (in_call("call.say(«null»)"), "error: call.say takes a text, not null", ""),
    (in_call("call.sendMediaTo(«null»)"), "error: null takes no audio", None),
    (in_call("call <-> «call.say('x')»".replace("'", '"')), "error: null has no audio", None),
    (in_call("VoxEngine.sendMediaBetween(call, «null»)"), None, None),
    (
        in_call("setTimeout(«call.hangup()», 500)"),
        "error: setTimeout takes a function, not null",
        "give it the function itself: a call, with `( )`, gives what the function returns",
    ),
    (in_call("call.addEventListener(CallEvents.Connected, «null»)"), None, None),
    (in_call('const p = call.say("x")\np.«stop»()'), "error: null has no member `stop`", ""),
    (in_call('const p = call.say("x")\non «p» CallEvents.Connected { }'), "error: null sends no events", None),
    (in_call("VoxEngine.createRtpUnit({ local: «null» })"), "error: `local` takes a text, not null", None),
    # an event's payload or a result is no text
    (in_call('const r = await Net.httpRequestAsync("https://a.example")\ncall.say(«r»)'), None, None),
    (
        in_call('const r = await Net.httpRequestAsync("https://a.example")\nlog parse(«r»)'),
        "error: parse takes a text, not an object",
        None,
    ),
    (in_call("call.addEventListener(«fn (e) { log e }», CallEvents.Connected)"), "error: this is no event", None),
    # one of some words
    (
        in_call('Net.httpRequest("https://a.example", fn () { log 1 }, { method: «"PSOT"» })'),
        "error: `method` takes one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
        None,
    ),
    # the language's own functions, operators, places, loops and durations
    ('log round(«"5"»)', "error: round takes a number, not a text", None),
    ("log number(«null»)", "error: number takes a text or a number, not null", None),
    ('log "abc".includes(«5»)', "error: includes takes a text, not a number", None),
    ('log "abc".slice(«"1"»)', None, None),
    (
        in_call('call.say(«"You are number " + 5»)'),
        "error: a text and a number can't be added",
        'write a text with both in it, such as "${a}${b}"',
    ),
    (
        in_call("on call CallEvents.ToneReceived as { tone } where «tone == 1» { log tone }"),
        "warning: a text and a number are never the same",
        "compare texts with texts, and numbers with numbers",
    ),
    (in_call("if «call.callerid() > 5» { log 1 }"), "error: a text and a number have no order", None),
    (
        in_call("log «call.callerid()» - 1"),
        "error: - needs two numbers, not a text",
        "`number(text)` is the number that a text says",
    ),
    ('log «[1]» + "x"', "error: + needs two numbers or two texts, not a list", ""),
    ("log 1 + «null»", "error: + needs two numbers or two texts, not null", ""),
    (in_call("log «call» + call.id()"), "error: + needs two numbers or two texts, not a Call", ""),
    ("log -«null»", "error: - needs a number after it, not null", ""),
    ('const l = [1]\nlog l[«"0"»]', "error: a place in a list takes a number, not a text", None),
    ("for i in «5» { log i }", "error: `for` takes a list, a text or an object, not a number", None),
    ("on AppEvents.Started { wait «-5s» }", "error: a duration can't be less than 0", None),
    (
        "on AppEvents.Started { const t = text(5)\nwait «t» }",
        "error: a text is no duration",
        "write a duration such as `5s`",
    ),
    ("after «null» { log 1 }", "error: null is no duration", None),
    (in_call('const k = wait for call CallEvents.ToneReceived within «"5s"»\nlog k?.tone'), None, None),
    # functions that are not called
    (in_call('log "${«call.callerid»} calls"'), "warning: call.callerid is not called", "write `call.callerid()`"),
    (in_call('if «call.state» == "CONNECTED" { log 1 }'), "warning: call.state is not called", None),
    (in_call("if not «call.incoming» { log 1 }"), None, None),
    (in_call("log «call.id»"), None, None),
    ('log «"1,2".split»', "error: split is not called", "write `split()`"),
    ("const l = [1]\nconst p = «l?.push»\nlog p", "error: l.push is not called", "write `l.push()`"),
    (in_call('if «call.number().trim» == "1" { log 1 }'), "error: trim is not called", None),
]


@pytest.mark.parametrize(("text", "message", "advice"), WRONG)
def test_a_mistake_is_found_at_its_place(text: str, message: str | None, advice: str | None) -> None:
    plain, spans = unmarked(text)
    found = [it for it in findings(plain) if it.span in spans]
    assert len(found) == 1, findings(plain)
    assert message is None or f"{found[0].severity}: {found[0].message}" == message
    assert advice is None or found[0].advice == advice


RIGHT = [
    "const greeting = null\non AppEvents.CallAlerting as { call } { if greeting != null { call.say(greeting) } }",
    'log number(5) + number("5")\nlog round(1.5)\nlog "abc".slice(null, 2) + [1].join(null)',
    in_call('const p = call.say("x")\nlog p?.stop'),
    in_call("for c in call.id() { log c }\nfor k in { a: 1 } { log k }\nlog call.state == call.id"),
    in_call("on agent AgentsEvents.Unknown as { data } { log data.a - 1 < data.b + 1 and data.a == 1 }"),
    in_call("on agent AgentsEvents.VadScore as { data } { if data.vad_score_event.vad_score == 1 { log 1 } }"),
    in_call("on agent AgentsEvents.Ping as { data } { log data.ping_event.ping_ms + 1 }"),
    in_call('on call CallEvents.Disconnected as e { log "${e.duration + 1}" + e.reason }\nlog 1 == null or "a" < "b"'),
    in_call('Net.httpRequest("https://a.example", fn () { log 1 }, { method: "post", postData: "x" })'),
    'log number("1") + 1\nlog secret("X") + "x"\nconst o = { a: 1 }\nlog o.a + 1',
    "on AppEvents.Started { let t = 5s\nt = t * 2\nwait t + 1s\nwait 2 * 1s }",
    # a list's items may become something else
    'const parts = "1,2".split(",")\nparts[0] = number(parts[0])\nlog parts[0] + 1',
    'const parts = "1,2".split(",")\nparts.push(fn (x) { return x })\nlog parts[2](3)\nfor it in parts { log it - 1 }',
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert findings(text) == ()
