"""The SDP text that lets ffmpeg, GStreamer and the like talk to us (RFC 8866)."""

from collections.abc import Sequence

from msgspec import Struct

from voxrun.protocol.rtp.codecs import TELEPHONE_EVENT, Codec


class SdpFormat(Struct, frozen=True):
    """One payload type and what it means."""

    payload_type: int
    encoding: str
    """As rtpmap has it: name, clock rate, and the channels where they must be said."""
    parameters: str = ""
    """The fmtp line's."""


def audio_format(codec: Codec) -> SdpFormat:
    """How SDP names a codec."""
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    return SdpFormat(codec.payload_type, f"{codec.name}/{codec.clock_rate}{channels}")


def tone_format(clock_rate: int) -> SdpFormat:
    """How SDP names the sixteen tones beside audio with a clock of that many Hz (RFC 4733, section 2.4)."""
    return SdpFormat(TELEPHONE_EVENT, f"telephone-event/{clock_rate}", "0-15")


def describe_session(host: str, port: int, formats: Sequence[SdpFormat], ptime_ms: int = 20, crypto: str = "") -> str:
    """The description of one audio stream that the reader of this text is to receive at `host` and `port`.

    `crypto`: the value of `a=crypto` that it is protected with as SRTP, if it is (RFC 4568).
    """
    family = "IP6" if ":" in host else "IP4"
    lines = [
        "v=0",
        f"o=- 0 0 IN {family} {host}",
        "s=voxrun",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/{'SAVP' if crypto else 'AVP'} {' '.join(str(form.payload_type) for form in formats)}",
        *(f"a=rtpmap:{form.payload_type} {form.encoding}" for form in formats),
        *(f"a=fmtp:{form.payload_type} {form.parameters}" for form in formats if form.parameters),
        *([f"a=crypto:{crypto}"] if crypto else []),
        f"a=ptime:{ptime_ms}",
        "a=sendrecv",
    ]
    return "".join(f"{line}\r\n" for line in lines)
