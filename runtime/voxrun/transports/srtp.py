"""SRTP with given keys: `Crypto`, one end's key as SDP writes it, and `SrtpDatagrams`, a socket that uses both ends'.

A packet is encrypted and authenticated, RTCP as well, and accepted only once (RFC 3711). The work is libsrtp's, through
the extra `[srtp]`.
"""

import base64
import binascii
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from msgspec import Struct

from voxrun.errors import ConfigurationError
from voxrun.media.datagrams import Datagram, Datagrams, SocketAddress
from voxrun.protocol.rtp.packet import is_rtcp

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")

MAX_PAYLOAD_BYTES = 1344
"""What a packet may hold beside its header: pylibsrtp works in 1500 bytes, of which the longest trailer takes 144."""

_PROFILES = dict(zip(SUITES, ("SRTP_PROFILE_AES128_CM_SHA1_80", "SRTP_PROFILE_AES128_CM_SHA1_32"), strict=True))
_KEY_BYTES = 30  # of master key and salt (RFC 4568, section 6.2)
_EXAMPLE = f"{SUITES[0]} inline:KEY, where KEY is {_KEY_BYTES} bytes, master key and salt, in base64"
# In a URL a plus may stand for the space.
_TEXT = re.compile(r"(?P<suite>\w+)[ +]inline:(?P<key>[A-Za-z0-9+/]+={0,2})")
_SECRETS = re.compile(r"inline:(\S+)", re.IGNORECASE)


class Crypto(Struct, frozen=True):
    """What one end protects its packets with."""

    suite: str
    key: bytes

    def __repr__(self) -> str:
        return f"<Crypto {self.suite}>"

    @property
    def attribute(self) -> str:
        """As in SDP: the value of `a=crypto` (RFC 4568, section 9.1). It holds the key."""
        return f"1 {self.suite} inline:{base64.b64encode(self.key).decode()}"


def parse_crypto(text: str) -> Crypto:
    """What "AES_CM_128_HMAC_SHA1_80 inline:…" says. ConfigurationError, without the key, when it can't be used."""
    match = _TEXT.fullmatch(text)
    if match is None or match["suite"] not in SUITES:
        raise ConfigurationError(
            f"crypto is written as in SDP, without a tag, lifetime or MKI: {_EXAMPLE}. Known are {' and '.join(SUITES)}"
        )
    try:
        key = base64.b64decode(match["key"], validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(f"the key after inline: is none. Write crypto as {_EXAMPLE}")
    return Crypto(match["suite"], key)


def keys_in(text: str) -> list[str]:
    """The keys in a text, however wrong the rest of it is."""
    return _SECRETS.findall(text)


def without_keys(text: str) -> str:
    """The same text to show to people."""
    return _SECRETS.sub("inline:***", text)


class Srtp:
    """The protection of one RTP session, with `ours` on its way out and `theirs` on its way in.

    ConfigurationError without the extra.
    """

    def __init__(self, ours: Crypto, theirs: Crypto) -> None:
        try:
            library = import_module("pylibsrtp")
        except ImportError as error:
            raise ConfigurationError(
                f"SRTP needs pylibsrtp, which isn't installed here ({error}).\n"
                "Install it with: pip install 'voxrun[srtp]'"
            ) from error
        self._error: type[Exception] = library.Error
        self._out = _session(library, ours)
        self._reports_in = _session(library, theirs)
        # With one key for both ways one session has to see both: audio of ours that somebody sends back is a replay
        # then. Reports must not share it, as they count in another way; those of ours say nothing to us.
        self._in = self._out if theirs == ours else self._reports_in

    def protect(self, datagram: bytes) -> bytes | None:
        """The packet as it is sent; None when that can't be."""
        protect = self._out.protect_rtcp if is_rtcp(datagram) else self._out.protect
        return self._work(protect, datagram)

    def unprotect(self, datagram: bytes) -> bytes | None:
        """The packet that was protected so; None for one that was not, was changed on its way, or came before."""
        unprotect = self._reports_in.unprotect_rtcp if is_rtcp(datagram) else self._in.unprotect
        return self._work(unprotect, datagram)

    def _work(self, work: Callable[[bytes], bytes], datagram: bytes) -> bytes | None:
        try:
            return work(datagram)
        except (self._error, ValueError):  # the second for a packet that is too long
            return None


class SrtpDatagrams:
    """`Datagrams` of which only protected ones leave and only authentic ones come in."""

    def __init__(self, socket: Datagrams, srtp: Srtp) -> None:
        """`srtp` is for all sockets of a session."""
        self.local = socket.local
        self.unauthentic = 0
        self._socket = socket
        self._srtp = srtp
        self._unprotected = 0

    @property
    def unsent(self) -> int:
        """How many datagrams could not be sent."""
        return self._socket.unsent + self._unprotected

    def send(self, datagram: bytes, remote: SocketAddress) -> None:
        """Protect, and send without waiting."""
        protected = self._srtp.protect(datagram)
        if protected is None:
            self._unprotected += 1
        else:
            self._socket.send(protected, remote)

    async def pump(self, hear: Callable[[list[Datagram]], None]) -> None:
        """See `Datagrams`. What is not authentic is not heard."""

        def unprotect(came: list[Datagram]) -> None:
            found = [(self._srtp.unprotect(datagram), source) for datagram, source in came]
            plain = [(datagram, source) for datagram, source in found if datagram is not None]
            self.unauthentic += len(came) - len(plain)
            if plain:
                hear(plain)

        await self._socket.pump(unprotect)

    def close(self) -> None:
        """Give the port back; any number of times."""
        self._socket.close()


def _session(library: Any, crypto: Crypto) -> Any:
    policy = library.Policy
    profile = getattr(policy, _PROFILES[crypto.suite])
    session = library.Session()
    session.add_stream(policy(crypto.key, policy.SSRC_ANY_INBOUND, srtp_profile=profile))
    return session
