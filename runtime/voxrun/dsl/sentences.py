"""The nodes of tests in a `.vox` file. Each is made by the grammar's rule of the same name."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from voxrun.dsl.nodes import Duration, List, Node, Number, Object, Path, Text

Who: TypeAlias = Literal["caller", "agent", "network", "disk", "speech", "control", "web", "nobody"]


@dataclass(frozen=True, slots=True)
class Party(Node):
    """Who does, or hears, something; `number` is which connection of the agent, from 1."""

    who: Who
    number: Number | None


# When


@dataclass(frozen=True, slots=True)
class TurnCue(Node):
    """`agent stops`, `caller starts 2 times`."""

    party: Party
    stops: bool
    count: Number | None


@dataclass(frozen=True, slots=True)
class EventCue(Node):
    """`AgentsEvents.Interruption`."""

    event: Path
    count: Number | None


@dataclass(frozen=True, slots=True)
class ScenarioCue(Node):
    """`scenario sends "contextual_update"`, `scenario answers "opening_hours"`, which is a tool."""

    sends: bool
    name: Text
    count: Number | None


Cue: TypeAlias = TurnCue | EventCue | ScenarioCue


@dataclass(frozen=True, slots=True)
class At(Node):
    """`at 2s`."""

    time: Duration


@dataclass(frozen=True, slots=True)
class Later(Node):
    """`300ms after agent stops`, `when agent stops`."""

    delay: Duration | None
    cue: Cue


Moment: TypeAlias = At | Later


# What is done


@dataclass(frozen=True, slots=True)
class Says(Node):
    """`says "hello.flac"`, `says "Hello." lasting 2s`, `says tone lasting 1s`, which has no text."""

    text: Text | None
    lasting: Duration | None


@dataclass(frozen=True, slots=True)
class Plays(Node):
    """`plays cassette "call.cassette"`: does all as it was recorded there."""

    cassette: Text


@dataclass(frozen=True, slots=True)
class Presses(Node):
    """`presses "15#"`."""

    keys: Text


@dataclass(frozen=True, slots=True)
class HangsUp(Node):
    """`hangs up`."""


@dataclass(frozen=True, slots=True)
class Calls(Node):
    """`calls tool "hours" with { day: "today" } expecting "nine to five"`; only nobody `calls`, without a tool."""

    tool: Text | None
    parameters: Object | None
    fails: bool
    expecting: Text | None


@dataclass(frozen=True, slots=True)
class Sends(Node):
    """`sends { type: "vad_score" }`; as a text, whatever it is."""

    message: Object | Text


@dataclass(frozen=True, slots=True)
class Ends(Node):
    """`closes with 1008 "no such agent"`; with `fails`, after the protocol's error message."""

    fails: bool
    code: Number | None
    reason: Text | None


@dataclass(frozen=True, slots=True)
class Vanishes(Node):
    """`vanishes`."""


@dataclass(frozen=True, slots=True)
class Refuses(Node):
    """`refuses with 401`, `refuses socket with 404`; the network `refuses for 5s`."""

    socket: bool
    status: Number | None
    duration: Duration | None


@dataclass(frozen=True, slots=True)
class Understands(Node):
    """`understands "What are your hours?"`: the transcript of the caller's next turn."""

    text: Text


@dataclass(frozen=True, slots=True)
class Interrupted(Node):
    """`is interrupted`."""


@dataclass(frozen=True, slots=True)
class Has(Node):
    """`has { latency: 300ms }`."""

    values: Object


@dataclass(frozen=True, slots=True)
class Breaks(Node):
    """`breaks`."""


@dataclass(frozen=True, slots=True)
class Answers(Node):
    """`web answers "https://crm.example/book" with 409 { error: "taken" }`; either of the two may do."""

    url: Text
    status: Number | None
    content: Object | List | Text | None


@dataclass(frozen=True, slots=True)
class Stalls(Node):
    """`stalls for 300ms`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Takes(Node):
    """`takes 2s`."""

    duration: Duration


Deed: TypeAlias = (
    Says
    | Plays
    | Presses
    | HangsUp
    | Calls
    | Sends
    | Ends
    | Vanishes
    | Refuses
    | Understands
    | Interrupted
    | Has
    | Breaks
    | Answers
    | Stalls
    | Takes
)


@dataclass(frozen=True, slots=True)
class Action(Node):
    """`caller says "hello.flac" at 2s`."""

    party: Party
    deed: Deed
    moment: Moment | None


@dataclass(frozen=True, slots=True)
class Secret(Node):
    """`secret "PIN" is "1234"`."""

    name: Text
    value: Text


# What is expected


@dataclass(frozen=True, slots=True)
class Hears(Node):
    """`caller hears agent`, `caller hears no agent`, `caller hears silence`, `caller hears exactly "golden.flac"`."""

    party: Party
    no: bool
    what: Party | Text | Literal["silence", "sound"]
    exactly: bool


@dataclass(frozen=True, slots=True)
class Receives(Node):
    """`agent receives "contextual_update" with { text: "…" }`, `caller receives keys "15"`."""

    party: Party
    no: bool
    keys: bool
    text: Text
    fields: Object | None


@dataclass(frozen=True, slots=True)
class Fires(Node):
    """`event CallEvents.ToneReceived 2 times with { tone: "5" }`."""

    no: bool
    event: Path
    count: Number | None
    fields: Object | None


@dataclass(frozen=True, slots=True)
class Notes(Node):
    """`log "key 5"`, `warning "…"`, `file "call.wav"`."""

    no: bool
    kind: Literal["log", "warning", "file"]
    text: Text


@dataclass(frozen=True, slots=True)
class Lasts(Node):
    """`call lasts at most 10s`."""

    least: bool
    duration: Duration


@dataclass(frozen=True, slots=True)
class ScenarioFails(Node):
    """`scenario fails with "no such agent"`."""

    text: Text | None


Claim: TypeAlias = Hears | Receives | Fires | Notes | Lasts | ScenarioFails


@dataclass(frozen=True, slots=True)
class By(Node):
    """`by 9s`."""

    time: Duration


@dataclass(frozen=True, slots=True)
class Within(Node):
    """`within 1s after caller stops`."""

    duration: Duration
    cue: Cue


@dataclass(frozen=True, slots=True)
class During(Node):
    """`from 4s until 6s`; without a beginning from that of the call, without an end to that of the call."""

    begin: Duration | Later | None
    end: Duration | Later | None


Limit: TypeAlias = By | Within | During


@dataclass(frozen=True, slots=True)
class Expectation(Node):
    """`expect event CallEvents.Disconnected by 9s`."""

    claim: Claim
    limit: Limit | None


Sentence: TypeAlias = Action | Secret | Expectation


@dataclass(frozen=True, slots=True)
class Test(Node):
    """`test "a name" of "scenario.py" { … }`; without `of`, of the scenario in the same file."""

    name: Text
    scenario: Text | None
    sentences: tuple[Sentence, ...]
