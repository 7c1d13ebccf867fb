"""The RealtimeTTSPlayer unit in whole sessions, in virtual time: when it is over, and what goes wrong."""

from functools import partial
from pathlib import Path

import pytest
import trio
from tests.media.noise import noise
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
from tests.tts_service import Connection

from voxrun.errors import ConfigurationError, RemoteError, ScenarioError
from voxrun.protocol.elevenlabs.tts_server import TextFinished
from voxrun.transports.server import Reply


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return partial(play_scenario, tmp_path)


# Events.


def test_a_text_alone_never_finishes(play: Play) -> None:
    ran, _, _ = play(saying(SPEECH, "Hello. ", 1000), text="Hello.", hangup=60_000)
    assert names(ran) == ["Created", "PlaybackReady", "Started"]


def test_an_empty_text_finishes_when_all_was_heard(play: Play) -> None:
    ran, service, leg = play(saying(SPEECH), 'player.sendText({"text": ""})', text="Hello.")
    events = dict(player_events(ran))
    assert names(ran) == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    assert events["PlaybackFinished"] - events["Started"] == pytest.approx(1.0)
    assert payloads(ran, "PlaybackFinished")[0]["error"] is None
    assert begin_of(leg.everything_heard, SPEECH) < 3
    assert ran.of_kind("route")[-1]["change"] == "disconnect"
    assert service.connections[0].closed is not None
    assert service.connections[0].closed.code == 1000
    assert ran.outcome.error is None


def test_an_ended_turn_finishes_when_all_its_characters_were_heard_and_another_may_follow(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(noise(0.2), "One ", 200)
        await trio.sleep(0.5)  # a gap is not the end
        connection.speak(noise(0.2), "turn. ", 200)
        await connection.wait_for_text(2)
        connection.speak(noise(0.3), "Two. ", 300)
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        """
        player.append("One turn.", True)
        setTimeout(lambda: player.append("Two.", True), 2000)
        """,
    )
    expected = ["Created", "PlaybackReady", *["Started", "PlaybackFinished"] * 2]
    assert names(ran) == expected
    first, second = (t for name, t in player_events(ran) if name == "PlaybackFinished")
    assert first == pytest.approx(0.7, abs=0.06)
    assert second == pytest.approx(2.3, abs=0.06)


def test_a_turn_finishes_though_text_of_the_next_one_came_before_its_speech(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text(2)
        connection.speak(noise(0.2), "One turn. ", 200)
        await trio.sleep_forever()

    ran, _, _ = play(
        script,
        """
        player.append("One turn.", True)
        player.append("And")
        setTimeout(lambda: player.append("so on"), 4000)
        """,
        hangup=60_000,
    )
    assert names(ran) == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    assert dict(player_events(ran))["PlaybackFinished"] == pytest.approx(0.24, abs=0.04)
    assert ran.outcome.error is None


def test_text_that_no_turn_ends_does_not_finish(play: Play) -> None:
    ran, _, _ = play(saying(SPEECH, "Hello. ", 1000), 'player.append("Hello.")', hangup=60_000)
    assert names(ran) == ["Created", "PlaybackReady", "Started"]


def test_without_any_alignment_a_turn_ends_some_seconds_after_its_last_audio(play: Play) -> None:
    ran, _, _ = play(saying(SPEECH), 'player.append("Hello.", True)', hangup=60_000)
    finished = dict(player_events(ran))["PlaybackFinished"]
    assert finished == pytest.approx(11.0, abs=0.1)
    assert ran.outcome.error is None


def test_text_that_is_not_due_yet_needs_no_answer(play: Play) -> None:
    ran, _, _ = play(
        saying(SPEECH),
        """
        player.append("Hello.", True)
        setTimeout(lambda: player.append("And"), 6000)
        """,
        hangup=60_000,
    )
    assert names(ran) == ["Created", "PlaybackReady", "Started", "PlaybackFinished"]
    assert dict(player_events(ran))["PlaybackFinished"] == pytest.approx(11.0, abs=0.1)
    assert ran.outcome.error is None


@pytest.mark.parametrize("body", ['player.append("Hello.", True)', 'player.sendText({"text": ""})'])
def test_a_service_that_never_answers_is_given_up(play: Play, body: str) -> None:
    ran, _, _ = play(listen, body, hangup=60_000)
    assert names(ran) == ["Created", "Error", "PlaybackFinished"]
    assert dict(player_events(ran))["Error"] == pytest.approx(10.0, abs=0.1)
    assert "agent.test said nothing for 10 s" in payloads(ran, "PlaybackFinished")[0]["error"]
    assert isinstance(ran.outcome.error, RemoteError)


def test_a_service_that_answers_one_text_and_not_the_next_is_given_up(play: Play) -> None:
    ran, _, _ = play(
        saying(SPEECH),
        """
        player.append("Hello.", True)
        setTimeout(lambda: player.append("And?", True), 6000)
        """,
        hangup=60_000,
    )
    assert names(ran) == ["Created", "PlaybackReady", "Started", "Error", "PlaybackFinished"]
    assert dict(player_events(ran))["Error"] == pytest.approx(16.0, abs=0.1)


def test_a_cleared_turn_is_over(play: Play) -> None:
    ran, _, _ = play(
        saying(SPEECH), 'player.append("Hello.", True)\nsetTimeout(player.clearBuffer, 505)', hangup=60_000
    )
    assert dict(player_events(ran))["PlaybackFinished"] == pytest.approx(0.52, abs=0.02)


def test_stop_ends_it_for_good(play: Play) -> None:
    ran, service, leg = play(
        saying(SPEECH),
        """
        def stop():
            player.stop()
            player.stop()
            player.append("late")
            player.sendMediaTo(call)
        setTimeout(stop, 505)
        """,
        text="Hello.",
    )
    assert names(ran) == ["Created", "PlaybackReady", "Started", "Stopped"]
    assert not leg.everything_heard[round(0.525 * 16_000) :].any()
    assert [record["message"].split("\n")[0].rpartition("player-1")[2] for record in ran.of_kind("warning")] == [
        " takes no text any more; what is sent to it now is lost",
        " has ended: it has no audio for call-1 any more",
    ]
    connection = service.connections[0]
    assert connection.closed is not None
    assert (connection.closed.code, connection.closed.was_clean) == (1000, True)
    assert ran.outcome.error is None


def test_stop_before_the_connection_is_open_sends_nothing(play: Play) -> None:
    ran, service, _ = play(listen, "player.stop()", text="Hello.")
    assert names(ran) == ["Created", "Stopped"]
    assert [connection.raw for connection in service.connections] == [[]]
    assert ran.outcome.error is None


def test_text_after_the_empty_one_only_warns(play: Play) -> None:
    ran, service, _ = play(
        listen, 'player.sendText({"text": ""})\nplayer.sendText({"text": "late "})\nplayer.sendText({"text": ""})'
    )
    assert len(ran.of_kind("warning")) == 2
    assert service.connections[0].events[1:] == [TextFinished()]


# What goes wrong.


@pytest.mark.parametrize(("status", "reason"), [(401, "invalid key"), (404, "no such voice")])
def test_a_refused_connection_is_told_with_its_reason(play: Play, status: int, reason: str) -> None:
    ran, _, _ = play(Reply(status, reason.encode()), text="Hello.")
    assert names(ran) == ["Created", "Error", "PlaybackFinished"]
    for name in ("Error", "PlaybackFinished"):
        assert f"HTTP status {status}: {reason}" in payloads(ran, name)[0]["error"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == status
    assert "scenario.py:8: " in str(ran.outcome.error)
    assert "createRealtimeTTSPlayer('Hello.'" in str(ran.outcome.error)


def test_an_error_message_is_told_at_once_and_what_came_before_is_heard(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.speak(SPEECH)
        connection.refuse("This request exceeds your quota.", "quota_exceeded")
        await trio.sleep_forever()

    ran, _, leg = play(script, text="Hello.")
    events = dict(player_events(ran))
    assert names(ran) == ["Created", "PlaybackReady", "Error", "Started", "PlaybackFinished"]
    assert events["PlaybackFinished"] - events["Error"] == pytest.approx(1.0, abs=0.05)
    assert begin_of(leg.everything_heard, SPEECH) < 3
    assert "This request exceeds your quota." in payloads(ran, "PlaybackFinished")[0]["error"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert (ran.outcome.error.code, ran.outcome.error.reason) == (1008, "This request exceeds your quota.")


@pytest.mark.parametrize("code", [1000, 1008, 1011])
def test_a_connection_that_ends_unasked_is_an_error(play: Play, code: int) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        connection.socket.close(code, "so it goes")
        await trio.sleep_forever()

    ran, _, _ = play(script, text="Hello.")
    assert names(ran) == ["Created", "Error", "PlaybackFinished"]
    assert f"ended with code {code}: so it goes" in payloads(ran, "Error")[0]["error"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == code


def test_a_vanished_service_is_1006_also_after_the_last_text(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_end()
        raise trio.BrokenResourceError  # the connection is dropped without a closing frame

    ran, _, _ = play(script, 'player.sendText({"text": ""})')
    assert names(ran) == ["Created", "Error", "PlaybackFinished"]
    assert isinstance(ran.outcome.error, RemoteError)
    assert ran.outcome.error.code == 1006


def test_an_ordinary_close_after_the_last_text_stands_for_the_final_message(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_end()
        connection.speak(SPEECH)
        connection.socket.close(1000)
        await trio.sleep_forever()

    ran, _, leg = play(script, 'player.sendText({"text": ""})')
    assert payloads(ran, "PlaybackFinished")[0]["error"] is None
    assert begin_of(leg.everything_heard, SPEECH) < 6
    assert ran.outcome.error is None


def test_junk_is_ignored_with_one_warning(play: Play) -> None:
    async def script(connection: Connection) -> None:
        await connection.wait_for_text()
        for junk in ("{", "[]", "{}", '{"audio":7}', '{"audio":"AAEC"}'):
            connection.socket.send(junk)
        connection.speak(SPEECH)
        await trio.sleep_forever()

    ran, _, leg = play(script, text="Hello.")
    (warning,) = ran.of_kind("warning")
    assert "player-1 got what is not its protocol" in warning["message"]
    assert begin_of(leg.everything_heard, SPEECH) < 6
    assert losses(ran)["messages_malformed"] == 5


def test_with_trace_and_only_then_every_message_is_kept(play: Play) -> None:
    def wire(parameters: str) -> list[tuple[str, str | None]]:
        ran, _, _ = play(saying(b"\0\1"), text="Hello.", parameters=parameters)
        return [(record["type"], record.get("text")) for record in ran.of_kind("wire")]

    kept = wire('"trace": True,')
    assert ("sent", '{"text":"Hello. ","flush":true}') in kept
    assert ("received", '{"audio":"AAE="}') in kept
    assert "received" not in dict(wire(""))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('createRealtimeTTSPlayer("a")', "needs the parameter 'queryParameters'"),
        ('createRealtimeTTSPlayer("a", queryParameters={})', "needs a voice"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={}, keepalive=True)', "did you mean 'keepAlive'"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={"output_format": "mp3_44100_128"})', "mp3_44100_128"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={"output_format": "pcm_48000"})', "can't be played"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={"inactivity_timeout": "x"})', "no number of seconds"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={"inactivity_timeout": 0})', "no number of seconds"),
        (
            'createRealtimeTTSPlayer("a", VOICE, queryParameters={}, initializeConnectionParameters={"text": "x"})',
            "initializeConnectionParameters has no text",
        ),
        (
            'createRealtimeTTSPlayer("a", VOICE, queryParameters={},'
            ' initializeConnectionParameters={"xi_api_key": "x"})',
            "initializeConnectionParameters has no xi_api_key; a key belongs into headers",
        ),
        (
            'createRealtimeTTSPlayer("a", VOICE, queryParameters={},'
            ' initializeConnectionParameters={"voice_settings": object()})',
            "initializeConnection can't be sent as JSON",
        ),
        *(
            (
                f'createRealtimeTTSPlayer("a", VOICE, queryParameters={{}}, headers={headers})',
                "needs headers with a name",
            )
            for headers in (
                "5",
                "'Key: x'",
                "{'Key': 'x'}",
                "[('Key', 'x')]",
                "[{'value': 'x'}]",
                "[{'name': 'K', 'value': 5}]",
            )
        ),
        ('createRealtimeTTSPlayer("a", pathParameters="v", queryParameters={})', "needs pathParameters as an object"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters=5)', "needs queryParameters as an object"),
        ("createRealtimeTTSPlayer(None, VOICE, queryParameters={})", "needs a text, and its parameters after that"),
        (
            'createRealtimeTTSPlayer("a", pathParameters={"voice_id": 5}, queryParameters={})',
            "an address can't hold this voice_id",
        ),
        (
            'createRealtimeTTSPlayer("a", VOICE, queryParameters={"model_id": "\\ud800"})',
            "an address can't hold this voice_id or these queryParameters",
        ),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={}).sendText({})', "sendText needs a text"),
        ('createRealtimeTTSPlayer("a", VOICE, queryParameters={}).append(5)', "append needs a text, but was given 5"),
    ],
)
def test_mistakes_are_the_scenarios_error_at_its_line(play: Play, line: str, message: str) -> None:
    ran, _, _ = play(listen, f'VOICE = {{"pathParameters": {{"voice_id": "v"}}}}\nElevenLabs.{line}')
    assert isinstance(ran.outcome.error, ScenarioError)
    assert message in str(ran.outcome.error)
    assert "scenario.py:17" in str(ran.outcome.error)


def test_settings_by_number_and_a_query_of_none_are_sent_on(play: Play) -> None:
    parameters = '"initializeConnectionParameters": {1: 2}, "queryParameters": None,'
    ran, service, _ = play(listen, parameters=parameters)
    assert [text for _, text in service.connections[0].raw] == ['{"1":2,"text":" "}']
    assert ran.outcome.error is None


def test_a_key_that_is_not_set_is_a_configuration_error(play: Play) -> None:
    ran, _, _ = play(listen, parameters='"headers": [{"name": "xi-api-key", "value": VoxEngine.getSecretValue("NO")}],')
    assert isinstance(ran.outcome.error, ConfigurationError)
    assert "'xi-api-key' has no value" in str(ran.outcome.error)


@pytest.mark.parametrize(
    "parameters",
    [
        '"queryParameters": {"single_use_token": "Token-0123456789"},',
        '"queryParameters": {"authorization": "Token-0123456789"},',
        '"headers": [{"name": "Authorization", "value": "Token-0123456789"}],',
        '"headers": [{"name": "XI-API-KEY", "value": "Token-0123456789"}],',
    ],
)
def test_a_key_is_secret_wherever_it_is_given(play: Play, parameters: str) -> None:
    ran, service, _ = play(listen, 'Logger.write("Token-0123456789")', parameters=parameters)
    (request,) = service.requests
    assert "Token-0123456789" in {*request.query.values(), *request.headers.values()}
    assert ran.logged == ["***"]
