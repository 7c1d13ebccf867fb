"""What the terminal shows of a session: the conversation as it happens, line by line, from the trace's records."""

import json
import sys
from collections.abc import Callable
from typing import Any, TextIO

Record = dict[str, Any]
Line = tuple[str, str]
"""Who, and what."""


def _text(field: str, inner: str) -> Callable[[Record], str]:
    return lambda payload: str(payload["data"][field][inner])


def _tool_call(payload: Record) -> str:
    call = payload["data"]["client_tool_call"]
    arguments = ", ".join(f"{name}={value!r}" for name, value in call["parameters"].items())
    return f"asks for {call['tool_name']}({arguments})"


_EVENTS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "Application.CallAlerting": ("call", lambda p: f"rings: {p['callerid']} calls {p['destination']}"),
    "Call.Connected": ("call", lambda p: "is answered"),
    "Call.Disconnected": ("call", lambda p: f"ended after {p['duration']} s: {p['reason']}"),
    "ElevenLabs.Agents.ConnectorInformation": ("agent", lambda p: f"connected to {p['data']['url']}"),
    "ElevenLabs.Agents.UserTranscript": ("caller", _text("user_transcription_event", "user_transcript")),
    "ElevenLabs.Agents.AgentResponse": ("agent", _text("agent_response_event", "agent_response")),
    "ElevenLabs.Agents.Interruption": ("caller", lambda p: "speaks over the agent"),
    "ElevenLabs.Agents.AgentResponseCorrection": (
        "agent",
        lambda p: f"only said: {p['data']['agent_response_correction_event']['corrected_agent_response']}",
    ),
    "ElevenLabs.Agents.ClientToolCall": ("agent", _tool_call),
    "Player.Started": ("player", lambda p: f"plays {p['duration']:.1f} s"),
    "Player.PlaybackFinished": ("player", lambda p: "has finished"),
    "Recorder.Started": ("recorder", lambda p: f"writes {p['url']}"),
    "Recorder.Stopped": ("recorder", lambda p: f"wrote {p['duration']:.1f} s to {p['url']}"),
}


def line_of(record: Record) -> Line | None:
    """Who and what to show for a record; None for what only the trace keeps."""
    kind = record["kind"]
    if kind == "event" and record["name"] in _EVENTS:
        who, describe = _EVENTS[record["name"]]
        return who, describe(record["payload"])
    if kind == "wire" and record["type"] == "sent":
        message = json.loads(record["text"])
        return ("scenario", f"answers {message['result']}") if message.get("type") == "client_tool_result" else None
    shown = {"log": ("scenario", "message"), "warning": ("warning", "message"), "error": ("error", "message")}
    if kind in shown:
        who, field = shown[kind]
        return who, record[field]
    if kind == "end":
        return "session", f"over: {record['reason']}"
    return None


class PlainView:
    """One line of text for each thing worth knowing; errors go to `errors`."""

    def __init__(self, out: TextIO = sys.stdout, errors: TextIO = sys.stderr) -> None:
        self._out = out
        self._errors = errors

    def show(self, line: str) -> None:
        """Show one record of the trace, given as a line of JSON."""
        record = json.loads(line)
        shown = line_of(record)
        if shown is not None:
            who, what = shown
            stream = self._errors if who == "error" else self._out
            print(f"{record['t']:7.2f}  {who:<9} {what}", file=stream, flush=True)


class JsonView:
    """Every record as it is, a line each; errors are told on `errors` as well."""

    def __init__(self, out: TextIO = sys.stdout, errors: TextIO = sys.stderr) -> None:
        self._out = out
        self._errors = errors

    def show(self, line: str) -> None:
        """Show one record."""
        print(line, file=self._out, flush=True)
        record = json.loads(line) if '"kind":"error"' in line else None
        if record is not None:
            print(record["message"], file=self._errors, flush=True)
