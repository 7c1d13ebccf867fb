"""A scenario that lets a voice speak into a call, played in virtual time against a scripted service."""

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trio
from tests.kit import Ran, ScriptedLeg, Setting, simulate
from tests.media.noise import FADE, noise
from tests.tts_service import API_KEY, Connection, Script, TTSService

from voxrun.audio.frame import Samples
from voxrun.transports.server import Reply

SCENARIO = """
from voxrun import *

@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.answer()
    player = ElevenLabs.createRealtimeTTSPlayer({text!r}, {{
        "pathParameters": {{"voice_id": "v 1/2"}},
        "headers": [{{"name": "xi-api-key", "value": VoxEngine.getSecretValue("KEY")}}],
        "queryParameters": {{"model_id": "m"}},
        {parameters}
    }})
    player.sendMediaTo(call)
    setTimeout(call.hangup, {hangup})
{body}
"""

Play = Callable[..., tuple[Ran, TTSService, ScriptedLeg]]


def play_scenario(
    folder: Path,
    script: Script | Reply,
    body: str = "",
    *,
    text: str = "",
    parameters: str = "",
    hangup: int = 5010,
) -> tuple[Ran, TTSService, ScriptedLeg]:
    """Run SCENARIO with `body` at its end, in `folder`; the caller hangs up after `hangup` ms."""
    path = folder / "scenario.py"
    indented = textwrap.indent(textwrap.dedent(body), "    ")
    path.write_text(SCENARIO.format(text=text, parameters=parameters, body=indented, hangup=hangup))
    leg = ScriptedLeg()
    service = TTSService(script)
    ran = simulate(path, Setting(leg=leg, secrets={"KEY": API_KEY}, background=service.start))
    return ran, service, leg


async def listen(connection: Connection) -> None:
    """Say nothing."""
    await trio.sleep_forever()


def saying(samples: Samples | bytes, text: str = "", ms: float = 0.0) -> Script:
    """As soon as a text comes, say this; finish when there is no more text."""

    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(samples, text, ms)
        await connection.wait_for_end()
        connection.finish()
        await trio.sleep_forever()

    return script


def player_events(ran: Ran) -> list[tuple[str, float]]:
    """Names and times of the player's events."""
    events = [(record["name"], record["t"]) for record in ran.of_kind("event")]
    return [(name.removeprefix("Player."), t) for name, t in events if name.startswith("Player.")]


def names(ran: Ran) -> list[str]:
    """The names of the player's events."""
    return [name for name, _ in player_events(ran)]


def payloads(ran: Ran, name: str) -> list[dict[str, Any]]:
    """What came with the player's events of that name."""
    return [record["payload"] for record in ran.of_kind("event") if record["name"] == f"Player.{name}"]


def losses(ran: Ran) -> dict[str, Any]:
    """What the player says that it lost."""
    (record,) = (record for record in ran.of_kind("losses") if record["of"] == "player-1")
    return record


def begin_of(everything: Samples, samples: Samples) -> int:
    """Where `samples` are, in ticks; they must be there whole, at a tick, and behind them only the fade of a cut."""
    begin = int(np.flatnonzero(everything)[0]) - int(np.flatnonzero(samples)[0])
    assert np.array_equal(everything[begin : begin + len(samples)], samples)
    assert not everything[begin + len(samples) + FADE :].any()
    assert begin % 320 == 0
    return begin // 320


SPEECH = noise(1.0)
