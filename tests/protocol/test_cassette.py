"""Reading cassettes: what is on them, and one clear message for what is none."""

import json

import pytest

from voxrun.errors import ConfigurationError
from voxrun.protocol.elevenlabs.cassette import Entry, read_cassette

HEAD = '{"cassette":1,"scenario":"scenario.py","audio":true}\n'
OPENED = '{"t":0.1,"connection":1,"opened":"ws://agent.test/"}\n'
SENT = '{"t":0.2,"connection":1,"sent":{"type":"user_message","text":"hi"}}\n'


def line(**fields: object) -> str:
    return json.dumps({"t": 1.0, "connection": 1, **fields}) + "\n"


def sent(audio: object) -> str:
    return line(sent={"user_audio_chunk": audio})


def test_the_entries_of_each_connection_are_kept_apart() -> None:
    again = OPENED.replace('"connection":1', '"connection":2')
    cassette = read_cassette([HEAD, OPENED, again, SENT], "call.cassette")
    first, second = cassette.connections
    assert first == (
        Entry(0.1, "opened", "ws://agent.test/"),
        Entry(0.2, "sent", {"type": "user_message", "text": "hi"}),
    )
    assert [entry.kind for entry in second] == ["opened"]


def test_a_message_knows_its_type_and_audio() -> None:
    chunk = Entry(0.0, "sent", {"user_audio_chunk": "AAAA"})
    speech = Entry(0.0, "received", {"type": "audio", "audio_event": {"audio_base_64": "BBBB", "event_id": 1}})
    assert (chunk.type, chunk.audio) == ("user_audio_chunk", "AAAA")
    assert (speech.type, speech.audio) == ("audio", "BBBB")
    assert Entry(0.0, "received", "no JSON").type == ""
    assert Entry(0.0, "received", {"type": "audio", "audio_event": None}).audio is None


@pytest.mark.parametrize("rest", ['{"t":0.3,"conn', ""])
def test_a_last_line_without_its_end_is_left_out(rest: str) -> None:
    cassette = read_cassette([HEAD, OPENED, SENT, *([rest] if rest else [])], "call.cassette")
    assert len(cassette.connections[0]) == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "call.cassette is empty: `voxrun SCENARIO --cassette call.cassette` records one"),
        ([HEAD], "call.cassette holds no conversation"),
        (["RIFF\x00\x00WAVE"], "call.cassette, line 1: is no cassette"),
        (['{"t":0.0,"kind":"session","format":1}\n'], "call.cassette, line 1: is no beginning of a cassette"),
        (["[]\n"], "call.cassette, line 1: is no beginning of a cassette"),
        (
            [HEAD.replace(":1,", ":2,")],
            "call.cassette, line 1: has the format 2; this voxrun knows 1: a newer one may read it",
        ),
        ([HEAD, OPENED, "{oops}\n", SENT], "call.cassette, line 3: is no JSON"),
        ([HEAD, OPENED, "[]\n"], "call.cassette, line 3: is no JSON object"),
        ([HEAD, OPENED, line(t="now", sent={})], 'call.cassette, line 3: has no time "t"'),
        ([HEAD, OPENED, line(t=float("nan"), sent={})], 'call.cassette, line 3: has a time "t" that can\'t be'),
        ([HEAD, OPENED, line(t=int("9" * 400), sent={})], 'call.cassette, line 3: has a time "t" that can\'t be'),
        ([HEAD, OPENED, "[" * 100_000 + "\n"], "call.cassette, line 3: goes too deep"),
        ([HEAD, OPENED, sent({"bytes": 640})], "line 3: has audio that is neither base64 nor"),
        ([HEAD, OPENED, sent({"bytes": 640, "peak": "loud"})], "line 3: has audio that is neither base64 nor"),
        ([HEAD, OPENED, sent({"bytes": 10**15, "peak": 1})], "line 3: has audio that is neither base64 nor"),
        ([HEAD, OPENED, sent(7)], "line 3: has audio that is neither base64 nor"),
        ([HEAD, OPENED, line(said={})], "call.cassette, line 3: says nothing: it has none of opened, refused, sent"),
        ([HEAD, SENT], "line 2: belongs to the connection 1, which was not opened above it"),
        ([HEAD, OPENED, line(connection=3, opened="x")], "line 3: belongs to the connection 3, which was not opened"),
        ([HEAD, OPENED, line(closed={"code": 1000})], 'line 3: "closed" lacks one of code, reason, by'),
        ([HEAD, line(refused="no")], 'line 2: "refused" lacks one of status, reason'),
    ],
)
def test_what_is_no_cassette_is_told_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_cassette(lines, "call.cassette")
    assert message in str(raised.value)
