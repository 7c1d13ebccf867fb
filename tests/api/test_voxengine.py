"""The names a scenario imports, used as scenarios use them."""

import re
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from tests.kit import Play, ScriptedLeg, Setting, tone

import voxrun
from voxrun.errors import ConfigurationError


def test_every_listed_name_is_there() -> None:
    assert [name for name in voxrun.__all__ if not hasattr(voxrun, name)] == []
    assert voxrun.__all__ == sorted(voxrun.__all__)


def test_custom_data_is_the_sessions_own_text(play: Play) -> None:
    ran = play("""
        Logger.write([VoxEngine.customData(), VoxEngine.customData("a;b"), VoxEngine.customData(""),
                      VoxEngine.customData()])
        VoxEngine.customData("kept")
        setTimeout(lambda: Logger.write(VoxEngine.customData()), 10)
        """)
    assert ran.logged == ["['', 'a;b', '', '']", "kept"]


def test_a_secret_is_read_and_never_shown(play: Play) -> None:
    ran = play(
        """
        key = VoxEngine.getSecretValue("KEY")
        Logger.write(len(key))
        Logger.write(key)
        Logger.write(VoxEngine.getSecretValue("NONE"))
        """,
        Setting(secrets={"KEY": "a secret"}),
    )
    assert ran.logged == ["8", "***", "None"]


@pytest.mark.parametrize("value", ["'text'", "5", "None", "{'a': 1}"])
def test_the_log_takes_anything(play: Play, value: str) -> None:
    assert play(f"Logger.write({value})").logged == [value.strip("'") if value[0] == "'" else value]


@pytest.mark.parametrize(
    "create",
    [
        'createURLPlayer("{url}", onPause=True)',
        'createURLPlayer("file://{url}", {{"onPause": True}})',
        'createURLPlayer({{"url": "{url}"}}, {{"onPause": False}}, onPause=True)',
    ],
)
def test_a_player_takes_a_path_or_url_in_any_spelling(play: Play, tmp_path: Path, create: str) -> None:
    path = tmp_path / "a b.wav"
    soundfile.write(path, tone(16_000, 0.5), 16_000)
    url = str(path).replace(" ", "%20") if "file:" in create else str(path)
    ran = play(f"""
        player = VoxEngine.{create.format(url=url)}
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: Logger.write(e.error))
        setTimeout(player.resume, 200)
        """)
    assert ran.logged == ["None"]
    [started] = [record for record in ran.of_kind("event") if record["name"] == "Player.Started"]
    assert started["payload"]["duration"] == 0.5
    assert started["t"] >= 0.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            "createURLPlayer('ftp://x.test/a.mp3')",
            "audio is played from files (a path or a file URL) and from http and https, not ftp addresses",
        ),
        ("createURLPlayer('a.wav', loops=True)", "createURLPlayer has no parameter 'loops'; did you mean 'loop'?"),
        ("createURLPlayer({'uri': 'a.wav'})", "createURLPlayer has no parameter 'uri'; did you mean 'url'?"),
        ("createURLPlayer({})", "createURLPlayer needs the parameter 'url'"),
        ("createRecorder(file='a.wav')", "createRecorder has no parameter 'file'; it has name"),
        (
            "sendMediaBetween(VoxEngine.createRecorder(), VoxEngine.createRecorder())",
            "<recorder-1> has no audio to send",
        ),
        (
            "sendMediaBetween(VoxEngine.createURLPlayer('a.wav'), VoxEngine.createURLPlayer('b.wav'))",
            "neither <player-1> nor <player-2> takes audio: both only send",
        ),
        ("sendMediaBetween(None, None)", "None has no audio to send: it is not a media unit"),
        ("createRtpUnit('127.0.0.1:0')", "createRtpUnit takes its parameters by name or as one dict"),
        (
            "sendMediaBetween(ElevenLabs.createAgentsClient(xiApiKey='k', agentId='a'), None)",
            "createAgentsClient returns a promise, not a unit: put `await` before it",
        ),
    ],
)
def test_a_wrong_argument_is_told_with_the_line(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = play(f"\nVoxEngine.{call}\n")
    assert re.match(r"scenario\.py:2: while loading: " + re.escape(message), str(ran.outcome.error))
    assert str(ran.outcome.error).endswith(f"\n    VoxEngine.{call}")


def test_terminate_is_a_handler_itself(play: Play) -> None:
    ran = play("VoxEngine.addEventListener(AppEvents.Started, VoxEngine.terminate)")
    assert (ran.outcome.reason, ran.outcome.error) == ("terminated by the scenario", None)


def test_media_between_two_units_goes_both_ways_and_stops_both_ways(play: Play) -> None:
    ran = play(
        """
        from voxrun.media.call import Call
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            other = Call(event.call._host, event.call._leg, event.call._party)
            VoxEngine.sendMediaBetween(event.call, other)
            VoxEngine.stopMediaBetween(event.call, other)
            other.hangup()
            event.call.hangup()
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.outcome.error is None
    assert [(route["change"], route["source"], route["sink"]) for route in ran.of_kind("route")] == [
        (change, source, sink)
        for change in ("connect", "disconnect")
        for source, sink in (("call-1", "call-2"), ("call-2", "call-1"))
    ]


def test_a_player_between_is_heard_by_the_other(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            VoxEngine.sendMediaBetween(event.call, VoxEngine.createURLPlayer("missing.wav", onPause=True))
            VoxEngine.terminate()
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert [(route["source"], route["sink"]) for route in ran.of_kind("route")][:1] == [("player-1", "call-1")]


def test_a_half_wrong_pair_gets_no_route_at_all(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = play(
        """
        VoxEngine.addEventListener(AppEvents.CallAlerting,
            lambda e: VoxEngine.sendMediaBetween(e.call, VoxEngine.createRecorder(name="r.wav")))
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert "<recorder-1> has no audio to send" in str(ran.outcome.error)
    assert ran.of_kind("route") == []


def test_a_recorder_without_a_name_has_one_of_its_own(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def record(event):
            event.call.answer()
            for recorder in (VoxEngine.createRecorder(), VoxEngine.createRecorder({"name": "named.wav"})):
                event.call.sendMediaTo(recorder)
                setTimeout(recorder.stop, 1_000)
            setTimeout(event.call.hangup, 2_000)
        """,
        Setting(leg=ScriptedLeg(says=tone(16_000, 1.0))),
    )
    assert ran.outcome.error is None
    for name in ("recording-1.wav", "named.wav"):
        with wave.open(name, "rb") as file:
            assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
            assert file.getnframes() == pytest.approx(16_000, abs=640)


@pytest.mark.parametrize("make", ["createMicrophone", "createSpeaker"])
def test_where_there_are_no_devices_one_is_told_where_there_are_some(play: Play, make: str) -> None:
    ran = play(f"VoxEngine.{make}()")
    message = "this session has no microphone and no speaker: `voxrun SCENARIO` has them, `voxrun serve` has not"
    assert message in str(ran.outcome.error)


@pytest.mark.parametrize(
    "use",
    [
        voxrun.VoxEngine.terminate,
        voxrun.VoxEngine.customData,
        lambda: voxrun.VoxEngine.on(voxrun.AppEvents.Started),
        lambda: voxrun.Logger.write("hello"),
        lambda: voxrun.setTimeout(print, 10),
        lambda: voxrun.clearInterval(1),
        lambda: voxrun.VoxEngine.getSecretValue("KEY"),
    ],
)
def test_outside_of_a_session_the_names_say_so(use: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="there is no session here"):
        use()
