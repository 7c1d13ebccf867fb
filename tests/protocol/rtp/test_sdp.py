"""The SDP text, as others read it."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from voxrun.protocol.rtp.codecs import CODECS
from voxrun.protocol.rtp.sdp import audio_format, describe_session, tone_format

GOLDEN = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=voxrun
c=IN IP4 127.0.0.1
t=0 0
m=audio 4000 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
"""


def test_golden_text() -> None:
    text = describe_session("127.0.0.1", 4000, [audio_format(CODECS["PCMU"]), tone_format(8000)])
    assert text == GOLDEN.replace("\n", "\r\n")


def test_addresses_of_six() -> None:
    assert "c=IN IP6 ::1\r\n" in describe_session("::1", 4000, [tone_format(8000)])


def test_opus_is_said_to_be_stereo() -> None:
    formats = [audio_format(CODECS["OPUS"]), tone_format(CODECS["OPUS"].clock_rate)]
    lines = describe_session("127.0.0.1", 4000, formats).split("\r\n")
    assert "m=audio 4000 RTP/AVP 100 101" in lines
    assert "a=rtpmap:100 opus/48000/2" in lines
    assert "a=rtpmap:101 telephone-event/48000" in lines


def test_protected_audio_is_another_profile() -> None:
    text = describe_session("127.0.0.1", 4000, [tone_format(8000)], crypto="1 SUITE inline:KEY")
    assert "m=audio 4000 RTP/SAVP 101\r\n" in text
    assert "a=crypto:1 SUITE inline:KEY\r\n" in text


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("PCMU", "pcm_mulaw, 8000 Hz"),
        ("PCMA", "pcm_alaw, 8000 Hz"),
        ("G722", "adpcm_g722, 16000 Hz"),
        ("L16", "pcm_s16be, 16000 Hz"),
        ("OPUS", "opus, 48000 Hz"),
    ],
)
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffmpeg")
@pytest.mark.slow
def test_ffmpeg_reads_it(tmp_path: Path, name: str, says: str) -> None:
    path = tmp_path / "call.sdp"
    path.write_text(describe_session("127.0.0.1", free_port(), [audio_format(CODECS[name])]))
    command = ["ffprobe", "-hide_banner", "-protocol_whitelist", "file,udp,rtp", "-rw_timeout", "100000", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert says in done.stderr
