"""Scenarios at random: whatever is asked of units, at whatever time, each lives its life once and nothing breaks."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import HEAD, ScriptedLeg, Setting, simulate, tone

SCENARIO = """
import trio
from pathlib import Path

UNITS = {}
MAKE = {
    "player": lambda: VoxEngine.createTTSPlayer("one two three"),
    "tones": lambda: VoxEngine.createToneScriptPlayer("300@-20;1(*/0/1)", loop=True),
    "recorder": lambda: VoxEngine.createRecorder(name=str(Path(__file__).parent / "recorded.wav")),
    "conference": lambda: VoxEngine.createConference(),
}
AGAIN = {  # what led there, once more
    "Player.Stopped": "stop", "Player.PlaybackFinished": "stop", "Conference.Stopped": "stop",
    "Recorder.Stopped": "stop", "Call.Connected": "answer", "Call.Disconnected": "hangup",
}

def once_more(unit, event, method):
    unit.removeEventListener(event)
    getattr(unit, method)()

def do(what, one, other):
    first, second = UNITS.get(one), UNITS.get(other)
    if what == "make" and first is None and one in MAKE:
        UNITS[one] = MAKE[one]()
    elif what == "listen" and first is not None:
        for event, method in AGAIN.items():
            if event in tuple(vars(first.namespaces[0]).values()):
                first.addEventListener(event, lambda e, method=method: once_more(first, e.name, method))
    elif what in ("sendMediaTo", "stopMediaTo"):
        if hasattr(first, what) and hasattr(second, "inlet"):
            getattr(first, what)(second)
    elif what == "say":
        UNITS["call"].say("four five")
    elif what == "add" and "conference" in UNITS:
        UNITS["conference"].add(call=UNITS["call"])
    elif hasattr(first, what):
        getattr(first, what)()

@VoxEngine.on(AppEvents.CallAlerting)
async def alerting(event):
    UNITS["call"] = event.call
    event.call.answer()
    setTimeout(VoxEngine.terminate, 1500)
    for after, *step in STEPS:
        await trio.sleep(after)
        do(*step)
"""

ONES = ("call", "player", "tones", "recorder", "conference")
STEP = st.tuples(
    st.sampled_from([0, 0, 0.01, 0.1]),
    st.sampled_from(
        ["make"] * 4
        + ["sendMediaTo"] * 4
        + ["stopMediaTo", "listen", "say", "add", "stop", "stop", "pause", "resume", "stopPlayback", "hangup"]
    ),
    st.sampled_from(ONES),
    st.sampled_from(ONES),
)
LAST = ("Player.Stopped", "Player.PlaybackFinished", "Recorder.Stopped", "Conference.Stopped", "Call.Disconnected")


@given(st.lists(STEP, min_size=5, max_size=30))
@settings(max_examples=40)
def test_whatever_a_scenario_does_each_unit_lives_once(steps: list[tuple[float, str, str, str]]) -> None:
    leg = ScriptedLeg(says=tone(16_000, 1.0))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.py"
        path.write_text(f"{HEAD}STEPS = {steps}\n{SCENARIO}")
        ran = simulate(path, Setting(leg=leg))
    assert ran.outcome.error is None
    assert ran.seconds <= 1.6
    assert ran.records[-1]["kind"] == "end"
    assert all(before["t"] <= after["t"] for before, after in pairwise(ran.records))
    assert {len(frame) for frame in leg.heard} <= {320}
    over: set[str] = set()
    for record in ran.records:
        if record["kind"] == "event":
            # A conference that is over still says that nobody can join it.
            assert record["unit"] not in over or record["name"] == "Conference.Error", f"{record} after its end"
            over |= {record["unit"]} if record["name"] in LAST else set()
