"""An RTP session from what a person wrote: parameters, or a URL."""

import re
from collections.abc import Callable
from random import Random
from typing import Any, Required, TypeAlias, TypedDict
from urllib.parse import parse_qsl, urlsplit

from voxrun.audio.frame import FRAME_MS, silence
from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagrams, SocketAddress
from voxrun.media.rtp_leg import RtpLeg, RtpSettings
from voxrun.protocol.rtp.codecs import codec_named
from voxrun.protocol.rtp.sdp import audio_format, describe_session, tone_format
from voxrun.shown import shown
from voxrun.transports.rtp_socket import RtpSocket, numeric_address
from voxrun.transports.srtp import MAX_PAYLOAD_BYTES, Crypto, Srtp, SrtpDatagrams, parse_crypto, without_keys

Listen: TypeAlias = Callable[[str, int], Datagrams]
"""Opens a socket for an IP address and a port; 0 takes a free one. ConfigurationError when that can't be."""

EXAMPLE = "rtp://127.0.0.1:4000?remote=127.0.0.1:4002&codec=PCMU"

_ADDRESS = re.compile(r"(?:(?P<ip4>[^:\[\]]+)|\[(?P<ip6>[^\[\]]+)\]):(?P<port>[0-9]{1,5})")
_MAX_PORT = 65535
_ATTEMPTS = 20  # to find two free ports in a row
_SWITCHES = {"true": True, "false": False}
_IN_URLS = ("remote", "codec", "ptime", "rtcpMux", "silenceSuppression", "crypto", "remoteCrypto")


class RtpUnitParameters(TypedDict, total=False):
    """`local`: where to listen, "127.0.0.1:4000"; port 0 takes a free one.

    `remote`: the peer; without it whoever sends first. `codec`: what is sent: PCMU (the default), PCMA, G722, L16 (16
    kHz), L16/8000, L16/24000, L16/48000, or opus with the extra `[opus]`. `ptime`: ms of audio in a packet: 10, 20 (the
    default, and all that opus takes), 30, 40 or 60. `rtcpMux`: RTCP shares the port of RTP instead of having the next
    one. `silenceSuppression`: send nothing while there is nothing to hear.

    `crypto`: send and take SRTP instead of RTP, with the extra `[srtp]`: the suite and key as `a=crypto` in SDP has
    them, "AES_CM_128_HMAC_SHA1_80 inline:KEY" (or `_32`; RFC 4568). `remoteCrypto`: the peer's, when it sends with a
    key of its own. No output of the session shows the keys.
    """

    local: Required[str]
    remote: str
    codec: str
    ptime: int
    rtcpMux: bool
    silenceSuppression: bool
    crypto: str
    remoteCrypto: str


def open_rtp_leg(parameters: RtpUnitParameters, listen: Listen = RtpSocket, random: Random | None = None) -> RtpLeg:
    """Listen. ConfigurationError when something can't be had."""
    return RtpLeg(*open_rtp_session(parameters, listen), random)


def open_rtp_session(parameters: RtpUnitParameters, listen: Listen) -> tuple[Datagrams, Datagrams, RtpSettings]:
    """The sockets for RTP and for RTCP, which may be the same one. ConfigurationError as above."""
    settings, crypto = _settings(parameters), _crypto(parameters)
    longest = _payload_bytes(settings)  # before there is a socket to close: the codec may lack its library
    if crypto and longest > MAX_PAYLOAD_BYTES:
        raise ConfigurationError(
            f"{settings.ptime} ms of {parameters.get('codec') or 'PCMU'} are too much for one packet of SRTP"
            f" ({longest} bytes, {MAX_PAYLOAD_BYTES} at most): choose a smaller ptime"
        )
    srtp = Srtp(*crypto) if crypto else None
    rtp, rtcp = _open_sockets(listen, _parse(parameters["local"]), rtcp_mux=parameters.get("rtcpMux", False))
    if srtp is None:
        return rtp, rtcp, settings
    protected = SrtpDatagrams(rtp, srtp)
    return protected, protected if rtcp is rtp else SrtpDatagrams(rtcp, srtp), settings


def describe_remote(parameters: RtpUnitParameters) -> str:
    """The SDP with which the peer at `remote` can receive what is sent. ConfigurationError when something is wrong."""
    settings = _settings(parameters)
    if settings.remote is None:
        raise ConfigurationError(f"SDP says where the peer receives: give `remote`, as in {EXAMPLE}")
    formats = [audio_format(settings.codec), tone_format(settings.codec.clock_rate)]
    crypto = _crypto(parameters)
    return describe_session(*settings.remote, formats, settings.ptime, crypto[0].attribute if crypto else "")


def parse_rtp_url(url: str) -> RtpUnitParameters:
    """What a URL such as `EXAMPLE` says. ConfigurationError for what it can't say."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket without the other
        raise ConfigurationError(f"an RTP URL is like {EXAMPLE}, or has an address such as [::1]:4000") from None
    query = parts.query.replace("+", "%2B")  # a plus is part of a key
    given = dict(parse_qsl(query, keep_blank_values=True))
    unknown = [*sorted(set(given) - set(_IN_URLS)), *([] if parts.path in ("", "/") else [parts.path])]
    if unknown or parts.scheme != "rtp":
        what = f"'{without_keys(unknown[0])}'" if unknown else f"scheme '{parts.scheme}'"
        raise ConfigurationError(f"an RTP URL has no {what}: it is like {EXAMPLE}, and may have {', '.join(_IN_URLS)}")
    ptime = given.get("ptime", "20")
    if not (ptime.isdecimal() and len(ptime) < 10):
        raise ConfigurationError(f"ptime is a number of ms, not '{without_keys(ptime)}'")
    parameters = RtpUnitParameters(
        local=parts.netloc,
        remote=given.get("remote", ""),
        codec=given.get("codec", "PCMU"),
        ptime=int(ptime),
        rtcpMux=_switch(given, "rtcpMux"),
        silenceSuppression=_switch(given, "silenceSuppression"),
    )
    if "crypto" in given:
        parameters["crypto"] = given["crypto"]
    if "remoteCrypto" in given:
        parameters["remoteCrypto"] = given["remoteCrypto"]
    return parameters


def _settings(parameters: RtpUnitParameters) -> RtpSettings:
    given: dict[str, Any] = {name: value for name, value in parameters.items() if value is not None}
    ptime, remote = given.get("ptime", 20), given.get("remote", "")
    codec = codec_named(without_keys(given.get("codec", "PCMU")))
    if ptime not in codec.ptimes:
        known = ", ".join(map(str, codec.ptimes))
        raise ConfigurationError(f"{codec.name} is sent with a ptime of {known} ms, not {shown(ptime)}")
    return RtpSettings(
        codec=codec,
        remote=_parse(remote) if remote else None,
        ptime=ptime,
        silence_suppression=parameters.get("silenceSuppression", False),
    )


def _payload_bytes(settings: RtpSettings) -> int:
    """How long the payload of a packet is. ConfigurationError when the codec needs a library that is missing."""
    frame = settings.codec.new_encoder()(silence(settings.codec.audio_rate))
    return len(frame) * settings.ptime // FRAME_MS


def _crypto(parameters: RtpUnitParameters) -> tuple[Crypto, Crypto] | None:
    """What this end protects with, and what the peer does; None for plain RTP.

    Who names a key that turns out to be empty, such as a secret that isn't set, gets an error and not plain RTP.
    """
    if "crypto" in parameters:
        ours = parse_crypto(parameters["crypto"] or "")
        return ours, parse_crypto(parameters["remoteCrypto"] or "") if "remoteCrypto" in parameters else ours
    if "remoteCrypto" in parameters:
        raise ConfigurationError("remoteCrypto is the peer's key beside `crypto`, this end's own: give both, or crypto")
    return None


def _switch(given: dict[str, str], name: str) -> bool:
    text = given.get(name, "false")
    if text not in _SWITCHES:
        raise ConfigurationError(f"{name} is true or false, not '{without_keys(text)}'")
    return _SWITCHES[text]


def _open_sockets(listen: Listen, local: SocketAddress, *, rtcp_mux: bool) -> tuple[Datagrams, Datagrams]:
    """The sockets for RTP and for RTCP: the same one with `rtcp_mux`, else the second is on the next port."""
    for _ in range(_ATTEMPTS):
        rtp = listen(*local)
        if rtcp_mux:
            return rtp, rtp
        try:
            return rtp, listen(local[0], _port_behind(rtp.local))
        except ConfigurationError:
            rtp.close()
            if local[1]:
                raise
    raise ConfigurationError(f"{local[0]} has no two free ports in a row, for RTP and RTCP: name the first")


def _port_behind(local: SocketAddress) -> int:
    if local[1] == _MAX_PORT:
        raise ConfigurationError(f"{local[0]}:{local[1]} has no port behind it, for RTCP: choose another, or rtcpMux")
    return local[1] + 1


def _parse(text: str) -> SocketAddress:
    """What "127.0.0.1:4000" or "[::1]:4000" says."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        told = without_keys(text).rpartition("@")[2]
        raise ConfigurationError(f"'{told}' is no address for RTP: it takes an IP address and a port, 127.0.0.1:4000")
    return numeric_address(match["ip4"] or match["ip6"], int(match["port"]))[1]
