"""Scenarios read in a worker thread: what is told stays the same, and other sessions hardly notice."""

import itertools
import json
import time
from pathlib import Path
from threading import Lock

import pytest
import trio
from tests.kit import ScriptedLeg
from tests.others import Moment, undisturbed

from voxrun.api.vox import vox_language
from voxrun.audio.frame import FRAME_SECONDS, Samples
from voxrun.errors import ScenarioError
from voxrun.media.ticker import Ticker
from voxrun.session.loader import read
from voxrun.session.secrets import Secrets
from voxrun.session.services import Language, Reading, Services
from voxrun.session.session import Outcome, Session
from voxrun.session.versions import Versions
from voxrun.transports.network import MemoryNetwork

ENDS = "on AppEvents.Started { VoxEngine.terminate() }\n"
FUNCTION = """\
fn f{}(a, b) {{
    let count = 0
    for x in [1, 2, 3] {{ count += x * a }}
    if count > 3 and count < b {{ return "so many ${{count}}" }} else {{ return [a, {{ b: b }}] }}
}}
"""


def services(*, in_thread: bool, language: Language = vox_language, secrets: dict[str, str] | None = None) -> Services:
    versions = Versions(print) if in_thread else None
    return Services(secrets=Secrets(secrets or {}, {}), network=MemoryNetwork(), language=language, versions=versions)


def run(scenario: Path, given: Services) -> list[str]:
    """Its warnings, and its error."""

    async def main() -> tuple[Session, Outcome]:
        session = Session(scenario, given, Ticker())
        return session, await session.run()

    session, outcome = trio.run(main)
    records = [json.loads(line) for line in session.trace_log.lines()]
    return [*(it["message"] for it in records if it["kind"] == "warning"), str(outcome.error or "")]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.vox", "const unused = 1\n" + ENDS, ["a.vox:1:7: warning: ", ""]),
        ("a.vox", 'log secret("KEY")\n' + ENDS, ["the secret KEY is not set", ""]),
        ("a.vox", "let = 1", ["a.vox:1:5: error: "]),
        ("a.vox", "log nothing", ["a.vox:1:5: error: "]),
        ("a.vox", "const f = [1][2]\nlog f.length", ["a.vox:2:"]),
        ("a.py", "x =", ["a.py:1:"]),
        ("a.py", "from voxrun import *\nVoxEngine.terminate()", [""]),
        ("none.vox", "", ["none.vox can't be read: "]),
    ],
)
def test_what_is_told_is_the_same_as_without_a_thread(tmp_path: Path, name: str, text: str, told: list[str]) -> None:
    scenario = tmp_path / name
    if text:
        scenario.write_text(text)
    here, there = (run(scenario, services(in_thread=in_thread)) for in_thread in (False, True))
    assert here == there
    assert len(here) == len(told)
    assert all(part in whole for part, whole in zip(told, here, strict=True))


def test_a_scenario_can_be_read_before_there_is_a_session(tmp_path: Path) -> None:
    scenario = tmp_path / "a.vox"
    scenario.write_text('log secret("KEY")\n' + ENDS)
    assert callable(read(scenario, vox_language).reading)
    scenario.write_text("log nothing")
    with pytest.raises(ScenarioError, match=r"a\.vox:1:5: error: "):
        read(scenario, vox_language)


@pytest.mark.parametrize(("name", "text", "column"), [("a.py", "x =", 4), ("a.vox", "let = 1", 5)])
def test_when_the_current_folder_is_gone_a_mistake_is_told_with_the_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, column: int
) -> None:
    scenario, gone = tmp_path / name, tmp_path / "gone"
    scenario.write_text(text)
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ScenarioError) as caught:
        read(scenario, vox_language)
    assert str(caught.value).startswith(f"{scenario}:1:{column}: ")


def test_each_session_is_told_of_the_secrets_that_it_lacks(tmp_path: Path) -> None:
    scenario = tmp_path / "a.vox"
    scenario.write_text('log [secret("ONE"), secret("TWO")]\n' + ENDS)
    values = {"ONE": "first value", "TWO": "second value"}
    for lacked in ([], ["ONE"], ["TWO"], ["ONE", "TWO"], []):
        given = {name: value for name, value in values.items() if name not in lacked}
        *warnings, error = run(scenario, services(in_thread=True, secrets=given))
        assert error == ""
        assert [name for name in values if any(f"the secret {name} is not set" in it for it in warnings)] == lacked
        assert len(warnings) == len(lacked)


def test_sessions_that_begin_together_read_one_after_the_other(tmp_path: Path) -> None:
    scenario = tmp_path / "a.vox"
    scenario.write_text(ENDS)
    busy, reads = Lock(), []

    def language(path: Path, source: bytes) -> Reading:
        assert busy.acquire(blocking=False)
        time.sleep(0.01)
        busy.release()
        reads.append(path)
        return vox_language(path, source)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(Session(scenario, services(in_thread=True, language=language), Ticker()).run)

    trio.run(main)
    assert reads == 5 * [scenario]


class Listener(ScriptedLeg):
    """A caller who takes the time of each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.hears = trio.Event()

    def write(self, frame: Samples) -> None:
        """Note when it came."""
        self.times.append(time.perf_counter())
        self.hears.set()


def longest_gap(folder: Path, size: int, *, in_thread: bool) -> float:
    """In seconds, between two frames of a call while a scenario of `size` characters is read for the first time."""
    folder.mkdir(exist_ok=True)
    calm, large = folder / "calm.vox", folder / f"large-{in_thread}.vox"
    calm.write_text("on AppEvents.CallAlerting as { call } { call.answer() }")
    large.write_text("".join(FUNCTION.format(number) for number in range(size // len(FUNCTION))) + ENDS)
    listener = Listener()

    async def main() -> None:
        ticker = Ticker()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticker.run)
            nursery.start_soon(Session(calm, services(in_thread=False), ticker).run, listener)
            await listener.hears.wait()
            outcome = await Session(large, services(in_thread=in_thread), ticker).run()
            assert outcome.error is None
            await trio.sleep(0.2)
            nursery.cancel_scope.cancel()

    trio.run(main)
    return max(after - before for before, after in itertools.pairwise(listener.times))


@pytest.mark.alone
def test_a_large_scenario_holds_up_no_call(tmp_path: Path) -> None:
    in_place = longest_gap(tmp_path, 1_000_000, in_thread=False)
    began = Moment()
    in_thread = min(longest_gap(tmp_path / name, 1_000_000, in_thread=True) for name in ("a", "b", "c"))
    assert in_place > 20 * FRAME_SECONDS
    with undisturbed(began):
        assert in_thread < in_place / 5
        assert in_thread < 10 * FRAME_SECONDS  # 54 ms on a machine with nothing else to do
