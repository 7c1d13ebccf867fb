"""`Agent`: the agent of a simulated call as a script, one for each connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from voxrun.protocol.elevenlabs.agents_server_messages import ServerMessage
from voxrun.protocol.elevenlabs.cassette import Entry
from voxrun.protocol.websocket import may_be_sent
from voxrun.testing.given import (
    Format,
    Given,
    JsonObject,
    Length,
    Milliseconds,
    Only,
    Positive,
    Refusal,
    Seconds,
    Texts,
    is_json,
    is_number,
)
from voxrun.testing.moments import Step
from voxrun.testing.sounds import CHARACTERS_PER_SECOND, Sound, spoken, voice


def _is_closing_code(given: object) -> bool:
    return isinstance(given, int) and may_be_sent(given)


def _is_sendable(given: object) -> bool:
    return isinstance(given, ServerMessage | str) or (isinstance(given, Mapping) and is_json(given))


class AgentAction(Given):
    """What an agent can do."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Turn(AgentAction):
    """Say `text` with that sound, instead of what is being said. `pace` and `chunkMs` as in `Agent`, if not its own."""

    text: str
    sound: Sound
    pace: Positive | None = None
    chunkMs: Milliseconds | None = None


@dataclass(frozen=True, slots=True)
class CallTool(AgentAction):
    """Have the scenario run a tool, and wait for the result for ten seconds: what follows in a list comes after it.

    Unless the result is what was `expect`ed, if anything was, `SimulatedCall.expectOk` fails; so it does if the agent
    did not come to call it.
    """

    name: str
    parameters: JsonObject
    expect: str | None = None
    isError: bool = False

    @property
    def isExpecting(self) -> bool:
        """Whether just any result won't do."""
        return self.expect is not None or self.isError


@dataclass(frozen=True, slots=True)
class Send(AgentAction):
    """Send any message: one of the protocol's, a JSON object, or the text of a frame, which may be no JSON at all."""

    message: Annotated[
        ServerMessage | Mapping[str, Any] | str,
        Only("a text, an object for JSON or a message of the protocol", _is_sendable),
    ]


@dataclass(frozen=True, slots=True)
class Interrupt(AgentAction):
    """Take a noise for the caller: fall silent in the middle of a turn, as when the caller speaks."""


@dataclass(frozen=True, slots=True)
class Close(AgentAction):
    """Close the connection with that code, after the protocol's error message if `error` names its type."""

    code: Annotated[int, Only("a WebSocket closing code: 1000, 1008 or 3000 to 4999", _is_closing_code)]
    reason: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Vanish(AgentAction):
    """Drop the connection without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Given):
    """What the agent does on one connection, beginning when the scenario has sent its initiation."""

    greeting: Turn | None = None
    answers: Sequence[AgentAction | Sequence[AgentAction]] = ()
    """To the caller's first turn, second turn, …: an action, or some to be done one after another."""
    transcripts: Texts = ()
    """The `user_transcript` of the caller's first turn, …; later ones are "…"."""
    script: Sequence[Step[AgentAction]] = ()
    """What it does at times, or after cues."""
    bargeIn: bool = True
    """When the caller speaks while it talks: fall silent, and send `interruption` and `agent_response_correction`."""
    lateAudio: Seconds = 0.0
    """Seconds of the interrupted turn that still come after its interruption."""
    pace: Positive = 20.0
    """How many times faster than real time audio is sent."""
    chunkMs: Milliseconds = 250
    """Audio in one message."""
    latency: Seconds = 0.2
    """Seconds from the end of a caller's turn to the answer."""
    endOfTurn: Seconds = 0.5
    """Seconds of silence that end a caller's turn."""
    pingSeconds: Positive = 2.0
    """How often it pings; infinity for never."""
    inputFormat: Format = "pcm_16000"
    outputFormat: Format = "pcm_16000"
    refuse: Refusal = 0
    """The HTTP status with which the request for a signed URL is refused: 401, 404 …"""
    refuseSocket: Refusal = 0
    """The HTTP status with which the WebSocket is refused."""
    recorded: Sequence[Entry] = ()
    """A connection of a cassette, which it replays instead of all that."""

    @property
    def refuses(self) -> bool:
        """Whether no conversation comes to be."""
        return bool(self.refuse or self.refuseSocket)

    @property
    def actions(self) -> list[Sequence[AgentAction]]:
        """Those of each answer."""
        return [answer if isinstance(answer, Sequence) else (answer,) for answer in self.answers]

    @property
    def everything(self) -> list[AgentAction]:
        """All that it may come to do."""
        greeting = [] if self.greeting is None else [self.greeting]
        return [*greeting, *chain(*self.actions), *(step.action for step in self.script)]

    @property
    def expectingTools(self) -> list[CallTool]:
        """The calls of tools whose answer is expected to be something."""
        return [it for it in self.everything if isinstance(it, CallTool) and it.isExpecting]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechService(Given):
    """The text-to-speech service of a simulated call: each text becomes a test signal."""

    secondsPerCharacter: Length = 1 / CHARACTERS_PER_SECOND
    latency: Seconds = 0.1
    """Seconds from a text to its audio."""
    refuse: Refusal = 0
    """The HTTP status with which connections are refused."""


def turn(
    text: str, sound: Sound | float | str | Path | None = None, *, pace: float | None = None, chunkMs: int | None = None
) -> Turn:
    """Say `text`: with a sound, a file, or a test signal of so many seconds, or of the length that suits the text."""
    said = spoken(str(text), sound) if sound is None or is_number(sound) else voice(sound)
    return Turn(text, said, pace, chunkMs)


def callTool(
    name: str, parameters: Mapping[str, Any] | None = None, *, expect: str | None = None, isError: bool = False
) -> CallTool:
    """Have the scenario run a tool."""
    return CallTool(name, {} if parameters is None else parameters, expect, isError)


def send(message: ServerMessage | Mapping[str, Any] | str) -> Send:
    """Send a message as it is."""
    return Send(message)


def vadScore(score: float) -> Send:
    """Say how likely it is that the caller speaks, 0 to 1."""
    return Send({"type": "vad_score", "vad_score_event": {"vad_score": score}})


def interrupt() -> Interrupt:
    """Fall silent as if the caller had spoken."""
    return Interrupt()


def close(code: int = 1000, reason: str = "") -> Close:
    """Close the connection."""
    return Close(code, reason)


def error(code: int, reason: str, kind: str = "internal_error") -> Close:
    """Send the protocol's error message, then close with its code."""
    return Close(code, reason, kind)


def vanish() -> Vanish:
    """Drop the connection."""
    return Vanish()
