"""Type checkers see the scenario API as its author meant it: right scenarios pass, mistakes are found before a call."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PASSES = '''
"""Everything here is right."""
import functools
from voxrun import AppEvents, Call, CallEvents, ElevenLabs, Logger, Player, PlayerEvents, Recorder, RecorderEvents
from voxrun import SequencePlayerEvents, VoxEngine, clearInterval, clearTimeout, setInterval, setTimeout
from voxrun.events.app import CallAlertingEvent, StartedEvent
from voxrun.events.call import CallEvent, ConnectedEvent

AgentsEvents = ElevenLabs.AgentsEvents

@VoxEngine.on(AppEvents.CallAlerting)
async def answer(event: CallAlertingEvent) -> None:
    call: Call = event.call
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey=VoxEngine.getSecretValue("KEY"), agentId="a", onWebSocketClose=lambda e: Logger.write(e.code)
    )
    other = await ElevenLabs.createAgentsClient({"xiApiKey": "key", "agentId": "a", "includeConversationId": True})
    agent.addEventListener(AgentsEvents.UserTranscript, lambda e: Logger.write(e.data.user_transcription_event.any))
    agent.addEventListener(AgentsEvents.Interruption, lambda e: e.client.clearMediaBuffer())
    agent.addEventListener(ElevenLabs.Events.WebSocketMediaEnded, lambda e: Logger.write(e.mediaInfo.duration + 1.0))
    call.addEventListener(CallEvents.Disconnected, lambda e: Logger.write(e.internalCode + e.duration))
    call.addEventListener(CallEvents.Connected, general)
    call.addEventListener(CallEvents.Connected, general_later)
    call.removeEventListener(CallEvents.Connected, general)
    call.answer()
    connected = await call.waitFor(CallEvents.Connected, timeout=5)
    text: str = connected.customData
    VoxEngine.sendMediaBetween(call, agent)
    player: Player = VoxEngine.createURLPlayer("a.wav", loop=True)
    player = VoxEngine.createURLPlayer({"url": "a.wav"}, {"onPause": True})
    player.sendMediaTo(call)
    recorder: Recorder = VoxEngine.createRecorder(name="r.wav")
    player = VoxEngine.createURLPlayer({"url": "http://a/b.mp3", "method": "POST", "body": {"text": "c"}})
    player = VoxEngine.createTTSPlayer("hello", voice="en-us")
    player = VoxEngine.createToneScriptPlayer("425@-19;*(1/4/1)", {"loop": True})
    player.addEventListener(PlayerEvents.PlaybackMarkerReached, lambda e: Logger.write(e.offset + 1))
    player.addMarker(-300)
    sequence = VoxEngine.createSequencePlayer({"segments": [{"url": "a.wav"}, {"text": "b"}]})
    sequence = VoxEngine.createSequencePlayer(segments=[{"text": "b", "parameters": {"voice": "en-us"}}])
    sequence.addMarker(100, 0)
    sequence.addEventListener(SequencePlayerEvents.Started, lambda e: e.sequencePlayer.sendMediaTo(call))
    call.say("hello", {"voice": "en-us"})
    call.startPlayback("a.wav", loop=True)
    call.record({"stereo": True})
    call.record(name="a.mp3", transcribe=True)
    call.addEventListener(CallEvents.PlaybackFinished, lambda e: Logger.write(e.error or ""))
    call.addEventListener(CallEvents.RecordStopped, lambda e: Logger.write(e.url.upper()))
    call.sendMediaTo(recorder)
    recorder.addEventListener(RecorderEvents.Stopped, lambda e: Logger.write(e.url.upper()))
    clearTimeout(setTimeout(functools.partial(call.reject, 486), 10))
    clearInterval(setInterval(call.hangup))
    clearTimeout(None)
    number: str = VoxEngine.customData() + VoxEngine.customData("x")

def general(event: CallEvent) -> None: ...

async def general_later(event: CallEvent) -> int:
    return len(event.id)

@VoxEngine.on(AppEvents.Started)
@VoxEngine.on(AppEvents.Started)
def started(event: StartedEvent) -> str:
    VoxEngine.removeEventListener(AppEvents.Started)
    return event.sessionId
'''

FLAGGED = {
    "a misspelt event constant": ("VoxEngine.on(AppEvents.CallAlertng)", "CallAlertng"),
    "a misspelt agent event": ("ElevenLabs.AgentsEvents.Interuption", "Interuption"),
    "a misspelt function": ("VoxEngine.terminat()", "terminat"),
    "a misspelt export": ("voxrun.setTimeOut(print, 1)", "setTimeOut"),
    "an event as a plain string": ("call.addEventListener('Call.Connected', print)", "EventName"),
    "a handler of another payload": ("call.addEventListener(CallEvents.Connected, of_player)", "PlayerEvent"),
    "an async handler of another payload": ("call.addEventListener(CallEvents.Connected, later)", "PlayerEvent"),
    "a decorated handler of another payload": ("VoxEngine.on(AppEvents.Started)(of_player)", "PlayerEvent"),
    "a handler of a more special payload": (
        "call.addEventListener(CallEvents.AudioStarted, special)",
        "ConnectedEvent",
    ),
    "a handler without a parameter": ("call.addEventListener(CallEvents.Connected, lambda: 1)", "lambda"),
    "a handler that is called": ("call.addEventListener(CallEvents.Connected, none())", "none"),
    "a field that a lambda's payload lacks": ("call.addEventListener(CallEvents.Connected, lambda e: e.cod)", "cod"),
    "a field that what was waited for lacks": ("(await call.waitFor(CallEvents.Connected)).reason", "reason"),
    "an unknown keyword": ("await ElevenLabs.createAgentsClient(xiApiKey='k', agentID='a')", "createAgentsClient"),
    "an unknown key": ("await ElevenLabs.createAgentsClient({'xiApiKey': 'k', 'agent': 'a'})", "createAgentsClient"),
    "a missing keyword": ("await ElevenLabs.createAgentsClient(xiApiKey='k')", "createAgentsClient"),
    "a keyword of another type": ("VoxEngine.createURLPlayer('a.wav', loop='yes')", "loop"),
    "an unknown option": ("VoxEngine.createRecorder(file='a.wav')", "file"),
    "a missing await": (
        "ElevenLabs.createAgentsClient(xiApiKey='k', agentId='a').clearMediaBuffer()",
        "clearMediaBuffer",
    ),
    "a promise as a unit": (
        "VoxEngine.sendMediaBetween(call, ElevenLabs.createAgentsClient(xiApiKey='k', agentId='a'))",
        "sendMediaBetween",
    ),
    "a recorder as a source": ("VoxEngine.sendMediaBetween(call, VoxEngine.createRecorder())", "Recorder"),
    "a player as a sink": ("call.sendMediaTo(VoxEngine.createURLPlayer('a.wav'))", "Player"),
    "a timer of milliseconds as text": ("setTimeout(print, '100')", "str"),
    "a timer without a function": ("setTimeout(none(), 100)", "none"),
    "custom data that is no text": ("VoxEngine.customData({'a': 1})", "customData"),
    "a secret that may be missing": ("VoxEngine.getSecretValue('KEY').upper()", "None"),
}

HEAD = '''
"""Every statement of this function is a mistake."""
import voxrun
from voxrun import AppEvents, Call, CallEvents, ElevenLabs, VoxEngine, setTimeout
from voxrun.events.call import ConnectedEvent
from voxrun.events.player import PlayerEvent

def of_player(event: PlayerEvent) -> None: ...
async def later(event: PlayerEvent) -> None: ...
def special(event: ConnectedEvent) -> None: ...
def none() -> None: ...

async def mistakes(call: Call) -> None:
'''


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says, by "file:line"; one run for all."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "passes.py").write_text(PASSES.lstrip())
    body = "".join(f"    {statement}\n" for statement, _ in FLAGGED.values())
    (folder / "flagged.py").write_text(HEAD.lstrip() + body)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"]
    files = [str(folder / "passes.py"), str(folder / "flagged.py")]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        match = re.match(r".*?(\w+\.py:\d+): (error: .*)", line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    assert found, done.stdout + done.stderr
    return found


@pytest.mark.slow
def test_right_scenarios_pass(complaints: dict[str, list[str]]) -> None:
    assert {where: said for where, said in complaints.items() if not where.startswith("flagged.py")} == {}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "case"), list(enumerate(FLAGGED)), ids=FLAGGED)
def test_mistakes_are_flagged(complaints: dict[str, list[str]], number: int, case: str) -> None:
    line = len(HEAD.lstrip().splitlines()) + number + 1
    said = complaints.get(f"flagged.py:{line}", [])
    assert any(FLAGGED[case][1] in message for message in said), said
