"""Each kind of finding of `voxrun.dsl.checker`: where it is, what it says, and what is no reason for it."""

import pytest
from tests.dsl.checked import findings, in_call, unmarked

ANSWERED = "on agent AgentsEvents.ClientToolCall { agent.clientToolResult({ result: 1 }) }"
CREATE = 'ElevenLabs.createAgentsClient({ xiApiKey: "k", agentId: "a" })'

WRONG = [
    # unknown names
    ("log «nam»\nconst name = 1\nlog name", "error: unknown name `nam`", "did you mean `name`?"),
    ("«Voxengine».terminate()", "error: unknown name `Voxengine`", "did you mean `VoxEngine`?"),
    ("log «ElevenLabs».Events", "error: unknown name `ElevenLabs`", "write `require ElevenLabs` at the top"),
    ("log «undefined»", "error: unknown name `undefined`", "write `null`"),
    ("«total» = 1", "error: unknown name `total`", "declare it: `let total = …`"),
    ('log "${«other»}"', "error: unknown name `other`", "declare it: `const name = value`, or `let` when it changes"),
    ("if true { const a = 1; log a }\nlog «a»", "error: unknown name `a`", None),
    ("require «Elevenlabs»", "error: there is no module `Elevenlabs`", "did you mean `ElevenLabs`?"),
    # unknown events
    ("on AppEvents.«CallAlertng» { }", "error: AppEvents has no event `CallAlertng`", "did you mean `CallAlerting`?"),
    (in_call("wait for call CallEvents.«Conected»"), "error: CallEvents has no event `Conected`", None),
    (
        in_call('call.addEventListener(«"Call.Conected"», fn () { })'),
        "warning: no event named 'Call.Conected' ever fires here",
        "did you mean `Call.Connected`?",
    ),
    ("on «AppEvents» { }", "error: AppEvents is no event", "write an event such as `CallEvents.Connected`"),
    # unknown methods
    (in_call("call.«anwser»()"), "error: a Call has no member `anwser`", "did you mean `answer`?"),
    (
        in_call('call.«transferTo»({ to: "x" })'),
        "error: a Call has no member `transferTo`",
        "it needs SIP, which is not there yet: leave it out",
    ),
    (
        in_call("call.record({ «hd_audio»: true })"),
        "error: call.record has no parameter `hd_audio`",
        "a call is recorded at its own rate: leave it out",
    ),
    (
        '«ApplicationStorage».get("x")',
        "error: unknown name `ApplicationStorage`",
        "write this scenario in Python, which has its own for it",
    ),
    (
        "log «ASREvents»",
        "error: unknown name `ASREvents`",
        "no unit recognises speech yet: an ElevenLabs agent does, and tells by AgentsEvents.UserTranscript",
    ),
    (
        in_call("agent.«clearMediaBufer»()"),
        "error: an AgentsClient has no member `clearMediaBufer`",
        "did you mean `clearMediaBuffer`?",
    ),
    ("VoxEngine.«terminat»()", "error: VoxEngine has no `terminat`", "did you mean `terminate`?"),
    ('log "a".«substring»(1)', "error: a text has no member `substring`", None),
    ("log [1].«size»", "error: a list has no member `size`", None),
    (in_call("call.«inlet»(call)"), "error: a Call has no member `inlet`", None),
    (in_call("«call.id()»()"), "error: this is no function", None),
    ("try { wait 1s } catch e { log e.«mesage» }", None, None),
    # unknown parameters
    (
        'VoxEngine.createRecorder({ «nam»: "a.wav" })',
        "error: VoxEngine.createRecorder has no parameter `nam`",
        "did you mean `name`?",
    ),
    (
        'VoxEngine.createSequencePlayer({ segments: [{ url: "a.wav" }, { «txt»: "b" }] })',
        "error: `segments` has no parameter `txt`",
        "did you mean `text`?",
    ),
    (
        in_call('agent.clientToolResult({ «tool_cal_id»: "1", result: "x" })'),
        "warning: agent.clientToolResult has no parameter `tool_cal_id`",
        "did you mean `tool_call_id`?",
    ),
    (
        in_call('const b = await ElevenLabs.createAgentsClient(«{ xiApiKey: "k" }»)\nb.close()'),
        "error: ElevenLabs.createAgentsClient needs `agentId`",
        "add it to the object",
    ),
    # unknown payload fields
    (
        "on AppEvents.CallAlerting as { «calerid» } { log calerid }",
        "error: a CallAlertingEvent has no field `calerid`",
        "did you mean `callerid`?",
    ),
    (
        in_call("on call CallEvents.Disconnected as e { log e.«internalCod» }"),
        "error: a DisconnectedEvent has no field `internalCod`",
        "did you mean `internalCode`?",
    ),
    (
        in_call(
            "on agent AgentsEvents.UserTranscript as { data } { log data.user_transcription_event.«user_transcrip» }"
        ),
        "error: this message has no field `user_transcrip`",
        "did you mean `user_transcript`?",
    ),
    (
        in_call("on agent AgentsEvents.UserTranscript as { data } { log data.payload.«user_transcrit» }"),
        "error: this message has no field `user_transcrit`",
        "did you mean `user_transcript`?",
    ),
    (
        in_call("on agent AgentsEvents.Interruption as { data } { log data.interruption_event.«why» }"),
        "warning: this message has no field `why` that is known",
        "there is `event_id`",
    ),
    (
        in_call("call.addEventListener(CallEvents.ToneReceived, fn (e) { log e.«ton» })"),
        "error: a ToneReceivedEvent has no field `ton`",
        "did you mean `tone`?",
    ),
    (
        in_call(
            'const b = await ElevenLabs.createAgentsClient({ xiApiKey: "k", agentId: "a", '
            "onWebSocketClose: fn (e) { log e.«cod» } })\nb.close()"
        ),
        "error: a WebSocketCloseEvent has no field `cod`",
        "did you mean `code`?",
    ),
    (
        in_call("const e = wait for call CallEvents.ToneReceived within 5s\nlog e.«ton»"),
        "error: a ToneReceivedEvent has no field `ton`",
        None,
    ),
    # argument counts
    (in_call("«call.reject()»"), "error: call.reject takes 1 to 2 arguments, not 0", "it needs `code`"),
    (in_call("call.stopPlayback(«1, 2»)"), "error: call.stopPlayback takes no arguments, not 2", None),
    ("fn add(a, b) { return a + b }\nlog «add(1)»", "error: add takes 2 arguments, not 1", None),
    ("fn add(a) { return a }\nlog add(1, «2»)", "error: add takes 1 argument, not 2", "leave the others out"),
    ("«secret()»", "error: secret takes 1 argument, not 0", "it needs `name`"),
    # events that this unit never sends
    (
        in_call("on agent «CallEvents.Disconnected» { }"),
        "error: an AgentsClient never sends CallEvents.Disconnected",
        "write `on UNIT CallEvents.Disconnected { }`, with a Call for UNIT",
    ),
    ("on «CallEvents.Disconnected» { }", "error: the session never sends CallEvents.Disconnected", None),
    (
        in_call("on call «AppEvents.Started» { }"),
        "error: a Call never sends AppEvents.Started",
        "write `on AppEvents.Started { }`",
    ),
    (in_call("await call.waitFor(«AppEvents.Started»)"), "error: a Call never sends AppEvents.Started", None),
    ('const t = "a"\non «t» CallEvents.Connected { }', "error: a text sends no events", None),
    # routes
    (
        in_call('const p = VoxEngine.createURLPlayer("a.wav")\ncall -> «p»'),
        "error: a Player takes no audio",
        "it only sends: send to a call, a recorder, an agent …",
    ),
    (in_call("const r = VoxEngine.createRecorder()\n«r» -> call"), "error: a Recorder has no audio to send", None),
    (
        in_call("const r = VoxEngine.createRecorder()\ncall <-> «r»"),
        "error: a Recorder only receives: it has no audio to send",
        "write `a -> b`, with it behind",
    ),
    (
        in_call('const p = VoxEngine.createURLPlayer("a.wav")\n«p» <-> call'),
        "warning: a Player only sends, so audio goes one way",
        "write `a -> b`, with it in front",
    ),
    (in_call('call -> «"a.wav"»'), "error: a text takes no audio", None),
    (in_call("stop «5» -> call"), "error: a number has no audio to send", None),
    (in_call("call.sendMediaTo(«VoxEngine.createMicrophone()»)"), "error: a Microphone takes no audio", None),
    # unreachable code
    ("fn f() { return 1\n«log 2» }\nf()", "warning: this is never reached", "leave it out, or put it further up"),
    ("while true { log 1 }\n«log 2»", "warning: this is never reached", None),
    ("for x in [1] { break; «log x» }", "warning: this is never reached", None),
    ("fn f(a) { if a { return 1 } else { return 2 }\n«log 3» }\nf(1)", "warning: this is never reached", None),
    # unused variables
    ("const «a» = 1", "warning: the constant `a` is never used", "leave it out"),
    ("let «a» = 1\na = 2", "warning: the variable `a` is never used", None),
    ("fn «f»() { }", "warning: the function `f` is never called", None),
    ("on AppEvents.Started as «e» { }", "warning: `e` is never used", "leave it out"),
    ("on AppEvents.Started as { «sessionId» } { }", "warning: `sessionId` is never used", None),
    # tool calls
    (
        in_call("on agent «AgentsEvents.ClientToolCall» as { data } { log data.client_tool_call.tool_name }"),
        "warning: nobody answers this tool call: the agent waits for its result",
        "call `clientToolResult({ tool_call_id: …, result: … })` in it",
    ),
    (in_call("on agent «AgentsEvents.ClientToolCall» { f() }\nfn f() { }"), None, None),
    (
        in_call(f'on agent «AgentsEvents.ClientToolCall» where secret("A") {{ log 1 }}\n{ANSWERED}'),
        "warning: nobody answers this tool call: the agent waits for its result",
        None,
    ),
    # assignments
    ("const a = 1\n«a» = 2\nlog a", "error: `a` is a constant: nothing can be assigned to it", None),
    ("const a = 1\n«a» += 2\nlog a", None, "declare it with `let a = …`"),
    ("«VoxEngine» = 1", "error: `VoxEngine` belongs to the API: nothing can be assigned to it", None),
    (in_call("«call.id» = 1"), "error: `call.id` belongs to the API: nothing can be assigned to it", None),
    (
        'const ai = VoxEngine.createWebSocket("wss://ai.example")\n«ai.onmessage» = fn (e) { log e.text }',
        "error: `ai.onmessage` belongs to the API: nothing can be assigned to it",
        "write `on ai WebSocketEvents.… as e { }`",
    ),
    ("«AppEvents.Started» = 1", "error: `AppEvents.Started` belongs to the API: nothing can be assigned to it", None),
    ("fn f() { }\n«f» = 1\nf()", "error: `f` is a function: nothing can be assigned to it", None),
    (
        "for x in [1] { «x» = 2; log x }",
        "error: `x` belongs to the loop: nothing can be assigned to it",
        "take another name: `let myx = …`",
    ),
    # await
    (f"require ElevenLabs\nconst a = «await» {CREATE}\na.close()", "error: `await` outside a function", None),
    ("«wait» 2s", "error: `wait` outside a function", None),
    ("«wait» for AppEvents.Started", "error: `wait for` outside a function", None),
    (in_call("«call.waitFor(CallEvents.Connected)»"), "error: call.waitFor gives a promise", "put `await` before it"),
    (
        in_call(f"const b = {CREATE}\n«b».close()"),
        "error: `b` is a promise: ElevenLabs.createAgentsClient gives a promise",
        "put `await` before it where `b` is declared",
    ),
    (in_call(f"call <-> «{CREATE}»"), "error: ElevenLabs.createAgentsClient gives a promise", None),
    ("on AppEvents.Started { «later()» }\nfn later() { wait 1s }", "error: later waits, so it gives a promise", None),
    # places of statements
    ("«break»", "error: `break` outside a loop", None),
    ("for x in [1] { on AppEvents.Started { log x; «continue» } }", "error: `continue` outside a loop", None),
    ("«return»", "error: `return` outside a function", None),
    ("if true { «return» 1 }", "error: `return` outside a function", None),
    # use before declaration
    ("log «a»\nconst a = 1", "error: `a` is used before it is declared", "declare it above"),
    ("«a» = 2\nlet a = 1\nlog a", "error: `a` is used before it is declared", None),
    ("const a = 1\nconst «a» = 2\nlog a", "error: `a` is declared in this block already", None),
    ("fn f(a, «a») { return a }\nlog f(1, 2)", "error: `a` is there already", "give one of both another name"),
    ("const f = fn (a, b, «a») { return a }\nlog f(1, b_, 3)\nfn b_() { }", "error: `a` is there already", None),
    ("on AppEvents.Started as { name, «name» } { log name }", "error: `name` is there already", None),
    # durations
    (
        "on AppEvents.Started { wait «5» }",
        "warning: how long is 5? A bare number is milliseconds",
        "write `5s` or `5ms`",
    ),
    ("after «0.5» { VoxEngine.terminate() }", "warning: how long is 0.5? A bare number is milliseconds", None),
    (in_call("wait for call CallEvents.Connected within «10»"), None, "write `10s` or `10ms`"),
    (in_call("await call.waitFor(CallEvents.Connected, «10»)"), None, "write `10s` or `10ms`"),
    ('on AppEvents.Started { wait «"5s"» }', "error: a text is no duration", "write `5s`, without quotes"),
    (in_call('wait for call CallEvents.Connected within «"${1}s"»'), "error: a text is no duration", None),
    # callbacks, and statements that do nothing
    ("setTimeout(«fn (x) { log x }», 1s)", "error: this function takes 1 argument, but is called with none", None),
    ("fn f(x) { log x }\nsetTimeout(«f», 1s)", "error: f takes 1 argument, but is called with none", None),
    (
        in_call("call.addEventListener(CallEvents.Connected, «fn (a, b) { log a; log b }»)"),
        "error: this function takes 2 arguments, but is called with 1",
        None,
    ),
    (
        in_call("«call.on»(CallEvents.Connected, fn () { log 1 })"),
        "error: call.on is for Python: here, nothing is decorated",
        "write `on call CallEvents.Connected { … }`",
    ),
    (in_call("«call.answer»"), "warning: call.answer is not called", "write `call.answer()`"),
    ("fn f() { }\n«f»", "warning: f is not called", "write `f()`"),
    (
        in_call("«call <- agent»"),
        "warning: this compares, and nobody asks for the result",
        "`a = b` assigns, and `a -> b` sends audio",
    ),
    # keys, calls of what is no function
    ("log { a: 1, «a»: 2 }", "error: the key `a` is there already", "leave one of them out"),
    ('VoxEngine.createRecorder({ name: "a.wav", «name»: "b.wav" })', "error: the key `name` is there already", None),
    ('log «"a".length»()', "error: length is no function", "read it without `( )`"),
    # kinds of values, and what they are bounded to
    (
        in_call('await Net.httpRequestAsync("https://a.example", { timeout: «"5"» })'),
        "error: `timeout` takes a number, not a text",
        None,
    ),
    (
        in_call('await Net.httpRequestAsync("https://a.example", { timeout: «120» })'),
        "error: `timeout` takes a plain number of seconds, more than 0 and at most 90",
        None,
    ),
    (in_call('await Net.httpRequestAsync("https://a.example", { connectionTimeout: «5s» })'), None, None),
    (
        in_call('await Net.httpRequestAsync("https://a.example", { method: "POST", postData: «{ a: 1 }» })'),
        "error: `postData` takes a text, bytes or a list, not an object",
        None,
    ),
    (
        in_call('await Net.httpRequestAsync("https://a.example", { headers: [«{ name: "a", value: "b" }»] })'),
        "error: `headers` takes a text, not an object",
        None,
    ),
    (
        in_call('await Net.httpRequestAsync(«{ url: "https://a.example" }»)'),
        "error: Net.httpRequestAsync takes a text, not an object",
        None,
    ),
    (
        in_call('await Net.httpRequestAsync(«"crm.example/customers"»)'),
        "error: Net.httpRequestAsync takes an address that begins with https:// or http://",
        None,
    ),
    (in_call('await Net.httpRequestAsync(«"crm.example/${call.id()}"»)'), None, None),
    (
        in_call('Net.httpRequest("https://a.example", «{ method: "GET" }»)'),
        "error: Net.httpRequest takes a function, not an object",
        None,
    ),
    (
        in_call('await Net.httpRequestAsync("https://a.example", { timeout: «-1» })'),
        "error: `timeout` takes a plain number of seconds, more than 0 and at most 90",
        None,
    ),
    (in_call('await Net.httpRequestAsync("https://a.example", { connectionTimeout: «-(-7.5)» })'), None, None),
    (
        in_call('const r = await Net.httpRequestAsync("https://a.example", { rawOutput: true })\nlog r.«data».length'),
        "warning: `data` is bytes, if anything, which no .vox scenario has a use for",
        "there is `raw_headers`, `text`, `error`",
    ),
    (in_call('Net.httpRequest("https://a.example", fn (r) { log parse(r?.«data») })'), None, None),
    (
        'VoxEngine.createWebSocket(«"https://ai.example"»)',
        "error: VoxEngine.createWebSocket takes an address that begins with wss:// or ws://",
        None,
    ),
    (
        'VoxEngine.createWebSocket("wss://ai.example", { headers: «{ Authorization: "x" }» })',
        "error: `headers` takes a list, not an object",
        None,
    ),
    (
        'VoxEngine.createWebSocket("wss://ai.example", «["chat"]»)',
        "error: VoxEngine.createWebSocket takes an object, not a list",
        None,
    ),
    (
        'const ai = VoxEngine.createWebSocket("wss://ai.example")\nai.send(«{ a: 1 }»)',
        "error: ai.send takes a text, not an object",
        None,
    ),
    (in_call("on agent AgentsEvents.UserTranscript as { data } { call.say(«data») }"), None, None),
    (in_call("call.say(«agent»)"), "error: call.say takes a text, not an AgentsClient", None),
    (in_call('agent.userMessage(«"hello"»)'), "error: agent.userMessage takes an object, not a text", None),
    ("setTimeout(«100», fn () { log 1 })", "error: setTimeout takes a function, not a number", None),
    (in_call('call.handleTones(«"no"»)'), "warning: call.handleTones takes a boolean, not a text", None),
    # what a handler may return
    (
        'on AppEvents.HttpRequest { return «VoxEngine.createURLPlayer("a.wav")» }',
        "warning: a reply takes a text, bytes, a number, a boolean, a list or an object, not a Player",
        None,
    ),
    (
        'on AppEvents.HttpRequest { if true { return «Net.httpRequestAsync("https://a.example")» } }',
        "error: Net.httpRequestAsync gives a promise",
        "put `await` before it",
    ),
    ("VoxEngine.addEventListener(AppEvents.HttpRequest, fn () { return «fn () { log 1 }» })", None, None),
]


@pytest.mark.parametrize(("text", "message", "advice"), WRONG)
def test_a_mistake_is_found_at_its_place(text: str, message: str | None, advice: str | None) -> None:
    plain, spans = unmarked(text)
    found = [it for it in findings(plain) if it.span in spans]
    assert len(found) == 1, findings(plain)
    assert message is None or f"{found[0].severity}: {found[0].message}" == message
    assert advice is None or found[0].advice == advice


RIGHT = [
    "log null ?? 1",
    "VoxEngine.addEventListener(AppEvents.Started, fn () { VoxEngine.terminate() })",
    'on AppEvents.Started as { sessionId } { log "${sessionId} ${text(1)}" }',
    "on AppEvents.Started as e where e.sessionId != null { log e.name }",
    "fn later() { wait 1s }\non AppEvents.Started { await later() }",
    "fn f(n) { if n > 0 { return g(n - 1) }\nreturn 0 }\nfn g(n) { return f(n) }\nlog f(3)",
    "on AppEvents.Started { log limit }\nconst limit = 3",
    "let n = 0\nevery 1s { n += 1; log n }",
    "for i in [1, 2] { if i == 1 { continue }\nlog i }",
    "while true { if true { break } }\nlog 1",
    'const a = { b: 1, c: { d: 2 } }\nlog a.c.d + a["b"]',
    "const a = 1\nif a == 1 { const a = 2; log a }",
    "let a = null\non AppEvents.Started { a = 3 }\nlog a.b",
    "try { wait_() } catch { log 1 }\nfn wait_() { }",
    "try { log 1 } catch e { log e.message }",
    "on AppEvents.Started { wait 0; wait 250ms }",
    "const ms = 500\non AppEvents.Started { wait ms }",
    "setTimeout(fn () { VoxEngine.terminate() }, 500)",
    "fn f() { try { return 1 } catch { log 2 }\nreturn 3 }\nlog f()",
    'log "a,b".split(",")[0].toUpperCase()',
    in_call("on call CallEvents.Disconnected { VoxEngine.terminate() }"),
    in_call("on agent AgentsEvents.UserTranscript as e { log (e.data.payload ?? e.data).user_transcript }"),
    in_call("on agent AgentsEvents.UserTranscript as e { log e?.data?.payload?.whatever ?? 1 }"),
    in_call("on agent AgentsEvents.WebSocketError as { data } { log data.code + data.reason }"),
    in_call("on agent AgentsEvents.Unknown as { data } { log data.anything.at.all }"),
    in_call('on agent AgentsEvents.ClientToolCall { agent.clientToolResult({ tool_call_id: "a" }) }'),
    in_call("on agent AgentsEvents.ClientToolCall as e { answer(e) }\nfn answer(e) { agent.clientToolResult(e) }"),
    in_call("on agent AgentsEvents.ClientToolCall as e { e.client.clientToolResult({ result: 1 }) }"),
    in_call(
        "const tools = { f: fn (it) { it.clientToolResult({ result: 1 }) } }\non agent "
        "AgentsEvents.ClientToolCall as { data } { const f = tools[data.client_tool_call.tool_name]; f(agent) }"
    ),
    in_call(f'on agent AgentsEvents.ClientToolCall {{ log "a tool" }}\n{ANSWERED}'),
    in_call(
        "on agent AgentsEvents.ClientToolCall as e where e.data { answer(e) }\n"
        "fn answer(e) { agent.clientToolResult(e) }"
    ),
    in_call(
        "const tools = { f: fn (it) { it.clientToolResult({ result: 1 }) } }\n"
        "on agent AgentsEvents.ClientToolCall where tools { const f = tools[agent.id()]; f(agent) }"
    ),
    in_call(
        "on agent AgentsEvents.ClientToolCall as { data } { data = data.client_tool_call\n"
        "agent.clientToolResult({ tool_call_id: data.tool_call_id, result: data.tool_name }) }"
    ),
    "on AppEvents.Started as e { e = { x: 1 }; log e.x }",
    "for x in [1] { const x = 2; log x }",
    "try { log 1 } catch e { const e = 2; log e }",
    "require ElevenLabs\nconst Events = 1\nlog Events",
    "fn f() { log 1 }\nsetTimeout(f, 1s)\nVoxEngine.addEventListener(AppEvents.Started, f)",
    in_call('agent.clientToolResult({ tool_call_id: "1", tool_name: "x", result: { a: 1 } })'),
    in_call('const p = VoxEngine.createURLPlayer("a.wav")\np -> call\nstop p -> call'),
    in_call('VoxEngine.sendMediaBetween(VoxEngine.createURLPlayer("a.wav"), call)'),
    in_call("const r = VoxEngine.createRecorder({ stereo: true })\ncall -> r\nagent -> r"),
    in_call("const c = VoxEngine.createConference()\ncall <-> c\nfor e in c.getList() { e.getCall().hangup() }"),
    in_call("call -> call"),
    in_call("const e = wait for call CallEvents.ToneReceived within 5s\nif e != null { log e.tone }"),
    in_call("const e = await call.waitFor(CallEvents.ToneReceived, 5s)\nlog e.tone"),
    in_call(f"const b = {CREATE}\nlog 1\nconst c = await b\nc.close()"),
    in_call('VoxEngine.createSequencePlayer({ segments: [{ text: "b", parameters: { voice: "en" } }] }) -> call'),
    in_call('call.reject(486, { "X-Reason": "busy" })'),
    in_call("on agent ElevenLabs.Events.WebSocketMediaEnded as e { log e.mediaInfo.duration }"),
    in_call('const p = VoxEngine.createTTSPlayer("a")\non p PlayerEvents.Started as e { e.player.stop() }'),
    in_call(
        'const found = await Net.httpRequestAsync("HTTPS://a.example/${call.id()}", { method: "POST", timeout: 5.5,\n'
        'postData: [1, 2], headers: ["Accept: text/html"], params: { a: [1, 2] }, rawOutput: true })\n'
        'if found.code == 200 { for h in found.headers { log h.key + h.value } }\ncall.say(found.text ?? "")'
    ),
    in_call(
        'const key = secret("KEY")\nconst base = "crm.example"\nawait Net.httpRequestAsync("${base}/x", {\n'
        "headers: { Authorization: key }, postData: null, timeout: limit(), connectionTimeout: 6 })\n"
        "fn limit() { return 5 }"
    ),
    in_call(
        'Net.httpRequest("http${secret("S") ?? ""}://a.example", fn (found) { log found.text }, { method: "HEAD" })'
    ),
    in_call(
        'const ai = VoxEngine.createWebSocket(secret("URL") ?? "ws://a.example", { protocols: ["a", "b"], headers: [{'
        'name: "Authorization", value: secret("KEY") ?? "" }] })\nai.send("${call.id()}")\nai.send(text({ a: 1 }))\n'
        'call.sendMediaTo(ai, { encoding: WebSocketAudioEncoding.ULAW, tag: "a", customParameters: { n: 1 } })\n'
        'ai.clearMediaBuffer({ tag: "a" })\nai.clearMediaBuffer()\n'
        "on ai WebSocketEvents.MESSAGE as { text } where parse(text)?.event == null { ai.send(text + text) }"
    ),
    in_call("call.handleTones(1)\ncall.hangup(null)\ncall.reject(486, null)"),
    in_call("agent.userMessage({ text: 1 })\nagent.contextualUpdate({ text: null })"),
    'on AppEvents.HttpRequest as { content } { return content == "" }',
    "on AppEvents.HttpRequest as e { return { path: e.path, headers: e.headers, n: [1, null] } }",
    'on AppEvents.HttpRequest { const got = await Net.httpRequestAsync("https://a.example")\nreturn got.text }',
    "on AppEvents.HttpRequest { return later() }\nfn later() { return 1 }",
    "on AppEvents.HttpRequest { setTimeout(fn () { return VoxEngine.createConference() }, 1s)\nreturn null }",
    "on AppEvents.Started { return VoxEngine.createConference() }",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert findings(text) == ()


@pytest.mark.parametrize("call", ['secret("KEY")', 'VoxEngine.getSecretValue("KEY")'])
def test_a_secret_that_is_not_set_is_named(call: str) -> None:
    unset = findings(f"log {call}", secrets={"OTHER"})
    assert [(it.severity, it.message) for it in unset] == [("warning", "the secret KEY is not set")]
    assert unset[0].advice == "set it in the environment, or with `--secret KEY=…` or `--env-file FILE`"
    assert findings(f"log {call}", secrets={"KEY"}) == ()
    assert findings(f'log {call} ?? "none"', secrets=()) == ()
    assert findings(f"log {call}") == ()


def test_findings_come_in_the_order_of_the_text_and_have_an_end() -> None:
    found = findings("\n".join(f"log name{number}" for number in range(500)))
    assert len(found) == 100
    assert [it.span for it in found] == sorted(it.span for it in found)


def test_no_number_of_warnings_hides_a_mistake() -> None:
    found = findings(in_call("call.id\n" * 300 + "call.anwser()"))
    assert [it.severity for it in found].count("warning") == 100
    assert found[-1].message == "a Call has no member `anwser`"
