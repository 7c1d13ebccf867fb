"""Conferences in virtual time: who hears whom, sample for sample, and who joins and leaves."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio
from tests.kit import Play, Ran, ScriptedLeg, Setting, simulate, tone
from tests.media.noise import cut_off, joined_late, noise

from voxrun.audio.frame import Samples
from voxrun.audio.mix_minus import MixMinus
from voxrun.audio.resample import Resampler
from voxrun.media.call import Call
from voxrun.media.conference import Conference
from voxrun.media.leg import Party
from voxrun.media.unit import MediaSource
from voxrun.session.session import Session

Meet = Callable[[Session, Conference, list[Call]], Awaitable[None]]

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def meeting(legs: Sequence[ScriptedLeg], meet: Meet, *, hd_audio: bool = False) -> Setting:
    """A session with a conference and a call for each leg, that are not answered yet."""

    async def run(session: Session) -> None:
        await trio.sleep(0.005)
        conference = Conference(session, hd_audio=hd_audio)
        await meet(session, conference, [Call(session, leg, Party()) for leg in legs])
        session.terminate()

    return Setting(meanwhile=run)


def enter(conference: Conference, *calls: Call) -> None:
    for call in calls:
        call.answer()
        call.sendMediaTo(conference)
        conference.sendMediaTo(call)


def events(ran: Ran) -> list[dict[str, Any]]:
    return [record["payload"] for record in ran.of_kind("event") if record["name"].startswith("Conference.")]


def losses(ran: Ran) -> int:
    (lost,) = [record["samples_too_many"] for record in ran.of_kind("losses") if record["of"] == "conference-1"]
    assert isinstance(lost, int)
    return lost


def test_each_hears_all_others_sample_for_sample_in_the_same_tick(play: Play) -> None:
    said = [noise(1.0, seed) for seed in (1, 2, 3)]
    legs = [ScriptedLeg(says=each) for each in said]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.6)

    play("", meeting(legs, meet))
    total = np.sum(said, axis=0, dtype=np.int16)
    for leg, own in zip(legs, said, strict=True):
        assert np.array_equal(leg.everything_heard, (total - own)[: 30 * 320])


def test_who_only_listens_hears_all_and_who_only_speaks_nothing(play: Play) -> None:
    said = [noise(1.0, seed) for seed in (1, 2)]
    legs = [*(ScriptedLeg(says=each) for each in said), ScriptedLeg()]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        for call in calls:
            call.answer()
        first, second, listener = calls
        first.sendMediaTo(conference)
        second.sendMediaTo(conference)
        conference.sendMediaTo(listener)
        await trio.sleep(0.4)

    play("", meeting(legs, meet))
    assert np.array_equal(legs[2].everything_heard, (said[0] + said[1])[: 20 * 320])
    assert not legs[0].everything_heard.any()
    assert not legs[1].everything_heard.any()


def test_who_is_alone_hears_silence(play: Play) -> None:
    leg = ScriptedLeg(says=noise(1.0))

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.4)

    play("", meeting([leg], meet))
    assert len(leg.heard) == 20
    assert not leg.everything_heard.any()


def test_too_loud_a_room_is_turned_down(play: Play) -> None:
    said = [noise(1.0, seed, amplitude=30_000) for seed in (1, 2, 3)]
    legs = [ScriptedLeg(says=each) for each in said]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.4)

    play("", meeting(legs, meet))
    room = MixMinus(16_000)
    sums = [room.mix(frames)[1] for frames in zip(*(np.split(each[:6400], 20) for each in said), strict=True)]
    for index, leg in enumerate(legs):
        assert np.array_equal(leg.everything_heard, np.concatenate([others[index] for others in sums]))


def test_members_of_other_rates_are_converted_on_their_routes(play: Play) -> None:
    narrow, wide = noise(1.0, 1, 8000), noise(1.0, 2, 48_000)
    legs = [ScriptedLeg(8000, narrow), ScriptedLeg(48_000, wide), ScriptedLeg()]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.4)

    play("", meeting(legs, meet))
    up, down, out = Resampler(8000, 16_000), Resampler(48_000, 16_000), Resampler(16_000, 8000)
    from_narrow = [up.process(frame) for frame in np.split(narrow[: 20 * 160], 20)]
    from_wide = [down.process(frame) for frame in np.split(wide[: 20 * 960], 20)]
    assert np.array_equal(legs[0].everything_heard, np.concatenate([out.process(frame) for frame in from_wide]))
    assert np.array_equal(legs[2].everything_heard, np.concatenate(from_narrow) + np.concatenate(from_wide))


def test_a_converted_mix_has_no_seam_when_what_is_in_it_changes(play: Play) -> None:
    legs = [ScriptedLeg(says=noise(0.1, 1)), ScriptedLeg(says=noise(0.2, 2)), ScriptedLeg(8000), ScriptedLeg()]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.4)

    play("", meeting(legs, meet))
    *_, narrow, wide = legs
    resampler = Resampler(16_000, 8000)
    assert np.array_equal(narrow.everything_heard, np.concatenate([resampler.process(frame) for frame in wide.heard]))
    assert np.array_equal(wide.heard[0], (noise(0.1, 1) + noise(0.2, 2)[:1600])[:320])


def test_hd_audio_is_mixed_at_48_khz(play: Play) -> None:
    said = [noise(1.0, seed, 48_000) for seed in (1, 2)]
    legs = [ScriptedLeg(48_000, each) for each in said]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.2)

    play("", meeting(legs, meet, hd_audio=True))
    assert np.array_equal(legs[0].everything_heard, said[1][: 10 * 960])
    assert np.array_equal(legs[1].everything_heard, said[0][: 10 * 960])


def test_who_joins_and_leaves_while_others_speak_fades_in_and_out(play: Play) -> None:
    said = [noise(2.0, seed) for seed in (1, 2, 3)]
    legs = [ScriptedLeg(says=each) for each in said]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        first, second, guest = calls
        enter(conference, first, second)
        guest.answer()
        await trio.sleep(0.2)
        enter(conference, guest)
        await trio.sleep(0.2)
        guest.stopMediaTo(conference)
        conference.stopMediaTo(guest)
        await trio.sleep(0.2)

    play("", meeting(legs, meet))
    part = cut_off(joined_late(said[2][10 * 320 : 20 * 320]), 10)
    for leg, other in ((legs[0], said[1]), (legs[1], said[0])):
        assert np.array_equal(leg.everything_heard[: 10 * 320], other[: 10 * 320])
        assert np.array_equal(leg.everything_heard[10 * 320 :], other[10 * 320 : 30 * 320] + part)
    heard = cut_off(joined_late((said[0] + said[1])[10 * 320 : 20 * 320]), 10)
    assert not legs[2].everything_heard[: 10 * 320].any()
    assert np.array_equal(legs[2].everything_heard[10 * 320 :], heard)


@pytest.mark.parametrize("leave", ["stop", "hangup"])
def test_nothing_clicks_when_members_come_and_go(play: Play, leave: str) -> None:
    hertz = (310.0, 437.0, 523.0)
    legs = [ScriptedLeg(rate, tone(rate, 2.0, each)) for rate, each in zip((16_000, 8000, 48_000), hertz, strict=True)]
    listener = ScriptedLeg()

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        *speakers, ear = calls
        enter(conference, ear)
        for call in speakers:
            call.answer()
        for call in speakers:
            await trio.sleep(0.1)
            enter(conference, call)
        for call in speakers:
            await trio.sleep(0.1)
            call.stopMediaTo(conference) if leave == "stop" else call.hangup()
        await trio.sleep(0.1)

    play("", meeting([*legs, listener], meet))
    steepest = sum(10_000 * 2 * np.pi * each / 16_000 for each in hertz)
    jumps = np.abs(np.diff(listener.everything_heard.astype(int)))
    assert jumps[: 7 * 1600].max() <= steepest + 10_000 * np.pi / 2 / 80
    assert jumps.max() > steepest / 2
    assert not listener.everything_heard[-4 * 320 :].any()


def test_a_member_out_of_step_loses_nothing_up_to_a_bound(play: Play) -> None:
    leg = ScriptedLeg()

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        source = MediaSource(session, "source")
        source.output.open(16_000)
        source.sendMediaTo(conference)
        for frame in np.split(noise(0.26), 13):
            session.graph.changed()  # as when others come and go
            source.output.push(frame)
        await trio.sleep(0.4)

    ran = play("", meeting([leg], meet))
    assert np.array_equal(leg.everything_heard[: 10 * 320], noise(0.2))
    assert not leg.everything_heard[10 * 320 :].any()
    assert losses(ran) == 3 * 320


def test_its_life_as_a_scenario_sees_it(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.Started)
        def meet(event):
            conference = VoxEngine.createConference({"hd_audio": True})
            Logger.write(conference.id())
            conference.on(ConferenceEvents.Started)(lambda e: Logger.write(e.conference is conference))
            conference.on(ConferenceEvents.Stopped)(lambda e: VoxEngine.terminate())
            setTimeout(conference.stop, 500)
            setTimeout(lambda: VoxEngine.destroyConference(conference), 500)
        """
    )
    assert ran.outcome.error is None
    assert ran.logged == ["conference-1", "True"]
    assert events(ran) == [
        {"name": "Conference.Started", "conference": "<conference-1>"},
        {"name": "Conference.Stopped", "conference": "<conference-1>"},
    ]
    assert losses(ran) == 0
    assert ran.seconds == pytest.approx(0.5)


def test_a_stopped_conference_hears_and_says_nothing(play: Play) -> None:
    said = [noise(1.0, seed) for seed in (1, 2)]
    legs = [ScriptedLeg(says=each) for each in said]

    async def meet(session: Session, conference: Conference, calls: list[Call]) -> None:
        enter(conference, *calls)
        await trio.sleep(0.2)
        conference.stop()
        await trio.sleep(0.2)
        calls[0].sendMediaTo(conference)
        conference.sendMediaTo(calls[1])
        await trio.sleep(0.2)

    ran = play("", meeting(legs, meet))
    assert np.array_equal(legs[0].everything_heard, cut_off(said[1][: 10 * 320], 20))
    assert np.array_equal(legs[1].everything_heard, cut_off(said[0][: 10 * 320], 20))
    to, of = ran.of_kind("warning")
    assert "conference-1 has ended: it takes no audio of call-1 any more" in to["message"]
    assert "conference-1 has ended: it has no audio for call-2 any more" in of["message"]


@pytest.mark.parametrize(
    ("direction", "is_heard", "hears"),
    [
        ("ConferenceDirection.BOTH", True, True),
        ("ConferenceDirection.SEND", True, False),
        ("ConferenceDirection.RECEIVE", False, True),
        ("'RECEIVE'", False, True),
    ],
)
def test_a_call_can_be_added_with_a_direction(play: Play, direction: str, is_heard: bool, hears: bool) -> None:
    leg = ScriptedLeg(says=noise(1.0))
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def meet(event):
            call = event.call
            conference = VoxEngine.createConference()
            endpoint = conference.add({{
                "call": call, "mode": ConferenceMode.MIX, "direction": {direction},
                "displayName": "Ada",
            }})
            assert endpoint.getCall() is call
            assert conference.getList() == [endpoint]
            assert conference.get(endpoint.id()) is endpoint
            assert conference.get("endpoint-9") is None
            endpoint.setDisplayName("Grace")
            conference.on(ConferenceEvents.EndpointUpdated)(lambda e: Logger.write(e.endpoint.display_name))
            conference.on(ConferenceEvents.EndpointRemoved)(lambda e: Logger.write(conference.getList()))
            call.answer()
            setTimeout(lambda: Logger.write(len(conference.getList())), 400)
            setTimeout(call.hangup, 500)
        """,
        Setting(leg=leg),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["Grace", "1", "[]"]
    common = {
        "conference": "<conference-1>",
        "endpoint": "<endpoint-1>",
        "endpointId": "endpoint-1",
        "mode": "mix",
        "direction": direction.strip("'").rpartition(".")[2].lower(),
    }
    assert events(ran) == [
        {"name": "Conference.Started", "conference": "<conference-1>"},
        *({"name": f"Conference.Endpoint{change}", **common} for change in ("Added", "Updated", "Removed")),
    ]
    routes = [(record["source"], record["sink"]) for record in ran.of_kind("route") if record["change"] == "connect"]
    assert (("call-1", "conference-1") in routes, ("conference-1", "call-1") in routes) == (is_heard, hears)


def test_a_call_that_cannot_be_added_is_an_error_event(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def meet(event):
            call = event.call
            conference, ended = VoxEngine.createConference(), VoxEngine.createConference(hd_audio=True)
            ended.stop()
            conference.add({"call": call})
            conference.add({"call": call})
            ended.add({"call": call}).setDisplayName("nobody is told")
            call.hangup()
            conference.add({"call": call})
            conference.stop()
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.outcome.error is None
    errors = [(event["code"], event["error"], event["endpointId"]) for event in events(ran) if "error" in event]
    assert errors == [
        (409, "call-1 is in conference-1 already", "endpoint-2"),
        (410, "conference-2 has ended", "endpoint-3"),
        (410, "call-1 has ended", "endpoint-4"),
    ]
    names = [event["name"] for event in events(ran)]
    assert names.count("Conference.EndpointRemoved") == 1
    assert "Conference.EndpointUpdated" not in names


def test_who_leaves_is_out_at_once_and_may_come_again(play: Play) -> None:
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def meet(event):
            call = event.call
            conference = VoxEngine.createConference()
            first = conference.add(call=call)
            VoxEngine.stopMediaBetween(call, conference)
            Logger.write(f"{conference.get(first.id())} {conference.getList()}")
            conference.add(call=call)
            VoxEngine.stopMediaBetween(call, conference)
            conference.add(call=call)
            setTimeout(lambda: Logger.write(conference.getList()), 100)
            setTimeout(call.hangup, 200)
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["None []", "[<endpoint-3>]"]
    told = [(event["name"].removeprefix("Conference."), event.get("endpointId")) for event in events(ran)]
    assert told == [
        ("Started", None),
        ("EndpointAdded", "endpoint-1"),
        ("EndpointRemoved", "endpoint-1"),
        ("EndpointAdded", "endpoint-2"),
        ("EndpointRemoved", "endpoint-2"),
        ("EndpointAdded", "endpoint-3"),
        ("EndpointRemoved", "endpoint-3"),
    ]


@pytest.mark.parametrize(
    "leave",
    [
        "conference.stop()",
        "await call.waitFor(CallEvents.PlaybackFinished)\n    call.hangup()",
    ],
)
def test_who_hears_something_else_leaves_with_the_conference_or_the_call(play: Play, leave: str) -> None:
    ran = play(
        f"""
import trio

@VoxEngine.on(AppEvents.CallAlerting)
async def meet(event):
    call = event.call
    conference = VoxEngine.createConference()
    conference.add(call=call, direction=ConferenceDirection.RECEIVE)
    call.answer()
    call.say("you are muted")
    {leave}
    await trio.sleep(0.1)
    Logger.write(conference.getList())
    VoxEngine.terminate()
""",
        Setting(leg=ScriptedLeg()),
    )
    assert ran.logged == ["[]"]
    assert "Conference.EndpointRemoved" in [event["name"] for event in events(ran)]


@pytest.mark.parametrize(("direction", "members"), [("BOTH", [1, 1]), ("SEND", [1, 1]), ("RECEIVE", [0, 1])])
def test_who_only_hears_is_in_one_conference(play: Play, direction: str, members: list[int]) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def meet(event):
            both = VoxEngine.createConference(), VoxEngine.createConference()
            for conference in both:
                conference.add(call=event.call, direction="{direction}")
            Logger.write([len(conference.getList()) for conference in both])
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.logged == [str(members)]


@pytest.mark.parametrize("direction", ["BOTH", "RECEIVE"])
def test_who_hears_something_else_for_a_moment_is_still_in(play: Play, direction: str) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        async def meet(event):
            call = event.call
            conference = VoxEngine.createConference()
            conference.add(call=call, direction=ConferenceDirection.{direction})
            call.answer()
            call.stopMediaTo(conference)
            call.say("you are muted")
            await call.waitFor(CallEvents.PlaybackFinished)
            Logger.write(conference.getList())
            conference.sendMediaTo(call)
            call.say("the conference is over")
            conference.stopMediaTo(call)
            Logger.write(conference.getList())
            call.hangup()
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert ran.outcome.error is None
    assert ran.logged == ["[<endpoint-1>]", "[]"]
    assert [event["name"].removeprefix("Conference.") for event in events(ran)] == [
        "Started",
        "EndpointAdded",
        "EndpointRemoved",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{}", "conference.add needs the parameter 'call': the call to add"),
        ('{"call": "call-1"}', "conference.add needs the parameter 'call': the call to add"),
        ('{"call": event.call, "dirction": "send"}', "has no parameter 'dirction'; did you mean 'direction'?"),
        (
            '{"call": event.call, "direction": "both ways"}',
            "conference.add knows no direction 'both ways': ConferenceDirection has SEND, RECEIVE, BOTH",
        ),
    ],
)
def test_wrong_parameters_are_the_scenarios_error(play: Play, parameters: str, message: str) -> None:
    ran = play(
        f"""
        @VoxEngine.on(AppEvents.CallAlerting)
        def meet(event):
            VoxEngine.createConference().add({parameters})
        """,
        Setting(leg=ScriptedLeg()),
    )
    assert message in str(ran.outcome.error)


def test_the_scenario_lets_the_caller_hear_the_speaker_and_not_himself() -> None:
    said, rate = soundfile.read(SCENARIOS / "audio" / "announcement.flac", dtype="int16")
    leg = ScriptedLeg(rate, noise(60.0))
    ran = simulate(SCENARIOS / "conference.py", Setting(leg=leg))
    assert ran.outcome.error is None
    announcement: Samples = np.asarray(said, np.int16)
    heard = leg.everything_heard[320:]  # after the frame in which the caller joined
    joined = announcement.tobytes().find(heard[:3200].tobytes()) // 2
    assert joined in (320, 640)
    rest = announcement[joined:]
    assert np.array_equal(heard[: len(rest)], rest)
    assert not heard[len(rest) :].any()
    assert [event["name"] for event in events(ran)] == ["Conference.Started", "Conference.Stopped"]
