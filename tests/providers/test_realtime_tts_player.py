"""The RealtimeTTSPlayer unit in whole sessions, in virtual time: what it asks for, sends and plays."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.kit import tone
from tests.media.noise import FADE, cut_off, joined_late, noise
from tests.providers.tts_play import (
    SPEECH,
    Play,
    begin_of,
    listen,
    losses,
    names,
    payloads,
    play_scenario,
    player_events,
    saying,
)
from tests.tts_service import API_KEY, Connection

from voxrun.audio.g711 import encode_ulaw
from voxrun.protocol.elevenlabs.tts_server import ConnectionInitialized, TextFinished, TextReceived


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return partial(play_scenario, tmp_path)


# The request and what is sent.


def test_it_connects_by_itself_with_what_was_asked_for(play: Play) -> None:
    ran, service, _ = play(
        saying(SPEECH),
        text="Hello there.",
        parameters='"initializeConnectionParameters": {"voice_settings": {"speed": 1.1}},',
    )
    (request,) = service.requests
    assert request.path == "/v1/text-to-speech/v 1/2/stream-input"
    assert request.query == {
        "model_id": "m",
        "output_format": "pcm_16000",
        "sync_alignment": "true",
        "inactivity_timeout": "20",
    }
    assert request.headers["xi-api-key"] == API_KEY
    (connection,) = service.connections
    assert [json.loads(text) for _, text in connection.raw] == [
        {"voice_settings": {"speed": 1.1}, "text": " "},
        {"text": "Hello there. ", "flush": True},
    ]
    assert API_KEY not in str(ran.records)
    assert ran.outcome.error is None


def test_without_a_text_only_the_initialization_goes_out(play: Play) -> None:
    _, service, _ = play(listen)
    assert [text for _, text in service.connections[0].raw] == ['{"text":" "}']


def test_texts_sent_before_the_connection_is_open_keep_their_order(play: Play) -> None:
    _, service, _ = play(
        listen,
        """
        player.sendText({"text": "one ", "try_trigger_generation": True})
        player.append("two")
        player.append("three ", True)
        player.append("", True)
        player.sendText({"text": ""})
        """,
    )
    assert service.connections[0].events[1:] == [
        TextReceived("one ", try_trigger=True),
        TextReceived("two "),
        TextReceived("three ", flush=True),
        TextReceived(" ", flush=True),
        TextFinished(),
    ]


def test_more_than_a_thousand_waiting_texts_are_dropped_and_counted(play: Play) -> None:
    ran, service, _ = play(listen, 'for number in range(1100): player.sendText({"text": "word "})')
    assert len(service.connections[0].raw) == 1000
    assert losses(ran)["messages_not_sent"] == 101


def test_the_first_message_is_the_initialization_whatever_is_called(play: Play) -> None:
    _, service, _ = play(listen, 'player.clearBuffer()\nplayer.pause()\nplayer.append("a", True)')
    assert isinstance(service.connections[0].events[0], ConnectionInitialized)


# Audio.


def test_speech_is_played_sample_for_sample(play: Play) -> None:
    ran, _, leg = play(saying(SPEECH), text="Hello.")
    assert begin_of(leg.everything_heard, SPEECH) < 3
    assert payloads(ran, "Started") == [{"name": "Player.Started", "player": "<player-1>", "duration": 0.0}]


def test_pieces_of_any_size_make_one_speech(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        for piece in np.split(SPEECH, [1, 320, 321, 5000, 5000, 15_999]):
            connection.speak(piece)
        await trio.sleep_forever()

    _, _, leg = play(script, text="Hello.")
    assert begin_of(leg.everything_heard, SPEECH) < 3


@pytest.mark.parametrize("output", ["pcm_8000", "pcm_22050", "pcm_24000", "pcm_44100", "ulaw_8000"])
def test_speech_keeps_its_pitch_in_every_format(play: Play, output: str) -> None:
    samples = tone(int(output.split("_")[1]), 2.0, 1000.0)
    script = saying(encode_ulaw(samples) if output == "ulaw_8000" else samples)
    _, service, leg = play(script, text="La.", parameters=f'"queryParameters": {{"output_format": "{output}"}},')
    assert service.requests[0].query["output_format"] == output
    audible = np.trim_zeros(leg.everything_heard)
    assert np.argmax(np.abs(np.fft.rfft(audible.astype(float)))) * 16_000 / len(audible) == pytest.approx(1000, abs=3)
    assert len(audible) == pytest.approx(32_000, abs=100)


def test_a_paused_player_goes_on_from_the_same_sample(play: Play) -> None:
    body = """
    setTimeout(player.pause, 510)
    setTimeout(player.resume, 1510)
    """
    ran, _, leg = play(saying(SPEECH), body, text="Hello.")
    heard = leg.everything_heard
    begin = int(np.flatnonzero(heard)[0]) - int(np.flatnonzero(SPEECH)[0])
    before = 25 * 320 - begin  # the first tick is at 0.02 s, so the next after the pause is the 26th
    assert 0 < before < len(SPEECH)
    expected = np.concatenate((cut_off(SPEECH[:before], 50), joined_late(SPEECH[before:])))
    assert np.array_equal(heard[begin : begin + len(expected)], expected)
    assert names(ran).count("Started") == 1


def test_a_player_that_is_paused_from_the_start_plays_all_when_resumed(play: Play) -> None:
    ran, _, leg = play(saying(SPEECH), "player.pause()\nsetTimeout(player.resume, 2010)", text="Hello.")
    assert begin_of(leg.everything_heard, SPEECH) == 100
    started = dict(player_events(ran))["Started"]
    assert started == pytest.approx(2.02)


def test_a_cleared_buffer_is_silent_within_one_tick_until_the_next_text(play: Play) -> None:
    again = noise(0.5, seed=2)

    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(SPEECH)
        await trio.sleep(0.8)
        connection.speak(noise(1.0, seed=3))  # the rest of what was cleared
        await connection.wait_for_text(2)
        connection.speak(again)
        await trio.sleep_forever()

    ran, _, leg = play(
        script,
        """
        setTimeout(player.clearBuffer, 505)
        setTimeout(lambda: player.append("Again."), 2000)
        """,
        text="Hello.",
    )
    heard = leg.everything_heard
    silent_from = 25 * 320  # the first tick is at 0.02 s, so the next after the clearing is the 26th
    assert heard[silent_from - 320 : silent_from].all()
    assert not heard[silent_from + FADE : silent_from + 320].any()
    assert np.abs(np.diff(heard[silent_from - 1 : silent_from + FADE + 1].astype(int))).max() < 400
    assert begin_of(heard[silent_from + 320 :], again) >= 72
    assert losses(ran)["messages_of_cleared_texts"] == 1


def test_speech_beyond_the_playout_limit_is_dropped_and_counted(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        for _ in range(31):
            connection.speak(np.ones(160_000, np.int16))
            await trio.sleep(0.001)  # more than an outbox takes at once
        await trio.sleep_forever()

    ran, _, _ = play(script, "player.pause()", text="Hello.")
    assert losses(ran)["samples_too_many"] == 160_000


# Keeping the connection alive.


def test_a_space_is_sent_before_the_inactivity_limit(play: Play) -> None:
    _, service, _ = play(listen, 'setTimeout(lambda: player.append("Hello."), 10_000)', hangup=60_000)
    times = [at for at, _ in service.connections[0].raw]
    assert service.connections[0].texts == ["Hello. ", " ", " ", " "]
    assert [round(at - times[0]) for at in times] == [0, 10, 25, 40, 55]


def test_the_limit_is_the_scenarios(play: Play) -> None:
    _, service, _ = play(listen, parameters='"queryParameters": {"inactivity_timeout": 4},', hangup=10_010)
    times = [at for at, _ in service.connections[0].raw]
    assert [round(at - times[0]) for at in times] == [0, 3, 6, 9]


@pytest.mark.parametrize(
    ("parameters", "body"), [('"keepAlive": False,', ""), ("", 'player.append("Hi.")\nplayer.sendText({"text": ""})')]
)
def test_no_space_is_sent_when_unwanted_or_after_the_last_text(play: Play, parameters: str, body: str) -> None:
    async def script(connection: Connection) -> None:
        while connection.closed is None:  # keep an ended text's player waiting
            if TextFinished() in connection.events:
                connection.speak(noise(5.0))
            await trio.sleep(5)

    _, service, _ = play(script, body, parameters=parameters, hangup=60_000)
    assert " " not in service.connections[0].texts


# Alignment.


def test_the_alignment_is_on_the_players_own_timeline(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(noise(0.2), "ab", 200)
        await trio.sleep(1.0)
        connection.speak(noise(0.3), "cd", 300)
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        "setTimeout(lambda: Logger.write([(c.char, c.startMs, c.durationMs) for c in player.alignment()]), 2000)",
        text="abcd",
    )
    assert ran.logged == ["[('a', 0.0, 100.0), ('b', 100.0, 100.0), ('c', 200.0, 150.0), ('d', 350.0, 150.0)]"]


def test_what_was_cleared_was_never_heard(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(SPEECH, "0123456789", 1000)
        await connection.wait_for_text(2)
        connection.speak(noise(0.1), "x", 100)
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        """
        def interrupt():
            player.clearBuffer()
            Logger.write("".join(c.char for c in player.alignment()))
            player.append("x")
        setTimeout(interrupt, 505)
        setTimeout(lambda: Logger.write(player.alignment()[-1].startMs), 1000)
        """,
        text="0123456789",
    )
    heard, begin = ran.logged
    assert heard in ("01234", "012345")
    assert float(begin) == pytest.approx(500, abs=41)


def test_large_waiting_texts_are_dropped_and_counted_sooner(play: Play) -> None:
    body = """
        for number in range(10):
            player.append("x" * 1_000_000)
        Logger.write(sum(map(len, player._waiting)) > 5_000_000)
    """
    ran, service, _ = play(listen, body)
    assert ran.logged == ["False"]
    assert len(service.connections[0].raw) == 5
    assert losses(ran)["messages_not_sent"] == 6
