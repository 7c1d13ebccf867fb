"""`MEANINGS`: what the parts of a test's sentences are; `part_at`: which of them is at a place."""

from typing import NamedTuple

from voxrun.dsl import sentences
from voxrun.dsl.nodes import Node, Program
from voxrun.editor.walk import all_nodes


class Meaning(NamedTuple):
    """A sentence as an example, and what that part of it does."""

    example: str
    doc: str


MEANINGS: dict[type[Node], Meaning] = {
    sentences.Party: Meaning(
        'caller says "hello.flac"',
        "Who it is about: the caller, the agent (`agent 2`: on its second connection), the network, the disk, the"
        " speech service, other servers of the web, or somebody at the control URL.",
    ),
    # When
    sentences.At: Meaning('caller says "hello.flac" at 2s', "When: counted from the beginning of the session."),
    sentences.Later: Meaning(
        "caller hangs up 300ms after agent stops",
        "When: as soon as this has happened (`when agent stops`), or so long after it.",
    ),
    sentences.TurnCue: Meaning(
        "caller hangs up when agent stops 2 times",
        "Somebody begins or ends a turn; the caller's ear decides when the agent does.",
    ),
    sentences.EventCue: Meaning(
        "caller hangs up when CallEvents.ToneReceived 2 times", "An event has come, so many times."
    ),
    sentences.ScenarioCue: Meaning(
        'agent says "Well." when scenario sends "contextual_update"',
        'The scenario has sent the agent this message; `scenario answers "hours"`: has answered the call of this tool.',
    ),
    # What is done
    sentences.Says: Meaning(
        'caller says "I am late." lasting 2s',
        "A file (wav, flac, ogg, mp3) beside the test, or a text, for which a test signal stands and which the other"
        " understands; `says tone lasting 1s`: only a signal.",
    ),
    sentences.Plays: Meaning('agent plays cassette "call.cassette"', "Does all as it was recorded there."),
    sentences.Presses: Meaning('caller presses "15#"', "Keys of the phone: 0-9, *, # and A-D."),
    sentences.HangsUp: Meaning("caller hangs up at 6s", "Ends the call."),
    sentences.Calls: Meaning(
        'agent calls tool "hours" with { day: "today" } expecting "nine to five"',
        'Calls a tool of the scenario, with the answer that is expected: `expecting error "none"` for a failure.'
        " `nobody calls`: a session without a call.",
    ),
    sentences.Sends: Meaning(
        'agent sends { type: "vad_score" }',
        'Any message; as a text, any text. `control sends "stop"`: somebody posts this to the session\'s control URL.',
    ),
    sentences.Understands: Meaning(
        'agent understands "I am late."',
        "What the agent takes the caller's next turn for, in place of what was said.",
    ),
    sentences.Interrupted: Meaning(
        "agent is interrupted at 3s", "Without a word of the caller's; with one it is by itself."
    ),
    sentences.Ends: Meaning(
        'agent closes with 1000 "goodbye"', "Closes the connection; `fails with 1008`: after an error message."
    ),
    sentences.Vanishes: Meaning("agent vanishes at 4s", "The connection is gone without a word."),
    sentences.Refuses: Meaning(
        "agent refuses with 401",
        "The request for a signed URL; `refuses socket with 404`: the WebSocket. The network `refuses for 5s`:"
        " all connections.",
    ),
    sentences.Has: Meaning("agent has { latency: 300ms }", "Settings that hold from the beginning."),
    sentences.Breaks: Meaning("network breaks at 4.2s", "All connections are lost."),
    sentences.Answers: Meaning(
        'web answers "https://crm.example/customers" with { name: "Ada" }',
        "What another server answers when the scenario asks there by `Net`: an object or a list as JSON, a text, a"
        ' status such as 404, or both: `with 409 { error: "taken" }`. Without a path it does so everywhere.',
    ),
    sentences.Stalls: Meaning("network stalls for 300ms at 2s", "So long nothing gets through; then it goes on."),
    sentences.Takes: Meaning("disk takes 2s", "How long each access to a file takes, from then on."),
    sentences.Action: Meaning(
        'caller says "hello.flac" at 2s',
        "Who does what, and when. Without a time it goes on where the line above it ended.",
    ),
    sentences.Secret: Meaning('secret "PIN" is "1234"', "What the scenario finds as this secret."),
    # What is expected
    sentences.Hears: Meaning(
        "expect caller hears agent",
        'Also `hears no agent`, `hears silence`, `hears sound`, `hears "hello.flac"` and `hears exactly "golden.flac"`,'
        " which `voxrun test --update-golden` records.",
    ),
    sentences.Receives: Meaning(
        'expect agent receives "contextual_update" with { text: "late" }',
        'A message with these fields at least; `caller receives keys "15"`, `speech receives "text"`, and'
        ' `control receives "text"`: a reply with this text or more; `web receives "text"`: a request with it.',
    ),
    sentences.Fires: Meaning(
        'expect event CallEvents.ToneReceived 2 times with { tone: "5" }',
        "An event comes, with these fields at least; `no event`: it never does.",
    ),
    sentences.Notes: Meaning(
        'expect log "key 5"',
        "A line of the log has this text or more; `warning`: one of the warnings; `file`: it is written.",
    ),
    sentences.Lasts: Meaning("expect call lasts at most 10s", "How long the call is; `at least 8s`."),
    sentences.ScenarioFails: Meaning(
        'expect scenario fails with "no such agent"', "The scenario ends with this error; else it must not fail."
    ),
    sentences.Expectation: Meaning("expect caller hears agent by 9s", "What must come of it, and until when."),
    sentences.By: Meaning("expect caller hears agent by 9s", "Until then, counted from the beginning of the session."),
    sentences.Within: Meaning(
        "expect caller hears agent within 1s after caller stops",
        "So soon after each time that this happens, or after the second with `2 times`.",
    ),
    sentences.During: Meaning(
        "expect caller hears silence from 4s until 300ms after agent stops",
        "All the while; without `from` since the beginning of the call, without `until` to its end.",
    ),
    sentences.Test: Meaning(
        'test "a name" of "other.py" {}',
        "A caller and an agent that follow a script, and what is expected to come of it; without `of`, of the scenario"
        " in this file.",
    ),
}


def part_at(program: Program, offset: int) -> Node | None:
    """The smallest part of a sentence that is there."""
    found = [
        node
        for test in program.tests
        for node in all_nodes(test)
        if type(node) in MEANINGS and node.span.start <= offset <= node.span.end
    ]
    return min(found, key=lambda node: node.span.end - node.span.start, default=None)
