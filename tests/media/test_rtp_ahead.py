"""RTP audio is sent on as soon as it is here, ahead of its tick, and is the same that the tick would have sent."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.impaired.network import BAD, Arrival, impair, packets, speech
from tests.kit import Play, Setting, tone
from tests.media.rtp_hearing import ANSWER, Hearing

from voxrun.audio.frame import FRAME_MS, FRAME_SECONDS, Samples, frame_size
from voxrun.protocol.rtp.codecs import CODECS, COMFORT_NOISE, TELEPHONE_EVENT
from voxrun.protocol.rtp.packet import RtpPacket, build_packet
from voxrun.protocol.rtp.receiving import RtpReceiver
from voxrun.protocol.rtp.sending import RtpSender
from voxrun.protocol.rtp.source_lock import SourceLock
from voxrun.session.session import Session

SECONDS = 5.0
PEER = ("192.0.2.1", 4000)
PCMU, L16 = CODECS["PCMU"], CODECS["L16"]
RECORD = (
    ANSWER
    + """
        conference = VoxEngine.createConference()
        call.sendMediaTo(conference)
        recorder = VoxEngine.createRecorder(name={conference!r})
        conference.sendMediaTo(recorder)
        call.record(name={call!r}, stereo=True)
"""
)


def steady(ptime: int, phase: float) -> list[Arrival]:
    """Speech over a good network, each packet `phase` after its last sample."""
    sender = RtpSender(PCMU, ptime, Random(5))
    frames = speech(SECONDS).reshape(-1, frame_size(8000))
    return [
        Arrival(n * FRAME_SECONDS + phase + at * 0.001 * ptime, datagram)
        for n, frame in enumerate(frames)
        for at, datagram in enumerate(sender.write(frame, n * FRAME_SECONDS))
    ]


@pytest.fixture
def wait_for_the_tick(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and nothing is done ahead any more."""
    return lambda: monkeypatch.setattr(RtpReceiver, "read_ahead", lambda *_: None)


@pytest.mark.parametrize("phase", [0.001, 0.0075, 0.019])
@pytest.mark.parametrize("ptime", [10, 20, 30, 60])
def test_what_is_heard_and_recorded_is_the_same_and_comes_earlier(
    play: Play, wait_for_the_tick: Callable[[], None], tmp_path: Path, ptime: int, phase: float
) -> None:
    files = {name: tmp_path / f"{name}.wav" for name in ("call", "conference")}
    scenario = RECORD.format(**{name: str(path) for name, path in files.items()})

    def listen() -> tuple[Hearing, list[bytes]]:
        hearing = Hearing(steady(ptime, phase))
        play(scenario, hearing.setting(SECONDS))
        return hearing, [path.read_bytes() for path in files.values()]

    ahead, recorded_ahead = listen()
    again, _ = listen()
    wait_for_the_tick()
    ticked, recorded = listen()
    assert again.ear.came == ahead.ear.came
    assert np.array_equal(ahead.ear.heard, ticked.ear.heard)
    assert np.abs(ahead.ear.heard).max() > 5000
    assert recorded_ahead == recorded
    assert set(ahead.ear.waited[1:]) == {frame_size(8000)}
    earlier = np.subtract(ticked.ear.came[:200], ahead.ear.came[:200])
    assert earlier.min() >= 0
    assert earlier.max() < FRAME_SECONDS
    assert np.mean(earlier > 0) > 0.9 * min(1.0, FRAME_MS / ptime) - 0.1


def test_a_bad_network_gives_one_frame_a_tick(play: Play) -> None:
    hearing = Hearing(impair(packets(speech(SECONDS)), BAD, seed=3))
    play(ANSWER, hearing.setting(SECONDS))
    assert set(hearing.ear.waited[1:]) == {frame_size(8000)}
    assert np.mean(np.diff(hearing.ear.came) != FRAME_SECONDS) > 0.5


@pytest.mark.parametrize("at", [2.0095, 2.0115])
def test_who_comes_between_a_frame_and_its_tick_hears_the_next(play: Play, at: float) -> None:
    """The packets come 10.5 ms after each tick."""
    late = Hearing(steady(20, 0.0105))
    setting = late.setting(SECONDS)

    async def turn_away(session: Session) -> None:
        async with trio.open_nursery() as nursery:
            assert setting.meanwhile is not None
            nursery.start_soon(setting.meanwhile, session)
            await trio.sleep(1.0)
            assert session.call is not None
            session.call.stopMediaTo(late.ear)
            await trio.sleep_until(trio.current_time() + at - 1.0)
            session.call.sendMediaTo(late.ear)

    play(ANSWER, Setting(leg=setting.leg, meanwhile=turn_away, stop_after=SECONDS))
    without = set(late.ear.waited[51:100])
    assert without == {0}
    assert set(late.ear.waited[102:]) == {frame_size(8000)}


def datagram(kind: str, number: int, stamp: int) -> bytes:
    """A packet of so many samples of PCMU, or of something else."""
    if kind == "noise":
        return build_packet(RtpPacket(COMFORT_NOISE, number, stamp, 7, b"\x32"))
    if kind == "tone":
        return build_packet(RtpPacket(TELEPHONE_EVENT, number, stamp, 7, b"\x01\x0a\x00\xa0"))
    codec, size = (L16, 320) if kind == "other codec" else (PCMU, int(kind))
    payload = codec.new_encoder()(tone(8000, size / 8000, 500.0))
    return build_packet(RtpPacket(codec.payload_type, number, stamp, 7, payload))


KINDS = st.sampled_from([*["160"] * 8, "80", "240", "480", "noise", "tone", "other codec", "lost", "twice"])


@given(st.lists(st.tuples(KINDS, st.floats(0, 0.05)), min_size=30, max_size=120), st.floats(0, FRAME_SECONDS))
@settings(max_examples=100)
def test_each_frame_is_read_once_whatever_comes_when(sent: list[tuple[str, float]], phase: float) -> None:
    receiver = RtpReceiver([PCMU, L16], SourceLock(PEER))
    arrivals: list[tuple[float, bytes]] = []
    stamp = 0
    for number, (kind, jitter) in enumerate(sent):
        units = int(kind) if kind.isdigit() else 160
        if kind != "lost":
            what = "160" if kind == "twice" else kind
            arrivals += [(stamp / 8000 + phase + jitter, datagram(what, number, stamp))] * (1 + (kind == "twice"))
        stamp += units
    arrivals.sort(key=lambda arrival: arrival[0])
    for tick in range(stamp // 160 + 10):
        ahead: list[Samples] = []
        while arrivals and arrivals[0][0] <= tick * FRAME_SECONDS:
            moment, data = arrivals.pop(0)
            receiver.receive(data, PEER, moment)
            frame = receiver.read_ahead(tick * FRAME_SECONDS)
            ahead += [] if frame is None else [frame]
        read = receiver.read(tick * FRAME_SECONDS)
        assert len(read) == frame_size(8000)
        assert len(ahead) <= 1
        assert all(frame is read for frame in ahead)
