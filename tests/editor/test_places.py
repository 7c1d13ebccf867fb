"""Hover, definition and outline: `‸` is where the editor asks."""

import pytest

from voxrun.api.surface import scenario_surface
from voxrun.editor.analysis import Analysis, analyse
from voxrun.editor.places import Hover, Symbol, define, hover, outline

TEXT = """\
require ElevenLabs
fn greet(name) { return "Hello, ${name}" }
on AppEvents.CallAlerting as { call } {
    let turns = 0
    const agent = await ElevenLabs.createAgentsClient({ xiApiKey: secret("K"), agentId: "a" })
    on call CallEvents.Disconnected as e { VoxEngine.terminate() }
    call.answer()
    turns += 1
    agent.clearMediaBuffer()
    if turns > 1 { after 5s { log greet("you") } }
}
const LAST = 1
"""


def _analysis(text: str) -> Analysis:
    found = analyse(text, scenario_surface())
    assert found is not None
    return found


def _at(marked: str) -> int:
    """The place in TEXT that `marked`, a part of it with the cursor in it, shows."""
    assert TEXT.count(marked.replace("‸", "")) == 1
    return TEXT.index(marked.replace("‸", "")) + marked.index("‸")


def _hover(marked: str, text: str = TEXT) -> Hover | None:
    return hover(_analysis(text), _at(marked))


@pytest.mark.parametrize(
    ("marked", "written", "doc"),
    [
        ("‸call.answer", "call: Call", "An incoming call"),
        ("call.ans‸wer", "answer(", "Take the call"),
        ("a‸gent.clear", "const agent: AgentsClient", "conversation"),
        ("const a‸gent", "const agent: AgentsClient", "conversation"),
        ("turn‸s > 1", "let turns", ""),
        ("tur‸ns += 1", "let turns", ""),
        ("CallEvents.Dis‸connected", "Disconnected: event Call.Disconnected", "reason"),
        ("Call‸Events.Disconnected", "CallEvents", "Events of a call"),
        ("createAgents‸Client", "createAgentsClient(", "Connect to an agent"),
        ("Eleven‸Labs.create", "ElevenLabs", ""),
        ("xiApi‸Key", "xiApiKey: text", ""),
        ("sec‸ret(", "secret(name): text or null", "secret of that name"),
        ("Vox‸Engine", "VoxEngine", "namespace"),
        ("log gre‸et", "fn greet with 1 parameter", ""),
    ],
)
def test_hover(marked: str, written: str, doc: str) -> None:
    found = _hover(marked)
    assert found is not None
    assert found.written.startswith(written)
    assert doc in found.doc


@pytest.mark.parametrize("marked", ["con‸st LAST", '"K‸"', "= ‸0", "‸+= 1"])
def test_nothing_to_say(marked: str) -> None:
    assert _hover(marked) is None


@pytest.mark.parametrize(
    ("marked", "declared"),
    [
        ("log gre‸et", "‸greet(name)"),
        ("${na‸me}", "(‸name)"),
        ("‸call.answer", "{ ‸call }"),
        ("on ca‸ll CallEvents", "{ ‸call }"),
        ("turns‸ > 1", "let ‸turns"),
        ("turn‸s += 1", "let ‸turns"),
        ("agent‸.clear", "const ‸agent"),
        ("const age‸nt", "const ‸agent"),
        ("Eleven‸Labs.create", "require ‸ElevenLabs"),
    ],
)
def test_define(marked: str, declared: str) -> None:
    span = define(_analysis(TEXT), _at(marked))
    assert span is not None
    assert span.start == _at(declared)


@pytest.mark.parametrize("marked", ["Vox‸Engine", "ans‸wer()", "sec‸ret(", "= ‸0"])
def test_what_the_scenario_does_not_declare(marked: str) -> None:
    assert define(_analysis(TEXT), _at(marked)) is None


def test_a_text_with_broken_lines() -> None:
    broken = TEXT.replace("    turns += 1", "    turns +=) ")
    assert len(broken) == len(TEXT)
    found = hover(_analysis(broken), broken.index("clearMedia"))
    assert found is not None
    assert found.written.startswith("clearMediaBuffer(")


def test_a_text_that_ends_too_early() -> None:
    early = TEXT[: TEXT.index("    turns += 1")]
    found = hover(_analysis(early), early.index("answer"))
    assert found is not None
    assert found.written.startswith("answer(")


def _names(symbols: tuple[Symbol, ...]) -> list[object]:
    return [(it.name, it.kind, *([_names(it.inner)] if it.inner else [])) for it in symbols]


def test_outline() -> None:
    assert _names(outline(_analysis(TEXT).program)) == [
        ("greet", "function"),
        (
            "on AppEvents.CallAlerting",
            "event",
            [("on call CallEvents.Disconnected", "event"), ("after 5s", "timer")],
        ),
        ("LAST", "constant"),
    ]
