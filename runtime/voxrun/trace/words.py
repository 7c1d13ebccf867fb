"""What a trace's record says, in words: who, and what."""

import json
import re
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
Line = tuple[str, str]
"""Who, and what."""

FREQUENT_EVENTS = {"ElevenLabs.Agents.VadScore", "ElevenLabs.Agents.Ping"}
"""They come several times a second and say little."""

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


def _tool_call(payload: Record | None) -> str:
    if payload is None:  # kept out of the trace
        return "asks for a tool"
    call = payload["data"].get("client_tool_call", {})
    parameters = call.get("parameters") or {}
    arguments = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"asks for {_at(call, 'tool_name')}({arguments})"


_EVENTS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "Application.CallAlerting": ("call", lambda p: f"rings: {p['callerid']} calls {p['destination']}"),
    "Application.HttpRequest": ("control", lambda p: f"{p['method']} {p['content']}".rstrip()),
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
    "WebSocket.Open": ("socket", lambda p: "is open"),
    "WebSocket.Error": ("socket", lambda p: _at(p, "error")),
    "WebSocket.Close": ("socket", lambda p: f"is closed: code {_at(p, 'code')} {_at(p, 'reason')}".rstrip()),
    "Recorder.Started": ("recorder", lambda p: f"writes {p['url']}"),
    "Recorder.Stopped": ("recorder", lambda p: f"wrote {p['duration']:.1f} s to {p['url']}"),
}

_KINDS: dict[str, tuple[str, Callable[[Record], str]]] = {
    "local_agent": ("agent", lambda r: f"is the local one, at {r['url']}"),
    "http": ("http", lambda r: f"{r['method']} {r['url']}: {r['error'] or r['code']}"),
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


_UNSAID = {"session", "level", "losses", "statistics", "stream", "clock", "call", "traceback", "echo"}
"""Kinds of which no single record is worth a line: they are told in sums, or by another record."""


def description_of(record: Record) -> Line | None:
    """As `line_of`, but routes, messages and all other events are told as well; None for what is told in sums."""
    kind = record["kind"]
    line = line_of(record)
    if line is not None or kind in _UNSAID:
        return line
    match kind:
        case "event":
            why = (_at(record.get("payload"), "data", field) for field in ("code", "reason"))
            who, what = str(record["unit"]), " ".join([str(record["name"]).rpartition(".")[2], *why]).rstrip()
        case "route":
            arrow = "->" if record["change"] == "connect" else "-x"
            who, what = "route", f"{record['source']} {arrow} {record['sink']}"
        case "wire":
            who, what = str(record["unit"]), _message(record)
        case _:
            rest = {name: value for name, value in record.items() if name not in ("t", "kind", "who", "what")}
            who, what = str(record.get("who", kind)), str(record.get("what") or json.dumps(rest))
    return visible(who), visible(what)


def _message(record: Record) -> str:
    """A message on the wire: which way, and what."""
    match record["type"]:
        case "sent":
            return f"is sent {record['text']}"
        case "received":
            return f"sends {record['text']}"
        case "audio":
            return f"sends audio of event {record['event_id']}" if "event_id" in record else "sends audio"
        case "connect":
            return f"connects to {record['url']}"
        case other:
            return f"sends '{other}'"


def _tool_result(text: str) -> str:
    """The result in a message of ours; all of it when a secret that was taken out left no JSON behind."""
    try:
        return _at(json.loads(text), "result")
    except json.JSONDecodeError:
        return text
