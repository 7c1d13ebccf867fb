"""Half of a surrogate pair in a text of a scenario's: nothing of the inside is shown, and the trace goes on."""

from pathlib import Path

import pytest
from tests.dsl.played import play_statements
from tests.kit import Play, ScriptedLeg, Setting

from voxrun.audio.frame import Samples, silence
from voxrun.testing import WebSocketPeer, simulate

HALF = r"'\ud800' in a text is half of a surrogate pair and no character: leave it out"

AGENT = "await ElevenLabs.createAgentsClient(xiApiKey='a-key-of-somebody'"
PLAYER = (
    "ElevenLabs.createRealtimeTTSPlayer(half, pathParameters={'voice_id': 'v'}, queryParameters={}, "
    "headers=[{'name': 'xi-api-key', 'value': 'a-key-of-somebody'}])"
)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("call.record({'name': half})", ""),
        ("VoxEngine.createRecorder(name=half + '.mp3')", ""),
        ("await Net.httpRequestAsync('http://crm.test', postData=half)", ""),
        ("await Net.httpRequestAsync('http://crm.test', params={'a': half})", ""),
        (f"{AGENT}, agentId=half)", ""),
        (PLAYER, "sendText can't be sent as JSON: "),
        ("call.sendMediaTo(VoxEngine.createWebSocket('ws://ai.test'), tag=half)", ""),
        ("print(half.encode())", ""),
    ],
)
def test_where_it_can_not_be_it_is_told(play: Play, statement: str, what: str) -> None:
    ran = play(
        f"""
        half = "a\\ud800b"
        @VoxEngine.on(AppEvents.CallAlerting)
        async def go(event):
            call = event.call
            {statement}
        """,
        Setting(leg=ScriptedLeg()),
    )
    message = f"scenario.py:6: in a handler of Application.CallAlerting: {what}{HALF}\n"
    assert message in str(ran.outcome.error)


@pytest.mark.parametrize("statement", ["'\u00e9'.encode('ascii')", "b'\\xff'.decode()"])
def test_another_encoding_is_told_as_python_does(play: Play, statement: str) -> None:
    assert ": while loading: Unicode" in str(play(statement).outcome.error)


@pytest.mark.parametrize("statement", ["call.say('hello', voice=half)", "VoxEngine.createTTSPlayer(half, voice=half)"])
def test_nobody_is_asked_to_speak_it(play: Play, statement: str) -> None:
    asked: list[str] = []

    async def speak(text: str, voice: str | None) -> Samples:
        asked.append(f"{text} {voice}")
        return silence(16_000)

    source = f"""
        half = "a\\ud800b"
        @VoxEngine.on(AppEvents.CallAlerting)
        def go(event):
            call = event.call
            call.answer()
            {statement}
        """
    assert play(source, Setting(leg=ScriptedLeg(), speak=speak, stop_after=1)).outcome.error is None
    assert [it.replace("hello", "a?b") for it in asked] == ["a?b a?b"]


def test_a_web_socket_sends_another_character(tmp_path: Path) -> None:
    heard: list[str] = []

    async def talk(peer: WebSocketPeer) -> None:
        heard.extend([text async for text in peer])

    (tmp_path / "scenario.py").write_text("""
from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
async def go(event):
    ws = VoxEngine.createWebSocket("wss://ai.test")
    ws.send("early \\ud800")
    await ws.waitFor(WebSocketEvents.OPEN)
    ws.send("later \\udc00")
    setTimeout(VoxEngine.terminate, 1000)
""")
    simulate(tmp_path / "scenario.py", web={"wss://ai.test": talk}).expectOk()
    assert heard == ["early ?", "later ?"]


def test_the_language_tells_it_too(tmp_path: Path) -> None:
    half = 'const half = parse("\\"\\\\ud800\\"")'
    ran = play_statements(
        tmp_path, f"{half}\ntry {{ call.record({{ name: half }}) }} catch e {{ log e.message }}\nlog half"
    )
    assert ran.outcome.error is None
    assert ran.logged == [f"record: {HALF}", r"\ud800"]
