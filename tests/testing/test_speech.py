"""The text-to-speech service of a simulated call: what it is asked to say, and what comes of its troubles."""

from pathlib import Path
from typing import Any

import pytest
from tests.testing.scenarios import ECHO, write

from voxrun.testing import SpeechService, at, hangUp, refuse, simulate, stall, turn

SAYS = """
    call.addEventListener(CallEvents.Connected, lambda e: call.say("Good morning."))

    @call.on(CallEvents.PlaybackFinished)
    def over(event):
        player = VoxEngine.createTTSPlayer("Goodbye.")
        player.addEventListener(PlayerEvents.Error, lambda e: Logger.write(e.error))
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: call.hangup())
        player.sendMediaTo(call)
"""


@pytest.fixture
def says(tmp_path: Path) -> Path:
    return write(tmp_path, ECHO, SAYS)


def test_whole_texts_are_spoken_by_it_too(says: Path) -> None:
    call = simulate(says).expectOk()
    assert call.spoken == ["Good morning.", "Goodbye."]
    for text in call.spoken:
        assert call.caller.heard.contains(turn(text).sound)


def test_half_of_a_character_is_said_as_none(tmp_path: Path) -> None:
    body = 'call.on(CallEvents.Connected)(lambda e: call.say("\\ud83d Hello."))'
    call = simulate(write(tmp_path, ECHO, body), caller=[at(3.0, hangUp())]).expectOk()
    assert call.spoken == ["? Hello."]


def test_it_takes_its_time(says: Path) -> None:
    begins = [
        simulate(says, speech=SpeechService(latency=latency)).caller.heard.firstSoundAfter(0) for latency in (0.1, 1)
    ]
    assert begins[1] - begins[0] == pytest.approx(0.9, abs=0.03)


def test_it_refuses(says: Path) -> None:
    call = simulate(says, speech=SpeechService(refuse=401))
    assert "ElevenLabs refused to speak with HTTP 401" in str(call.outcome.error)
    assert "HTTP 401" in call.log[0]
    assert call.spoken == []


@pytest.mark.parametrize(("fault", "begin"), [(stall(2.0), 2.1), (refuse(), float("inf"))])
def test_the_network_is_between(says: Path, fault: Any, begin: float) -> None:
    call = simulate(says, faults=[at(0.0, fault)], caller=[at(5.0, hangUp())])
    assert call.caller.heard.firstSoundAfter(0) == pytest.approx(begin, abs=0.05)


def test_what_asks_for_nothing_gets_nothing(tmp_path: Path) -> None:
    body = """
    url = "https://api.elevenlabs.io/v1/text-to-speech/voice"
    player = VoxEngine.createURLPlayer({"url": url, "method": "POST"})
    player.addEventListener(PlayerEvents.Error, lambda e: Logger.write(e.error))
    """
    call = simulate(write(tmp_path, ECHO, body), caller=[at(1.0, hangUp())])
    assert "HTTP 400" in str(call.outcome.error)
