"""The `.vox` scenarios that come with voxrun, in virtual time."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Ran, ScriptedLeg, Setting, inline, simulate

from voxrun.audio.frame import Samples
from voxrun.localagent.server import serve_agent
from voxrun.media.line import LineNews, ToneCame
from voxrun.session.session import Session
from voxrun.transports.network import MemoryNetwork

SCENARIOS = Path(__file__).parents[2] / "scenarios"
RATE = 16_000


class Keypad:
    """A caller's keys."""

    def __init__(self) -> None:
        self._receive: Callable[[LineNews], None] | None = None

    def listen(self, receive: Callable[[LineNews], None]) -> None:
        """Who is told of keys."""
        self._receive = receive

    def send_digits(self, digits: str) -> None:
        """Nobody hears them."""

    def clear(self) -> None:
        """Nothing of it is kept at the far end."""

    def hang_up(self) -> None:
        """There is no connection to end."""

    def press(self, digit: str) -> None:
        """Press a key."""
        assert self._receive is not None
        self._receive(ToneCame(digit))


def call(scenario: str, *keys: tuple[float, str]) -> tuple[Ran, ScriptedLeg]:
    """Call it, and press `keys` at their times."""
    leg = ScriptedLeg()
    keypad = Keypad()
    leg.line = keypad

    async def press(_: Session) -> None:
        began = trio.current_time()
        for at, digit in keys:
            await trio.sleep_until(began + at)
            keypad.press(digit)

    ran = simulate(SCENARIOS / scenario, Setting(leg=leg, meanwhile=press))
    assert ran.outcome.error is None
    assert ran.of_kind("warning") == []
    assert ran.events[-1] == "Application.Terminated"
    return ran, leg


def test_a_reminder_that_is_confirmed_is_not_repeated() -> None:
    ran, leg = call("reminder.vox", (4.0, "1"))
    assert ran.logged[0] == "confirmed after the first time"
    assert ran.events.count("Call.PlaybackFinished") == 2
    assert ran.seconds < 8
    assert np.abs(leg.everything_heard).max() > 1000


def test_a_reminder_that_nobody_confirms_is_said_three_times() -> None:
    ran, _ = call("reminder.vox", (5.0, "2"))
    rounds = [f"no answer after the {each} time" for each in ("first", "second", "third")]
    assert ran.logged[:3] == rounds
    assert ran.logged[3].startswith("the call took 2")
    assert ran.events.count("Call.PlaybackFinished") == 3


def test_a_menu_is_walked_by_keys() -> None:
    ran, _ = call("menu.vox", (1.0, "1"), (5.0, "*"), (6.0, "7"), (7.0, "#"))
    assert ran.logged == ["pressed 1", "pressed *", "pressed 7", "pressed #"]
    assert ran.events.count("Call.PlaybackStarted") == 4
    assert ran.seconds == pytest.approx(7, abs=0.1)


def test_who_says_nothing_is_reminded_twice() -> None:
    ran, _ = call("menu.vox")
    assert ran.logged == ["anonymous says nothing"]
    assert ran.events.count("Call.PlaybackStarted") == 3
    assert ran.seconds == pytest.approx(30, abs=0.5)


def test_a_party_has_music_until_somebody_presses_a_key() -> None:
    ran, leg = call("party.vox", (5.0, "0"))
    assert ran.logged[:3] == ["call-1 is in, number 1", "key 0: music off", "1 at the party"]
    assert ran.logged[-1] == "the party is over"
    assert ran.seconds == pytest.approx(60, abs=0.5)
    heard = leg.everything_heard
    assert np.abs(heard[: 4 * RATE]).max() > 500
    assert not heard[6 * RATE :].any()


@pytest.fixture(scope="module")
def caller() -> Samples:
    samples, rate = soundfile.read(SCENARIOS / "audio" / "caller.flac", dtype="int16")
    assert rate == RATE
    return np.asarray(samples, np.int16)


def conversation(scenario: str, says: Samples) -> tuple[list[object], Samples]:
    """What is said and done between the caller and the local agent, to the millisecond, and what the caller hears."""

    async def serve(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        await nursery.start(partial(serve_agent, offload=inline), network, "agent.test", 80)

    leg = ScriptedLeg(RATE, says)
    ran = simulate(SCENARIOS / scenario, Setting(leg=leg, secrets={"ELEVENLABS_API_KEY": "k"}, background=serve))
    assert ran.outcome.error is None
    told = [
        (round(record["t"], 3), record["name"], record["payload"].get("data"))
        for record in ran.of_kind("event")
        if record["name"].startswith(("ElevenLabs", "Call."))
    ]
    return [_without_names(each) for each in told], leg.everything_heard


def _without_names(value: object) -> object:
    """`value` without what is different in each run: the names that the agent gives to calls and conversations."""
    if isinstance(value, dict):
        return {key: _without_names(inner) for key, inner in value.items() if not key.endswith("_id")}
    if isinstance(value, list | tuple):
        return [_without_names(inner) for inner in value]
    return value


@pytest.mark.slow
def test_both_receptionists_have_the_same_conversation(caller: Samples) -> None:
    for library in ("webrtcvad", "pocketsphinx", "espeakng_loader"):
        pytest.importorskip(library, reason="needs the local-agent extra")
    in_python, heard_of_python = conversation("receptionist.py", caller)
    in_vox, heard_of_vox = conversation("receptionist.vox", caller)
    assert in_vox == in_python
    assert len(in_vox) > 10
    assert np.array_equal(heard_of_vox, heard_of_python)
