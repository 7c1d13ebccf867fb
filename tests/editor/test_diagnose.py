"""What an editor is told of a text: its first mistake, or all findings, those of its tests among them."""

import pytest

from voxrun.api.surface import scenario_surface
from voxrun.dsl.nodes import Program
from voxrun.dsl.parser import parse
from voxrun.dsl.source import Source
from voxrun.editor import analysis
from voxrun.editor.analysis import analyse, diagnose


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("on AppEvents.Started { VoxEngine.terminate() }", []),
        ("on AppEvents.Started { let }", ["`}` has no meaning here"]),
        ("on AppEvents.Startd { }\nfoo()", ["AppEvents has no event `Startd`", "unknown name `foo`"]),
        ('test "a" { caller presses "x" at 1s\nexpect log "b" }', ["there is no key 'x'"]),
    ],
)
def test_findings(text: str, messages: list[str]) -> None:
    assert [it.message for it in diagnose(Source("scenario.vox", text), scenario_surface())] == messages


def test_a_text_that_has_not_changed_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(source: Source) -> Program:
        parsed.append(source.text)
        return parse(source)

    monkeypatch.setattr(analysis, "parse", counted)
    text = "on AppEvents.Started { VoxEngine.terminate() } // looked at again and again"
    diagnose(Source("scenario.vox", text), scenario_surface())
    for _ in range(3):
        assert analyse(text, scenario_surface()) is not None
    assert parsed == [text]
    diagnose(Source("scenario.vox", f"{text}."), scenario_surface())
    assert parsed == [text, f"{text}."]
