"""A call over RTP with ffmpeg and GStreamer, and the SDP for them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.command import COMMAND, environment, records
from tests.impaired.likeness import SEGMENT_SECONDS, compare

from voxrun.audio.frame import Samples
from voxrun.cli import main
from voxrun.cli.status import OK, WRONG_USE
from voxrun.protocol.rtp.codecs import CODECS
from voxrun.transports.rtp_session import RtpUnitParameters, open_rtp_leg

Write = Callable[..., Path]

CALLER = Path(__file__).parents[2] / "scenarios" / "audio" / "caller.flac"
SECONDS = 5
ENCODERS = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw", "G722": "g722", "L16": "pcm_s16be"}

LISTEN = f"""
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    setTimeout(event.call.hangup, {SECONDS + 2} * 1000)
"""

SPEAK = """
@VoxEngine.on(AppEvents.CallAlerting)
def answer(event):
    event.call.addEventListener(CallEvents.Disconnected, lambda e: VoxEngine.terminate())
    event.call.answer()
    player = VoxEngine.createURLPlayer("said.wav")
    setTimeout(lambda: player.sendMediaTo(event.call), 500)
    player.addEventListener(PlayerEvents.PlaybackFinished, lambda e: setTimeout(event.call.hangup, 1500))
"""

slow = pytest.mark.slow
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


@pytest.fixture
def ports() -> Ports:
    legs = [open_rtp_leg(RtpUnitParameters(local="127.0.0.1:0")) for _ in range(2)]
    for leg in legs:
        leg.close()
    return Ports(*(leg.local[1] for leg in legs))


def write_speech(folder: Path, rate: int) -> Samples:
    """The first seconds of the caller as said.wav."""
    command = ["ffmpeg", "-v", "error", "-i", CALLER, "-t", str(SECONDS), "-ar", str(rate), folder / "said.wav"]
    subprocess.run([str(part) for part in command], check=True)
    said, _ = soundfile.read(folder / "said.wav", dtype="int16")
    return np.asarray(said)


def likeness(said: Samples, heard: Samples, rate: int) -> float:
    """The mean correlation of what was said with what was heard from the moment on that fits best."""
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    lag = int(np.argmax(np.fft.irfft(spectrum)[: len(heard)]))
    early = round(SEGMENT_SECONDS / 2 * rate)
    return compare(said, np.concatenate((np.zeros(early, np.int16), heard))[lag:], rate).mean


def talk(scenario: Path, ports: Ports, codec: str, *programs: Sequence[str | Path], record: Path) -> None:
    """Run a call beside other programs until it is over."""
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
    commands = [[str(part) for part in command] for command in (call, *programs)]
    started = [subprocess.Popen(command, cwd=cwd, env=environment()) for command in commands]
    try:
        assert [process.wait(30) for process in started] == [0] * len(started)
    finally:
        for process in started:
            process.kill()
            process.wait()


def names(trace: Path) -> list[object]:
    """Of the events in a trace."""
    return [record.get("name") for record in records(trace.read_text())]


def sdp(ports: Ports, codec: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `voxrun rtp` prints."""
    assert main(["rtp", "--sdp", ports.url + codec]) == OK
    return capsys.readouterr().out


@slow
@with_ffmpeg
@pytest.mark.parametrize("codec", list(ENCODERS))
def test_what_ffmpeg_sends_is_heard(scenario: Write, ports: Ports, tmp_path: Path, codec: str) -> None:
    rate = CODECS[codec].audio_rate
    said = write_speech(tmp_path, rate)
    frame = rate // 50
    size = 12 + {"G722": frame // 2, "L16": 2 * frame}.get(codec, frame)
    target = f"rtp://127.0.0.1:{ports.ours}?localrtpport={ports.theirs}&pkt_size={size}"
    paced = f"adelay=1500,asetnsamples=n={frame},arealtime"
    number = ["-payload_type", str(CODECS[codec].payload_type)]
    command = ["ffmpeg", "-v", "error", "-i", "said.wav", "-af", paced, "-c:a", ENCODERS[codec], *number, "-f", "rtp"]
    talk(scenario(LISTEN), ports, codec, [*command, "-sdp_file", "unused.sdp", target], record=tmp_path / "call.wav")
    heard, _ = soundfile.read(tmp_path / "call.wav", dtype="int16")
    assert likeness(said, heard[:, 0], rate) > 0.99
    assert "Call.FirstAudioPacketReceived" in names(tmp_path / "call.jsonl")


@slow
@with_ffmpeg
@pytest.mark.parametrize("codec", list(ENCODERS))
def test_ffmpeg_hears_what_is_sent(
    scenario: Write, ports: Ports, tmp_path: Path, capsys: pytest.CaptureFixture[str], codec: str
) -> None:
    rate = CODECS[codec].audio_rate
    said = write_speech(tmp_path, rate)
    (tmp_path / "call.sdp").write_text(sdp(ports, codec, capsys))
    command = ["ffmpeg", "-v", "error", "-protocol_whitelist", "file,rtp,udp", "-i", "call.sdp", "-t", str(SECONDS + 1)]
    talk(scenario(SPEAK), ports, codec, [*command, "-c:a", "pcm_s16le", "heard.wav"], record=tmp_path / "call.wav")
    heard, heard_rate = soundfile.read(tmp_path / "heard.wav", dtype="int16")
    assert heard_rate == rate
    assert likeness(said, heard, rate) > 0.99


GST_CODERS = {
    "PCMU": ("mulawenc", "rtppcmupay", "rtppcmudepay", "mulawdec"),
    "PCMA": ("alawenc", "rtppcmapay", "rtppcmadepay", "alawdec"),
}


def gstreamer(*elements: str) -> list[str]:
    """The command that runs a pipeline and prints its messages."""
    return ["gst-launch-1.0", "-m", "-e", *" ! ".join(elements).split()]


@slow
@with_ffmpeg
@with_gstreamer
@pytest.mark.parametrize("codec", list(GST_CODERS))
def test_what_gstreamer_sends_is_heard_and_its_leaving_ends_the_call(
    scenario: Write, ports: Ports, tmp_path: Path, codec: str
) -> None:
    said = write_speech(tmp_path, 8000)
    encode, pay, *_ = GST_CODERS[codec]
    source = ("filesrc location=said.wav", "wavparse", encode, f"{pay} min-ptime=20000000 max-ptime=20000000")
    sink = f"udpsink host=127.0.0.1 port={ports.ours} bind-port={ports.theirs}"
    wait = [
        sys.executable,
        "-c",
        "import subprocess, sys, time; time.sleep(1.5); sys.exit(subprocess.call(sys.argv[1:]))",
    ]
    talk(scenario(LISTEN), ports, codec, [*wait, *gstreamer(*source, sink)], record=tmp_path / "call.wav")
    heard, _ = soundfile.read(tmp_path / "call.wav", dtype="int16")
    assert likeness(said, heard[:, 0], 8000) > 0.99


@slow
@with_ffmpeg
@with_gstreamer
@pytest.mark.parametrize("codec", list(GST_CODERS))
def test_gstreamer_hears_what_is_sent(scenario: Write, ports: Ports, tmp_path: Path, codec: str) -> None:
    said = write_speech(tmp_path, 8000)
    *_, depay, decode = GST_CODERS[codec]
    kind = CODECS[codec].payload_type
    caps = f"application/x-rtp,media=audio,clock-rate=8000,encoding-name={codec},payload={kind}"
    source = f"udpsrc port={ports.theirs} num-buffers={50 * (SECONDS + 1)} caps={caps}"
    pipeline = gstreamer(source, "rtpjitterbuffer", depay, decode, "wavenc", "filesink location=heard.wav")
    talk(scenario(SPEAK), ports, codec, pipeline, record=tmp_path / "call.wav")
    heard, _ = soundfile.read(tmp_path / "heard.wav", dtype="int16")
    assert likeness(said, heard, 8000) > 0.99


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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("rtp://127.0.0.1:4000", "SDP says where the peer receives"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&codec=speex", "no codec is called 'speex'"),
        ("rtp://127.0.0.1:4000?remote=127.0.0.1:4002&ptime=x", "ptime is a number of ms, not 'x'"),
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
