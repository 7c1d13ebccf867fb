"""What the terminal shows of a session: the conversation as it happens, line by line, from the trace's records."""

import json
import re
from collections.abc import Callable
from typing import Any, TextIO

Record = dict[str, Any]
Line = tuple[str, str]
"""Who, and what."""

INDENT = 19
"""Where what somebody says begins: after the time and the name."""

# All that moves the cursor, rings, colours or turns the direction of writing; C1 controls and line separators included.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """`text` with control characters, which may come from a peer, as JSON spells them; line ends stay."""
    return _CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _at(payload: object, *path: str) -> str:
    """What a peer's message holds at `path`; nothing when it has no such place."""
    for name in path:
        payload = payload.get(name, "") if isinstance(payload, dict) else ""
    return str(payload)


def _text(field: str, inner: str) -> Callable[[Record], str]:
    return lambda payload: _at(payload, "data", field, inner)


def _tool_call(payload: Record) -> str:
    call = payload["data"].get("client_tool_call", {})
    parameters = call.get("parameters") or {}
    arguments = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"asks for {_at(call, 'tool_name')}({arguments})"


_EVENTS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "Application.CallAlerting": ("call", lambda p: f"rings: {p['callerid']} calls {p['destination']}"),
    "Application.SoundDeviceOpened": ("sound", lambda p: f"{p['kind']}: {p['device']}"),
    "Call.Connected": ("call", lambda p: "is answered"),
    "Call.PlaybackStarted": ("call", lambda p: f"hears {p['duration']:.1f} s"),
    "Call.RecordStarted": ("call", lambda p: f"is recorded in {p['url']}"),
    "Call.RecordStopped": ("call", lambda p: f"was recorded: {p['duration']:.1f} s in {p['url']}"),
    "Call.Disconnected": ("call", lambda p: f"ended after {p['duration']} s: {p['reason']}"),
    "ElevenLabs.Agents.ConnectorInformation": ("agent", lambda p: f"connected to {_at(p, 'data', 'url')}"),
    "ElevenLabs.Agents.UserTranscript": ("caller", _text("user_transcription_event", "user_transcript")),
    "ElevenLabs.Agents.AgentResponse": ("agent", _text("agent_response_event", "agent_response")),
    "ElevenLabs.Agents.Interruption": ("caller", lambda p: "speaks over the agent"),
    "ElevenLabs.Agents.AgentResponseCorrection": (
        "agent",
        lambda p: f"only said: {_at(p, 'data', 'agent_response_correction_event', 'corrected_agent_response')}",
    ),
    "ElevenLabs.Agents.ClientToolCall": ("agent", _tool_call),
    "Player.Started": ("player", lambda p: f"plays {p['duration']:.1f} s"),
    "Player.PlaybackFinished": ("player", lambda p: "has finished"),
    "SequencePlayer.Started": ("player", lambda p: f"plays {p['duration']:.1f} s"),
    "SequencePlayer.PlaybackFinished": ("player", lambda p: "has finished"),
    "Recorder.Started": ("recorder", lambda p: f"writes {p['url']}"),
    "Recorder.Stopped": ("recorder", lambda p: f"wrote {p['duration']:.1f} s to {p['url']}"),
}

_KINDS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "local_agent": ("agent", lambda r: f"is the local one, at {r['url']}"),
    "log": ("scenario", lambda r: str(r["message"])),
    "warning": ("warning", lambda r: str(r["message"])),
    "error": ("error", lambda r: str(r["message"])),
    "end": ("session", lambda r: f"over: {r['reason']}"),
}


def line_of(record: Record) -> Line | None:
    """Who and what to show for a record, free of control characters; None for what only the trace keeps."""
    kind = record["kind"]
    if kind == "event" and record["name"] in _EVENTS:
        who, describe = _EVENTS[record["name"]]
        what = describe(record["payload"])
    elif kind in _KINDS:
        who, describe = _KINDS[kind]
        what = describe(record)
    elif kind == "wire" and record["type"] == "sent" and '"client_tool_result"' in record["text"]:
        who, what = "scenario", f"answers {_tool_result(record['text'])}"
    else:
        return None
    return who, visible(what)


def _tool_result(text: str) -> str:
    """The result in a message of ours; all of it when a secret that was taken out left no JSON behind."""
    try:
        return _at(json.loads(text), "result")
    except json.JSONDecodeError:
        return text


class PlainView:
    """One line of text for each thing worth knowing; errors go to `errors`."""

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        self._out = out
        self._errors = errors

    def show(self, line: str) -> None:
        """Show one record of the trace, given as a line of JSON. OSError when nobody can read it."""
        record = json.loads(line)
        shown = line_of(record)
        if shown is not None:
            who, what = shown
            stream = self._errors if who == "error" else self._out
            indented = what.replace("\n", "\n" + " " * INDENT)  # so that no peer can make a line of its own
            print(f"{record['t']:7.2f}  {who:<9} {indented}", file=stream, flush=True)


class JsonView:
    """Every record as it is, a line each; errors are told on `errors` as well."""

    def __init__(self, out: TextIO, errors: TextIO) -> None:
        self._out = out
        self._errors = errors

    def show(self, line: str) -> None:
        """Show one record. OSError when nobody can read it."""
        print(visible(line), file=self._out, flush=True)
        record = json.loads(line) if '"kind":"error"' in line else None
        if record is not None:
            print(visible(record["message"]), file=self._errors, flush=True)
