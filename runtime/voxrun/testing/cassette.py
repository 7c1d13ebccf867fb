"""`fromCassette`: the agent, and the caller, of a conversation that `voxrun SCENARIO --cassette FILE` has recorded."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pybase64

from voxrun.audio.frame import Samples
from voxrun.errors import ConfigurationError
from voxrun.protocol.elevenlabs.cassette import Cassette, Entry, read_cassette
from voxrun.protocol.elevenlabs.formats import FORMATS, AudioFormat
from voxrun.testing.agent import Agent
from voxrun.testing.caller import Caller, CallerAction, HangUp, Say
from voxrun.testing.moments import Step, at
from voxrun.testing.sounds import Recorded

QUIET_SECONDS = 0.3
"""A pause of the caller's that counts, both when it was recorded and when it is replayed."""

BACKSTOP_SECONDS = 10.0
"""How long the caller stays when the agent ended the conversation and the scenario does not end the call."""

_STAND_IN_HERTZ = 400.0
"""Of the tone that is heard where the cassette has no audio: whole periods in 20 ms."""


@dataclass(frozen=True, slots=True)
class FromCassette:
    """A cassette; a relative path is looked up beside the test."""

    path: str


def fromCassette(path: str | Path) -> FromCassette:
    """As `agent=`, the agent of a cassette, which answers as it did then, and when: each of its messages comes as long
    after what it answered (a tool result, a message, the caller's voice) as then. As `caller=`, whom it heard then.

    `SimulatedCall.differences` says where the scenario did something else than when it was recorded.
    """
    return FromCassette(str(path))


def load(wanted: FromCassette, folder: Path) -> Cassette:
    """What is on a cassette. ConfigurationError when it can't be read."""
    try:
        with (folder / wanted.path).open(encoding="utf-8") as file:
            return read_cassette(file, wanted.path)
    except OSError as error:
        raise ConfigurationError(f"the cassette {wanted.path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{wanted.path} is no cassette: {error}") from error


def agents_of(cassette: Cassette) -> tuple[Agent, ...]:
    """An agent for each connection."""
    return tuple(map(_agent, cassette.connections))


def caller_of(cassette: Cassette) -> Caller:
    """A caller who says what the agent heard, when it heard it, and hangs up when it was over."""
    steps: list[Step[CallerAction]] = []
    for entries in cassette.connections:
        pieces = [entry for entry in entries if entry.kind == "sent" and entry.audio is not None]
        audio_format = formats_of(entries)[1]
        samples = np.concatenate([np.zeros(0, np.int16), *(samples_of(entry, audio_format) for entry in pieces)])
        if pieces:
            steps.append(at(pieces[0].time, Say(Recorded(samples.tobytes(), audio_format.rate))))
    last = max((entries[-1] for entries in cassette.connections), key=lambda entry: entry.time)
    by_agent = last.kind == "closed" and last.value["by"] == "agent"
    return Caller([*steps, at(last.time + (BACKSTOP_SECONDS if by_agent else 0.0), HangUp())])


def formats_of(entries: tuple[Entry, ...]) -> tuple[AudioFormat, AudioFormat]:
    """The agent's output and input format, as its metadata has them."""
    bodies = [
        entry.value.get("conversation_initiation_metadata_event")
        for entry in entries
        if entry.type == "conversation_initiation_metadata"
    ]
    body: dict[str, Any] = bodies[0] if bodies and isinstance(bodies[0], dict) else {}
    names = body.get("agent_output_audio_format"), body.get("user_input_audio_format")
    output, heard = (FORMATS.get(str(name), FORMATS["pcm_16000"]) for name in names)
    return output, heard


def audio_of(entry: Entry, audio_format: AudioFormat) -> bytes:
    """The audio of a message as bytes in its format: a tone where the cassette only says how loud it was."""
    if isinstance(entry.audio, str):
        try:
            return pybase64.b64decode(entry.audio, validate=True)
        except ValueError:
            return b""
    count = int(entry.audio["bytes"]) // audio_format.sample_bytes
    tone = np.sin(2 * np.pi * _STAND_IN_HERTZ / audio_format.rate * np.arange(count))
    samples = np.rint(tone * min(int(entry.audio["peak"]), 32767)).astype(np.int16)
    return audio_format.encode(samples)


def samples_of(entry: Entry, audio_format: AudioFormat) -> Samples:
    """The same as samples: int16, shape (n,)."""
    return audio_format.decode(audio_of(entry, audio_format))


def _agent(entries: tuple[Entry, ...]) -> Agent:
    output, heard = formats_of(entries)
    first = entries[0]
    status = (first.value["status"] or 503) if first.kind == "refused" else 0
    return Agent(
        recorded=entries,
        inputFormat=heard.name,
        outputFormat=output.name,
        endOfTurn=QUIET_SECONDS,
        pingSeconds=math.inf,
        refuse=status,
        refuseSocket=status,
    )
