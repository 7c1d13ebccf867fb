"""The leg of a media stream, heard and seen from its far end."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import trio
from tests.kit import Ran, Setting, simulate, tone, write_wav

from voxrun.audio.frame import Samples
from voxrun.audio.g711 import decode_ulaw, encode_ulaw
from voxrun.media.graph import Inlet
from voxrun.media.stream_leg import REST_TICKS, StreamLeg
from voxrun.protocol.mediastream.news import Started
from voxrun.protocol.mediastream.stream import DIALECTS, MediaStream
from voxrun.session.session import Session

HEAD = """from voxrun import *
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    global call
    call = event.call
    call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    for name in (CallEvents.FirstAudioPacketReceived, CallEvents.RtpStopped, CallEvents.RtpResumed):
        call.addEventListener(name, lambda e: Logger.write(e.name))
"""

TWILIO_START: Mapping[str, object] = {
    "event": "start",
    "start": {"streamSid": "MZ1", "callSid": "CA1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}},
}
TELNYX_START: Mapping[str, object] = {
    "event": "start",
    "stream_id": "1",
    "start": {"call_control_id": "v3:1", "media_format": {"encoding": "PCMU", "sample_rate": 8000}},
}
VOXIMPLANT_START: Mapping[str, object] = {
    "event": "start",
    "start": {"tag": "t", "mediaFormat": {"encoding": "ULAW", "sampleRate": 8000}},
}
JAMBONZ_START: Mapping[str, object] = {"callSid": "c-1", "sampleRate": 8000}
PLIVO_START: Mapping[str, object] = {
    "event": "start",
    "start": {"streamId": "s-1", "callId": "c-1", "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000}},
}


class FarEnd:
    """A provider, as far as the leg knows."""

    def __init__(self, dialect: str = "twilio", start: Mapping[str, object] | None = None) -> None:
        self.stream = MediaStream(DIALECTS[dialect]())
        assert isinstance(self.stream.receive(json.dumps(start or TWILIO_START)), Started)
        self.sent: list[tuple[float, dict[str, object]]] = []
        self.closed = False
        self.dropped = 0
        self.leg = StreamLeg(self.stream, self)

    def send(self, message: str | bytes) -> None:
        said = json.loads(message) if isinstance(message, str) else {"event": "media"}
        self.sent.append((trio.current_time(), said))

    def close(self) -> None:
        self.closed = True

    def say(self, samples: Samples) -> None:
        payload = b64encode(encode_ulaw(samples)).decode()
        self.tell({"event": "media", "media": {"track": "inbound", "payload": payload}})

    def tell(self, message: dict[str, object]) -> None:
        told = self.stream.receive(json.dumps(message))
        if told is not None:
            self.leg.hear(told)  # type: ignore[arg-type] # no test breaks the protocol here

    def of(self, event: str) -> list[tuple[float, dict[str, object]]]:
        return [(time, message) for time, message in self.sent if message["event"] == event]

    @property
    def heard(self) -> Samples:
        payloads = [message["media"]["payload"] for _, message in self.of("media")]  # type: ignore[index]
        return np.concatenate([decode_ulaw(b64decode(payload)) for payload in payloads] or [np.zeros(0, np.int16)])


Play = Callable[..., Ran]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def run(far: FarEnd, body: str, meanwhile: Callable[[Session], object], stop_after: float = 5.0) -> Ran:
        path = tmp_path / "scenario.py"
        path.write_text(HEAD + "".join(f"    {line}\n" for line in body.splitlines()))
        return simulate(path, Setting(leg=far.leg, meanwhile=meanwhile, stop_after=stop_after))  # type: ignore[arg-type]

    return run


async def nothing(_: Session) -> None:
    """The far end only listens."""


def losses(ran: Ran, of: str = "the twilio stream") -> dict[str, object]:
    (found,) = [record for record in ran.of_kind("losses") if record["of"] == of]
    return found


def test_audio_goes_through_both_ways_sample_for_sample(play: Play) -> None:
    far, said = FarEnd(), tone(8000, 1.0)

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)  # between two ticks
        for frame in said.reshape(-1, 160):
            far.say(frame)
            await trio.sleep(0.02)
        await trio.sleep(0.1)
        far.tell({"event": "stop"})

    ran = play(far, "call.answer(); call.sendMediaTo(call)", talk)
    expected = decode_ulaw(encode_ulaw(said))
    assert np.array_equal(far.heard[: len(expected)], expected)
    assert far.closed
    assert ran.logged == ["Call.FirstAudioPacketReceived"]
    lost = {name: count for name, count in losses(ran).items() if name not in ("t", "kind", "of")}
    assert lost == {
        "messages_not_sent": 0,
        "messages_malformed": 0,
        "messages_late": 0,
        "frames_concealed": 3,
        "frames_left_out": 0,
        "samples_too_many": 0,
    }


def test_what_the_connection_dropped_is_told(play: Play) -> None:
    far = FarEnd()

    async def stand_still(_: Session) -> None:
        await trio.sleep(1)
        far.dropped = 7
        far.tell({"event": "stop"})

    assert losses(play(far, "call.answer()", stand_still))["messages_not_sent"] == 7


def test_what_comes_out_of_order_is_heard_in_order_and_what_comes_too_late_is_told(play: Play) -> None:
    far, said = FarEnd("telnyx", TELNYX_START), tone(8000, 1.0)
    payloads = [b64encode(encode_ulaw(frame)).decode() for frame in said.reshape(-1, 160)]

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)
        for number in [2, 1, *range(3, 20), 21, 22, 20, *range(23, 51), 40]:
            media = {"track": "inbound", "chunk": str(number), "payload": payloads[number - 1]}
            far.tell({"event": "media", "media": media})
            await trio.sleep(0.001 if number in (2, 21, 22) else 0.02)
        await trio.sleep(0.1)
        far.tell({"event": "stop"})

    ran = play(far, "call.answer(); call.sendMediaTo(call)", talk)
    heard, expected = far.heard, decode_ulaw(encode_ulaw(said))
    begin = int(np.argmax(heard != 0)) // 160 * 160
    assert np.array_equal(heard[begin : begin + len(expected)], expected)
    assert losses(ran, "the telnyx stream")["messages_late"] == 1


def test_after_a_second_of_silence_nothing_is_sent(play: Play) -> None:
    far = FarEnd()

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)
        far.say(tone(8000, 0.1))

    play(far, "call.answer(); call.sendMediaTo(call)", talk)
    sounding = 5 + 3  # and the concealment of what did not follow
    assert sounding + REST_TICKS - 1 <= len(far.of("media")) <= sounding + REST_TICKS + 1


def test_the_stream_that_stops_and_goes_on_is_told(play: Play) -> None:
    far = FarEnd()

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)
        far.say(tone(8000, 0.02))
        await trio.sleep(8.0)
        far.say(tone(8000, 0.02))

    ran = play(far, "call.answer()", talk, 10.0)
    assert ran.logged == ["Call.FirstAudioPacketReceived", "Call.RtpStopped", "Call.RtpResumed"]


def test_keys_are_told_when_they_are_wanted(play: Play) -> None:
    far = FarEnd()

    async def press(_: Session) -> None:
        await trio.sleep(0.1)
        for digit in ("1", "#", "x", "12", ""):
            far.tell({"event": "dtmf", "dtmf": {"digit": digit}})

    body = """call.handleTones(True)
call.addEventListener(CallEvents.ToneReceived, lambda e: Logger.write(e.tone))
call.answer()"""
    assert play(far, body, press).logged == ["1", "#"]


def test_digits_go_out_as_a_message_where_the_dialect_has_one(play: Play) -> None:
    far = FarEnd("plivo", PLIVO_START)
    play(far, "call.answer(); call.sendDigits('12#')", nothing)
    assert [message for _, message in far.of("sendDTMF")] == [{"event": "sendDTMF", "dtmf": "12#"}]


def test_digits_go_out_as_sound_where_it_has_none(play: Play) -> None:
    far = FarEnd()
    play(far, "call.answer(); call.sendDigits('5p5')", nothing)
    heard = far.heard
    spectrum = np.abs(np.fft.rfft(heard[:800].astype(float)))
    assert sorted(np.argsort(spectrum)[-2:] * 10) == [770, 1340]
    assert not heard[800:1600].any()
    times = [time for time, _ in far.of("media")]
    assert times[-1] - times[0] > 2.2
    assert np.abs(heard[-50 * 160 - 800 : -50 * 160]).max() > 5000


def test_the_voice_goes_for_a_tone_and_comes_back_without_a_click(play: Play, tmp_path: Path) -> None:
    far, music = FarEnd(), write_wav(str(tmp_path / "music.wav"), 3.0, 437.0)
    lines = ("call.answer()", f"call.startPlayback({music!r})", "setTimeout(lambda: call.sendDigits('5'), 1000)")
    play(far, "\n".join(lines), nothing, 2.0)
    heard = far.heard.astype(int)
    voice = np.flatnonzero(np.abs(heard) > 9000)
    begin = next(place for place in range(0, len(heard), 160) if np.abs(heard[place : place + 160]).max() > 11_000)
    end = begin + 10 * 160
    assert voice[0] < begin < end < voice[-1]
    assert abs(heard[begin] - heard[begin - 1]) < 2000
    assert abs(heard[end] - heard[end - 1]) < 2000


def test_a_digit_that_has_no_tone_is_the_scenarios_mistake(play: Play) -> None:
    ran = play(FarEnd(), "call.answer(); call.sendDigits('5!')", nothing)
    assert "no tones for '!'" in str(ran.outcome.error)


@pytest.mark.parametrize("digits", ["1" * 301, "p" * 31])
def test_more_tones_than_may_wait_are_told_and_none_is_sent(play: Play, digits: str) -> None:
    far = FarEnd()
    ran = play(far, f"call.answer(); call.sendDigits('5'); call.sendDigits({digits!r})", nothing, 1.0)
    assert "no more than 60 s of tones may wait" in str(ran.outcome.error)


def test_as_many_tones_as_may_wait_are_sent(play: Play) -> None:
    far = FarEnd()
    assert play(far, f"call.answer(); call.sendDigits({'5' * 300!r})", nothing, 62.0).outcome.error is None
    assert np.abs(far.heard[-50 * 160 - 1600 :].astype(int)).max() > 5000


def test_marks_tell_how_far_the_far_end_is_behind(play: Play) -> None:
    far = FarEnd()

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)
        far.say(tone(8000, 0.4))
        answered = 0
        while True:
            await trio.sleep(0.05)
            marks = far.of("mark")
            for _, message in marks[answered:]:
                far.tell({"event": "mark", "mark": message["mark"]})
            answered = len(marks)

    ran = play(far, "call.answer(); call.sendMediaTo(call)", talk, 4.0)
    (told,) = ran.of_kind("stream")
    assert 0 < told["least_ms_behind"] <= told["most_ms_behind"] <= 60


def test_a_far_end_that_answers_no_mark_gets_a_bounded_number(play: Play) -> None:
    far = FarEnd()

    async def talk(session: Session) -> None:
        await trio.sleep(0.1)
        for _ in range(150 * 50):
            far.say(tone(8000, 0.02))
            await trio.sleep(0.02)

    play(far, "call.answer(); call.sendMediaTo(call)", talk, 150.0)
    assert len(far.of("mark")) == 100


def test_a_caller_who_hangs_up_before_the_answer_is_gone(play: Play) -> None:
    far = FarEnd()

    async def leave(_: Session) -> None:
        await trio.sleep(0.5)
        far.tell({"event": "stop"})

    ran = play(far, "pass", leave)
    assert ran.events[-3:] == ["Call.Disconnected", "Application.Terminating", "Application.Terminated"]
    assert ran.seconds < 0.6


def test_a_caller_who_hangs_up_before_there_is_a_call_is_gone_once_it_is_answered(play: Play) -> None:
    far = FarEnd()
    far.tell({"event": "stop"})
    ran = play(far, "call.answer()", nothing)
    assert ran.events[-3:] == ["Call.Disconnected", "Application.Terminating", "Application.Terminated"]
    assert ran.seconds < 0.1


def test_a_scenario_that_hangs_up_closes_the_connection(play: Play) -> None:
    far = FarEnd()
    play(far, "call.answer(); setTimeout(call.hangup, 200)", nothing)
    assert far.closed


def test_a_dialect_says_first_what_begins_a_stream_and_last_what_ends_a_call(play: Play) -> None:
    begun, ended = FarEnd("voximplant", VOXIMPLANT_START), FarEnd("l16", JAMBONZ_START)
    for far in (begun, ended):
        play(far, "call.answer(); call.say('hello'); setTimeout(call.hangup, 200)", nothing)
    assert [message["event"] for _, message in begun.sent[:2]] == ["start", "media"]
    assert ended.sent[-1][1] == {"type": "disconnect"}


def test_what_is_not_wanted_any_more_is_cleared_at_the_far_end_unless_it_has_played_it(play: Play) -> None:
    far = FarEnd()

    async def talk(session: Session) -> None:
        far.leg.clear()
        await trio.sleep(0.103)
        far.leg.clear()
        far.say(tone(8000, 0.4))
        await trio.sleep(0.6)
        far.leg.clear()
        for _, message in far.of("mark"):  # it was not heard
            far.tell({"event": "mark", "mark": message["mark"]})
        await trio.sleep(2.0)
        far.leg.clear()

    (told,) = play(far, "call.answer(); call.sendMediaTo(call)", talk, 4.0).of_kind("stream")
    assert len(far.of("clear")) == told["times_cleared"] == 1
    assert far.of("mark")
    assert told["most_ms_behind"] is None


class Ear:
    """A sink that keeps when it heard which sample."""

    mixes = True

    def __init__(self) -> None:
        self.heard: list[tuple[float, int]] = []

    def id(self) -> str:
        return "ear"

    def inlet(self, source: object) -> Inlet:
        return Inlet(8000, lambda frame: self.heard.append((round(trio.current_time(), 3), int(frame[0]))))

    def detach(self, source: object) -> None:
        """Nothing to forget."""


def test_what_comes_late_and_all_at_once_is_sent_on_at_once_and_delays_nothing_after_it(play: Play) -> None:
    far, ear = FarEnd(), Ear()
    levels = decode_ulaw(encode_ulaw(np.arange(1000, 9000, 1000, dtype=np.int16)))

    async def talk(session: Session) -> None:
        await trio.sleep(0.103)
        assert session.call is not None
        session.graph.connect(session.call, ear)
        for value in (1000, 2000):
            far.say(np.full(160, value, np.int16))
            await trio.sleep(0.02)
        await trio.sleep(0.04)  # two ticks without anything
        for value in (3000, 4000, 5000):
            far.say(np.full(160, value, np.int16))
        for value in (6000, 7000, 8000):
            await trio.sleep(0.02)
            far.say(np.full(160, value, np.int16))

    play(far, "call.answer()", talk)
    when = {value: time for time, value in reversed(ear.heard)}  # the first time
    came = [0.103, 0.123, *[0.183] * 3, 0.203, 0.223, 0.243]
    assert [when[int(level)] for level in levels[3:]] == came[3:]  # the third is joined to the filling
