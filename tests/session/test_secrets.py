"""Secrets: read by the scenario, and never in anything that leaves the session."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit import Play, Setting

from voxrun.events.message import Message
from voxrun.session.secrets import MIN_LENGTH, Secrets
from voxrun.session.trace import Trace

KEY = "sk_0123456789abcdef"
NASTY = "a\"b\\c\nd'é/+ %&"
"""One that JSON, repr and URLs all write in another way."""


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


def test_short_texts_are_left_alone() -> None:
    secrets = Secrets({"A": "x" * (MIN_LENGTH - 1), "EMPTY": ""}, {})
    assert secrets.scrub("xxx of all") == "xxx of all"
    assert secrets.get("EMPTY") == ""


def test_one_secret_inside_another_leaves_no_rest() -> None:
    secrets = Secrets({"short": "0123456", "long": KEY}, {})
    assert secrets.scrub(f"{KEY} 0123456") == "*** ***"


@pytest.mark.parametrize("secret", [KEY, NASTY])
@pytest.mark.parametrize(
    "write",
    [
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
