"""Who is let in, by what they show."""

import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.serving.common_table import CommonTable
from voxrun.serving.doors import Doors, Keys
from voxrun.serving.signatures import signed_by_plivo, signed_by_twilio, signed_by_vonage
from voxrun.serving.tickets import TICKET_SECONDS, Tickets
from voxrun.transports.server import Request

NOW = 1_800_000_000.0
TOKEN = "the-token-of-the-test"
SECRET = "12345"
DEEP = urlsafe_b64encode(b'{"alg":' + b"[" * 20_000).decode().rstrip("=")


def asked(target: str = "/media/twilio", headers: dict[str, str] | None = None, body: bytes = b"") -> Request:
    parts = urlsplit(target)
    head = {"host": "calls.example.com", **(headers or {})}
    return Request("POST" if body else "GET", parts.path, dict(parse_qsl(parts.query)), head, target, body)


def upgrade(**headers: str) -> dict[str, str]:
    return {"upgrade": "websocket", **{name.replace("_", "-"): value for name, value in headers.items()}}


def doors(keys: Keys, public_url: str = "") -> Doors:
    return Doors(keys, lambda: NOW, CommonTable(), public_url)


def twilio_signature(url: str, form: dict[str, str] | None = None, secret: str = SECRET) -> str:
    text = url + "".join(f"{name}{value}" for name, value in sorted((form or {}).items()))
    return b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def test_without_keys_everybody_may_come_in_but_no_web_page() -> None:
    assert doors(Keys()).refusal(asked(), "twilio") == ""
    assert doors(Keys()).refusal(asked(headers={"origin": "https://evil.example"}), "twilio") == "origin"
    assert doors(Keys()).refusal(asked(headers={"x-forwarded-for": "192.0.2.1"}), "twilio") == "no token"
    assert doors(Keys()).ticket() == ""


@pytest.mark.parametrize(
    "request_",
    [
        asked(f"/media/l16?token={TOKEN}"),
        asked(headers={"authorization": f"Bearer {TOKEN}"}),
        asked(headers={"authorization": f"bearer  {TOKEN} "}),
        asked(headers={"authorization": "Basic " + b64encode(f"anybody:{TOKEN}".encode()).decode()}),
        asked(headers={"x-telnyx-streaming-auth-token": TOKEN}),
        asked(f"/media/l16?token={TOKEN}", {"authorization": "Bearer eyJ.of.vonage", "origin": "https://own.example"}),
    ],
)
def test_the_token_opens_wherever_it_is_shown(request_: Request) -> None:
    assert doors(Keys(token=TOKEN)).refusal(request_, "l16") == ""


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (asked(), "no token"),
        (asked("/media/l16?token="), "no token"),
        (asked("/media/l16?token=wrong"), "token"),
        (asked(f"/media/l16?token={TOKEN}x"), "token"),
        (asked(f"/media/l16?token={TOKEN[:-1]}"), "token"),
        (asked("/media/l16?token=%F0%9F%98%80"), "token"),
        (asked(headers={"authorization": "Basic !!!"}), "no token"),
        (asked(headers={"authorization": "Basic \xff"}), "no token"),
        (asked(headers={"authorization": "Basic /w=="}), "no token"),
        (asked(headers={"authorization": f"Digest {TOKEN}"}), "no token"),
        (asked("/media/twilio/~nonsense"), "ticket"),
        (asked("/media/twilio/~"), "ticket"),
        (asked(headers={"x-twilio-signature": "something"}), "no token"),
    ],
)
def test_what_is_not_the_token_does_not(request_: Request, why: str) -> None:
    assert doors(Keys(token=TOKEN)).refusal(request_, "twilio") == why


def test_no_empty_key_ever_opens() -> None:
    keys = Keys(twilio=SECRET)
    assert doors(keys).refusal(asked("/media/plivo?token="), "plivo") == "no token"
    assert doors(keys).refusal(asked(headers={"authorization": "Bearer "}), "twilio") == "no token"
    signature = plivo("http://calls.example.com/media/twilio", "", secret="")
    assert doors(keys).refusal(asked(headers={"x-plivo-signature-v3": signature}), "plivo") == "no token"
    signed = asked("/media/l16", {"authorization": f"Bearer {vonage({'iat': NOW}, secret='')}"})
    assert doors(keys).refusal(signed, "l16") == "token"
    signed = asked(headers={"x-twilio-signature": twilio_signature("http://calls.example.com/media/twilio", secret="")})
    assert doors(Keys(token=TOKEN)).refusal(signed, "twilio") == "no token"


def test_twilios_signature_is_as_its_documentation_has_it() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+12349013030",
        "Digits": "1234",
        "From": "+12349013030",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signed_by_twilio(SECRET, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", [url], list(form.items()))


@pytest.mark.parametrize(
    "signed_url",
    [
        "wss://calls.example.com/media/twilio",
        "https://calls.example.com/media/twilio",
        "wss://calls.example.com/media/twilio/",
    ],
)
def test_a_stream_signed_by_twilio_comes_in(signed_url: str) -> None:
    request = asked(headers=upgrade(x_twilio_signature=twilio_signature(signed_url)))
    assert doors(Keys(twilio=SECRET)).refusal(request, "twilio") == ""
    assert doors(Keys(twilio=SECRET)).refusal(request, "telnyx") == "no token"
    assert doors(Keys(twilio="other")).refusal(request, "twilio") == "signature"


@pytest.mark.parametrize(
    ("host", "signed_host"),
    [
        ("calls.example.com:8443", "calls.example.com:8443"),
        ("calls.example.com:8443", "calls.example.com"),
        ("calls.example.com", "calls.example.com:443"),
        ("calls.example.com", "calls.example.com:80"),
        ("[2001:db8::1]:8443", "[2001:db8::1]"),
    ],
)
def test_the_port_may_be_signed_or_left_out(host: str, signed_host: str) -> None:
    signature = twilio_signature(f"https://{signed_host}/twiml")
    headers = {"host": host, "x-forwarded-proto": "https", "x-twilio-signature": signature}
    assert doors(Keys(twilio=SECRET)).refusal(asked("/twiml", headers), "twilio") == ""
    elsewhere = headers | {"host": "calls.example.org"}
    assert doors(Keys(twilio=SECRET)).refusal(asked("/twiml", elsewhere), "twilio") == "signature"


def test_behind_a_proxy_it_is_the_public_address_that_was_signed() -> None:
    signature = twilio_signature("wss://public.example.com/voice/media/twilio")
    request = asked(headers=upgrade(host="10.0.0.1:8080", x_twilio_signature=signature))
    assert doors(Keys(twilio=SECRET)).refusal(request, "twilio") == "signature"
    assert doors(Keys(twilio=SECRET), "https://public.example.com/voice/").refusal(request, "twilio") == ""
    forwarded = {"x-forwarded-host": "public.example.com", "x-forwarded-proto": "https"}
    signature = twilio_signature("wss://public.example.com/media/twilio")
    request = asked(headers=upgrade(x_twilio_signature=signature) | forwarded)
    assert doors(Keys(twilio=SECRET)).refusal(request, "twilio") == ""


def test_a_form_is_part_of_what_twilio_signs() -> None:
    form = {"CallSid": "CA1", "From": "+49", "FromCity": "", "To": "+1"}
    signature = twilio_signature("https://calls.example.com/twiml?a=b", form)
    headers = {"x-twilio-signature": signature, "x-forwarded-proto": "https"}
    good = asked("/twiml?a=b", headers, urlencode(form).encode())
    changed = asked("/twiml?a=b", headers, urlencode({**form, "From": "+7"}).encode())
    assert doors(Keys(twilio=SECRET)).refusal(good, "twilio") == ""
    assert doors(Keys(twilio=SECRET)).refusal(changed, "twilio") == "signature"


def plivo(url: str, nonce: str, secret: str = SECRET) -> str:
    return b64encode(hmac.digest(secret.encode(), f"{url}.{nonce}".encode(), "sha256")).decode()


def test_a_stream_signed_by_plivo_comes_in_once() -> None:
    place = doors(Keys(plivo=SECRET))
    signature = plivo("wss://calls.example.com/media/plivo?a=1&b=2&c=", "n-1")
    headers = upgrade(x_plivo_signature_v3=f"other,{signature}", x_plivo_signature_v3_nonce="n-1")
    request = asked("/media/plivo?b=2&c=&a=1", headers)
    assert place.refusal(request, "plivo") == ""
    assert place.refusal(request, "plivo") == "replay"
    headers["x-plivo-signature-v3-nonce"] = "n-2"
    assert place.refusal(asked("/media/plivo?b=2&c=&a=1", headers), "plivo") == "signature"


def test_what_plivo_has_signed_is_no_other_request_with_another_nonce() -> None:
    place = doors(Keys(plivo=SECRET))
    signed = upgrade(x_plivo_signature_v3=plivo("wss://calls.example.com/media/plivo?name=a.b", "1"))
    request = asked("/media/plivo?name=a.b", signed | {"x-plivo-signature-v3-nonce": "1"})
    again = asked("/media/plivo?name=a", signed | {"x-plivo-signature-v3-nonce": "b.1"})
    assert [place.refusal(request, "plivo"), place.refusal(again, "plivo")] == ["", "replay"]


@pytest.mark.parametrize(
    "signed_url",
    [
        "wss://calls.example.com/media/plivo",
        "https://calls.example.com/media/plivo",
        "http://calls.example.com/media/plivo",
        "http://calls.example.com/media/plivo/websocket",
    ],
)
def test_whatever_plivo_takes_for_the_full_address(signed_url: str) -> None:
    headers = upgrade(x_plivo_signature_v3=plivo(signed_url, "n-1"), x_plivo_signature_v3_nonce="n-1")
    request = asked("/media/plivo", headers | {"x-forwarded-proto": "https"})
    assert doors(Keys(plivo=SECRET)).refusal(request, "plivo") == ""
    assert doors(Keys(plivo="other")).refusal(request, "plivo") == "signature"


def test_plivo_without_a_query() -> None:
    assert signed_by_plivo(SECRET, plivo("https://x.example/a", "n"), "n", ["https://x.example/a"])
    assert not signed_by_plivo(SECRET, plivo("https://x.example/a", "n", "other"), "n", ["https://x.example/a"])


@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
@pytest.mark.parametrize("host", ["[::1", "[x]", "x]", "\xff", ""])
@pytest.mark.parametrize("provider", ["plivo", "twilio"])
def test_a_host_that_is_none_is_only_a_wrong_signature(provider: str, host: str, header: str) -> None:
    headers = upgrade(x_plivo_signature_v3="x", x_twilio_signature="x") | {header: host}
    place = doors(Keys(plivo=SECRET, twilio=SECRET))
    assert place.refusal(asked(f"/media/{provider}?a=1", headers), provider) == "signature"


def test_a_long_query_costs_no_more_for_the_many_addresses_that_may_be_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_ones: list[str] = []

    def counting(query: str, *, keep_blank_values: bool) -> list[tuple[str, str]]:
        sorted_ones.append(query)
        return parse_qsl(query, keep_blank_values=keep_blank_values)

    monkeypatch.setattr("voxrun.serving.signatures.parse_qsl", counting)
    request = asked("/media/plivo?b=1&a=2", upgrade(x_plivo_signature_v3="x"))
    assert doors(Keys(plivo=SECRET)).refusal(request, "plivo") == "signature"
    assert sorted(sorted_ones) == ["b=1&a=2", "b=1&a=2/websocket"]


def vonage(claims: dict[str, object], secret: str = SECRET, algorithm: str = "HS256") -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": algorithm}, claims)]
    signature = hmac.digest(secret.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, urlsafe_b64encode(signature).decode().rstrip("=")])


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (vonage({"iat": NOW, "jti": "1"}), ""),
        (vonage({"iat": NOW - 299, "exp": NOW + 1}), ""),
        (vonage({"iat": NOW - 301, "jti": "1"}), "signature"),
        (vonage({"iat": NOW + 301, "jti": "1"}), "signature"),
        (vonage({"iat": NOW - 100, "exp": NOW - 1}), "signature"),
        (vonage({"jti": "1"}), "signature"),
        (vonage({"iat": NOW}, secret="other"), "signature"),
        (vonage({"iat": NOW}, algorithm="none"), "signature"),
        ("a.b.c", "signature"),
        ("..", "signature"),
        (f"{DEEP}.{DEEP}.", "signature"),
    ],
)
def test_vonages_token_must_be_signed_and_fresh(token: str, why: str) -> None:
    place = doors(Keys(vonage=SECRET))
    request = asked("/media/l16", {"authorization": f"Bearer {token}"})
    assert place.refusal(request, "l16") == why
    assert place.refusal(request, "l16") == (why or "replay")


def test_vonages_tokens_without_an_id_are_told_apart() -> None:
    place = doors(Keys(vonage=SECRET))
    for seconds in (0, 1):
        request = asked("/media/l16", {"authorization": f"Bearer {vonage({'iat': NOW - seconds})}"})
        assert [place.refusal(request, "l16"), place.refusal(request, "l16")] == ["", "replay"]


def test_a_signature_of_vonages_in_another_spelling_is_the_same_one() -> None:
    place = doors(Keys(vonage=SECRET))
    token = vonage({"iat": NOW})
    spellings = (token, f"{token}=", f"{token}=!!", f"{token[:-1]}{chr(ord(token[-1]) + 1)}")
    requests = [asked("/media/l16", {"authorization": f"Bearer {spelling}"}) for spelling in spellings]
    assert [place.refusal(request, "l16") for request in requests] == ["", "replay", "replay", "replay"]


FIELDS = st.lists(st.tuples(st.sampled_from(["a", "b.c", "e"]), st.text("1.+/\u00e4 ", max_size=4)), max_size=3)


@given(FIELDS, st.integers(-43, -1), st.sampled_from("=!.~ AZaz09-_+/"))
def test_nothing_signed_comes_in_twice_however_it_is_written(
    fields: list[tuple[str, str]], place_of_change: int, change: str
) -> None:
    """A dot of an address may be the one that the nonce comes after, and base64 has room for what says nothing."""
    place = doors(Keys(plivo=SECRET, vonage=SECRET))
    query = "&".join(f"{name}={value}" for name, value in sorted(fields))
    signed, host = f"/media/plivo{query and f'?{query}'}.7", "wss://calls.example.com"
    signature = plivo(f"{host}{signed.removesuffix('.7')}", "7")
    cuts = [index for index, character in enumerate(signed) if character == "."]
    for cut in reversed(cuts):
        headers = upgrade(x_plivo_signature_v3=signature, x_plivo_signature_v3_nonce=signed[cut + 1 :])
        refusal = place.refusal(asked(quote(signed[:cut], "/?&="), headers), "plivo")
        assert (refusal == "") == (cut == cuts[-1])
    token = vonage({"iat": NOW})
    inserted = f"{token[:place_of_change]}{change}{token[place_of_change:]}"
    replaced = f"{token[:place_of_change]}{change}{token[place_of_change:][1:]}"
    tokens = (token, inserted, replaced, f"{inserted}=", f"{inserted}===")
    refusals = [place.refusal(asked("/", {"authorization": f"Bearer {token}"}), "l16") for token in tokens]
    assert [not refusal for refusal in refusals] == [True, False, False, False, False]


@given(st.text(max_size=80))
def test_junk_for_a_token_of_vonages(junk: str) -> None:
    assert signed_by_vonage(SECRET, junk, NOW) is None


@given(st.text(max_size=80))
def test_junk_for_a_ticket(junk: str) -> None:
    assert Tickets("key", lambda: NOW, CommonTable()).refusal(junk) == "ticket"


def test_a_ticket_lets_one_connection_in_for_a_minute() -> None:
    now = [NOW]
    table = CommonTable()
    tickets = Tickets("key", lambda: now[0], table)
    first, second = tickets.issue(), tickets.issue()
    assert first != second
    assert tickets.refusal(first) == ""
    assert tickets.refusal(first) == "replay"
    assert Tickets("key", lambda: now[0], table).refusal(second) == ""  # of another worker
    assert tickets.refusal(second) == "replay"
    assert Tickets("other", lambda: now[0], table).refusal(second) == "ticket"
    now[0] += TICKET_SECONDS + 1
    assert tickets.refusal(second) == "ticket"
    assert tickets.refusal(first) == "ticket"


def test_a_later_end_can_not_be_written_into_a_ticket() -> None:
    tickets = Tickets("key", lambda: NOW, CommonTable())
    until, nonce, signature = tickets.issue().split("-")
    assert tickets.refusal(f"{int(until, 16) + 100:x}-{nonce}-{signature}") == "ticket"


def test_a_ticket_opens_in_place_of_the_token() -> None:
    place = doors(Keys(token=TOKEN))
    request = asked(f"/media/twilio/sales{place.ticket()}")
    assert place.refusal(request, "twilio") == ""
    assert place.refusal(request, "twilio") == "replay"


def test_where_a_provider_finds_us() -> None:
    assert doors(Keys()).address(asked()) == "http://calls.example.com"
    proxied = asked(headers={"x-forwarded-proto": "https, http", "x-forwarded-host": "a.example, b.example"})
    assert doors(Keys()).address(proxied) == "https://a.example"
    assert doors(Keys(), "https://c.example/x/").address(proxied) == "https://c.example/x"
