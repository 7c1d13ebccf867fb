"""A call from alerting to its end, in virtual time."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from tests.kit import Play, Ran, ScriptedLeg, Setting
from tests.media.noise import cut_off, joined_late, noise

from voxrun.audio.fade import fade_from, fade_in
from voxrun.audio.resample import Resampler
from voxrun.media.call import Call
from voxrun.media.leg import Party
from voxrun.media.unit import MediaSource
from voxrun.session.session import Session

PARTY = Party(
    callerid="+431234",
    destination="100",
    displayName="Ada",
    headers={"X-Ticket": "7"},
    customData="gold",
)


def payloads(ran: Ran, prefix: str = "Call.") -> list[dict[str, Any]]:
    return [record["payload"] for record in ran.of_kind("event") if record["name"].startswith(prefix)]


def calling(meanwhile: Callable[[Session, Call], Awaitable[None]], leg: ScriptedLeg | None = None) -> Setting:
    """A session that does something with its call at a quarter of a tick after it began."""

    async def with_call(session: Session) -> None:
        await trio.sleep(0.005)
        assert session.call is not None
        await meanwhile(session, session.call)

    return Setting(leg=leg or ScriptedLeg(), meanwhile=with_call)


def test_a_call_that_is_answered_and_hung_up(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            call = event.call
            log = lambda when: Logger.write(f"{when} {call.state()}")
            log("alerting")
            call.ring()
            log("ringing")
            setTimeout(call.answer, 510)
            call.addEventListener(CallEvents.Connected, lambda e: log("connected"))
            call.addEventListener(CallEvents.Connected, lambda e: setTimeout(call.hangup, 7000))
            call.addEventListener(CallEvents.Disconnected, lambda e: log("disconnected"))
            call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
        """,
        Setting(leg=ScriptedLeg(), party=PARTY),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["alerting ALERTING", "ringing PROGRESSING", "connected CONNECTED", "disconnected TERMINATED"]
    assert ran.events == [
        "Application.Started",
        "Application.CallAlerting",
        "Call.Connected",
        "Call.AudioStarted",
        "Call.FirstAudioPacketReceived",
        "Call.Disconnected",
        "Application.Terminating",
        "Application.Terminated",
    ]
    common = {"call": "<call-1>", "id": "call-1"}
    assert payloads(ran) == [
        {"name": "Call.Connected", **common, "headers": {"X-Ticket": "7"}, "customData": "gold"},
        {"name": "Call.AudioStarted", **common},
        {"name": "Call.FirstAudioPacketReceived", **common},
        {
            "name": "Call.Disconnected",
            **common,
            "internalCode": 200,
            "reason": "Normal call clearing",
            "duration": 7,
            "direction": "Incoming",
            "headers": {"X-Ticket": "7"},
            "cost": 0.0,
        },
    ]
    assert [record["state"] for record in ran.of_kind("call")] == ["PROGRESSING", "CONNECTED", "TERMINATED"]
    assert ran.seconds == pytest.approx(7.51)


def test_what_a_call_says_of_itself(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            call = event.call
            Logger.write((call.id(), call.callerid(), call.number(), call.displayName(), call.incoming()))
            Logger.write((call.customData(), call.customData("silver"), call.customData()))
            call.addEventListener(CallEvents.Connected, lambda e: Logger.write(e.customData))
            call.answer()
            setTimeout(call.hangup, 110)
        """,
        Setting(leg=ScriptedLeg(), party=PARTY),
    )
    assert ran.logged == [
        "('call-1', '+431234', '100', 'Ada', True)",
        "('gold', 'silver', 'silver')",
        "silver",
    ]


@pytest.mark.parametrize(
    ("action", "code", "reason"),
    [
        ("call.reject(486)", 486, "Rejected"),
        ("call.decline(603)", 603, "Declined"),
        ("call.hangup()", 200, "Normal call clearing"),
        ("(call.ring(), call.reject(480), call.hangup(), call.reject(404))", 480, "Rejected"),
    ],
)
def test_a_call_that_ends_before_it_is_answered_ends_once(play: Play, action: str, code: int, reason: str) -> None:
    leg = ScriptedLeg()
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def end(event):
            call = event.call
            {action}
            call.answer()
        """,
        Setting(leg=leg),
    )
    (ended,) = payloads(ran)
    assert ended["name"] == "Call.Disconnected"
    assert (ended["internalCode"], ended["reason"], ended["duration"]) == (code, reason, 0)
    (warning,) = ran.of_kind("warning")
    assert "call-1.answer() has no effect: the call is TERMINATED" in warning["message"]
    assert leg.heard == []
    assert ran.outcome.reason == "no call for 1 s"


@pytest.mark.parametrize("ring", ["pass", "event.call.ring()"])
def test_a_call_that_nobody_answers_ends_after_a_minute(play: Play, ring: str) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def wait(event):
            {ring}
        """,
        Setting(leg=ScriptedLeg()),
    )
    (ended,) = payloads(ran)
    assert (ended["internalCode"], ended["duration"]) == (408, 0)
    (record,) = [record for record in ran.of_kind("event") if record["name"] == "Call.Disconnected"]
    assert record["t"] == pytest.approx(60)
    assert ran.seconds == pytest.approx(61)


def test_a_call_answered_in_time_outlives_the_minute(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            setTimeout(event.call.answer, 59_910)
            setTimeout(event.call.hangup, 90_010)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert [payload["name"] for payload in payloads(ran)][-1] == "Call.Disconnected"
    assert (payloads(ran)[-1]["internalCode"], payloads(ran)[-1]["duration"]) == (200, 30)


def test_ringing_or_answering_after_the_answer_changes_nothing_but_warns(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            event.call.ring()
            event.call.answer()
            setTimeout(event.call.hangup, 110)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert [payload["name"] for payload in payloads(ran)] == [
        "Call.Connected",
        "Call.AudioStarted",
        "Call.FirstAudioPacketReceived",
        "Call.Disconnected",
    ]
    (warning,) = ran.of_kind("warning")
    assert "call-1.answer() has no effect: the call is CONNECTED" in warning["message"]


def test_a_caller_hears_itself_sample_for_sample_in_the_same_tick(play: Play) -> None:
    said = noise(0.8)
    leg = ScriptedLeg(16_000, said)
    play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def echo(event):
            event.call.sendMediaTo(event.call)
            event.call.answer()
            setTimeout(event.call.hangup, 1010)
        """,
        Setting(leg=leg),
    )
    assert len(leg.heard) == 50
    assert np.array_equal(leg.everything_heard[: len(said)], said)
    assert not leg.everything_heard[len(said) :].any()


def test_two_calls_hear_each_other_sample_for_sample(play: Play) -> None:
    first = ScriptedLeg(16_000, noise(1.0, 440))
    second = ScriptedLeg(16_000, noise(1.0, 300))
    third = ScriptedLeg(8000)

    async def connect(session: Session, call: Call) -> None:
        peer, listener = Call(session, second, Party()), Call(session, third, Party())
        call.sendMediaTo(peer)
        peer.sendMediaTo(call)
        call.sendMediaTo(listener)
        for each in (call, peer, listener):
            each.answer()
        await trio.sleep(0.4)
        assert np.array_equal(call.heard, second.heard[-1]) is False
        assert np.array_equal(peer.heard, call.said)
        peer.stopMediaTo(call)
        await trio.sleep(0.2)
        for each in (call, peer, listener):
            each.hangup()

    play("", calling(connect, first))
    frames = [np.split(noise(1.0, seed), 50) for seed in (440, 300)]
    assert np.array_equal(second.everything_heard, np.concatenate(frames[0][:30]))
    assert np.array_equal(first.everything_heard, cut_off(np.concatenate(frames[1][:20]), 10))
    resampler = Resampler(16_000, 8000)
    assert np.array_equal(third.everything_heard, np.concatenate([resampler.process(f) for f in frames[0][:30]]))


def test_an_unanswered_call_neither_speaks_nor_hears(play: Play) -> None:
    first, second = ScriptedLeg(says=noise(1.0)), ScriptedLeg(says=noise(1.0))

    async def connect(session: Session, call: Call) -> None:
        peer = Call(session, second, Party())
        call.sendMediaTo(peer)
        peer.sendMediaTo(call)
        call.answer()
        await trio.sleep(0.2)
        assert second.heard == []
        peer.answer()
        await trio.sleep(0.2)
        call.hangup()
        await trio.sleep(0.1)
        peer.hangup()

    play("", calling(connect, first))
    assert not first.everything_heard[: 10 * 320].any()
    assert np.array_equal(first.everything_heard[10 * 320 :], noise(0.2))
    assert np.array_equal(second.everything_heard, cut_off(joined_late(noise(0.4)[10 * 320 :]), 5))
    assert (len(first.heard), len(second.heard)) == (20, 15)


def test_a_stream_that_is_replaced_is_not_heard_any_more(play: Play) -> None:
    callers = [ScriptedLeg(says=noise(2.0, seed)) for seed in (300, 400)]
    leg = ScriptedLeg()

    async def replace(session: Session, call: Call) -> None:
        first, second = (Call(session, caller, Party()) for caller in callers)
        for each in (call, first, second):
            each.answer()
        first.sendMediaTo(call)
        await trio.sleep(0.1)
        second.sendMediaTo(call)
        await trio.sleep(0.1)
        second.hangup()
        await trio.sleep(0.1)
        first.hangup()
        call.hangup()

    ran = play("", calling(replace, leg))
    said = [np.split(noise(2.0, seed), 100) for seed in (300, 400)]
    heard = np.split(leg.everything_heard, 15)
    assert np.array_equal(heard[:5], said[0][:5])
    assert np.array_equal(heard[5], fade_from(int(said[0][4][-1]), fade_in(said[1][5])))
    assert np.array_equal(np.concatenate(heard[6:]), cut_off(np.concatenate(said[1][6:10]), 5))
    assert [(record["change"], record["source"]) for record in ran.of_kind("route")] == [
        ("connect", "call-2"),
        ("disconnect", "call-2"),
        ("connect", "call-3"),
        ("disconnect", "call-3"),
    ]


def test_what_a_sender_had_ahead_of_the_tick_goes_with_its_route(play: Play) -> None:
    leg = ScriptedLeg()

    async def run_ahead(session: Session, call: Call) -> None:
        call.answer()
        source = MediaSource(session, "source")
        source.output.open(16_000)
        source.sendMediaTo(call)
        for frame in np.split(noise(0.1), 5):
            source.output.push(frame)
        await trio.sleep(0.04)
        source.stopMediaTo(call)
        await trio.sleep(0.2)
        call.hangup()

    play("", calling(run_ahead, leg))
    assert np.array_equal(leg.everything_heard, cut_off(noise(0.04), len(leg.heard) - 2))


def test_its_levels_tell_what_waits_for_it_and_reach_to_its_end(play: Play) -> None:
    leg = ScriptedLeg()

    async def run_ahead(session: Session, call: Call) -> None:
        call.answer()
        source = MediaSource(session, "source")
        source.output.open(16_000)
        source.sendMediaTo(call)
        for index, frame in enumerate(np.split(noise(1.5), 75)):
            source.output.push(frame)
            await trio.sleep(0.02 if index > 2 else 0)
        call.hangup()

    (level,) = play("", calling(run_ahead, leg)).of_kind("level")
    assert len(level["heard"]) == len(leg.heard) == 72
    assert level["waiting"] == {"call-1": 0.06}


def test_the_leg_is_carried_from_the_connection_to_the_end_of_the_call(play: Play) -> None:
    times: list[float] = []

    class Watched(ScriptedLeg):
        async def carry(self, host: object) -> None:
            times.append(trio.current_time())
            try:
                await trio.sleep_forever()
            finally:
                times.append(trio.current_time())

    async def talk(session: Session, call: Call) -> None:
        await trio.sleep(0.2)
        call.answer()
        await trio.sleep(0.5)
        call.hangup()

    play("", calling(talk, Watched()))
    assert times == pytest.approx([0.205, 0.705])


@pytest.mark.parametrize(
    ("unit", "end"),
    [
        ("event.call", "hangup"),
        ("VoxEngine.createRecorder(name='a.wav')", "stop"),
        ("VoxEngine.createRtpUnit(local='127.0.0.1:0')", "stop"),
    ],
)
def test_nothing_is_sent_to_what_has_ended(
    play: Play, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unit: str, end: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            unit = {unit}
            unit.{end}()
            VoxEngine.createTTSPlayer("hello").sendMediaTo(unit)
            setTimeout(VoxEngine.terminate, 100)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.of_kind("route") == []
    (warning,) = ran.of_kind("warning")
    assert "-1 has ended: it takes no audio of player-1 any more" in warning["message"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("startPlayback(None)", "audio is played from a path or an address, as a text, not from None"),
        ("playProgressTone(None)", "call.playProgressTone needs a text, but was given None"),
        ("say('hello', voice=5)", "call.say needs a text as 'voice', but was given 5"),
        ("reject('486')", "call.reject needs its code as a number, such as 486, but was given '486'"),
        ("reject({'code': 486})", "call.reject needs its code as a number, such as 486, but was given {'code': 486}"),
        ("decline(None)", "call.decline needs its code as a number, such as 486, but was given None"),
    ],
)
def test_what_should_be_a_text_or_a_number_and_is_none_is_told_with_the_line(
    play: Play, wrong: str, message: str
) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def answer(event):
            event.call.answer()
            setTimeout(event.call.hangup, 100)
            event.call.{wrong}
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert str(ran.outcome.error).endswith(f"{message}\n    event.call.{wrong}")


def test_audio_can_only_be_sent_to_what_receives_it(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def wrong(event):
            event.call.sendMediaTo(VoxEngine.createURLPlayer("none.wav", onPause=True))
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert "audio can't be sent to <player-1>: it is not a unit that receives audio" in str(ran.outcome.error)
