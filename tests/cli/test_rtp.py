"""A call over RTP with ffmpeg and GStreamer, and the SDP for them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.command import COMMAND, environment, records
from tests.cli.conftest import Write
from tests.impaired.likeness import SEGMENT_SECONDS, compare
from tests.others import Moment, undisturbed

from voxrun.audio.frame import Samples
from voxrun.cli import main
from voxrun.cli.status import OK, WRONG_USE
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg
from voxrun.transports.srtp import SUITES

CALLER = Path(__file__).parents[2] / "scenarios" / "audio" / "caller.flac"
SECONDS = 5
ALIKE = 0.99
ENCODERS = {
    "PCMU": "pcm_mulaw",
    "PCMA": "pcm_alaw",
    "G722": "g722",
    "L16": "pcm_s16be",
    # At this rate and for this use Opus keeps the waveform; below, and for "voip", it codes what is heard of it.
    "OPUS": "libopus -b:a 64k -application audio -frame_duration 20",
}

FFMPEG_SUITES = {SUITES[0]: SUITES[0], SUITES[1]: "SRTP_AES128_CM_HMAC_SHA1_32"}
"""As ffmpeg calls them; by the name of RFC 4568 its second one cuts RTCP's tag as well, which has 80 bits there."""

OUR_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMU+/+/+/+/+/+/"
THEIR_KEY = "/+/+/+/+/+/+/+/+FBMSERAPDg0MCwoJCAcGBQQD"

LISTEN = f"""
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    setTimeout(event.call.hangup, {SECONDS + 4} * 1000)
"""

SPEAK = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    def speak():
        player = VoxEngine.createURLPlayer("said.wav")
        player.sendMediaTo(event.call)
        player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(event.call.hangup, 1500))
    setTimeout(speak, 700)
"""

slow, alone = pytest.mark.slow, pytest.mark.alone
with_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
with_gstreamer = pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the two ends of a call listen; the port after each is free as well."""

    ours: int
    theirs: int

    @property
    def url(self) -> str:
        """All but the codec."""
        return f"rtp://127.0.0.1:{self.ours}?remote=127.0.0.1:{self.theirs}&codec="


_serial = count()


@pytest.fixture
def ports(worker_id: str) -> Ports:
    """Below those that the system gives away, and of this test alone: some seconds pass until programs bind them."""
    first = 20_000 + 500 * int(worker_id.removeprefix("gw").replace("master", "0")) + 4 * next(_serial)
    return Ports(first, first + 2)


def write_speech(folder: Path, rate: int) -> Samples:
    """Some seconds of the caller, without pauses, as said.wav."""
    without_pauses = "silenceremove=start_periods=1:stop_periods=-1:stop_duration=0.1:stop_threshold=-45dB"
    command = ["ffmpeg", "-v", "error", "-i", CALLER, "-af", without_pauses, "-t", str(SECONDS)]
    command += ["-ar", str(rate), folder / "said.wav"]
    subprocess.run([str(part) for part in command], check=True)
    said, _ = soundfile.read(folder / "said.wav", dtype="int16")
    return np.asarray(said)


def likeness(said: Samples, heard: Samples, rate: int) -> float:
    """The correlation that four of five segments reach, of what was said with what was heard from where that fits best:
    programs in real time, so a busy machine may have some of them late.
    """
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    lag = int(np.argmax(np.fft.irfft(spectrum)[: len(heard)]))
    early = round(SEGMENT_SECONDS / 2 * rate)
    return compare(said, np.concatenate((np.zeros(early, np.int16), heard))[lag:], rate).most


def talk(
    scenario: Path, ports: Ports, codec: str, program: Sequence[str | Path], *, record: Path, speaks: bool = False
) -> None:
    """Run a call beside another program until both are over; one that `speaks` begins once the call is answered."""
    call = [
        *COMMAND,
        scenario,
        "--call",
        ports.url + codec,
        "--record",
        record,
        "--trace",
        record.with_suffix(".jsonl"),
    ]
    cwd = scenario.parent
    ours, theirs = ([str(part) for part in command] for command in (call, program))
    with subprocess.Popen(ours, cwd=cwd, env=environment(), stdout=subprocess.PIPE, text=True) as voxrun:
        try:
            assert voxrun.stdout is not None
            if speaks:
                assert any("is answered" in line for line in voxrun.stdout)
            subprocess.run(theirs, cwd=cwd, env=environment(), timeout=30, check=True)
            assert voxrun.wait(30) == 0
        finally:
            voxrun.kill()


def assert_heard(said: Samples, heard: Path, call: Callable[[], None]) -> None:
    """That `call` brings all of it into the file `heard`; one during which the machine was busy may be made again."""
    found: list[float] = []
    moment = Moment()
    while len(found) < 3 and not any(it > ALIKE for it in found):
        call()
        samples, rate = soundfile.read(heard, dtype="int16", always_2d=True)
        found.append(likeness(said, samples[:, 0], rate))
    with undisturbed(moment):
        assert found[-1] > ALIKE, found


def names(trace: Path) -> list[object]:
    """Of the events in a trace."""
    return [record.get("name") for record in records(trace.read_text())]


def sdp(ports: Ports, codec: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `voxrun rtp` prints."""
    assert main(["rtp", "--sdp", ports.url + codec]) == OK
    return capsys.readouterr().out


@alone
@with_ffmpeg
@pytest.mark.parametrize("codec", list(ENCODERS))
def test_what_ffmpeg_sends_is_heard(scenario: Write, ports: Ports, tmp_path: Path, codec: str) -> None:
    rate = CODECS[codec].audio_rate
    said = write_speech(tmp_path, rate)
    frame = rate // 50
    size = 12 + {"G722": frame // 2, "L16": 2 * frame, "OPUS": 1400}.get(codec, frame)
    target = f"rtp://127.0.0.1:{ports.ours}?localrtpport={ports.theirs}&pkt_size={size}"
    paced = f"asetnsamples=n={frame},arealtime"
    number = ["-payload_type", str(CODECS[codec].payload_type)]
    command = ["ffmpeg", "-v", "error", "-i", "said.wav", "-af", paced, "-c:a", *ENCODERS[codec].split(), *number]
    command += ["-f", "rtp", "-sdp_file", "unused.sdp", target]
    record = tmp_path / "call.wav"
    assert_heard(said, record, partial(talk, scenario(LISTEN), ports, codec, command, record=record, speaks=True))
    assert "Call.FirstAudioPacketReceived" in names(tmp_path / "call.jsonl")


@alone
@with_ffmpeg
@pytest.mark.parametrize("codec", list(ENCODERS))
def test_ffmpeg_hears_what_is_sent(
    scenario: Write, ports: Ports, tmp_path: Path, capsys: pytest.CaptureFixture[str], codec: str
) -> None:
    rate = CODECS[codec].audio_rate
    said = write_speech(tmp_path, rate)
    (tmp_path / "call.sdp").write_text(sdp(ports, codec, capsys))
    command, record = ffmpeg_hears("call.sdp", "heard.wav"), tmp_path / "call.wav"
    assert_heard(said, tmp_path / "heard.wav", partial(talk, scenario(SPEAK), ports, codec, command, record=record))
    assert soundfile.info(tmp_path / "heard.wav").samplerate == rate


def ffmpeg_hears(description: str, output: str) -> list[str]:
    """The command that writes what comes of a session to a file."""
    protocols = ["-protocol_whitelist", "file,rtp,udp,srtp,crypto"]
    received = [*protocols, "-i", description, "-t", str(SECONDS + 1)]
    return ["ffmpeg", "-v", "error", "-y", *received, "-ac", "1", "-c:a", "pcm_s16le", output]


@alone
@with_ffmpeg
@pytest.mark.parametrize("suite", SUITES)
def test_what_ffmpeg_sends_protected_is_heard(scenario: Write, ports: Ports, tmp_path: Path, suite: str) -> None:
    said = write_speech(tmp_path, 8000)
    protection = ["-srtp_out_suite", FFMPEG_SUITES[suite], "-srtp_out_params", THEIR_KEY]
    target = f"srtp://127.0.0.1:{ports.ours}?localrtpport={ports.theirs}&pkt_size=172"
    paced = ["-af", "asetnsamples=n=160,arealtime", "-c:a", "pcm_mulaw"]
    command = ["ffmpeg", "-v", "error", "-i", "said.wav", *paced, *protection, "-f", "rtp", target]
    keys = f"PCMU&crypto={suite} inline:{OUR_KEY}&remoteCrypto={suite} inline:{THEIR_KEY}"
    record = tmp_path / "call.wav"
    assert_heard(said, record, partial(talk, scenario(LISTEN), ports, keys, command, record=record, speaks=True))
    trace = (tmp_path / "call.jsonl").read_text()
    assert not [key for key in (OUR_KEY, THEIR_KEY) if key in trace]
    (lost,) = [record for record in records(trace) if str(record.get("of")).startswith("RTP")]
    assert lost["packets_not_authentic"] == 0


@alone
@with_ffmpeg
@pytest.mark.parametrize("suite", SUITES)
def test_ffmpeg_hears_what_is_sent_protected(
    scenario: Write, ports: Ports, tmp_path: Path, capsys: pytest.CaptureFixture[str], suite: str
) -> None:
    said = write_speech(tmp_path, 8000)
    keys = f"PCMU&crypto={suite} inline:{OUR_KEY}"
    (tmp_path / "call.sdp").write_text(sdp(ports, keys, capsys))
    command, record = ffmpeg_hears("call.sdp", "heard.wav"), tmp_path / "call.wav"
    assert_heard(said, tmp_path / "heard.wav", partial(talk, scenario(SPEAK), ports, keys, command, record=record))


GST_CODERS = {
    "PCMU": ("mulawenc", "rtppcmupay", "rtppcmudepay", "mulawdec"),
    "PCMA": ("alawenc", "rtppcmapay", "rtppcmadepay", "alawdec"),
    "G722": ("avenc_g722", "rtpg722pay", "rtpg722depay", "avdec_g722"),
    "L16": ("audioconvert", "rtpL16pay pt=96", "rtpL16depay", "audioconvert"),
    "OPUS": ("opusenc bitrate=64000 audio-type=generic", "rtpopuspay pt=100", "rtpopusdepay", "opusdec"),
}


def needs_coders(codec: str) -> None:
    """Skip the test where GStreamer lacks a plug-in."""
    for element in GST_CODERS[codec]:
        name = element.split()[0]
        if subprocess.run(["gst-inspect-1.0", "--exists", name], check=False).returncode:
            pytest.skip(f"GStreamer has no {name} here")


def gstreamer(*elements: str) -> list[str]:
    """The command that runs a pipeline and prints its messages."""
    return ["gst-launch-1.0", "-m", "-e", *" ! ".join(elements).split()]


@alone
@with_ffmpeg
@with_gstreamer
@pytest.mark.parametrize("codec", list(GST_CODERS))
def test_what_gstreamer_sends_is_heard_and_its_leaving_ends_the_call(
    scenario: Write, ports: Ports, tmp_path: Path, codec: str
) -> None:
    needs_coders(codec)
    rate = CODECS[codec].audio_rate
    said = write_speech(tmp_path, rate)
    encode, pay, *_ = GST_CODERS[codec]
    length = "min-ptime=20000000 max-ptime=20000000"
    source = ("filesrc location=said.wav", "wavparse", encode, pay if codec == "OPUS" else f"{pay} {length}")
    sink = f"udpsink host=127.0.0.1 port={ports.ours} bind-port={ports.theirs}"
    command, record = gstreamer(*source, sink), tmp_path / "call.wav"
    assert_heard(said, record, partial(talk, scenario(LISTEN), ports, codec, command, record=record, speaks=True))


@alone
@with_ffmpeg
@with_gstreamer
@pytest.mark.parametrize("codec", list(GST_CODERS))
def test_gstreamer_hears_what_is_sent(scenario: Write, ports: Ports, tmp_path: Path, codec: str) -> None:
    needs_coders(codec)
    rate, clock_rate = CODECS[codec].audio_rate, CODECS[codec].clock_rate
    said = write_speech(tmp_path, rate)
    *_, depay, decode = GST_CODERS[codec]
    kind = CODECS[codec].payload_type
    caps = f"application/x-rtp,media=audio,clock-rate={clock_rate},encoding-name={codec},payload={kind}"
    source = f"udpsrc port={ports.theirs} num-buffers={50 * (SECONDS + 1)} caps={caps}"
    sink = ("audioconvert", "audio/x-raw,format=S16LE,channels=1", "wavenc", "filesink location=heard.wav")
    pipeline = gstreamer(source, "rtpjitterbuffer", depay, decode, *sink)
    record = tmp_path / "call.wav"
    assert_heard(said, tmp_path / "heard.wav", partial(talk, scenario(SPEAK), ports, codec, pipeline, record=record))


@slow
@with_gstreamer
def test_the_digits_of_gstreamer_are_understood(scenario: Write, ports: Ports, tmp_path: Path) -> None:
    hear = """
    event.call.handleTones(True)
    event.call.addEventListener(CallEvents.ToneReceived, lambda e: Logger.write(e.tone))
"""
    program = str(Path(__file__).with_name("gstreamer_digits.py"))
    press = [sys.executable, program, "159*#0", str(ports.ours), str(ports.theirs)]
    talk(scenario(LISTEN + hear), ports, "PCMU", press, record=tmp_path / "call.wav", speaks=True)
    trace = records((tmp_path / "call.jsonl").read_text())
    assert [record["message"] for record in trace if record["kind"] == "log"] == list("159*#0")
    assert "Call.FirstAudioPacketReceived" in [record.get("name") for record in trace]


@slow
@with_gstreamer
def test_gstreamer_understands_the_digits(
    scenario: Write, ports: Ports, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    caps = "application/x-rtp,media=audio,clock-rate=8000,encoding-name=TELEPHONE-EVENT,payload=101"
    dial = LISTEN + '    setTimeout(lambda: event.call.sendDigits("159#"), 1000)\n'
    packets = 4 * (100 // 20 + 2)  # the end of each tone is sent three times
    pipeline = gstreamer(f"udpsrc port={ports.theirs} num-buffers={packets} caps={caps}", "rtpdtmfdepay", "fakesink")
    nothing_else = "PCMU&silenceSuppression=true"
    talk(scenario(dial), ports, nothing_else, pipeline, record=tmp_path / "call.wav")
    printed = capfd.readouterr().out
    starts = re.findall(r"dtmf-event.*?number=\(int\)(\d+)", printed)
    assert starts == ["1", "5", "9", "11"]


def test_the_sdp_names_the_codec_and_the_tones(ports: Ports, capsys: pytest.CaptureFixture[str]) -> None:
    lines = sdp(ports, "G722", capsys).splitlines()
    assert f"m=audio {ports.theirs} RTP/AVP 9 101" in lines
    assert "a=rtpmap:9 G722/8000" in lines
    assert "a=rtpmap:101 telephone-event/8000" in lines


def test_the_sdp_of_opus_and_of_a_protected_call(ports: Ports, capsys: pytest.CaptureFixture[str]) -> None:
    lines = sdp(ports, f"opus&crypto={SUITES[1]}+inline:{OUR_KEY}", capsys).splitlines()
    assert f"m=audio {ports.theirs} RTP/SAVP 100 101" in lines
    assert "a=rtpmap:100 opus/48000/2" in lines
    assert "a=rtpmap:101 telephone-event/48000" in lines
    assert f"a=crypto:1 {SUITES[1]} inline:{OUR_KEY}" in lines


@pytest.mark.parametrize(
    "url",
    [
        f"rtp://127.0.0.1:4000&crypto={SUITES[0]} inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?crypto={SUITES[0]} inline:{OUR_KEY[:-4]}",
        f"rtp://127.0.0.1:4000?crypto={SUITES[0]} inline:{OUR_KEY}|2^31",
        f"rtp://127.0.0.1:4000?crypto=AES inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?crypto={SUITES[0]}%20inline:{OUR_KEY}&ptime=inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?remote=127.0.0.1:4002?crypto={SUITES[0]} inline:{OUR_KEY}",
        f"rtp://[::1?crypto={SUITES[0]} inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?{SUITES[0]} inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?rtcpMux={SUITES[0]} inline:{OUR_KEY}",
        f"rtp://127.0.0.1:4000?codec={SUITES[0]} inline:{OUR_KEY}",
    ],
)
@pytest.mark.parametrize("command", [["rtp", "--sdp"], ["--call"]])
def test_no_error_shows_a_key(
    scenario: Write, capsys: pytest.CaptureFixture[str], command: list[str], url: str
) -> None:
    arguments = [*command, url] if command[0] == "rtp" else [str(scenario(LISTEN)), *command, url]
    assert main(arguments) == WRONG_USE
    shown = "".join(capsys.readouterr())
    assert shown
    assert OUR_KEY[:6] not in shown
    assert OUR_KEY[8:20] not in shown


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("rtp://127.0.0.1:4000", "SDP says where the peer receives"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&codec=speex", "no codec is called 'speex'"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&ptime=x", "ptime is a number of ms, not 'x'"),
        (f"rtp://127.0.0.1:4000?remote=127.0.0.1:4002&ptime={'9' * 5000}", "ptime is a number of ms, not '999"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&crypto=", "crypto is written as in SDP"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&rtcpMux=1", "rtcpMux is true or false, not '1'"),
        ("rtp://127.0.0.1:4000?peer=127.0.0.1:4002", "an RTP URL has no 'peer'"),
        ("rtp://127.0.0.1:4000/there?remote=127.0.0.1:4002", "an RTP URL has no '/there'"),
        ("sip://127.0.0.1:4000", "an RTP URL has no scheme 'sip'"),
    ],
)
def test_a_url_that_cannot_be_is_explained(capsys: pytest.CaptureFixture[str], url: str, message: str) -> None:
    assert main(["rtp", "--sdp", url]) == WRONG_USE
    assert message in capsys.readouterr().err


def test_a_call_needs_its_ports(scenario: Write, ports: Ports, capsys: pytest.CaptureFixture[str]) -> None:
    leg = open_rtp_leg(RtpUnitParameters(local=f"127.0.0.1:{ports.ours}"))
    assert main([str(scenario(LISTEN)), "--call", ports.url + "PCMU"]) == WRONG_USE
    assert f"can't listen on 127.0.0.1:{ports.ours} for RTP: Address already in use" in capsys.readouterr().err
    leg.close()
