"""A call over RTP, in virtual time."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
import trio
from tests.impaired.likeness import compare
from tests.impaired.network import RATE as SPEECH_RATE
from tests.impaired.network import packets as network_packets
from tests.impaired.network import speech
from tests.kit import Play, Ran, ScriptedLeg, Setting, tone
from tests.media.rtp_peer import OURS, PEER, STRANGER, Cable, CableEnd, Peer
from trio.testing import MockClock

from voxrun.audio.frame import Samples
from voxrun.audio.resample import Resampler
from voxrun.media.datagrams import Datagrams
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import CODECS, TELEPHONE_EVENT
from voxrun.protocol.rtp.packet import TIMESTAMPS, RtpPacket, build_packet
from voxrun.protocol.rtp.rtcp import Description, Goodbye, ReceiverReport, SenderReport, build_compound
from voxrun.session.session import Session
from voxrun.transports.srtp import SUITES, Crypto, Srtp, SrtpDatagrams

ECHO = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    for name in (CallEvents.FirstAudioPacketReceived, CallEvents.RtpStopped, CallEvents.RtpResumed):
        call.addEventListener(name, lambda e: Logger.write(e.name))
    call.answer()
    call.sendMediaTo(call)
"""

SAY = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.answer()
    event.call.say("these are five short words")
"""

PCMU = CODECS["PCMU"]


class Scene:
    """A leg of ours and a peer on one cable."""

    def __init__(self, settings: RtpSettings, says: Samples, *, mux: bool, is_protected: bool) -> None:
        cable = Cable()
        keys = [Crypto(SUITES[0], Random(seed).randbytes(30)) for seed in (1, 2)]
        self.peer = Peer(cable, settings.codec, says, srtp=Srtp(*keys) if is_protected else None)
        self.rtp = cable.end(OURS)
        self.rtcp: CableEnd = self.rtp if mux else cable.end((OURS[0], OURS[1] + 1))
        rtp: Datagrams = self.rtp
        rtcp: Datagrams = self.rtcp
        if is_protected:
            srtp = Srtp(keys[1], keys[0])
            rtp = SrtpDatagrams(self.rtp, srtp)
            rtcp = rtp if mux else SrtpDatagrams(self.rtcp, srtp)
        self.leg = RtpLeg(rtp, rtcp, settings, Random(1))

    def setting(self, seconds: float) -> Setting:
        """A session of so many seconds."""

        async def meanwhile(session: Session) -> None:
            await self.peer.run()

        return Setting(leg=self.leg, meanwhile=meanwhile, stop_after=seconds)


def scene(
    settings: RtpSettings | None = None, says: Samples | None = None, *, mux: bool = False, is_protected: bool = False
) -> Scene:
    """PCMU and a tone, unless said otherwise."""
    settings = settings or RtpSettings(codec=PCMU, remote=PEER)
    return Scene(settings, tone(8000, 2.0) if says is None else says, mux=mux, is_protected=is_protected)


def losses(ran: Ran) -> dict[str, object]:
    """What was told of the leg at its end."""
    (found,) = [record for record in ran.of_kind("losses") if record["of"].startswith("RTP")]
    return found


ALSO = [pytest.param(name, marks=pytest.mark.slow) for name in ("L16/48000", "OPUS")]


@pytest.mark.parametrize("name", ["PCMU", "PCMA", "G722", "L16", "L16/8000", "L16/24000", *ALSO])
def test_speech_comes_through_both_ways(play: Play, name: str) -> None:
    codec = CODECS[name]
    resampler = Resampler(SPEECH_RATE, codec.audio_rate)
    said = np.concatenate([resampler.process(frame) for frame in speech(4).reshape(-1, 160)])
    made = scene(RtpSettings(codec=codec, remote=PEER), said)
    ran = play(ECHO, made.setting(5.0))
    likeness = compare(said, made.peer.heard, codec.audio_rate)
    assert likeness.good_share == 1.0
    assert likeness.mean > 0.99
    assert max(likeness.delays) < 0.12
    assert losses(ran)["concealed_share"] == 0.0
    assert losses(ran)["packets_lost"] == 0


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
def test_packets_hold_ptime_and_their_timestamps_count_samples(play: Play, ptime: int) -> None:
    made = scene(RtpSettings(codec=PCMU, remote=PEER, ptime=ptime))
    play(ECHO, made.setting(2.0))
    packets = [packet for _, packet in made.peer.packets]
    assert {len(packet.payload) for packet in packets} == {8 * ptime}
    stamps = [packet.timestamp for packet in packets]
    steps = {(later - stamp) % TIMESTAMPS for stamp, later in pairwise(stamps)}
    assert steps == {8 * ptime}
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert len(packets) == pytest.approx(2000 / ptime, abs=3)
    assert losses(play(ECHO, scene().setting(1.0)))["packets_sent"] == pytest.approx(50, abs=2)


def test_packets_leave_on_the_tick(play: Play) -> None:
    made = scene()
    play(ECHO, made.setting(3.0))
    times = [time for time, _ in made.peer.packets]
    assert np.allclose(np.diff(times), 0.02)


def test_a_peer_of_whom_nobody_said_where_it_is_gets_audio_once_it_has_sent_some(play: Play) -> None:
    made = scene(RtpSettings(codec=PCMU))
    play(ECHO, made.setting(2.0))
    assert made.peer.packets[0][0] == pytest.approx(0.09, abs=0.03)
    assert made.peer.packets[0][1].marker
    assert np.abs(made.peer.heard).max() > 9000


def test_with_silence_suppression_only_sound_is_sent(play: Play) -> None:
    nobody_is_heard = ECHO.replace("call.sendMediaTo(call)", "")
    made = scene(RtpSettings(codec=PCMU, remote=PEER, silence_suppression=True))
    play(nobody_is_heard, made.setting(2.0))
    assert made.peer.packets == []
    made = scene()
    play(nobody_is_heard, made.setting(2.0))
    assert len(made.peer.packets) == pytest.approx(100, abs=2)
    assert {packet.payload for _, packet in made.peer.packets} == {b"\xff" * 160}


def test_with_silence_suppression_the_last_packet_of_a_sound_is_filled_up(play: Play) -> None:
    sent = []
    for ptime in (20, 60):
        made = scene(RtpSettings(codec=PCMU, remote=PEER, ptime=ptime, silence_suppression=True))
        play(SAY, made.setting(2.0))
        sent.append(b"".join(packet.payload for _, packet in made.peer.packets))
    assert sent[1].startswith(sent[0])
    assert sent[1] == sent[0] + b"\xff" * 160


def test_audio_that_stops_and_resumes_is_told(play: Play) -> None:
    made = scene()

    async def mute(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(1.0)
            made.peer.is_muted = True
            await trio.sleep(9.0)
            made.peer.is_muted = False

    ran = play(ECHO, Setting(leg=made.leg, meanwhile=mute, stop_after=12.0))
    assert ran.logged == ["Call.FirstAudioPacketReceived", "Call.RtpStopped", "Call.RtpResumed"]
    times = [record["t"] for record in ran.of_kind("log")]
    assert times == pytest.approx([0.02, 8.0, 10.0], abs=0.05)


def test_comfort_noise_is_no_stop(play: Play) -> None:
    made = scene()

    async def only_the_room(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(1.0)
            made.peer.is_muted, made.peer.noise = True, b"\x32"

    ran = play(ECHO, Setting(leg=made.leg, meanwhile=only_the_room, stop_after=12.0))
    assert ran.logged == ["Call.FirstAudioPacketReceived"]


def test_tones_reach_a_scenario_that_handles_them(play: Play) -> None:
    for handles in (True, False):
        made = scene()
        made.peer.sender.tones.send("15#")
        ran = play(
            ECHO
            + f"""
    call.handleTones({handles})
    call.addEventListener(CallEvents.ToneReceived, lambda e: Logger.write(f"{{e.tone}} {{e.type}}"))
""",
            made.setting(2.0),
        )
        assert ran.logged == (["1 1", "5 1", "# 1"] if handles else []) + ["Call.FirstAudioPacketReceived"]


LISTENS = "    call.addEventListener(CallEvents.ToneReceived, Logger.write)\n"


@pytest.mark.parametrize(
    ("body", "warned"), [(LISTENS, 1), (LISTENS + "    call.handleTones(False)\n", 0), ("    pass\n", 0)]
)
def test_a_scenario_that_listens_for_keys_and_forgets_to_handle_them_is_told_once(
    play: Play, body: str, warned: int
) -> None:
    made = scene()
    made.peer.sender.tones.send("15#")
    ran = play(ECHO + body, made.setting(2.0))
    assert ran.logged == ["Call.FirstAudioPacketReceived"]
    assert [record["message"] for record in ran.of_kind("warning")] == [
        "call-1 hears keys, but Call.ToneReceived only fires after call.handleTones was called"
    ] * warned


def test_digits_are_sent_as_tones_and_refused_where_there_are_none(play: Play) -> None:
    made = scene()
    play(ECHO + '    call.sendDigits("90*")\n', made.setting(2.0))
    assert made.peer.digits == "90*"
    made = scene()
    play(ECHO + '    call.sendDigits("9p0")\n', made.setting(4.0))
    nine, zero = (
        time for time, packet in made.peer.packets if packet.payload_type == TELEPHONE_EVENT and packet.marker
    )
    assert zero - nine == pytest.approx(2.16)
    ran = play(ECHO + '    call.sendDigits("9x")\n', scene().setting(2.0))
    assert "no tones for 'x': digits are 0123456789*#ABCD, and p pauses for 2 s" in str(ran.outcome.error)
    ran = play(ECHO + "    call.sendDigits(9)\n", scene().setting(2.0))
    assert "call.sendDigits needs a text, but was given 9" in str(ran.outcome.error)
    ran = play(ECHO + '    call.hangup()\n    call.sendDigits("9")\n', scene().setting(2.0))
    assert "sendDigits() has no effect: the call is TERMINATED" in ran.of_kind("warning")[0]["message"]
    ran = play(ECHO + '    call.sendDigits("9")\n', Setting(leg=ScriptedLeg(), stop_after=1.0))
    assert "the call has no way to carry tones" in ran.of_kind("warning")[0]["message"]
    ran = play(ECHO + '    call.sendDigits("9x")\n', Setting(leg=ScriptedLeg(), stop_after=1.0))
    assert "no tones for 'x': digits are 0123456789*#ABCD, and p pauses for 2 s" in str(ran.outcome.error)
    assert "scenario.py:" in str(ran.outcome.error)


@pytest.mark.parametrize("mux", [True, False])
def test_reports_go_out_now_and_then_and_goodbye_at_the_end(play: Play, mux: bool) -> None:
    made = scene(mux=mux)
    ran = play(ECHO, made.setting(30.0))
    compounds = made.peer.compounds
    assert made.peer.compound_ports == {PEER[1] if mux else PEER[1] + 1}
    assert 4 <= len(compounds) <= 12
    for compound in compounds:
        report, description = compound[:2]
        assert isinstance(report, SenderReport)
        assert report.blocks[0].ssrc == made.peer.sender.ssrc
        assert report.blocks[0].lost == 0
        assert isinstance(description, Description)
        assert len(description.cname) == 24
    assert [isinstance(compound[-1], Goodbye) for compound in compounds] == [False] * (len(compounds) - 1) + [True]
    assert made.rtp.is_closed
    assert made.rtcp.is_closed
    assert ran.outcome.error is None


def goodbye(made: Scene) -> bytes:
    """The peer's."""
    return build_compound([ReceiverReport(made.peer.sender.ssrc), Goodbye((made.peer.sender.ssrc,))])


def test_a_goodbye_ends_the_call_unless_a_stranger_says_it(play: Play) -> None:
    made = scene()

    async def leave(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(1.0)
            made.rtcp.deliver(goodbye(made), STRANGER)
            await trio.sleep(1.0)
            made.rtcp.deliver(goodbye(made), (PEER[0], PEER[1] + 1))

    ran = play(ECHO, Setting(leg=made.leg, meanwhile=leave, stop_after=9.0))
    (over,) = [record for record in ran.of_kind("event") if record["name"] == "Call.Disconnected"]
    assert over["t"] == pytest.approx(2.0, abs=0.03)
    assert over["payload"]["reason"] == "The caller hung up"
    assert losses(ran)["packets_of_strangers"] == 1


@pytest.mark.parametrize("mux", [True, False])
def test_a_protected_call(play: Play, mux: bool) -> None:
    made = scene(says=speech(4), mux=mux, is_protected=True)
    ran = play(ECHO, made.setting(5.0))
    assert compare(speech(4), made.peer.heard, 8000).mean > 0.99
    assert losses(ran)["packets_not_authentic"] == 0
    assert made.peer.compounds
    assert isinstance(made.peer.compounds[-1][-1], Goodbye)


def test_what_is_not_protected_is_counted_and_dropped(play: Play) -> None:
    made = scene(is_protected=True)

    async def disturb(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(0.5)
            for datagram in [goodbye(made), *network_packets(tone(8000, 1.0))]:
                made.rtp.deliver(datagram, PEER)

    ran = play(ECHO, Setting(leg=made.leg, meanwhile=disturb, stop_after=2.0))
    assert losses(ran)["packets_not_authentic"] == 51
    assert losses(ran)["packets_of_strangers"] == losses(ran)["packets_lost"] == 0
    assert "Call.Disconnected" not in [record["name"] for record in ran.of_kind("event")]


def test_what_strangers_send_and_junk_are_counted_and_change_nothing(play: Play) -> None:
    made = scene()
    random = Random(3)

    async def disturb(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(0.5)
            for _ in range(100):
                made.rtp.deliver(random.randbytes(random.randrange(12)), PEER)
                made.rtp.deliver(b"\x80\x00" + random.randbytes(170), STRANGER)
                await trio.sleep(0.01)

    said = tone(8000, 2.0)
    ran = play(ECHO, Setting(leg=made.leg, meanwhile=disturb, stop_after=2.0))
    assert losses(ran)["packets_of_strangers"] == 100
    assert losses(ran)["packets_malformed"] != 0
    assert compare(said[:12000], made.peer.heard, 8000).mean > 0.99


def test_packets_whose_number_fits_nowhere_are_counted(play: Play) -> None:
    made = scene()

    async def disturb(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(0.5)
            for number in (40_000, 60_000):  # the peer's own begin below 2^15
                packet = RtpPacket(PCMU.payload_type, number, 0, made.peer.sender.ssrc, bytes(160))
                made.rtp.deliver(build_packet(packet), PEER)

    ran = play(ECHO, Setting(leg=made.leg, meanwhile=disturb, stop_after=2.0))
    assert losses(ran)["packets_dropped"] == 2
    assert losses(ran)["packets_lost"] == 0


def test_a_call_that_is_refused_sends_nothing(play: Play) -> None:
    made = scene()
    ran = play(
        """
        @VoxEngine.on(AppEvents.CallAlerting)
        def refuse(event):
            event.call.reject(486)
        """,
        made.setting(3.0),
    )
    assert made.peer.packets == []
    assert made.peer.compounds == []
    assert ran.of_kind("losses") == []


@pytest.mark.parametrize(("stall", "talkspurts"), [(0.05, 1), (1.0, 2)])
def test_timestamps_keep_to_the_time_when_the_machine_stands_still(play: Play, stall: float, talkspurts: int) -> None:
    made = scene()

    async def stand_still(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.peer.run)
            await trio.sleep(1.01)
            clock = trio.lowlevel.current_clock()
            assert isinstance(clock, MockClock)
            clock.jump(stall)

    play(ECHO, Setting(leg=made.leg, meanwhile=stand_still, stop_after=3.0))
    packets = made.peer.packets
    assert sum(packet.marker for _, packet in packets) == talkspurts
    first, last = packets[0], packets[-1]
    elapsed = (last[1].timestamp - first[1].timestamp) % TIMESTAMPS / 8000
    assert elapsed == pytest.approx(last[0] - first[0], abs=0.001)
