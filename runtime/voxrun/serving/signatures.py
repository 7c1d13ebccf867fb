"""How providers sign what they ask for: Twilio, Plivo (version 3) and Vonage, by the secrets they share with us.

Where an address is signed, it is any of several: a proxy in front of us may have changed the one that there was.
"""

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

import msgspec

CLOCK_SECONDS = 300.0
"""How far a signed time may be from ours."""


def signed_by_twilio(secret: str, signature: str, urls: Iterable[str], form: Sequence[tuple[str, str]] = ()) -> bool:
    """X-Twilio-Signature: HMAC-SHA1 of the address and the form's sorted fields (twilio.com/docs/usage/security)."""
    fields = "".join(name + value for name, value in sorted(set(form)))
    return _any_is(
        signature,
        (b64encode(hmac.new(secret.encode(), (url + fields).encode(), hashlib.sha1).digest()).decode() for url in urls),
    )


def signed_by_plivo(secret: str, signatures: str, nonce: str, urls: Iterable[str]) -> str | None:
    """The good one in X-Plivo-Signature-V3 of a GET: HMAC-SHA256 of the address, its query sorted, and the nonce.

    None when there is none. It tells requests apart, which a nonce does not: a dot parts the two, and an address may
    have some, so that what is behind the last one may pass for a part of the nonce.

    Upgrades to WebSockets are signed like a GET (plivo.com/docs/voice-agents/audio-streaming, "Signature validation").
    Of the address Plivo says only that it is "the full URI": its own plivo-stream-sdk-node takes http: or https:, its
    plivo-stream-sdk-python http: and a `/websocket` at the end. There may be several signatures, with commas between,
    while the account has two secrets.
    """
    in_order = cache(_in_order)  # the query is that of all of them, and anybody can make it long
    parts = ((url + end).partition("?") for url in urls for end in ("", "/websocket"))
    signed = (f"{base}{in_order(query)}.{nonce}" for base, _, query in parts)  # anybody can make up a host, too
    made = [b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode() for text in signed]
    given = map(str.strip, signatures.split(",")[:4])
    return next((signature for signature in given if _any_is(signature, made)), None)


@dataclass(frozen=True, slots=True)
class _Claims:
    iat: float
    exp: float = float("inf")
    jti: str = ""


def signed_by_vonage(secret: str, token: str, now: float) -> str | None:
    """The id of a signed webhook's JWT (HS256) that is of the last minutes; None for any other.

    `now` in seconds since 1970. A token without an id of its own has what was signed: base64 can be spelt in many ways.
    """
    try:
        head, claims, signature = token.split(".")
        algorithm = msgspec.json.decode(_unpadded(head), type=dict[str, object]).get("alg")
        told = msgspec.json.decode(_unpadded(claims), type=_Claims)
        given = _unpadded(signature)
    except (ValueError, RecursionError):  # the second for JSON that goes too deep
        return None
    expected = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    is_ours = hmac.compare_digest(given, expected) and algorithm == "HS256"
    is_fresh = abs(now - told.iat) <= CLOCK_SECONDS and now <= told.exp
    return (told.jti or f"{head}.{claims}") if is_ours and is_fresh else None


def _any_is(signature: str, made: Iterable[str]) -> bool:
    """Whether it is one of them; takes the same time for every wrong one."""
    return any(hmac.compare_digest(signature.encode(), candidate.encode()) for candidate in made)


def _in_order(query: str) -> str:
    """A query as it is signed, with its question mark; nothing when it says nothing."""
    said = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True)))
    return said and f"?{said}"


def _unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
