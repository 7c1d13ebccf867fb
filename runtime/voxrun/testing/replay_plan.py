"""What the agent of a cassette does, in order, and what each of its messages waits for."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from voxrun.protocol.elevenlabs.cassette import Entry
from voxrun.testing.cassette import QUIET_SECONDS, formats_of, samples_of
from voxrun.testing.ear import Ear

ANSWERED = frozenset(
    {
        "conversation_initiation_client_data",
        "client_tool_result",
        "user_message",
        "multimodal_message",
        "mcp_tool_approval_result",
    }
)
"""Messages of the scenario to which an agent reacts; all else of the agent's waits for nothing."""

REACTIONS = frozenset(
    {"user_transcript", "tentative_user_transcript", "agent_response", "agent_tool_request", "client_tool_call"}
)
"""Messages that come because the caller has spoken."""

INTERRUPTIONS = frozenset({"interruption", "agent_response_correction"})
"""Messages that come because the caller speaks."""


Key: TypeAlias = tuple[str, str]
"""A type of message, and which tool call it answers."""


@dataclass(frozen=True, slots=True)
class AwaitMessage:
    """Go on when the scenario's n-th message of that kind has come."""

    time: float
    key: Key
    number: int


@dataclass(frozen=True, slots=True)
class AwaitVoice:
    """Go on when the caller has begun to speak, or stopped, for the n-th time since that last mattered."""

    time: float
    starts: bool
    number: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send a message."""

    entry: Entry

    @property
    def time(self) -> float:
        """When it came, on the cassette."""
        return self.entry.time


@dataclass(frozen=True, slots=True)
class End:
    """Close the connection, as the agent did."""

    time: float
    code: int
    reason: str


PlanStep: TypeAlias = AwaitMessage | AwaitVoice | Deliver | End


@dataclass(slots=True)
class Voice:
    """When the caller began and stopped to speak, and up to which of these the agent has reacted."""

    starts: list[float] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    starts_used: int = 0
    stops_used: int = 0

    def waiting(self, until: float, *, starts: bool) -> int:
        """How many came up to that time, and nobody has reacted."""
        times, used = (self.starts, self.starts_used) if starts else (self.stops, self.stops_used)
        return sum(time <= until for time in times[used:])

    def use(self, number: int, *, starts: bool) -> float:
        """React to the n-th of those that wait, or the last; returns when it came."""
        if starts:
            self.starts_used = min(self.starts_used + number, len(self.starts))
            return self.starts[self.starts_used - 1]
        self.stops_used = min(self.stops_used + number, len(self.stops))
        came = self.stops[self.stops_used - 1]
        self.starts_used = max(self.starts_used, sum(time <= came for time in self.starts))
        return came


def key_of(entry_type: str, call_id: object) -> Key:
    """What tells a message that is answered from others of the same type."""
    return entry_type, str(call_id or "")


def plan(entries: Sequence[Entry]) -> Iterator[PlanStep]:
    """All steps of a connection but pings, which wait for nobody; times are the cassette's."""
    voice = _voice_on(entries)
    counts: Counter[Key] = Counter()
    turn: object = None
    for entry in entries:
        if entry.kind == "sent" and entry.type in ANSWERED:
            key = key_of(entry.type, entry.value.get("tool_call_id"))
            counts[key] += 1
            yield AwaitMessage(entry.time, key, counts[key])
        elif entry.kind == "received" and entry.type != "ping":
            is_new_turn = entry.audio is not None and entry.value["audio_event"].get("event_id") != turn
            turn = entry.value["audio_event"].get("event_id") if entry.audio is not None else turn
            yield from _causes(entry, voice, is_new_turn)
            yield Deliver(entry)
        elif entry.kind == "closed" and entry.value["by"] == "agent":
            yield End(entry.time, entry.value["code"], entry.value["reason"])


def _causes(entry: Entry, voice: Voice, is_new_turn: bool) -> Iterator[AwaitVoice]:
    """What the caller did that led to a message, if anything."""
    stops, starts = (voice.waiting(entry.time, starts=starts) for starts in (False, True))
    if (entry.type in REACTIONS or is_new_turn) and stops:
        yield AwaitVoice(voice.use(stops, starts=False), False, stops)
    elif (entry.type in INTERRUPTIONS or entry.type.endswith("user_transcript")) and starts:
        yield AwaitVoice(voice.use(starts, starts=True), True, starts)


def _voice_on(entries: Sequence[Entry]) -> Voice:
    pieces = [entry for entry in entries if entry.kind == "sent" and entry.audio is not None]
    audio_format = formats_of(tuple(entries))[1]
    voice = Voice()
    ear = Ear(audio_format.rate, QUIET_SECONDS, voice.starts.append, voice.stops.append)
    begin = pieces[0].time if pieces else 0.0
    for entry in pieces:
        samples = samples_of(entry, audio_format)
        ear.hear(samples, begin)
        begin += len(samples) / audio_format.rate
    return voice
