"""`SimulatedCall`: all that there is to know of a simulated call when it is over."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from voxrun.events.message import Message
from voxrun.session.session import Outcome
from voxrun.testing.agent_connection import AgentConnection
from voxrun.testing.control import ControlReply
from voxrun.testing.event_names import known
from voxrun.testing.given import a_time
from voxrun.testing.moments import Awaited
from voxrun.testing.picture import draw
from voxrun.testing.track import Track
from voxrun.trace.story import Story, tell
from voxrun.trace.timeline import timeline
from voxrun.trace.words import FREQUENT_EVENTS, Record
from voxrun.transports.server import Request

_NEVER_CALLED = "the agent did not come to call the tool '{}'"
_NEVER_ANSWERED = "the call was over before the scenario answered the tool '{}'"
_NEVER_HEARD = "transcripts= has {!r}, but the agent heard the end of no such turn"

_LONG_SECONDS = 10.0
"""Longer than a timeline in detail."""


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """An event of the session: when it came (s), from which unit, and with what."""

    time: float
    name: str
    unit: str
    payload: Message


@dataclass(frozen=True, slots=True)
class Events(Sequence[SimulatedEvent]):
    """Events in order."""

    all: tuple[SimulatedEvent, ...]

    def named(self, name: str) -> list[SimulatedEvent]:
        """Those of one name: `AgentsEvents.UserTranscript`, or what it stands for.

        ConfigurationError for a name that no event has.
        """
        wanted = known(name)
        return [event for event in self.all if event.name == wanted]

    def first(self, name: str) -> SimulatedEvent:
        """The first of that name. AssertionError when there is none."""
        found = self.named(name)
        if not found:
            raise AssertionError(f"there was no event {name}; there were {', '.join(dict.fromkeys(self.names))}")
        return found[0]

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return [event.name for event in self.all]

    def __getitem__(self, index: Any) -> Any:
        return self.all[index]

    def __len__(self) -> int:
        return len(self.all)

    def __iter__(self) -> Iterator[SimulatedEvent]:
        return iter(self.all)


@dataclass(frozen=True, slots=True)
class Talker:
    """What somebody said and heard from the connection on; nothing from 0 s on if there was none."""

    said: Track
    heard: Track
    digits: str
    """Which keys the scenario pressed."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SimulatedCall:
    """A session that is over."""

    outcome: Outcome
    records: list[Record]
    """The whole trace."""
    seconds: float
    """How long the session took, in its own time."""
    caller: Talker
    rtp: Mapping[str, Talker]
    """Who was at the addresses of `rtp`."""
    microphone: Track
    """What was said into it, from when the scenario first had one."""
    speaker: Track
    """What came out of it, from when the scenario first had one."""
    agents: list[AgentConnection]
    """Each connection to the agent."""
    spoken: list[str]
    """What the text-to-speech service was given."""
    requests: list[Request]
    """What the agent's service was asked."""
    webRequests: list[Request]
    """What the scenario asked other servers, by `Net` and for WebSockets."""
    replies: list[ControlReply]
    """What the requests for the session's control URL brought."""
    files: list[Path]
    """What the session wrote, in a folder of the test."""
    unplayed: list[str] = field(default_factory=list)
    """What the caller did not come to do."""
    awaited: list[Awaited] = field(default_factory=list)
    """The steps whose cues never came."""
    alone: list[str] = field(default_factory=list)
    """Of `rtp`, `microphone`, `web` and the agents, whom the scenario left alone."""
    differences: list[str] = field(default_factory=list)
    """Where the scenario did something else than on the cassette that the agent is from."""
    uncalled: list[str] = field(default_factory=list)
    """The tools whose answer was expected, but that the agent did not come to call."""
    unheard: list[str] = field(default_factory=list)
    """What an agent was to understand of turns that never came."""
    leftovers: list[str] = field(default_factory=list)
    """What the session left behind: nothing, if all is well."""

    @property
    def agent(self) -> AgentConnection:
        """The only connection to the agent; AssertionError unless there was just one."""
        assert len(self.agents) == 1, f"there were {len(self.agents)} connections to the agent, not one"
        return self.agents[0]

    @property
    def events(self) -> Events:
        """All events of the session."""
        return Events(
            tuple(
                SimulatedEvent(record["t"], record["name"], record["unit"], Message(record["payload"] or {}))
                for record in self.ofKind("event")
            )
        )

    @property
    def log(self) -> list[str]:
        """What the scenario wrote to its log."""
        return [record["message"] for record in self.ofKind("log")]

    @property
    def warnings(self) -> list[str]:
        """What the session warned of."""
        return [record["message"] for record in self.ofKind("warning")]

    @property
    def missed(self) -> list[str]:
        """What is missing of the answers to tools that were expected."""
        unanswered = [tool for connection in self.agents for tool in connection.unanswered]
        return [*map(_NEVER_CALLED.format, self.uncalled), *map(_NEVER_ANSWERED.format, unanswered)]

    def __repr__(self) -> str:
        """Short, for it stands in the messages of failed tests."""
        return f"<call of {self.seconds:.2f} s, {self.outcome.error or self.outcome.reason}>"

    def ofKind(self, kind: str) -> list[Record]:
        """The trace's records of one kind."""
        return [record for record in self.records if record["kind"] == kind]

    def explain(self, around: float | None = None) -> str:
        """What happened, as a picture in text: around a time, or else around the first error, or all of it."""
        story = tell(self.records)
        return timeline(story, _moment_of_failure(story) if around is None else a_time(around))

    def draw(self, path: str | PathLike[str]) -> None:
        """The same as a picture, a PNG file."""
        draw(tell(self.records), path)

    def expectOk(self) -> "SimulatedCall":
        """AssertionError, with the reasons, unless the scenario ran well and did what the test waited for."""
        problems = [str(self.outcome.error)] if self.outcome.error else []
        for connection in self.agents:
            problems += connection.unmet
        if not self.outcome.error:  # or nothing could come any more
            problems += self.missed
            problems += [*map(str, self.awaited), *self.alone, *map(_NEVER_HEARD.format, self.unheard)]
        problems += self.differences + self.leftovers
        if problems:
            raise AssertionError("\n".join(problems))  # no `assert`, to whose message pytest would add the list
        return self


def _moment_of_failure(story: Story) -> float | None:
    """That of the first error; for one that came because nothing happened any more, of what happened last."""
    if story.failure is None:
        return None
    before = [
        mark.time
        for mark in story.marks
        if mark.time < story.failure.time and mark.record.get("name") not in FREQUENT_EVENTS
    ]
    last = max(before, default=story.failure.time)
    return last if story.failure.time - last > _LONG_SECONDS else story.failure.time


def no_track() -> Track:
    """What somebody said who was not there."""
    return Track(np.zeros(0, np.int16), 16_000, 0.0)
