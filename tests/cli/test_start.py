"""What a run loads: only what its scenario uses, as each library costs start-up time and memory."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import trio
from tests.cli.command import environment

import voxrun
from voxrun import events
from voxrun.api import elevenlabs, voxengine
from voxrun.transports.network import TcpNetwork
from voxrun.transports.server import Request, Upgrade, serve
from voxrun.transports.websocket import WebSocket

LOADED = """
import json
import sys
from pathlib import Path
from voxrun.cli import main

status = main(sys.argv[2:])
Path(sys.argv[1]).write_text(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""

ASKED_FOR_ONLY = {
    "G722": "another codec",
    "certifi": "TLS where the system has no certificates",
    "lark": "a tone script",
    "livekit": "an echo canceller",
    "pocketsphinx": "the local agent",
    "rich": "a terminal",
    "sounddevice": "a microphone or speaker",
    "soundfile": "a file of sound other than wav",
    "trio_websocket": "WebSockets over what is no socket",
    "voxrun.localagent": "the local agent",
    "voxrun.media.call_playback": "a call that is played to",
    "voxrun.media.call_recorder": "a call that is recorded",
    "voxrun.media.conference": "a conference",
    "voxrun.media.player": "a player",
    "voxrun.media.recorder": "a recorder",
    "voxrun.protocol.rtp": "RTP",
    "voxrun.providers.elevenlabs.realtime_tts_player": "a voice",
    "voxrun.providers.websocket": "a WebSocket of the scenario's own",
    "voxrun.transports.sound.microphone": "a microphone",
    "voxrun.transports.sound.speaker": "a speaker",
}
"""Modules, and for whom they are."""

AGENT = """
from voxrun import AppEvents, Call, CallEvents, ElevenLabs, Logger, VoxEngine, setTimeout
from voxrun.events import AgentsEvent, CallAlertingEvent

@VoxEngine.on(AppEvents.Started)
def end(event):
    assert ElevenLabs.createAgentsClient and ElevenLabs.AgentsEvents
    VoxEngine.terminate()
"""

CONVERSATION = """
from voxrun import AppEvents, ElevenLabs, VoxEngine

@VoxEngine.on(AppEvents.Started)
async def talk(event):
    agent = await ElevenLabs.createAgentsClient(
        xiApiKey="any", agentId="any", baseUrl="ws://127.0.0.1:PORT", onWebSocketClose=lambda _: VoxEngine.terminate()
    )
    agent.close()
"""

CONFERENCE = """
from voxrun import AppEvents, VoxEngine

@VoxEngine.on(AppEvents.Started)
def end(event):
    VoxEngine.createConference()
    VoxEngine.terminate()
"""


@pytest.mark.parametrize(("source", "used"), [(AGENT, set()), (CONFERENCE, {"voxrun.media.conference"})])
def test_a_run_loads_what_its_scenario_uses(tmp_path: Path, source: str, used: set[str]) -> None:
    scenario, report = tmp_path / "scenario.py", tmp_path / "modules.json"
    scenario.write_text(source)
    command = [sys.executable, "-c", LOADED, str(report), str(scenario), "--call", "none"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    loaded = set(json.loads(report.read_text()))
    assert {"trio", "voxrun.session.session"} <= loaded
    assert loaded & set(ASKED_FOR_ONLY) == used


def test_an_agent_over_tcp_needs_no_library_for_its_websocket(tmp_path: Path) -> None:
    scenario, report = tmp_path / "scenario.py", tmp_path / "modules.json"

    async def listen(websocket: WebSocket) -> None:
        await websocket.pump(lambda _: None)

    async def accept(_: Request) -> Upgrade:
        return Upgrade(listen)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, TcpNetwork(), "127.0.0.1", 0, accept)
            scenario.write_text(CONVERSATION.replace("PORT", str(port)))
            command = [sys.executable, "-c", LOADED, str(report), str(scenario), "--call", "none"]
            with trio.fail_after(30):
                await trio.run_process(command, env=environment(), capture_stdout=True)
            nursery.cancel_scope.cancel()

    trio.run(main)
    loaded = set(json.loads(report.read_text()))
    assert "voxrun.transports.socket_websocket" in loaded
    assert loaded & set(ASKED_FOR_ONLY) == set()


@pytest.mark.parametrize("namespace", [voxrun, events, voxengine, elevenlabs])
def test_type_checkers_see_each_name_where_it_is_loaded_from(namespace: ModuleType) -> None:
    assert namespace.__file__
    tree = ast.parse(Path(namespace.__file__).read_text())
    (choice,) = (node for node in tree.body if isinstance(node, ast.If))
    checked = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in choice.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    table = ast.literal_eval(next(node for node in ast.walk(choice.orelse[0]) if isinstance(node, ast.Dict)))
    assert set(table) <= set(namespace.__all__)
    assert list(table) == sorted(table)
    homes = {name: f"{module}:{inner}" for name, (module, inner) in checked.items()}
    whole = {name: f"{module}.{inner}" for name, (module, inner) in checked.items()}
    assert {name: (whole if ":" not in home else homes)[name] for name, home in table.items()} == table
    assert set(checked) == set(table)


@pytest.mark.parametrize("namespace", [voxrun, events, voxengine, elevenlabs])
def test_every_name_is_there_and_seen(namespace: ModuleType) -> None:
    assert [name for name in namespace.__all__ if not hasattr(namespace, name)] == []
    assert set(namespace.__all__) <= set(dir(namespace)) & set(vars(namespace))


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"^module 'voxrun' has no attribute 'Cal'$") as raised:
        voxrun.Cal  # type: ignore[attr-defined] # noqa: B018
    assert (raised.value.name, raised.value.obj) == ("Cal", voxrun)
