"""Secrets: read by the scenario, and never in anything that leaves the session."""

import base64
import gc
import html
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import Play, Setting

from voxrun.events.message import Message
from voxrun.session.secrets import MIN_LENGTH, Secrets, scrub_all
from voxrun.session.trace import Trace
from voxrun.testing import at, request, simulate

KEY = "sk_0123456789abcdef"
NASTY = "a\"b\\c\nd'é/+ %&"
"""One that JSON, repr and URLs all write in another way."""

QUOTED = "it's <my> key &more\U0001f600"


def test_what_was_given_comes_before_the_environment() -> None:
    secrets = Secrets({"A": "given"}, {"A": "from outside", "B": "environment"})
    assert [secrets.get(name) for name in "ABC"] == ["given", "environment", None]


def test_the_environment_is_protected_once_it_was_read() -> None:
    secrets = Secrets({}, {"KEY": KEY, "HOME": "/home/me"})
    assert secrets.scrub(f"{KEY} /home/me") == f"{KEY} /home/me"
    assert secrets.get("KEY") == KEY
    assert secrets.scrub(f"{KEY} /home/me") == "*** /home/me"


def test_given_and_protected_texts_are_replaced_without_being_read() -> None:
    secrets = Secrets({"A": "given one"}, {})
    secrets.protect("protected")
    assert secrets.scrub("given one, protected, and neither") == "***, ***, and neither"


def test_secrets_that_are_forgotten_meanwhile_hinder_nobody() -> None:
    class Forgotten:
        def __init__(self) -> None:
            self.me = self
            self.secrets = Secrets({}, {})

    others = [Secrets({"A": KEY}, {}) for _ in range(30)]
    threshold = gc.get_threshold()
    try:
        for later in range(1, 20):
            gc.disable()
            Forgotten()
            gc.set_threshold(gc.get_count()[0] + later)
            gc.enable()
            assert scrub_all(KEY) == "***"
    finally:
        gc.set_threshold(*threshold)
    assert others


def test_short_texts_are_left_alone() -> None:
    secrets = Secrets({"A": "x" * (MIN_LENGTH - 1), "EMPTY": ""}, {})
    assert secrets.scrub("xxx of all") == "xxx of all"
    assert secrets.get("EMPTY") == ""


def test_one_secret_inside_another_leaves_no_rest() -> None:
    secrets = Secrets({"short": "0123456", "long": KEY}, {})
    assert secrets.scrub(f"{KEY} 0123456") == "*** ***"


@pytest.mark.parametrize("secret", [KEY, NASTY, QUOTED])
@pytest.mark.parametrize(
    "write",
    [
        lambda value: json.dumps(json.dumps(json.dumps(value))),
        lambda value: re.sub(r"u[0-9a-f]{4}", lambda it: f"u{it[0][1:].upper()}", json.dumps(value)),
        lambda value: json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026").replace("'", "\\u0027"),
        lambda value: repr(value.encode()),
        lambda value: repr(f'"{value}"'),
        lambda value: repr(f"\"{value}\" and 'more'"),
        quote_plus,
        lambda value: urlencode({"key": value}),
        lambda value: quote(quote(value, safe="")),
        lambda value: quote(value, safe="!'()*"),
        lambda value: quote(value, safe="!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"),
        lambda value: re.sub("%..", lambda it: it[0].lower(), quote(value, safe="")),
        html.escape,
        lambda value: html.escape(value).replace("&#x27;", "&#39;"),
        lambda value: value.encode("ascii", "xmlcharrefreplace").decode(),
        shlex.quote,
        str,
        repr,
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps(json.dumps({"inner": value})),
        lambda value: json.dumps(value).replace("/", "\\/"),
        ascii,
        lambda value: repr({"key": value}),
        lambda value: json.dumps(repr(value)),
        quote,
        lambda value: quote(value, safe=""),
        lambda value: f"Bearer {value}",
    ],
)
def test_a_secret_is_found_however_it_is_written(secret: str, write: object) -> None:
    assert callable(write)
    text = write(secret)
    scrubbed = Secrets({"A": secret}, {}).scrub(text)
    assert "***" in scrubbed
    assert not any(piece in scrubbed for piece in (secret, secret[:4], secret[-4:]))


@pytest.mark.parametrize("secret", [KEY, NASTY, QUOTED])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "a", "me:", "user:"])
def test_most_of_one_in_base64_is_found(secret: str, encode: Callable[[bytes], bytes], before: str) -> None:
    text = encode(f"{before}{secret}:more".encode()).decode()
    scrubbed = Secrets({"A": secret}, {}).scrub(f"Basic {text}")
    assert scrubbed.startswith("Basic ")
    assert "***" in scrubbed
    assert len(scrubbed) < len(f"Basic {before}:more***") * 4 // 3 + 6


def test_what_looks_like_a_part_of_one_in_base64_is_left_alone() -> None:
    assert Secrets({"A": "secret"}, {}).scrub("c2VjcmV0") == "c2VjcmV0"  # too short: it may be any sound
    assert Secrets({"A": KEY}, {}).scrub("QUJDREVGR0hJSktMTU5P") == "QUJDREVGR0hJSktMTU5P"


def test_the_line_end_of_a_file_is_no_part_of_a_secret() -> None:
    secrets = Secrets({}, {"KEY": f"{KEY}\n"})
    assert secrets.get("KEY") == f"{KEY}\n"
    assert secrets.scrub(f"Bearer {KEY} is wrong") == "Bearer *** is wrong"


def test_each_line_of_a_key_is_found() -> None:
    secrets = Secrets({"PEM": "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nabc\n-----END KEY-----\n"}, {})
    assert secrets.scrub("line 2: MIIEvQIBADANBgkq") == "line 2: ***"
    assert secrets.scrub("abc") == "abc"
    prompt = Secrets({"PROMPT": f"Welcome to Riverside Dental.\n{'-' * 30}\nSay your name, please."}, {})
    for line in ("Welcome to Riverside Dental.", "-" * 30):
        assert prompt.scrub(line) == line


def test_a_key_in_a_host_name_has_lost_its_capitals() -> None:
    assert Secrets({"A": "Ab-0123456789-Cd"}, {}).scrub("ab-0123456789-cd.example:443") == "***.example:443"
    assert Secrets({"A": "Wednesday"}, {}).scrub("wednesday") == "wednesday"


@pytest.mark.parametrize(
    "text",
    ["it's my key", "it&#x27;s <your> key", "%27 &lt;my", "&apos;", r"\\\\u0027", "+ + +", "a &more", "\\" * 99],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Secrets({"A": QUOTED, "B": NASTY}, {}).scrub(text) == text


@pytest.mark.timeout(20)
def test_many_backslashes_take_no_time() -> None:
    secrets = Secrets({"A": "\\" * 40 + "'\n" * 20 + "é", "B": "'" * 40}, {})
    text = "\\" * 20_000 + "'\\n\\'" * 5_000
    assert secrets.scrub(text)


@pytest.mark.timeout(20)
def test_many_secrets_of_signs_alone_take_no_time() -> None:
    secrets = Secrets({str(number): f"ключ{chr(0x4E00 + number)}" for number in range(200)}, {})
    for _ in range(2000):
        assert secrets.scrub("a line of a log") == "a line of a log"


@pytest.mark.timeout(20)
def test_a_whole_file_takes_no_time_and_is_found() -> None:
    file = 'Say "hello" to them.\n' * 10_000
    secrets = Secrets({"A": file.strip(), "B": file}, {})
    for text in (file, file.strip(), json.dumps(file), repr(file), quote(file, safe="")):
        assert len(secrets.scrub(text)) <= len('"***"')


def test_a_value_that_is_no_text_at_all_can_be_read() -> None:
    undecodable = b"caf\xe9 key".decode(errors="surrogateescape")  # how Python reads such an environment variable
    secrets = Secrets({}, {"A": undecodable})
    assert secrets.get("A") == undecodable
    assert secrets.scrub(f"<{undecodable}>") == "<***>"


@given(st.text(min_size=MIN_LENGTH), st.text(), st.text())
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    secrets = Secrets({"A": secret}, {})
    scrubbed = secrets.scrub(before + secret + after)
    assert "***" in scrubbed
    assert len(scrubbed.replace("***", "")) <= len(before + after)


def trace_with(secrets: Secrets, **fields: object) -> str:
    trace = Trace(lambda: 12.1234, secrets)
    trace.record("event", **fields)
    [line] = trace.lines()
    assert json.loads(line)["t"] == 12.1234
    return line


@pytest.mark.parametrize("secret", [KEY, "pass word", "äöüß"])
def test_nested_payloads_hold_no_secret(secret: str) -> None:
    payload = Message({"a": [{"b": {"c": f"<{secret}>"}}, secret], secret: 1, "text": json.dumps({"key": secret})})
    line = trace_with(Secrets({"A": secret}, {}), payload=payload)
    assert secret not in line
    assert json.loads(line)["payload"] == {"a": [{"b": {"c": "<***>"}}, "***"], "***": 1, "text": '{"key": "***"}'}


@pytest.mark.parametrize("secret", ["1234", "12.1234", "true", "kind", "event", '"},{"', "null"])
def test_a_secret_that_looks_like_json_leaves_the_line_json(secret: str) -> None:
    line = trace_with(Secrets({"A": secret}, {}), number=91234, truth=True, nothing=None, text=f"it is {secret}")
    record = json.loads(line)
    assert record["kind"] == "event"
    assert record["text"] == "it is ***"
    assert record["number"] == 91234


def test_a_number_that_is_a_secret_is_found_in_payloads_and_nowhere_else() -> None:
    payload = Message({"pin": 4711, "deeper": {"pins": [4711, 47110]}, "price": 47.11, "truth": True})
    line = trace_with(Secrets({"A": "4711", "B": "47.11", "C": "True"}, {}), payload=payload, number=4711)
    record = json.loads(line)
    assert record["number"] == 4711
    assert record["payload"] == {"pin": "***", "deeper": {"pins": ["***", 47110]}, "price": "***", "truth": True}


def test_kept_records_hide_what_was_protected_after_them() -> None:
    secrets = Secrets({}, {"KEY": KEY})
    trace = Trace(lambda: 0.0, secrets)
    trace.record("log", message=KEY)
    secrets.get("KEY")
    assert KEY not in trace.lines()[0]


@pytest.mark.parametrize("secret", [KEY, NASTY])
def test_no_line_of_a_session_holds_a_secret(play: Play, secret: str) -> None:
    ran = play(
        """
        import json
        key = VoxEngine.getSecretValue("KEY")
        Logger.write(key)
        Logger.write({"key": [key]})
        Logger.write(json.dumps({"headers": {"xi-api-key": key}}))
        VoxEngine.addEventListener(key, print)
        @VoxEngine.on(AppEvents.Started)
        def go(event):
            raise ValueError(f"bad key {key!r}: {key}")
        VoxEngine.addEventListener(AppEvents.Terminating, lambda e: Logger.write(e.systemError))
        """,
        Setting(secrets={"KEY": secret}),
    )
    everything = json.dumps(ran.records, ensure_ascii=False)
    assert ran.logged[0] == "***"
    assert "bad key '***': ***" in everything
    for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], json.dumps(repr(secret)[1:-1])[1:-1]):
        assert form not in everything


@pytest.mark.parametrize(
    "wrong",
    [
        'Net.httpRequest("http://a/", print, headers={"Authorization": "Bearer hidden"}, nosuch=1)',
        'await Net.httpRequestAsync("http://a/", {"headers": ["X-Api-Key: hidden"], "nosuch": 1})',
        'VoxEngine.createURLPlayer({"url": "a", "headers": [{"name": "Cookie", "value": "hidden"}], "nosuch": 1})',
        'VoxEngine.createWebSocket("ws://a/", headers=[{"name": "X-Token", "value": "hidden"}], nosuch=1)',
        'ElevenLabs.createRealtimeTTSPlayer("a", headers=[{"name": "xi-api-key", "value": "hidden"}], nosuch=1)',
        'VoxEngine.createWebSocket("ws://a/?token=hidden", nosuch=1)',
        'Net.httpRequest("http://a/?who=me&api_key=hidden#top", print, nosuch=1)',
        'await Net.httpRequestAsync("http://a/", {"params": {"accessToken": "hidden"}, "nosuch": 1})',
        'VoxEngine.createURLPlayer("http://a/b.wav?X-Amz-Signature=hidden", nosuch=1)',
        'VoxEngine.createURLPlayer({"url": "http://a/b.wav?token=hidden%20part", "nosuch": 1})',
        'Net.httpRequest("https://me:hidden@a/", print, nosuch=1)',
        'Net.httpRequest("https://hidden@a/b", print, nosuch=1)',
        'await Net.httpRequestAsync("https://me:hidden/part@a/", nosuch=1)',
        'VoxEngine.createWebSocket("wss://me:hidden@a/", nosuch=1)',
        'VoxEngine.createURLPlayer("https://me:hidden@a/b.wav", nosuch=1)',
        'VoxEngine.createSequencePlayer(segments=[{"url": "https://me:hidden@a/b.wav"}], nosuch=1)',
        'Net.httpRequest("https://a/b?sv=1&sig=hidden", print, nosuch=1)',
        'Net.httpRequest("https://a/b?user=me&pwd=hidden", print, nosuch=1)',
        'Net.httpRequest("https://a/b#access_token=hidden", print, nosuch=1)',
        'Net.httpRequest("https://a/b?auth[token]=hidden", print, nosuch=1)',
        'VoxEngine.createWebSocket("wss://a/?authorization=hidden", nosuch=1)',
        'VoxEngine.createWebSocket("wss://a/?jwt=hidden", nosuch=1)',
        'Net.httpRequest("http://a/", print, headers={"X-Auth": "hidden"}, nosuch=1)',
        'Net.httpRequest("http://a/", print, headers={"X-Hub-Signature": "hidden"}, nosuch=1)',
        'Net.httpRequest("http://a/", print, headers={"Cookie": "sid=hidden-9876; theme=dark"}, nosuch=1)',
        'Net.httpRequest("http://a/", print, headers={"Authorization": b"hidden"}, nosuch=1)',
        'await Net.httpRequestAsync("http://a/", params={"token": ["hidden"]}, nosuch=1)',
        'ElevenLabs.createRealtimeTTSPlayer("a", queryParameters={"single_use_token": "hidden"}, nosuch=1)',
        'ElevenLabs.createRealtimeTTSPlayer("a", initializeConnectionParameters={"xi_api_key": "hidden"}, nosuch=1)',
        'await ElevenLabs.createAgentsClient(xiApiKey=b"hidden", nosuch=1)',
        'await ElevenLabs.createAgentsClient(xiApiKey="key", baseUrl="wss://a/?token=hidden", nosuch=1)',
        'VoxEngine.createRtpUnit(local="127.0.0.1:0", crypto="AES_CM_128_HMAC_SHA1_80 hidden", nosuch=1)',
        'VoxEngine.createRtpUnit(local="127.0.0.1:0", crypto="AES_CM_128_HMAC_SHA1_80 INLINE:hidden", nosuch=1)',
    ],
)
def test_the_line_of_a_mistake_shows_no_header_that_lets_in(play: Play, wrong: str) -> None:
    ran = play(f"@VoxEngine.on(AppEvents.Started)\nasync def go(event):\n    {wrong}\n", Setting())
    shown = json.dumps(ran.records)
    assert "has no parameter 'nosuch'" in shown
    assert "***" in shown
    assert "hidden" not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        'await Net.httpRequestAsync("http://a/", params=[("api_key", KEY)])',
        'await Net.httpRequestAsync("http://a/", params=f"who=me&api_key={KEY}")',
        'await Net.httpRequestAsync("http://a/", method="POST", postData={"password": KEY})',
        'await Net.httpRequestAsync("http://a/", [f"Authorization: Bearer {KEY}"])',
        'VoxEngine.createWebSocket("ws://a/", [{"name": "Authorization", "value": f"Bearer {KEY}"}])',
        'VoxEngine.createURLPlayer("http://a/b.wav", [{"name": "X-Token", "value": KEY}])',
        'VoxEngine.createSequencePlayer(segments=[f"http://a/b.wav?token={KEY}"])',
        'ElevenLabs.createRealtimeTTSPlayer("a", [{"name": "xi-api-key", "value": KEY}])',
        "await ElevenLabs.createAgentsClient(KEY)",
    ],
)
def test_what_was_given_in_the_wrong_place_is_shown_without_what_lets_in(play: Play, wrong: str) -> None:
    ran = play(f"KEY = 'hid' + 'den'\n@VoxEngine.on(AppEvents.Started)\nasync def go(event):\n    {wrong}\n", Setting())
    shown = json.dumps(ran.records)
    assert "but was given" in shown
    assert "***" in shown
    assert "hidden" not in shown


def test_a_query_that_lets_nobody_in_is_shown(play: Play) -> None:
    ran = play('Net.httpRequest("http://a/?keyword=opening&phone=12345", print, nosuch=1)\n', Setting())
    assert "?keyword=opening&phone=12345" in str(ran.outcome.error)


@pytest.mark.parametrize("name", ["apiKey", "xi_api_key"])
def test_a_key_under_another_name_is_not_shown(play: Play, name: str) -> None:
    ran = play(f"""
        @VoxEngine.on(AppEvents.Started)
        async def go(event):
            await ElevenLabs.createAgentsClient({name}="hidden", agentId="a")
        """)
    assert f"has no parameter '{name}'; did you mean 'xiApiKey'?" in str(ran.outcome.error)
    assert f'{name}="***"' in str(ran.records)
    assert "hidden" not in str(ran.records)


@pytest.mark.parametrize(
    "line",
    [
        'Net.httpRequest("http://crm.test:8080/@mary?passage=long&bypass=true#design", print, nosuch=1)',
        'VoxEngine.createURLPlayer("http://crm.test/keynote.mp3?voice=mary", nosuch=1)',
        'Net.httpRequest("http://[2001:db8::7]:8080/@mary", print, nosuch=1)',
        'Net.httpRequest("http://a/", print, headers={"X-Author": "mary", "Accept": "mary"}, nosuch=1)',
        'VoxEngine.createRtpUnit(local="127.0.0.1:0", crypto="AES_CM_128_HMAC_SHA1_80", nosuch=1)',
    ],
)
def test_what_lets_nobody_in_is_shown(play: Play, line: str) -> None:
    assert line in str(play(f"{line}\n").outcome.error)
    assert "***" not in str(play(f"{line}\n").records)


STEERED = """
from voxrun import *
seen = []
VoxEngine.addEventListener(AppEvents.Started, lambda event: seen.append(event.accessURL))
@VoxEngine.on(AppEvents.HttpRequest)
def hear(event):
    seen.append({header.key: header.value for header in event.headers})
    VoxEngine.terminate()
    return [event.path, *seen]
"""


def test_a_control_url_is_told_without_its_key_and_a_request_without_what_lets_in(tmp_path: Path) -> None:
    path = tmp_path / "steered.py"
    path.write_text(STEERED)
    headers = {"Cookie": "theme=dark; session=0123456789", "X-Hub-Signature": "abcdef0123", "X-From": "mary"}
    call = simulate(path, caller=None, control=[at(1.0, request("x", headers=headers))]).expectOk()
    path_asked, url, heard = json.loads(call.replies[0].content)
    assert url.endswith(path_asked)  # the scenario is told all of it
    assert heard["cookie"] == headers["Cookie"]
    started = call.events.first("Application.Started").payload
    assert started["accessURL"] == started["accessSecureURL"] == f"{url.rpartition('/')[0]}/***"
    told = call.events.first("Application.HttpRequest").payload
    assert told["path"] == f"{path_asked.rpartition('/')[0]}/***"
    assert {it["key"]: it["value"] for it in told["headers"]} == {
        "cookie": "***",
        "x-hub-signature": "***",
        "x-from": "mary",
    }
