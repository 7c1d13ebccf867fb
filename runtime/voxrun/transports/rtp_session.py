"""An RTP session from what a person wrote: parameters, or a URL."""

import re
from typing import Required, TypedDict
from urllib.parse import parse_qsl, urlsplit

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import SocketAddress
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import codec_named
from voxrun.protocol.rtp.sdp import audio_format, describe_session, tone_format
from voxrun.protocol.rtp.sending import PTIMES_MS
from voxrun.transports.rtp_socket import RtpSocket, numeric_address

EXAMPLE = "rtp://127.0.0.1:4000?remote=127.0.0.1:4002&codec=PCMU"

_ADDRESS = re.compile(r"(?:(?P<ip4>[^:\[\]]+)|\[(?P<ip6>[^\[\]]+)\]):(?P<port>[0-9]{1,5})")
_MAX_PORT = 65535
_ATTEMPTS = 20  # to find two free ports in a row
_SWITCHES = {"true": True, "false": False}
_IN_URLS = ("remote", "codec", "ptime", "rtcpMux", "silenceSuppression")


class RtpUnitParameters(TypedDict, total=False):
    """`local`: where to listen, "127.0.0.1:4000"; port 0 takes a free one.

    `remote`: the peer; without it whoever sends first. `codec`: what is sent: PCMU (the default), PCMA, G722, L16 (16
    kHz), L16/8000, L16/24000 or L16/48000. `ptime`: ms of audio in a packet: 10, 20 (the default), 30, 40 or 60.
    `rtcpMux`: RTCP shares the port of RTP instead of having the next one. `silenceSuppression`: send nothing while
    there is nothing to hear.
    """

    local: Required[str]
    remote: str
    codec: str
    ptime: int
    rtcpMux: bool
    silenceSuppression: bool


def open_rtp_leg(parameters: RtpUnitParameters) -> RtpLeg:
    """Listen. ConfigurationError when something can't be had."""
    settings = _settings(parameters)
    rtp, rtcp = _open_sockets(_parse(parameters["local"]), rtcp_mux=parameters.get("rtcpMux", False))
    return RtpLeg(rtp, rtcp, settings)


def describe_remote(parameters: RtpUnitParameters) -> str:
    """The SDP with which the peer at `remote` can receive what is sent. ConfigurationError when something is wrong."""
    settings = _settings(parameters)
    if settings.remote is None:
        raise ConfigurationError(f"SDP says where the peer receives: give `remote`, as in {EXAMPLE}")
    formats = [audio_format(settings.codec), tone_format(settings.codec.clock_rate)]
    return describe_session(*settings.remote, formats, settings.ptime)


def parse_rtp_url(url: str) -> RtpUnitParameters:
    """What a URL such as `EXAMPLE` says. ConfigurationError for what it can't say."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = [*sorted(set(given) - set(_IN_URLS)), *([] if parts.path in ("", "/") else [parts.path])]
    if unknown or parts.scheme != "rtp":
        what = f"'{unknown[0]}'" if unknown else f"scheme '{parts.scheme}'"
        raise ConfigurationError(f"an RTP URL has no {what}: it is like {EXAMPLE}, and may have {', '.join(_IN_URLS)}")
    ptime = given.get("ptime", "20")
    if not ptime.isdecimal():
        raise ConfigurationError(f"ptime is a number of ms, not '{ptime}'")
    return RtpUnitParameters(
        local=parts.netloc,
        remote=given.get("remote", ""),
        codec=given.get("codec", "PCMU"),
        ptime=int(ptime),
        rtcpMux=_switch(given, "rtcpMux"),
        silenceSuppression=_switch(given, "silenceSuppression"),
    )


def _settings(parameters: RtpUnitParameters) -> RtpSettings:
    ptime, remote = parameters.get("ptime", 20), parameters.get("remote", "")
    if ptime not in PTIMES_MS:
        raise ConfigurationError(f"ptime is one of {', '.join(map(str, PTIMES_MS))} ms, not {ptime}")
    return RtpSettings(
        codec=codec_named(parameters.get("codec", "PCMU")),
        remote=_parse(remote) if remote else None,
        ptime=ptime,
        silence_suppression=parameters.get("silenceSuppression", False),
    )


def _switch(given: dict[str, str], name: str) -> bool:
    text = given.get(name, "false")
    if text not in _SWITCHES:
        raise ConfigurationError(f"{name} is true or false, not '{text}'")
    return _SWITCHES[text]


def _open_sockets(local: SocketAddress, *, rtcp_mux: bool) -> tuple[RtpSocket, RtpSocket]:
    """The sockets for RTP and for RTCP: the same one with `rtcp_mux`, else the second is on the next port."""
    for _ in range(_ATTEMPTS):
        rtp = RtpSocket(*local)
        if rtcp_mux:
            return rtp, rtp
        try:
            return rtp, RtpSocket(local[0], rtp.local[1] + 1)
        except ConfigurationError:
            rtp.close()
            if local[1]:
                raise
    raise ConfigurationError(f"{local[0]} has no two free ports in a row, for RTP and RTCP: name the first")


def _parse(text: str) -> SocketAddress:
    """What "127.0.0.1:4000" or "[::1]:4000" says."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        raise ConfigurationError(f"'{text}' is no address for RTP: it takes an IP address and a port, 127.0.0.1:4000")
    return numeric_address(match["ip4"] or match["ip6"], int(match["port"]))[1]
