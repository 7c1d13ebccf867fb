"""`Doors`: who may come in. All of it is decided by the request's head, before there is a WebSocket."""

import hmac
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from voxrun.serving.common_table import CommonTable
from voxrun.serving.signatures import signed_by_plivo, signed_by_twilio, signed_by_vonage
from voxrun.serving.tickets import Tickets
from voxrun.transports.server import Request

TICKET_MARK = "~"
"""Begins the last part of a path that is a ticket."""

_PORT = re.compile(r":\d+$")
_PORTS = ("", ":443", ":80")
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What callers may show that they know; all of them secrets, those not used empty."""

    token: str = ""
    twilio: str = ""
    """The account's auth token, which makes X-Twilio-Signature."""
    plivo: str = ""
    """The account's auth token, which makes X-Plivo-Signature-V3."""
    vonage: str = ""
    """The account's signature secret, which signs the token that Vonage sends."""

    @property
    def any(self) -> str:
        """One of them; empty when there is none, and everybody may come in."""
        return self.token or self.twilio or self.plivo or self.vonage


class Doors:
    """Opens by a ticket, by the token, or by the signature of a provider. Replays stay outside where they show.

    `public_url` is where providers find us; without it, the request's own headers say so. `now` is in seconds since
    1970. `table` remembers what was shown; other processes with the same port have the same one.
    """

    def __init__(self, keys: Keys, now: Callable[[], float], table: CommonTable, public_url: str = "") -> None:
        self.keys = keys
        self._now = now
        self._public_url = public_url.rstrip("/")
        self._table = table
        self._tickets = Tickets(keys.any, now, table)

    def ticket(self) -> str:
        """The part of a path that lets one connection in; empty where all may come in."""
        return f"/{TICKET_MARK}{self._tickets.issue()}" if self.keys.any else ""

    def refusal(self, request: Request, dialect: str) -> str:
        """Why a media stream in `dialect`, or a request for TwiML, stays outside, in a word; nothing to let it in."""
        last = request.path.rpartition("/")[2]
        if last.startswith(TICKET_MARK) and self.keys.any:
            return self._tickets.refusal(last.removeprefix(TICKET_MARK))
        if not self.keys.any:  # any page in a browser on this machine may try, and a proxy brings anybody
            if any(header in request.headers for header in _PROXY_HEADERS):
                return "no token"
            return "origin" if "origin" in request.headers else ""
        given = _tokens(request)
        if self.keys.token and any(_same(token, self.keys.token) for token in given):
            return ""
        signed = self._signed(request, dialect)
        return signed if signed is not None else "token" if given else "no token"

    def address(self, request: Request) -> str:
        """Where the provider finds us, from scheme to host, and on to what comes before our own paths."""
        if self._public_url:
            return self._public_url
        host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
        scheme = request.headers.get("x-forwarded-proto", "http").partition(",")[0].strip()
        return f"{scheme}://{host.partition(',')[0].strip()}"

    def _signed(self, request: Request, dialect: str) -> str | None:
        """Why the provider's signature is no good, nothing when it is good; None when there is none to be checked."""
        headers = request.headers
        if dialect == "twilio" and self.keys.twilio and "x-twilio-signature" in headers:
            form = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
            signature = headers["x-twilio-signature"]
            return "" if signed_by_twilio(self.keys.twilio, signature, self._urls(request), form) else "signature"
        if dialect == "plivo" and self.keys.plivo and "x-plivo-signature-v3" in headers:
            nonce = headers.get("x-plivo-signature-v3-nonce", "")
            name = signed_by_plivo(self.keys.plivo, headers["x-plivo-signature-v3"], nonce, self._urls(request))
            return "signature" if name is None else self._unless_seen(f"plivo {name}")
        if dialect == "l16" and self.keys.vonage and headers.get("authorization", "").count(".") == 2:
            token = headers["authorization"].rpartition(" ")[2]
            name = signed_by_vonage(self.keys.vonage, token, self._now())
            return "signature" if name is None else self._unless_seen(f"vonage {name}")
        return None

    def _unless_seen(self, name: str) -> str:
        return "replay" if self._table.again(name) else ""

    def _urls(self, request: Request) -> Sequence[str]:
        """All that the address may have been when it was signed."""
        scheme, _, rest = self.address(request).partition("://")
        rest += request.target
        schemes = {"wss", "ws", "https", "http"} if "upgrade" in request.headers else {"https", scheme}
        host, slash, path = rest.partition("/")
        bare = _PORT.sub("", host)  # Twilio leaves ports out, or says those that go without saying, as its libraries do
        plain = [f"{name}{slash}{path}" for name in dict.fromkeys((host, *(bare + port for port in _PORTS)))]
        if "?" not in request.target and not rest.endswith("/"):
            plain += [f"{url}/" for url in tuple(plain)]
        return [f"{scheme}://{url}" for scheme in sorted(schemes) for url in plain]


def _tokens(request: Request) -> list[str]:
    """What was given as a token: in the Authorization header, a header of Telnyx's own, or the query."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    given = [request.query.get("token", ""), request.headers.get("x-telnyx-streaming-auth-token", "")]
    if scheme.lower() == "bearer":
        given.append(value.strip())
    elif scheme.lower() == "basic":
        given.append(_password(value.strip()))
    return [token for token in given if token]


def _password(basic: str) -> str:
    try:
        return b64decode(basic, validate=True).decode().partition(":")[2]
    except ValueError:  # of no base64, of what is not even ASCII, and of bytes that are no text
        return ""


def _same(given: str, token: str) -> bool:
    """Takes the same time for every wrong one."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
