"""What of a session is shown, and how: never a control character, whatever a peer says."""

import io
import json
from contextlib import redirect_stderr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrun.cli.view import JsonView, PlainView
from voxrun.trace.words import line_of, visible


def agents_event(name: str, data: dict[str, Any]) -> dict[str, Any]:
    payload = {"name": name, "client": "agent-1", "data": data}
    return {"t": 1.5, "kind": "event", "unit": "agent-1", "name": f"ElevenLabs.Agents.{name}", "payload": payload}


def spoken(text: str) -> dict[str, Any]:
    return agents_event("AgentResponse", {"agent_response_event": {"agent_response": text}})


CALL = {"callerid": "ada", "destination": "voxrun", "duration": 3, "reason": "Normal call clearing", "url": "a.wav"}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (spoken("Hello"), ("agent", "Hello")),
        (
            agents_event("UserTranscript", {"user_transcription_event": {"user_transcript": "Hi"}}),
            ("caller", "Hi"),
        ),
        (
            agents_event("ClientToolCall", {"client_tool_call": {"tool_name": "f", "parameters": {"day": "today"}}}),
            ("agent", "asks for f(day='today')"),
        ),
        (agents_event("ClientToolCall", {"client_tool_call": {"tool_name": "f"}}), ("agent", "asks for f()")),
        (agents_event("Ping", {}), None),
        ({"kind": "event", "name": "Application.CallAlerting", "payload": CALL}, ("call", "rings: ada calls voxrun")),
        ({"kind": "event", "name": "Call.Connected", "payload": {}}, ("call", "is answered")),
        ({"kind": "event", "name": "WebSocket.Open", "payload": {}}, ("socket", "is open")),
        ({"kind": "event", "name": "WebSocket.Error", "payload": {"error": "no host"}}, ("socket", "no host")),
        (
            {"kind": "event", "name": "WebSocket.Close", "payload": {"code": 1000, "reason": ""}},
            ("socket", "is closed: code 1000"),
        ),
        (
            {"kind": "event", "name": "Call.Disconnected", "payload": CALL},
            ("call", "ended after 3 s: Normal call clearing"),
        ),
        ({"kind": "event", "name": "Recorder.Stopped", "payload": CALL}, ("recorder", "wrote 3.0 s to a.wav")),
        ({"kind": "log", "message": "note"}, ("scenario", "note")),
        ({"kind": "warning", "message": "odd"}, ("warning", "odd")),
        ({"kind": "error", "message": "bad"}, ("error", "bad")),
        ({"kind": "end", "reason": "interrupted"}, ("session", "over: interrupted")),
        ({"kind": "local_agent", "url": "http://127.0.0.1:1"}, ("agent", "is the local one, at http://127.0.0.1:1")),
        (
            {"kind": "wire", "type": "sent", "text": '{"type":"client_tool_result","result":"nine"}'},
            ("scenario", "answers nine"),
        ),
        ({"kind": "wire", "type": "sent", "text": '{"type":"user_message"}'}, None),
        ({"kind": "wire", "type": "audio", "event_id": 1}, None),
        ({"kind": "route", "change": "add"}, None),
    ],
)
def test_each_record_has_its_line(record: dict[str, Any], line: tuple[str, str] | None) -> None:
    assert line_of(record) == line


@pytest.mark.parametrize("secret", ["agent", "user", "client", "tool", "event", "transcript", "response", "result"])
def test_a_secret_that_is_part_of_a_field_name_breaks_nothing(secret: str) -> None:
    events = [
        spoken("Hello"),
        agents_event("UserTranscript", {"user_transcription_event": {"user_transcript": "Hi"}}),
        agents_event("ClientToolCall", {"client_tool_call": {"tool_name": "f", "parameters": {}}}),
        agents_event("AgentResponseCorrection", {"agent_response_correction_event": {"corrected_agent_response": "H"}}),
    ]
    for event in events:
        event["payload"]["data"] = json.loads(json.dumps(event["payload"]["data"]).replace(secret, "***"))
        line = line_of(event)
        assert line is not None
        assert line[0] in ("agent", "caller")


def test_a_result_that_is_no_json_without_its_secrets_is_shown_whole() -> None:
    text = '{"type":"client_tool_result",***nine"}'
    assert line_of({"kind": "wire", "type": "sent", "text": text}) == ("scenario", f"answers {text}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\u001b[31mred"),
        ("\x1b]0;title\x07", r"\u001b]0;title\u0007"),
        ("\x9b2J", r"\u009b2J"),
        ("a\rb\bc\td\x7f", r"a\u000db\u0008c\u0009d\u007f"),
        ("\u202eevil", r"\u202eevil"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("Grüße, 你好, 👩\u200d🔬", "Grüße, 你好, 👩\u200d🔬"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_control_characters_are_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def show_plainly(*shown: dict[str, Any]) -> tuple[str, str]:
    out, errors = io.StringIO(), io.StringIO()
    view = PlainView(out)
    with redirect_stderr(errors):
        for record in shown:
            view.show(json.dumps(record))
    return out.getvalue(), errors.getvalue()


def test_plain_lines_have_time_who_and_what_and_errors_go_elsewhere() -> None:
    out, errors = show_plainly(spoken("Hello"), {"t": 61.25, "kind": "error", "message": "bad"})
    assert out == "   1.50  agent     Hello\n"
    assert errors == "  61.25  error     bad\n"


def test_a_peer_cannot_make_a_line_of_its_own() -> None:
    out, _ = show_plainly(spoken("Hello\n   9.99  session   over: terminated"))
    assert out.splitlines()[1] == " " * 19 + "   9.99  session   over: terminated"


@given(st.text())
def test_no_text_of_a_peers_moves_the_cursor(text: str) -> None:
    out, _ = show_plainly(spoken(text))
    lines = out.removesuffix("\n").split("\n")
    assert all(character >= " " and not "\x7f" <= character <= "\x9f" for line in lines for character in line)
    assert all(line.startswith(" " * 19) for line in lines[1:])


def test_a_message_of_a_peers_that_has_the_kind_error_is_no_error() -> None:
    out, errors = io.StringIO(), io.StringIO()
    line = json.dumps(agents_event("Unknown", {"type": "odd", "kind": "error"}), separators=(",", ":"))
    with redirect_stderr(errors):
        JsonView(out).show(line)
    assert (out.getvalue(), errors.getvalue()) == (f"{line}\n", "")


@given(st.text(st.characters(codec="utf-8")))
def test_json_lines_stay_json_and_say_the_same(text: str) -> None:
    out, errors = io.StringIO(), io.StringIO()
    record = {"t": 1.0, "kind": "error", "message": text}
    with redirect_stderr(errors):
        JsonView(out).show(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    line = out.getvalue()
    assert json.loads(line) == record
    assert not any("\x7f" <= character <= "\x9f" for character in line)
    assert errors.getvalue() == visible(text) + "\n"
