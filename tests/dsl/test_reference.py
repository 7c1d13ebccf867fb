"""Each example of the language reference does what the reference says."""

import re
from functools import partial
from pathlib import Path

import pytest
import trio
from tests.dsl.played import play
from tests.kit import Ran, ScriptedLeg, Setting, inline

from voxrun.localagent.server import serve_agent
from voxrun.transports.network import MemoryNetwork

REFERENCE = Path(__file__).parents[2] / "grammar" / "README.md"
NEEDS_AGENT = "<!-- needs: agent -->"
EXAMPLES = re.findall(
    r"^((?:<!--[^\n]*-->\n)?)```vox\n(.*?)```", REFERENCE.read_text("utf-8"), re.DOTALL | re.MULTILINE
)

LOGS = {
    "A scenario": [],
    "Values": ['43 calls in 5400000 ms: Good "morning" 1 nine to five closed [1, "two", [3], true, null] 0.5'],
    "Names": ['{"last": 1, "all": [1], "limit": 3}'],
    "Operators": ["Ada", "no address", "1"],
    "Branches and loops": ["Saturday: ten to four", "one", "two"],
    "Functions": ["Hello, Ada. 40", "ready"],
    "Mistakes at run time": [
        "it failed: an object has no 'nothing'; where there may be nothing, write ?.nothing",
        "never mind",
    ],
    "Events": ["session ID"],
    "Time": ["still here", "a third of a second later", *["still here"] * 4, "pressed nothing"],
    "Routes": [],
    "Tests": [],
    "In the debugger": ["ID"],
}
"""What the examples of each chapter write to the log in three seconds."""


def run(folder: Path, example: str, needs: str) -> Ran:
    """Run an example with a call."""

    async def serve(network: MemoryNetwork, nursery: trio.Nursery) -> None:
        if needs:
            pytest.importorskip("pocketsphinx", reason="needs the local-agent extra")
            await nursery.start(partial(serve_agent, offload=inline), network, "agent.test", 80)

    leg = ScriptedLeg() if "CallAlerting" in example else None
    setting = Setting(leg=leg, secrets={"ELEVENLABS_API_KEY": "k"}, background=serve, stop_after=3.0)
    return play(folder, example, setting)


def chapters() -> dict[str, list[tuple[str, str]]]:
    """The examples by chapter, each with what it needs."""
    found: dict[str, list[tuple[str, str]]] = {}
    for chapter in REFERENCE.read_text("utf-8").split("\n## ")[1:]:
        title, _, text = chapter.partition("\n")
        examples = re.findall(r"^((?:<!--[^\n]*-->\n)?)```vox\n(.*?)```", text, re.DOTALL | re.MULTILINE)
        if examples:
            found[title] = examples
    return found


def test_every_chapter_is_here() -> None:
    assert list(chapters()) == list(LOGS)
    assert sum(map(len, chapters().values())) == len(EXAMPLES) >= 13
    assert any(NEEDS_AGENT in needs for needs, _ in EXAMPLES)


@pytest.mark.parametrize("title", LOGS)
def test_the_examples_of_a_chapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    monkeypatch.chdir(tmp_path)
    logged = []
    for needs, example in chapters()[title]:
        ran = run(tmp_path, example, needs)
        assert ran.outcome.error is None
        assert ran.of_kind("warning") == []
        logged += [re.sub("[0-9a-f]{32}", "ID", line) for line in ran.logged]
    assert logged == LOGS[title]
