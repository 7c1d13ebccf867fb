"""Players of real files, in virtual time."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
import trio.testing
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.noise import cut_off, joined_late, noise

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.media.player import Player
from voxrun.session.session import Session
from voxrun.transports.audio_file import AudioFile
from voxrun.transports.wav import WavWriter

HEADER = """
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
        player = VoxEngine.createURLPlayer({url!r}, {options})
        player.sendMediaTo(call)
"""


@pytest.fixture
def beep(tmp_path: Path) -> Path:
    """0.31 s: 15 frames and a half."""
    return write(tmp_path / "beep.wav", BEEP)


BEEP = noise(0.31)


def write(path: Path, samples: Samples, rate: int = 16_000) -> Path:
    file = WavWriter(path, rate=rate, channels=1)
    file.write(samples)
    file.close()
    return path


def script(url: str | Path, *lines: str, options: str = "") -> str:
    return HEADER.format(url=str(url), options=options) + "".join(f"        {line}\n" for line in lines)


def player_events(ran: Ran) -> list[tuple[str, float]]:
    events = [(record["name"], record["t"]) for record in ran.of_kind("event")]
    return [(name.removeprefix("Player."), t) for name, t in events if name.startswith("Player.")]


def payload(ran: Ran, name: str) -> dict[str, Any]:
    (found,) = [record["payload"] for record in ran.of_kind("event") if record["name"] == name]
    assert isinstance(found, dict)
    return found


def heard_at(leg: ScriptedLeg, tick: int, samples: Samples) -> bool:
    """Whether `samples` begin with that tick, with silence around, but for the fade where they are cut."""
    everything = leg.everything_heard[tick * 320 :]
    ticks_after = (len(everything) - len(samples)) // 320
    expected = cut_off(samples, ticks_after)
    return np.array_equal(everything[: len(expected)], expected) and not (
        leg.everything_heard[: tick * 320].any() or everything[len(expected) :].any()
    )


def test_a_file_is_played_once_sample_for_sample(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    ran = play(
        script(
            beep,
            "player.addEventListener(PlayerEvents.Created, lambda e: Logger.write(e.player is player))",
            "player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(call.hangup, 110))",
        ),
        Setting(leg=leg),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["True"]
    assert player_events(ran) == [
        ("Created", 0.0),
        ("PlaybackReady", 0.0),
        ("Started", 0.02),
        ("PlaybackFinished", pytest.approx(0.34)),
    ]
    assert payload(ran, "Player.Started") == {"name": "Player.Started", "player": "<player-1>", "duration": 0.31}
    assert payload(ran, "Player.PlaybackFinished")["error"] is None
    assert heard_at(leg, 0, BEEP)
    assert [record["change"] for record in ran.of_kind("route")] == ["connect", "disconnect"]


def test_a_loop_goes_round_without_a_gap_until_stopped(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    ran = play(
        script(beep, "setTimeout(player.stop, 5010)", "setTimeout(call.hangup, 5110)", options="loop=True"),
        Setting(leg=leg),
    )
    assert [name for name, _ in player_events(ran)] == ["Created", "PlaybackReady", "Started", "Stopped"]
    assert heard_at(leg, 0, np.resize(BEEP, 250 * 320))


def test_a_paused_player_goes_on_from_the_same_place(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    ran = play(
        script(
            beep,
            "setTimeout(player.pause, 110)",
            "setTimeout(player.pause, 150)",
            "setTimeout(player.resume, 310)",
            "setTimeout(player.resume, 350)",
            "setTimeout(call.hangup, 1010)",
        ),
        Setting(leg=leg),
    )
    assert [name for name, _ in player_events(ran)] == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    assert heard_at(leg, 0, np.concatenate((cut_off(BEEP[: 5 * 320], 10), joined_late(BEEP[5 * 320 :]))))


def test_a_pause_that_is_over_before_the_next_tick_is_not_heard(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    lines = ["setTimeout(lambda: (player.pause(), player.resume()), 110)", "setTimeout(call.hangup, 1010)"]
    play(script(beep, *lines), Setting(leg=leg))
    assert heard_at(leg, 0, BEEP)


def test_a_resume_that_is_over_before_the_next_tick_is_not_heard(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    lines = [
        "setTimeout(lambda: (player.resume(), player.pause()), 110)",
        "setTimeout(player.resume, 510)",
        "setTimeout(call.hangup, 1010)",
    ]
    play(script(beep, *lines, options="onPause=True"), Setting(leg=leg))
    assert heard_at(leg, 25, BEEP)


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("onPause=True", ()),
        ("", ("player.pause()",)),
        ("onPause=True", ("player.resume()", "player.pause()")),
    ],
)
def test_a_player_made_on_pause_waits_for_resume(play: Play, beep: Path, options: str, lines: tuple[str, ...]) -> None:
    leg = ScriptedLeg()
    ran = play(
        script(beep, *lines, "setTimeout(player.resume, 510)", "setTimeout(call.hangup, 1010)", options=options),
        Setting(leg=leg),
    )
    assert player_events(ran) == [
        ("Created", 0.0),
        ("PlaybackReady", 0.0),
        ("Started", pytest.approx(0.52)),
        ("PlaybackFinished", pytest.approx(0.84)),
    ]
    assert heard_at(leg, 25, BEEP)


def test_a_player_made_on_pause_and_resumed_while_it_loads_does_not_wait(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    play(script(beep, "player.resume()", "setTimeout(call.hangup, 1010)", options="onPause=True"), Setting(leg=leg))
    assert heard_at(leg, 0, BEEP)


def test_stop_ends_it_for_good(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    ran = play(
        script(
            beep,
            "setTimeout(player.stop, 110)",
            "setTimeout(lambda: (player.stop(), player.resume(), player.pause(), player.resume()), 150)",
            "setTimeout(call.hangup, 510)",
        ),
        Setting(leg=leg),
    )
    assert [name for name, _ in player_events(ran)] == ["Created", "PlaybackReady", "Started", "Stopped"]
    assert heard_at(leg, 0, BEEP[: 5 * 320])


@pytest.mark.parametrize("exists", [True, False])
def test_a_player_stopped_before_it_was_loaded_says_nothing_more(play: Play, beep: Path, exists: bool) -> None:
    ran = play(
        script(beep if exists else "none.wav", "player.stop()", "setTimeout(call.hangup, 110)"),
        Setting(leg=ScriptedLeg()),
    )
    assert [name for name, _ in player_events(ran)] == ["Created", "Stopped"]
    assert ran.outcome.error is None


@pytest.mark.parametrize("offset", ["'300'", "None", "float('inf')", "float('-inf')", "float('nan')", "10**400"])
def test_a_marker_needs_its_time_as_a_number(play: Play, beep: Path, offset: str) -> None:
    ran = play(script(beep, f"player.addMarker({offset})"), Setting(leg=ScriptedLeg()))
    assert f"addMarker needs its time as a number of ms, but was given {eval(offset)!r}" in str(ran.outcome.error)


def test_a_missing_file_is_an_error_and_the_session_goes_on(play: Play) -> None:
    ran = play(
        script("none.wav", "player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: call.hangup())"),
        Setting(leg=ScriptedLeg()),
    )
    here = f"in {Path.cwd()}, where voxrun was started"
    message = f"can't read the audio file 'none.wav': No such file or directory {here}"
    assert [name for name, _ in player_events(ran)] == ["Created", "Error", "PlaybackFinished"]
    assert payload(ran, "Player.Error") == {"name": "Player.Error", "player": "<player-1>", "error": message}
    assert payload(ran, "Player.PlaybackFinished")["error"] == message
    assert ran.events[-3:] == ["Call.Disconnected", "Application.Terminating", "Application.Terminated"]
    assert isinstance(ran.outcome.error, ConfigurationError)
    where, _, told = str(ran.outcome.error).partition(": ")
    assert where.endswith("scenario.py:6")
    assert told.startswith(f"{message}\n    player = VoxEngine.createURLPlayer(")


class Torn(AudioFile):
    """A file whose disk gives up after so many blocks."""

    blocks = 0

    def read(self, count: int) -> Samples:
        self.blocks -= 1
        if self.blocks < 0:
            raise ConfigurationError("the disk has gone")
        return super().read(count)


@pytest.mark.parametrize("blocks", [0, 1, 5])
def test_a_file_damaged_further_on_is_played_to_there(play: Play, tmp_path: Path, blocks: int) -> None:
    path = write(tmp_path / "long.wav", noise(8))
    leg = ScriptedLeg()

    def open_torn() -> Torn:
        file = Torn(path)
        file.blocks = blocks
        return file

    async def listen(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        session.call.answer()
        player = Player(session, partial(session.offload, open_torn))
        player.sendMediaTo(session.call)
        await trio.sleep(6)
        session.call.hangup()

    ran = play("", Setting(leg=leg, meanwhile=listen))
    started = ["Started"] if blocks else []
    names = [name for name, _ in player_events(ran)]
    assert names == ["Created", "PlaybackReady", *started, "Error", "PlaybackFinished"]
    assert payload(ran, "Player.PlaybackFinished")["error"] == "the disk has gone"
    assert str(ran.outcome.error) == "the disk has gone"
    assert heard_at(leg, 0, noise(blocks / 2))


def test_a_player_that_has_ended_does_not_displace_anybody(play: Play, beep: Path) -> None:
    leg = ScriptedLeg(says=noise(2))
    ran = play(
        script(
            beep,
            "player.stop()",
            "call.sendMediaTo(call)",
            "player.sendMediaTo(call)",
            "setTimeout(call.hangup, 510)",
        ),
        Setting(leg=leg),
    )
    assert heard_at(leg, 0, noise(0.5))
    (warning,) = ran.of_kind("warning")
    assert "player-1 has ended: it has no audio for call-1 any more" in warning["message"]


def test_audio_before_a_route_is_lost(play: Play, beep: Path) -> None:
    leg = ScriptedLeg()
    play(
        script(
            beep,
            "player.stopMediaTo(call)",
            "setTimeout(lambda: player.sendMediaTo(call), 110)",
            "setTimeout(call.hangup, 510)",
        ),
        Setting(leg=leg),
    )
    assert heard_at(leg, 5, joined_late(BEEP[5 * 320 :]))


def test_another_rate_is_converted_on_the_route(play: Play, tmp_path: Path) -> None:
    path = write(tmp_path / "narrow.wav", tone(8000, 0.5), 8000)
    leg = ScriptedLeg()
    play(script(path, "setTimeout(call.hangup, 1010)"), Setting(leg=leg))
    assert [len(frame) for frame in leg.heard] == [320] * 50
    assert np.abs(leg.everything_heard[:8000]).max() == pytest.approx(10_000, rel=0.05)


@pytest.mark.parametrize(("rate", "played_at"), [(22_050, 24_000), (44_100, 48_000)])
def test_a_sound_that_flows_on_from_its_end_has_no_seam_in_a_loop(
    play: Play, tmp_path: Path, rate: int, played_at: int
) -> None:
    size, periods, rounds = 1111, 20, 100
    hum = 10_000 * np.cos(2 * np.pi * periods * np.arange(size) / size)
    path = write(tmp_path / "hum.wav", np.rint(hum).astype(np.int16), rate)
    leg = ScriptedLeg(rate=played_at)
    play(script(path, "setTimeout(call.hangup, 6000)", options="loop=True"), Setting(leg=leg))
    heard = leg.everything_heard[played_at // 100 : round(rounds * size / rate * played_at)]
    moments = np.arange(played_at // 100, played_at // 100 + len(heard)) / played_at
    pure = 10_000 * np.cos(2 * np.pi * periods * rate / size * moments)
    assert np.abs(heard - pure).max() < 10


@pytest.mark.parametrize("stop", [True, False], ids=["stop", "terminate"])
def test_the_file_is_closed_when_the_player_is_stopped_or_the_session_ends(play: Play, beep: Path, stop: bool) -> None:
    files: list[AudioFile] = []

    def open_file() -> AudioFile:
        files.append(AudioFile(beep))
        return files[0]

    async def leave(session: Session) -> None:
        await trio.sleep(0.005)
        player = Player(session, partial(session.offload, open_file), loop=True)
        await trio.sleep(0.2)
        if stop:
            player.stop()
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(RuntimeError, match="closed"):
                files[0].rewind()
        session.terminate()

    play("", Setting(leg=ScriptedLeg(), meanwhile=leave))
    with pytest.raises(RuntimeError, match="closed"):
        files[0].rewind()
