"""What a player plays, beyond files: markers, slow sources, speech, tones; in virtual time."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.noise import noise

from voxrun.audio.frame import Samples
from voxrun.audio.tones import Burst, Tone, render
from voxrun.media.player import Player
from voxrun.media.read_ahead import AudioSource
from voxrun.media.sample_source import SampleSource
from voxrun.session.session import Session
from voxrun.transports.wav import WavWriter


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A file of 1 s."""
    file = WavWriter(tmp_path / "second.wav", rate=16_000, channels=1)
    file.write(noise(1.0))
    file.close()
    return tmp_path / "second.wav"


def script(create: str, *lines: str) -> str:
    begin = f"""
    @VoxEngine.on(AppEvents.CallAlerting)
    def answer(event):
        call = event.call
        call.answer()
        player = VoxEngine.{create}
        player.sendMediaTo(call)
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(call.hangup, 110))
    """
    return begin + "".join(f"\n        {line}" for line in lines)


def events(ran: Ran) -> list[tuple[str, float]]:
    found = [(record["name"], record["t"]) for record in ran.of_kind("event")]
    return [(name.removeprefix("Player."), t) for name, t in found if name.startswith("Player.")]


def markers(ran: Ran) -> list[tuple[int, float]]:
    """The offset of each, and when it came, in ms after the start."""
    begun = next(t for name, t in events(ran) if name == "Started")
    reached = [record for record in ran.of_kind("event") if record["name"] == "Player.PlaybackMarkerReached"]
    return [(record["payload"]["offset"], round(1000 * (record["t"] - begun))) for record in reached]


def test_markers_come_with_their_frame_in_the_order_of_the_audio(play: Play, second: Path) -> None:
    added = [f"player.addMarker({offset})" for offset in (510, -300, 0, 505, 1000, 1001, -2000, -1)]
    ran = play(script(f"createURLPlayer({str(second)!r})", *added), Setting(leg=ScriptedLeg()))
    assert markers(ran) == [(0, 0), (-2000, 0), (505, 500), (510, 500), (-300, 700), (-1, 980), (1000, 980)]
    assert [name for name, _ in events(ran)][-1] == "PlaybackFinished"


def test_a_marker_that_has_passed_does_not_come_and_pause_moves_the_others(play: Play, second: Path) -> None:
    lines = [
        "setTimeout(lambda: (player.addMarker(100), player.addMarker(500)), 210)",
        "setTimeout(player.pause, 310)",
        "setTimeout(player.resume, 610)",
    ]
    ran = play(script(f"createURLPlayer({str(second)!r})", *lines), Setting(leg=ScriptedLeg()))
    assert markers(ran) == [(500, 800)]


def test_a_marker_comes_in_each_round_of_a_loop(play: Play, second: Path) -> None:
    lines = [
        "player.addMarker(250)",
        "player.addMarker(-10)",
        "setTimeout(player.stop, 2510)",
        "setTimeout(call.hangup, 2510)",
    ]
    ran = play(script(f"createURLPlayer({str(second)!r}, loop=True)", *lines), Setting(leg=ScriptedLeg()))
    assert markers(ran) == [(250, 240), (-10, 980), (250, 1240), (-10, 1980), (250, 2240)]


def test_a_marker_in_what_has_no_end_comes_once_and_none_counts_from_the_end(play: Play) -> None:
    lines = [
        *(f"player.addMarker({offset})" for offset in (250, 0, -10)),
        "setTimeout(player.stop, 2510)",
        "setTimeout(call.hangup, 2510)",
    ]
    ran = play(script("createToneScriptPlayer('425@-19;*(1/1/1)')", *lines), Setting(leg=ScriptedLeg()))
    assert markers(ran) == [(0, 0), (250, 240)]


def test_markers_keep_to_rounds_that_are_no_whole_number_of_samples(play: Play, tmp_path: Path) -> None:
    size = 2222
    path = tmp_path / "odd.wav"
    file = WavWriter(path, rate=22_050, channels=1)
    file.write(noise(size / 22_050, rate=22_050))
    file.close()
    lines = ["player.addMarker(10)", "setTimeout(player.stop, 20_000)", "setTimeout(call.hangup, 20_000)"]
    ran = play(script(f"createURLPlayer({str(path)!r}, loop=True)", *lines), Setting(leg=ScriptedLeg()))
    expected = [0.01 + size / 22_050 * number for number in range(199)]
    assert markers(ran) == [(10, 20 * int(50 * moment)) for moment in expected]


async def slowly(work: Callable[..., object], *args: object) -> object:
    """Each block of half a second takes a whole one."""
    await trio.sleep(1.0)
    return work(*args)


def test_a_source_that_is_too_slow_is_buffering_once_for_each_hole(play: Play) -> None:
    leg = ScriptedLeg()

    async def opened() -> AudioSource:
        return SampleSource(noise(1.5), 16_000)

    async def listen(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        session.call.answer()
        object.__setattr__(session.services, "offload", slowly)
        Player(session, opened).sendMediaTo(session.call)
        await trio.sleep(6)
        session.call.hangup()

    ran = play("", Setting(leg=leg, meanwhile=listen))
    names = [name for name, _ in events(ran)]
    assert names == ["Created", "PlaybackReady", "Started", *["Buffering"] * 3, "PlaybackFinished"]
    heard = np.split(leg.everything_heard, len(leg.heard))
    spoken = np.concatenate([frame for frame in heard if frame.any()])
    assert np.array_equal(spoken, noise(1.5))


@pytest.mark.parametrize("stops", [True, False])
def test_a_player_that_is_over_keeps_no_sound(play: Play, stops: bool) -> None:
    kept = []

    async def opened() -> AudioSource:
        samples = noise(1.5)
        kept.append(weakref.ref(samples))
        return SampleSource(samples, 16_000)

    async def listen(session: Session) -> None:
        player = Player(session, opened)
        await trio.sleep(0.9)
        if stops:
            player.stop()
        await trio.sleep(1.0)
        gc.collect()
        assert [sound() for sound in kept] == [None]
        assert player.id() == "player-1"
        session.terminate()

    names = [name for name, _ in events(play("", Setting(meanwhile=listen, idle_seconds=9.0)))]
    assert names == ["Created", "PlaybackReady", "Started", "Stopped" if stops else "PlaybackFinished"]


def test_a_text_is_spoken_by_the_voice_asked_for(play: Play) -> None:
    asked: list[tuple[str, str | None]] = []

    async def speak(text: str, voice: str | None) -> Samples:
        await trio.sleep(0.5)
        asked.append((text, voice))
        return tone(16_000, 0.4)

    leg = ScriptedLeg()
    ran = play(script("createTTSPlayer('Good day', voice='en-gb')"), Setting(leg=leg, speak=speak))
    assert asked == [("Good day", "en-gb")]
    assert events(ran) == [
        ("Created", 0.0),
        ("PlaybackReady", 0.5),
        ("Started", pytest.approx(0.52, abs=0.02)),
        ("PlaybackFinished", pytest.approx(0.92, abs=0.02)),
    ]
    sound = leg.everything_heard[leg.everything_heard.nonzero()[0][0] - 1 :][:6400]
    assert np.array_equal(sound, tone(16_000, 0.4))


def test_a_text_waits_when_it_is_on_pause(play: Play) -> None:
    lines = ["setTimeout(player.resume, 500)"]
    ran = play(script("createTTSPlayer('one', onPause=True)", *lines), Setting(leg=ScriptedLeg()))
    assert dict(events(ran))["Started"] == pytest.approx(0.51, abs=0.02)


def test_a_text_that_is_too_long_is_not_spoken(play: Play) -> None:
    ran = play(script("createTTSPlayer('a' * 1501)"), Setting(leg=ScriptedLeg()))
    assert [name for name, _ in events(ran)] == ["Created", "Error", "PlaybackFinished"]
    message = "a text to speak has at most 1500 characters, this one has 1501: speak it in parts"
    assert [record["payload"]["error"] for record in ran.of_kind("event") if "error" in record["payload"]][:2] == [
        message,
        message,
    ]
    assert events(play(script("createTTSPlayer('a' * 1500)"), Setting(leg=ScriptedLeg())))[1][0] == "PlaybackReady"


def test_tones_are_played_to_their_end(play: Play) -> None:
    leg = ScriptedLeg()
    ran = play(script("createToneScriptPlayer('425@-19;.4(.1/.1/1)')"), Setting(leg=leg))
    assert [name for name, _ in events(ran)] == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    burst = render(Burst(0.1, (Tone(425, -19),)), 16_000, 0, 1600)
    expected = np.concatenate([burst, np.zeros(1600, np.int16)] * 2)
    assert np.array_equal(leg.everything_heard[:6400], expected)


@pytest.mark.parametrize("create", ["'425@-19;*(.1/.1/1)'", "'425@-19;.2(.1/.1/1)', loop=True"])
def test_tones_go_on_until_stopped(play: Play, create: str) -> None:
    leg = ScriptedLeg()
    lines = ["setTimeout(player.stop, 5010)", "setTimeout(call.hangup, 5500)"]
    ran = play(script(f"createToneScriptPlayer({create})", *lines), Setting(leg=leg))
    assert [name for name, _ in events(ran)] == ["Created", "PlaybackReady", "Started", "Stopped"]
    burst = render(Burst(0.1, (Tone(425, -19),)), 16_000, 0, 1600)
    expected = np.concatenate([burst, np.zeros(1600, np.int16)] * 25)
    assert np.array_equal(leg.everything_heard[: len(expected)], expected)


def test_a_wrong_tone_script_is_told_with_the_line(play: Play) -> None:
    ran = play(script("createToneScriptPlayer('425@-19')"), Setting(leg=ScriptedLeg()))
    assert "no ToneScript: after the tones and a ';' comes a cadence" in str(ran.outcome.error)


@pytest.mark.parametrize(
    "create", ["createTTSPlayer('a')", "createToneScriptPlayer('425@-19;*(1/1/1)')", "createURLPlayer('a.wav')"]
)
def test_a_session_has_ten_players_at_a_time(play: Play, create: str) -> None:
    many = """
    players = [VoxEngine.createTTSPlayer("a", onPause=True) for _ in range(10)]
    for _ in range(20):
        players.pop().stop()
        players.append(VoxEngine.createSequencePlayer({"segments": [{"text": "a"}]}))
    Logger.write("room for ten")
    """
    ran = play(f"{many}VoxEngine.{create}")
    assert ran.logged == ["room for ten"]
    assert "a session has at most 10 players at a time, as in VoxEngine: stop() one" in str(ran.outcome.error)


@pytest.mark.parametrize(
    "create", ["createToneScriptPlayer('425@-19;*(1/1/1)')", "createSequencePlayer(segments=[{'text': 'Hello'}])"]
)
def test_a_player_has_only_so_many_markers(play: Play, create: str) -> None:
    first = ", 0" if "Sequence" in create else ""
    lines = [f"for _ in range(1000): player.addMarker(100{first})", f"player.addMarker(100{first})"]
    ran = play(script(create, *lines), Setting(leg=ScriptedLeg()))
    assert "a player has at most 1000 markers" in str(ran.outcome.error)
